import { spawn } from "node:child_process"
import { statSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { join } from "node:path"
import { Effect, Redacted, Schedule } from "effect"
import { freePort, ownFolder } from "./machine.ts"

/** Whom to run as: PgBouncer refuses to be root, and only the owner of the server's folder may pass to its socket. */
const runner = (socketFolder: string) => {
  if (process.getuid?.() !== 0) return {}
  const { gid, uid } = statSync(socketFolder)
  return { uid, gid }
}

/** PgBouncer in transaction mode with few connections before a database; the address through it. */
export const pooled = (url: Redacted.Redacted<string>) =>
  Effect.gen(function* () {
    const address = new URL(Redacted.value(url))
    const { searchParams: parameters } = address
    const folder = yield* ownFolder
    const port = yield* freePort
    const server = [
      `host=${parameters.get("host") ?? address.hostname}`,
      `port=${parameters.get("port") ?? (address.port || "5432")}`,
      `user=${parameters.get("user") ?? address.username}`,
      `password=${address.password}`
    ]
    const config = join(folder, "pgbouncer.ini")
    yield* Effect.promise(() =>
      writeFile(
        config,
        [
          "[databases]",
          `* = ${server.filter((part) => !part.endsWith("=")).join(" ")}`,
          "[pgbouncer]",
          "listen_addr = 127.0.0.1",
          `listen_port = ${port}`,
          "unix_socket_dir =",
          "auth_type = any",
          "pool_mode = transaction",
          "default_pool_size = 4",
          "max_client_conn = 200"
        ].join("\n")
      )
    )
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn("pgbouncer", ["-q", config], { ...runner(parameters.get("host") ?? "/"), cwd: "/", stdio: "ignore" })
      ),
      (child) => Effect.sync(() => child.kill("SIGINT"))
    )
    yield* Effect.async<void, string>((resume) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy()
        resume(Effect.void)
      })
      socket.on("error", () => resume(Effect.fail(`PgBouncer does not answer (${child.exitCode})`)))
    }).pipe(Effect.retry(Schedule.intersect(Schedule.spaced("50 millis"), Schedule.recurs(100))), Effect.orDie)
    return `postgres://agent_install@127.0.0.1:${port}${address.pathname}?pgbouncer=true`
  })
