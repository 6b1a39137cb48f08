import { type ChildProcess, spawn } from "node:child_process"
import { createHmac, randomBytes } from "node:crypto"
import { readFile } from "node:fs/promises"
import { connect, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { format } from "node:util"
import { ConfigProvider, Effect, Redacted, Schedule } from "effect"
import type pg from "pg"
import { commandLine, exitCode } from "../../src/cli/CommandLine.ts"
import { asking } from "../http/server.ts"
import { freePort } from "../machine.ts"

/** The built program, as it is installed. */
const main = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url))

/** The template that comes with the program. */
export const bundled = fileURLToPath(new URL("../../templates/personal-finance", import.meta.url))

export const secret = "a secret of at least thirty-two characters"

const exited = (child: ChildProcess) =>
  Effect.async<number | string>((resume) => {
    const done = () => resume(Effect.succeed(child.exitCode ?? child.signalCode ?? "unknown"))
    if (child.exitCode !== null || child.signalCode !== null) return done()
    child.once("exit", done)
  })

const environment = (given: Readonly<Record<string, string>>) => ({
  PATH: process.env.PATH,
  HOME: "/nonexistent",
  ...given
})

/** Runs the program to its end, as a process; interrupted, it is killed. `isRead`: whether somebody reads what it prints. */
export const execute = (
  args: ReadonlyArray<string>,
  given: Readonly<Record<string, string>> = {},
  { isRead = true }: { readonly isRead?: boolean } = {}
) =>
  Effect.gen(function* () {
    const child = spawn(process.execPath, [main, ...args], { env: environment(given) })
    if (!isRead) child.stdout.destroy()
    let [out, err] = ["", ""]
    child.stdout.on("data", (chunk) => {
      out += chunk
    })
    child.stderr.on("data", (chunk) => {
      err += chunk
    })
    const killed = Effect.suspend(() => {
      child.kill("SIGKILL")
      return exited(child)
    })
    const code = yield* Effect.onInterrupt(exited(child), () => killed)
    return { code, out, err }
  })

/** Runs a command to its end as the program does, in this process: it takes no second to load. */
export const run = (args: ReadonlyArray<string>, given: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    let [out, err] = ["", ""]
    const log = (...said: ReadonlyArray<unknown>) => {
      out += `${format(...said)}\n`
    }
    const error = (...said: ReadonlyArray<unknown>) => {
      err += `${format(...said)}\n`
    }
    const exit = yield* Effect.consoleWith((console) =>
      commandLine([process.execPath, "agent-install", ...args]).pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(given)))),
        Effect.withConsole({
          ...console,
          log: (...said) => Effect.sync(() => log(...said)),
          error: (...said) => Effect.sync(() => error(...said)),
          unsafe: { ...console.unsafe, log, error }
        }),
        Effect.exit
      )
    )
    return { code: exitCode(exit), out, err }
  })

/** A served program on a port of its own, ended with the scope. */
export const serve = (given: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const port = yield* freePort
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [main, "serve"], {
          env: environment({ PORT: String(port), AUTH_ATTEMPTS_PER_MINUTE: "1000", ...given }),
          stdio: ["ignore", "pipe", "pipe"]
        })
      ),
      (child) => {
        child.kill("SIGTERM")
        return Effect.timeoutOption(exited(child), "20 seconds")
      }
    )
    let log = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        log += chunk
      })
    }
    const ask = asking(port)
    const ready = Effect.suspend(() =>
      child.exitCode === null ? ask("/health/ready") : Effect.dieMessage(`it ended:\n${log}`)
    ).pipe(
      Effect.catchAllDefect((defect) => (child.exitCode === null ? Effect.fail("not yet") : Effect.die(defect))),
      Effect.filterOrFail(
        ({ status }) => status === 200,
        () => "not yet"
      ),
      Effect.retry(Schedule.spaced("50 millis")),
      Effect.timeoutFail({ duration: "90 seconds", onTimeout: () => `never ready:\n${log}` }),
      Effect.orDie
    )
    return { child, ask, ready, log: () => log, exited: exited(child), origin: `http://127.0.0.1:${port}` }
  })

/** Where the embedded Postgres of a DATA_DIR answers. */
export const embeddedUrl = (dataDir: string) =>
  `postgresql:///agent_install?host=${encodeURIComponent(join(dataDir, "pg"))}&user=agent_install`

export const postmasterPid = (dataDir: string) =>
  Effect.promise(async () => Number((await readFile(join(dataDir, "pg", "postmaster.pid"), "utf8")).split("\n")[0]))

const signed = (token: string) => `Bearer ${token}.${createHmac("sha256", secret).update(token).digest("base64")}`

/** A bearer token whose signature is right, of a session that never was: only the database can tell. */
export const forgedToken = () => signed(randomBytes(24).toString("base64url"))

/** The database behind a line on this machine that can be cut, and mended. */
export const proxyTo = (url: Redacted.Redacted<string>) =>
  Effect.gen(function* () {
    const address = new URL(Redacted.value(url))
    const path = join(address.searchParams.get("host") ?? "", ".s.PGSQL.5432")
    const sockets = new Set<Socket>()
    const port = yield* freePort
    const server = createServer((near) => {
      const far = connect(path)
      for (const [one, other] of [
        [near, far],
        [far, near]
      ] as const) {
        sockets.add(one)
        one.on("error", () => other.destroy())
        one.on("close", () => other.destroy())
        one.pipe(other)
      }
    })
    const mend = Effect.async<void>((resume) => {
      server.listen(port, "127.0.0.1", () => resume(Effect.void))
    })
    const cut = Effect.async<void>((resume) => {
      server.close(() => resume(Effect.void))
      for (const socket of sockets) socket.destroy()
      sockets.clear()
    })
    yield* Effect.acquireRelease(mend, () => cut)
    return { url: `postgres://agent_install@127.0.0.1:${port}${address.pathname}`, cut, mend }
  })

/**
 * Gives an account a session without the cost of a password, as better-auth would: the token in the table, and signed
 * with the secret in the header.
 */
export const signedIn = (client: pg.Client, userId: string) =>
  Effect.promise(async () => {
    const token = randomBytes(24).toString("base64url")
    await client.query(
      `INSERT INTO session (id, "expiresAt", token, "updatedAt", "userId") VALUES ($1, now() + interval '1 day', $1, now(), $2)`,
      [token, userId]
    )
    return signed(token)
  })
