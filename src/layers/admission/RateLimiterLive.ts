import { SqlClient, SqlSchema } from "@effect/sql"
import { Clock, Duration, Effect, Layer, Metric, Schema } from "effect"
import { spend } from "../../domain/admission/Budget.ts"
import { RateLimitExceeded } from "../../domain/Errors.ts"
import { type RateLimit, RateLimiter, type RateLimits } from "../../services/admission/RateLimiter.ts"
import { limiterRefusals } from "../../services/runtime/Metrics.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { batched } from "../postgres/Batched.ts"
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

const Spent = Schema.Struct({ allowed: Schema.Boolean, used: Schema.Int, resetMillis: Schema.Number })

interface Try extends RateLimit {
  readonly key: string
}

const make = (limits: RateLimits) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    // The caller need not wait for the disk: a server that crashes forgets the tries of its last half second at most.
    const unhurried = sql.literal("set_config('synchronous_commit', 'off', true) IS NOT NULL")

    // The database's clock, read while the row is locked, so that tries count in the order in which they are decided. In the
    // order of the keys, so that statements which spend several never wait for each other.
    const spendShared = SqlSchema.findAll({
      Request: Schema.Struct({
        keys: Schema.Array(Schema.String),
        limits: Schema.Array(Schema.Int),
        seconds: Schema.Array(Schema.Number)
      }),
      Result: Schema.Struct({ key: Schema.String, ...Spent.fields }),
      execute: ({ keys, limits, seconds }) => sql`
        WITH asked AS MATERIALIZED (
          SELECT key, budget, make_interval(secs => seconds) AS span
          FROM unnest(${keys}::text[], ${limits}::integer[], ${seconds}::double precision[]) AS asked (key, budget, seconds)
        ), spent AS (
          INSERT INTO rate_limits AS log (key, hits, allowed, expires_at)
          SELECT key, ARRAY[clock_timestamp()], true, clock_timestamp() + span FROM asked WHERE ${unhurried} ORDER BY key
          ON CONFLICT (key) DO UPDATE SET (hits, allowed, expires_at) = (
            SELECT
              CASE WHEN cardinality(recent.hits) < budget THEN recent.hits || recent.now ELSE recent.hits END,
              cardinality(recent.hits) < budget,
              recent.now + span
            FROM (
              SELECT clock.now, asked.budget, asked.span, ARRAY(
                SELECT hit FROM unnest(log.hits) AS hit WHERE hit > clock.now - asked.span ORDER BY hit
              ) AS hits
              FROM (SELECT clock_timestamp() AS now OFFSET 0) AS clock, asked
              WHERE asked.key = excluded.key
            ) AS recent
          )
          RETURNING key, allowed, hits
        )
        SELECT key, allowed, cardinality(hits) AS used, (1000 * extract(epoch FROM
          hits[greatest(1, cardinality(hits) - budget + 1)] + span - clock_timestamp()
        ))::double precision AS reset_millis
        FROM spent JOIN asked USING (key)
      `
    })
    const spendTogether = batched(
      (tries: ReadonlyArray<Try>) =>
        Effect.map(
          spendShared({
            keys: tries.map(({ key }) => key),
            limits: tries.map(({ limit }) => limit),
            seconds: tries.map(({ window }) => Duration.toSeconds(window))
          }),
          (spent) => {
            const byKey = new Map(spent.map((one) => [one.key, one]))
            return tries.flatMap(({ key }) => byKey.get(key) ?? [])
          }
        ),
      { keyOf: ({ key }) => key }
    )

    const unspend = SqlSchema.void({
      Request: Schema.String,
      execute: (key) => sql`
        UPDATE rate_limits SET hits = hits[1:cardinality(hits) - 1] WHERE key = ${key} AND cardinality(hits) > 0 AND ${unhurried}
      `
    })

    const here = yield* makeLog
    const takeShared = (key: string, { limit, window }: RateLimit) =>
      outsideTransaction(Effect.orDie(spendTogether({ key, limit, window })))

    return RateLimiter.of({
      take: traced("RateLimiter.take")(function* (policy, key) {
        const { limit, window } = limits[policy]
        const take = policy === "read" ? here.take : takeShared
        const spent = yield* take(`${policy}:${key}`, limits[policy])
        const resetAfter = Duration.millis(Math.max(0, spent.resetMillis))
        if (!spent.allowed) yield* Metric.increment(Metric.tagged(limiterRefusals, "policy", policy))
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
 * Budgets as sliding logs in Postgres: one row for each key, one statement for the tries of a moment, outside any other
 * transaction.
 * Reads are counted in each process.
 */
export const RateLimiterLive = (limits: RateLimits) => Layer.effect(RateLimiter, make(limits))
