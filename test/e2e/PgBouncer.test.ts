import { spawn } from "node:child_process"
import { statSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schedule } from "effect"
import { migrations } from "../../migrations/index.ts"
import { ownDatabase } from "../pg.ts"
import { lacks } from "../programs.ts"
import { bundled, freePort, ownFolder, run, secret, serve } from "./processes.ts"

/** Whom to run as: PgBouncer refuses to be root, and only the owner of the server's folder may pass to its socket. */
const runner = (socketFolder: string) => {
  if (process.getuid?.() !== 0) return {}
  const { gid, uid } = statSync(socketFolder)
  return { uid, gid }
}

/** PgBouncer in transaction mode with few connections before a database; the address through it. */
const pooled = (url: Redacted.Redacted<string>) =>
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

describe.skipIf(lacks("pgbouncer"))("behind PgBouncer in transaction mode", () => {
  it.scopedLive(
    "migrates, publishes, signs up, limits and installs, by several processes at once",
    () =>
      Effect.gen(function* () {
        const given = {
          DATABASE_URL: yield* pooled(yield* ownDatabase("template0")),
          AUTH_SECRET: secret,
          WORKERS: "2"
        }
        const migrated = yield* run(["migrate", "--json"], given)
        assert.strictEqual(migrated.code, 0, migrated.err)
        assert.deepStrictEqual(JSON.parse(migrated.out).applied, Object.keys(migrations))
        // Without the switch a statement prepared by one is met by the next, which is told of the switch.
        const unaware = { ...given, DATABASE_URL: given.DATABASE_URL.replace("?pgbouncer=true", "") }
        const lists = yield* Effect.all([run(["migrate"], unaware), run(["migrate"], unaware)])
        assert.match(
          lists.map(({ err }) => err).join(""),
          /behind a pooler .*: add pgbouncer=true to the parameters of DATABASE_URL\n/
        )

        const published = yield* run(["template", "publish", bundled], given)
        assert.strictEqual(published.code, 0, published.err)

        const { ask, child, exited, ready } = yield* serve(given)
        yield* ready
        const people = yield* Effect.forEach(
          Array.from({ length: 12 }, (_, at) => at),
          (at) =>
            ask("/api/auth/sign-up/email", {
              body: { name: "One Name", email: `pooled-${at}@example.org`, password: "a long password" }
            }),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual([...new Set(people.map(({ status }) => status))], [200])
        const bearers = people.map(({ headers }) => `Bearer ${headers["set-auth-token"]}`)
        const install = (authorization: string) =>
          ask("/api/install", { headers: { authorization }, body: { slug: "personal-finance" } })

        // Each of them several times, all at once: each ends with one agent, however the connections changed hands.
        const installs = yield* Effect.forEach(
          bearers.flatMap((bearer) => [bearer, bearer, bearer]),
          (bearer) => Effect.map(install(bearer), (answer) => ({ bearer, ...answer })),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual([...new Set(installs.map(({ status }) => status))], [200])
        for (const bearer of bearers) {
          const mine = installs.filter((answer) => answer.bearer === bearer)
          assert.strictEqual(new Set(mine.map(({ body }) => body.agentId)).size, 1)
          assert.strictEqual(mine.filter(({ body }) => body.created).length, 1)
        }
        const [first = ""] = bearers
        const tries = yield* Effect.forEach(Array.from({ length: 30 }), () => install(first), {
          concurrency: "unbounded"
        })
        assert.strictEqual(tries.filter(({ status }) => status === 200).length, 17)
        assert.strictEqual(tries.filter(({ status }) => status === 429).length, 13)
        assert.strictEqual((yield* run(["doctor"], { ...given, PORT: "1" })).out.match(/^WRONG \| (?!port)/gm), null)
        child.kill("SIGTERM")
        assert.strictEqual(yield* exited, 0)
      }),
    { timeout: 180_000 }
  )
})
