import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { migrations } from "../../migrations/index.ts"
import { administrator, ownDatabase } from "../pg.ts"
import { pooled } from "../pgbouncer.ts"
import { lacks } from "../programs.ts"
import { bundled, execute, run, secret, serve } from "./processes.ts"

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
        const lists = yield* Effect.all([execute(["migrate"], unaware), execute(["migrate"], unaware)])
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
        const doctor = run(["doctor"], { ...given, PORT: "1" })
        assert.strictEqual((yield* doctor).out.match(/^WRONG \| (?!port)/gm), null)
        // What the pooler's connections need, the role has for this database; where somebody took it away, that is found.
        const database = new URL(given.DATABASE_URL).pathname.slice(1)
        yield* administrator(`ALTER ROLE agent_install IN DATABASE ${database} RESET jit`)
        assert.match((yield* doctor).out, /^WRONG +\| settings +\| the role lacks jit in this database/m)
        child.kill("SIGTERM")
        assert.strictEqual(yield* exited, 0)
      }),
    { timeout: 300_000 }
  )
})
