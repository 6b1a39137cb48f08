import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, TestClock } from "effect"
import { RateLimiterLive } from "../../src/layers/RateLimiterLive.ts"
import { RateLimiter } from "../../src/services/RateLimiter.ts"
import { PgTest } from "../pg.ts"

const budget = { limit: 3, window: Duration.seconds(30) }
const limits = {
  install: budget,
  change: budget,
  read: budget,
  auth: budget,
  password: budget,
  account: budget,
  sender: budget
}

layer(PgTest, { timeout: "60 seconds" })("RateLimiterLive", (it) => {
  it.scoped(
    "clears away the rows whose window has passed, and only those, a minute after the start and each hour",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const limiter = yield* Layer.build(RateLimiterLive(limits)).pipe(
          Effect.flatMap((context) => Effect.provide(RateLimiter, context))
        )
        const keys = Effect.map(sql`SELECT key FROM rate_limits ORDER BY key`, (rows) => rows.map(({ key }) => key))
        const expire = sql`UPDATE rate_limits SET expires_at = now() - interval '1 second' WHERE key LIKE '%gone'`
        const until = (expected: ReadonlyArray<string>) =>
          Effect.gen(function* () {
            for (let tries = 0; tries < 100; tries++) {
              if ((yield* keys).join() === expected.join()) break
              yield* Effect.sleep("20 millis")
            }
            assert.deepStrictEqual(yield* keys, [...expected])
          }).pipe(Effect.withClock(Clock.make()))
        for (const wait of ["1 minute", "1 hour"] as const) {
          yield* limiter.take("install", "stays")
          yield* limiter.take("install", "gone")
          yield* expire
          assert.deepStrictEqual(yield* keys, ["install:gone", "install:stays"])
          yield* TestClock.adjust(wait)
          yield* until(["install:stays"])
        }
      })
  )
})
