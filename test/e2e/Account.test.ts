import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, Schedule } from "effect"
import pg from "pg"
import { ownDatabase } from "../pg.ts"
import { secret, serve } from "./processes.ts"

const password = "a long password"

describe("the deletion of an account", () => {
  it.scopedLive(
    "leaves all of it where the process is killed on the way, and goes through when asked again",
    () =>
      Effect.gen(function* () {
        const url = Redacted.value(yield* ownDatabase())
        const given = { DATABASE_URL: url, AUTH_SECRET: secret, PUBLISH: "templates/personal-finance" }
        const connected = Effect.acquireRelease(
          Effect.promise(async () => {
            const client = new pg.Client({ connectionString: url })
            await client.connect()
            return client
          }),
          (client) => Effect.promise(() => client.end())
        )
        const client = yield* connected
        const query = (text: string) => Effect.promise(async () => (await client.query(text)).rows)
        // A transaction sees who does what as it was when it first looked.
        const holder = yield* connected
        const hold = (text: string) => Effect.promise(() => holder.query(text))

        const first = yield* serve(given)
        yield* first.ready
        const up = yield* first.ask("/api/auth/sign-up/email", {
          body: { name: "Ada Lovelace", email: "ada@example.org", password }
        })
        const headers = { authorization: `Bearer ${up.headers["set-auth-token"]}` }
        assert.strictEqual(
          (yield* first.ask("/api/install", { headers, body: { slug: "personal-finance" } })).status,
          200
        )
        const kept = query(`
          SELECT (SELECT count(*) FROM organization WHERE visibility = 'private') AS organizations,
            (SELECT count(*) FROM entity_types t JOIN organization o ON o.id = t.organization_id AND o.visibility = 'private')
              AS types,
            (SELECT count(*) FROM "user") AS users, (SELECT count(*) FROM session) AS sessions
        `)
        const before = yield* kept

        // The deletion waits here, after the organization and before the account.
        yield* hold("BEGIN")
        yield* hold("LOCK TABLE verification IN SHARE MODE")
        const cutOff = yield* Effect.fork(
          Effect.exit(first.ask("/api/account/delete", { headers, body: { password } }))
        )
        yield* query(
          `SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%DELETE FROM verification%'`
        ).pipe(
          Effect.filterOrFail((rows) => rows.length > 0),
          Effect.retry(Schedule.spaced("20 millis")),
          Effect.timeout("30 seconds")
        )
        first.child.kill("SIGKILL")
        yield* first.exited
        yield* hold("ROLLBACK")
        yield* Fiber.join(cutOff)
        // Postgres finds out that nobody is there any more.
        yield* query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL`
        ).pipe(
          Effect.filterOrFail((rows) => rows.length === 0),
          Effect.retry(Schedule.spaced("20 millis")),
          Effect.timeout("30 seconds")
        )
        const left = yield* kept
        const nothing = [{ organizations: "0", types: "0", users: "0", sessions: "0" }]
        assert.include([JSON.stringify(before), JSON.stringify(nothing)], JSON.stringify(left))

        const second = yield* serve(given)
        yield* second.ready
        const again = yield* second.ask("/api/account/delete", { headers, body: { password } })
        assert.include([204, 401], again.status)
        assert.deepStrictEqual(yield* kept, nothing)
      }),
    180_000
  )
})
