import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import { rename, stat } from "node:fs/promises"
import path from "node:path"
import { Effect } from "effect"
import type { ClusterPaths, Tools } from "./Cluster.ts"
import { fromCause } from "./EmbeddedPostgresError.ts"
import { attempt } from "./Files.ts"
import { type Ended, type Launched, launch } from "./Process.ts"
import { folderSeenBy } from "./Runner.ts"
import { port } from "./Socket.ts"

/** A postmaster that this process started. */
export interface Server {
  readonly pid: number | undefined
  readonly exited: Effect.Effect<Ended>
  /** How it ended, once it has. */
  readonly ended: () => Ended | undefined
  /** What it wrote to the log: its last error, or its last line. */
  readonly complaint: Effect.Effect<string | undefined>
}

/** Starts a postmaster that ends with the scope, and with this process however that ends. */
export const start = (place: ClusterPaths, tools: Tools) =>
  Effect.gen(function* () {
    const log = yield* openLog(place.log)
    const { child, ended } = yield* Effect.acquireRelease(spawnServer(place, tools, log.fd), stop)
    let end: Ended | undefined
    ended.then((how) => {
      end = how
    })
    return {
      pid: child.pid,
      exited: Effect.promise(() => ended),
      ended: () => end,
      complaint: complaintOf(log, child.pid)
    } satisfies Server
  })

const spawnServer = Effect.fnUntraced(function* (place: ClusterPaths, tools: Tools, log: number) {
  const { bin, runner } = tools
  const folder = folderSeenBy(runner, place.cluster)
  const socketDir = place.socketDir === place.cluster ? folder.path : place.socketDir
  const settings = {
    ...place.settings,
    listen_addresses: "",
    unix_socket_permissions: "0700",
    log_line_prefix: "%m [%p] ",
    // Without the values of a row that breaks a constraint: they may be somebody's number or address.
    log_error_verbosity: "terse"
  }
  const server = yield* launch(
    path.join(bin, "postgres"),
    [
      ...["-D", folder.path, "-k", socketDir, "-p", String(port)],
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    ],
    // A session of its own: Ctrl-C in the terminal must not reach it before the service has drained.
    { ...runner.as, cwd: folder.cwd, detached: true, stdio: ["ignore", log, log] }
  )
  server.child.unref()
  if (server.child.pid !== undefined) yield* watch(server, tools)
  return server
})

/**
 * A shell that reads from a pipe which only this process holds: however this process ends, the shell then stops the
 * server.
 */
const watch = (server: Launched, tools: Tools) =>
  launch("/bin/sh", ["-c", 'read _; kill -INT "$1"', "pg-watch", String(server.child.pid)], {
    ...tools.runner.as,
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"]
  }).pipe(
    Effect.tap(({ child }) => {
      child.unref()
      // In node a pipe is a socket, but its type hides `unref`.
      if (child.stdin !== null && "unref" in child.stdin && typeof child.stdin.unref === "function") child.stdin.unref()
      server.ended.then(() => child.kill("SIGKILL"))
      return Effect.void
    })
  )

/** Fast, then immediate shutdown, then none: https://www.postgresql.org/docs/18/server-shutdown.html */
const stop = ({ child, ended }: Launched) =>
  Effect.gen(function* () {
    for (const [signal, timeout] of [
      ["SIGINT", "15 seconds"],
      ["SIGQUIT", "5 seconds"],
      ["SIGKILL", "5 seconds"]
    ] as const) {
      child.kill(signal)
      const end = yield* Effect.promise(() => ended).pipe(Effect.interruptible, Effect.timeoutOption(timeout))
      if (end._tag === "Some") return
    }
  })

interface Log {
  readonly fd: number
  readonly from: number
}

const rotateAt = 20 * 1024 * 1024

const openLog = (file: string) =>
  Effect.gen(function* () {
    yield* Effect.ignore(
      attempt(async () => {
        if ((await stat(file)).size > rotateAt) await rename(file, `${file}.1`)
      })
    )
    return yield* Effect.acquireRelease(
      Effect.try({
        try: (): Log => {
          const fd = openSync(file, "a+", 0o600)
          return { fd, from: fstatSync(fd).size }
        },
        catch: fromCause
      }),
      ({ fd }) => Effect.sync(() => closeSync(fd))
    )
  })

/** Several starters may share the log, so only the lines with this process id are ours. */
const complaintOf = (log: Log, pid: number | undefined) =>
  Effect.sync(() => {
    const bytes = Buffer.alloc(Math.min(fstatSync(log.fd).size - log.from, 64 * 1024))
    readSync(log.fd, bytes, 0, bytes.length, log.from)
    const lines = bytes.toString("utf8").split("\n")
    const mine = lines.filter((line) => line.includes(`[${pid}]`))
    const fatal = mine.findLast((line) => /(FATAL|PANIC): /.test(line))
    const last = fatal ?? mine.at(-1) ?? lines.findLast((line) => line !== "" && !/ \[\d+\] /.test(line))
    return last?.replace(/^.*?\[\d+\] (FATAL|PANIC|LOG): +/, "")
  })
