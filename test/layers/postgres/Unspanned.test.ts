import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Tracer } from "effect"
import { PgTest } from "../../pg.ts"

/** What an effect answers, the spans that it makes, and how many steps it takes. */
const observed = <A, E, R>(effect: Effect.Effect<A, E, R>, isTraced: boolean) =>
  Effect.gen(function* () {
    const its = yield* Effect.tracer
    const spans: Array<string> = []
    let steps = 0
    const tracer = Tracer.make({
      context: (run, fiber) => {
        steps++
        return its.context(run, fiber)
      },
      span: (name, ...rest) => {
        spans.push(name)
        return its.span(name, ...rest)
      }
    })
    const answer = yield* effect.pipe(Effect.withTracer(tracer), Effect.withTracerEnabled(isTraced))
    return { answer, spans, steps }
  })

layer(PgTest, { timeout: "60 seconds" })("a statement", (it) => {
  it.effect("has a span where a tracer is enabled, and takes less than half the steps where none is", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      for (const make of [() => sql`SELECT ${1}::integer AS in_one`, () => sql.unsafe("SELECT 1 AS in_one", [])]) {
        const traced = yield* observed(make(), true)
        const plain = yield* observed(make(), false)
        assert.deepStrictEqual([traced.answer, traced.spans], [[{ inOne: 1 }], ["sql.execute"]])
        assert.deepStrictEqual([plain.answer, plain.spans], [[{ inOne: 1 }], []])
        assert.isBelow(plain.steps, traced.steps / 2)
      }
    })
  )

  it.effect("may be part of another, and have names and lists", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const rows = sql`SELECT ${2}::integer AS a UNION SELECT 3`
      const counted = sql`SELECT count(*)::integer AS all_of FROM (${rows}) AS ${sql("named")} WHERE ${sql.in("a", [3, 4])}`
      assert.deepStrictEqual((yield* observed(counted, false)).answer, [{ allOf: 1 }])
    })
  )

  it.effect("sees what its transaction has done, and fails as others do", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const inside = Effect.gen(function* () {
        yield* sql`CREATE TEMPORARY TABLE seen (n integer) ON COMMIT DROP`
        yield* sql`INSERT INTO seen VALUES (${7})`
        return yield* sql`SELECT n FROM seen`
      })
      assert.deepStrictEqual((yield* observed(sql.withTransaction(inside), false)).answer, [{ n: 7 }])
      const failed = yield* observed(Effect.flip(sql`SELECT n FROM seen`), false)
      assert.strictEqual(failed.answer._tag, "SqlError")
    })
  )

  it.effect("ends in the database when who asked is interrupted", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const asleep = sql`SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'`
      const fiber = yield* Effect.fork(observed(sql`SELECT pg_sleep(${600})`, false))
      yield* Effect.repeat(asleep, { until: (rows) => rows.length === 1 })
      yield* Fiber.interrupt(fiber)
      yield* Effect.repeat(asleep, { until: (rows) => rows.length === 0 })
    })
  )
})
