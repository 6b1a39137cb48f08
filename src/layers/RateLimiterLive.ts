import { SqlClient, SqlSchema } from "@effect/sql"
import { Duration, Effect, Layer, Metric, Schema } from "effect"
import { RateLimitExceeded } from "../domain/Errors.ts"
import { limiterRefusals } from "../services/Measures.ts"
import { RateLimiter, type RateLimits } from "../services/RateLimiter.ts"

const make = (limits: RateLimits) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    // The database's clock, read once the row is held: so tries count in the order in which they are judged.
    const spend = SqlSchema.single({
      Request: Schema.Struct({ key: Schema.String, limit: Schema.Int, seconds: Schema.Number }),
      Result: Schema.Struct({ allowed: Schema.Boolean, used: Schema.Int, resetMillis: Schema.Number }),
      execute: ({ key, limit, seconds }) => sql`
        INSERT INTO rate_limits AS log (key, hits, allowed, expires_at)
        VALUES (${key}, ARRAY[clock_timestamp()], true, clock_timestamp() + make_interval(secs => ${seconds}))
        ON CONFLICT (key) DO UPDATE SET (hits, allowed, expires_at) = (
          SELECT
            CASE WHEN cardinality(recent.hits) < ${limit} THEN recent.hits || recent.now ELSE recent.hits END,
            cardinality(recent.hits) < ${limit},
            recent.now + make_interval(secs => ${seconds})
          FROM (
            SELECT clock.now, ARRAY(
              SELECT hit FROM unnest(log.hits) AS hit WHERE hit > clock.now - make_interval(secs => ${seconds}) ORDER BY hit
            ) AS hits
            FROM (SELECT clock_timestamp() AS now OFFSET 0) AS clock
          ) AS recent
        )
        RETURNING allowed, cardinality(hits) AS used, (1000 * extract(epoch FROM
          hits[greatest(1, cardinality(hits) - ${limit} + 1)] + make_interval(secs => ${seconds}) - clock_timestamp()
        ))::double precision AS reset_millis
      `
    })

    return RateLimiter.of({
      take: Effect.fn("RateLimiter.take")(function* (policy, key) {
        const { limit, window } = limits[policy]
        const spent = yield* spend({ key: `${policy}:${key}`, limit, seconds: Duration.toSeconds(window) }).pipe(
          Effect.orDie
        )
        const resetAfter = Duration.millis(Math.max(0, spent.resetMillis))
        if (!spent.allowed) yield* Metric.increment(Metric.tagged(limiterRefusals, "policy", policy))
        if (!spent.allowed) return yield* new RateLimitExceeded({ policy, limit, window, retryAfter: resetAfter })
        return { policy, limit, window, remaining: Math.max(0, limit - spent.used), resetAfter }
      })
    })
  })

/** Budgets as sliding logs in Postgres, one row a key and one statement a try, outside any other transaction. */
export const RateLimiterLive = (limits: RateLimits) => Layer.effect(RateLimiter, make(limits))
