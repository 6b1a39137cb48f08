import { SqlClient, SqlSchema } from "@effect/sql"
import { Clock, Duration, Effect, Layer, Schema } from "effect"
import { spend } from "../../domain/admission/Budget.ts"
import { RateLimitExceeded } from "../../domain/Errors.ts"
import { type RateLimit, RateLimiter, type RateLimits } from "../../services/admission/RateLimiter.ts"
import { limiterRefusals, updateLabelled } from "../../services/runtime/Metrics.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { outsideTransaction } from "../postgres/Database.ts"

/**
 * Budgets as sliding logs of this process, for requests whose limit protects the process itself and would cost the
 * database more than the requests do. Keys are in the order of their last try, so that expired ones are removed first.
 */
const makeLog = Effect.sync(() => {
  const logs = new Map<string, { readonly hits: ReadonlyArray<number>; readonly until: number }>()
  return {
    take: (key: string, { limit, window }: RateLimit) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        for (const [other, { until }] of logs) {
          if (until > now) break
          logs.delete(other)
        }
        const { allowed, hits, resetAfter } = spend(logs.get(key)?.hits ?? [], now, limit, Duration.toMillis(window))
        logs.delete(key)
        logs.set(key, { hits, until: now + Duration.toMillis(window) })
        return { allowed, used: hits.length, resetMillis: resetAfter }
      }),
    giveBack: (key: string) =>
      Effect.sync(() => {
        const log = logs.get(key)
        if (log !== undefined) logs.set(key, { ...log, hits: log.hits.slice(0, -1) })
      })
  }
})

const make = (limits: RateLimits) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    // The caller need not wait for the disk: a server that crashes forgets the tries of its last half second at most.
    const unhurried = sql.literal("set_config('synchronous_commit', 'off', true) IS NOT NULL")

    // The database's clock, read while the row is locked, so that tries count in the order in which they are decided.
    const spendShared = SqlSchema.single({
      Request: Schema.Struct({ key: Schema.String, limit: Schema.Int, seconds: Schema.Number }),
      Result: Schema.Struct({ allowed: Schema.Boolean, used: Schema.Int, resetMillis: Schema.Number }),
      execute: ({ key, limit, seconds }) => sql`
        INSERT INTO rate_limits AS log (key, hits, allowed, expires_at)
        SELECT ${key}, ARRAY[clock_timestamp()], true, clock_timestamp() + make_interval(secs => ${seconds})
        WHERE ${unhurried}
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

    const unspend = SqlSchema.void({
      Request: Schema.String,
      execute: (key) => sql`
        UPDATE rate_limits SET hits = hits[1:cardinality(hits) - 1] WHERE key = ${key} AND cardinality(hits) > 0 AND ${unhurried}
      `
    })

    const here = yield* makeLog
    const takeShared = (key: string, { limit, window }: RateLimit) =>
      outsideTransaction(Effect.orDie(spendShared({ key, limit, seconds: Duration.toSeconds(window) })))

    return RateLimiter.of({
      take: traced("RateLimiter.take")(function* (policy, key) {
        const { limit, window } = limits[policy]
        const take = policy === "read" ? here.take : takeShared
        const spent = yield* take(`${policy}:${key}`, limits[policy])
        const resetAfter = Duration.millis(Math.max(0, spent.resetMillis))
        if (!spent.allowed) yield* updateLabelled(limiterRefusals, 1, { policy })
        if (!spent.allowed) return yield* new RateLimitExceeded({ policy, limit, window, retryAfter: resetAfter })
        return { policy, limit, window, remaining: Math.max(0, limit - spent.used), resetAfter }
      }),
      giveBack: traced("RateLimiter.giveBack")((policy, key) => {
        const name = `${policy}:${key}`
        return policy === "read" ? here.giveBack(name) : outsideTransaction(Effect.orDie(unspend(name)))
      })
    })
  })

/**
 * Budgets as sliding logs in Postgres: one row for each key, one statement for each try, outside any other transaction.
 * Reads are counted in each process.
 */
export const RateLimiterLive = (limits: RateLimits) => Layer.effect(RateLimiter, make(limits))
