import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted, Schedule } from "effect"
import { ServicesLive } from "../../../src/layers/AppLive.ts"
import { PgPool } from "../../../src/layers/postgres/Database.ts"
import { RolloutRunnerLive } from "../../../src/layers/rollout/RolloutRunnerLive.ts"
import { beginningOf, sweepStatement, sweptTables } from "../../../src/layers/runtime/SweepLive.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { Rollouts } from "../../../src/services/rollout/Rollouts.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { ownerNamed } from "../../people.ts"
import { databaseUrl, PgTest } from "../../pg.ts"
import { appOptions } from "../../worlds.ts"

const Live = ServicesLive(appOptions).pipe(Layer.provideMerge(PgTest), Layer.orDie)
const days = Duration.days(1)
const swept = sweptTables({ history: days, closedLinks: days, events: days }).flatMap((one, place) =>
  one.table.startsWith("cluster_") ? [{ one, place }] : []
)

/** Asks again until the answer is such. */
const eventually = <A, E>(ask: Effect.Effect<A, E>, isSo: (answer: A) => boolean) =>
  ask.pipe(
    Effect.filterOrFail(isSo, () => "not yet" as const),
    Effect.retry({ schedule: Schedule.spaced("50 millis"), while: (error) => error === "not yet" })
  )

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("what the engine keeps of roll-outs", (it) => {
  it.scoped("is deleted of attempts that are over, while others run", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const pool = yield* PgPool
      const catalog = yield* TemplateCatalog
      const mirror = yield* TemplateMirror
      const rollouts = yield* Rollouts
      const ada = yield* ownerNamed("ada")

      /** A template that one organization has, with a revision to roll out. */
      const prepare = (slug: string) =>
        Effect.gen(function* () {
          const said = (name: string) => template(slug, [definition("entity_types", `${slug}-type`, { name })])
          const { templateAgentId } = yield* catalog.publish(said("First"))
          yield* mirror.apply({ ...ada, templateAgentId })
          yield* catalog.publish(said("Second"))
          const course = { revision: 2, waves: [100], advance: "automatic" as const, stopAbove: 1 }
          const start = Effect.map(rollouts.start(templateAgentId, course), (rolloutId) => {
            const until = (wanted: string) =>
              eventually(rollouts.status(templateAgentId, rolloutId), ({ state }) => state === wanted)
            return { rolloutId, until }
          })
          return start
        })

      /** What the sweep deletes a day later. */
      const sweepNow = Effect.forEach(swept, ({ one, place }) =>
        sql.unsafe(sweepStatement(one), [0, beginningOf(one), 1_000, place])
      )
      /** What the engine has of a roll-out: one entry for each message that is answered (`true`) or not. */
      const keptOf = (rolloutId: string) =>
        Effect.map(
          sql<{ answered: boolean }>`
            SELECT EXISTS (SELECT FROM cluster_replies r WHERE r.request_id = m.id) AS answered
            FROM cluster_messages run JOIN cluster_messages m ON m.entity_id = run.entity_id
            WHERE run.tag = 'run' AND run.payload::json ->> 'rolloutId' = ${rolloutId}`,
          (found) => found.map(({ answered }) => answered)
        )
      const untilKept = (rolloutId: string, isSo: (answers: ReadonlyArray<boolean>) => boolean) =>
        eventually(keptOf(rolloutId), isSo)

      yield* Layer.build(RolloutRunnerLive({ url: Redacted.make(yield* databaseUrl) }))
      const ended = yield* Effect.flatMap(prepare("ended"), (start) => start)
      yield* ended.until("done")
      yield* untilKept(ended.rolloutId, (answers) => answers.length > 1 && answers.every((answered) => answered))

      const held = yield* prepare("running")
      // Somebody is at the organization, so that the roll-out goes on for as long as the test wants.
      const holder = yield* Effect.acquireRelease(
        Effect.promise(() => pool.connect()),
        (client) => Effect.sync(() => client.release())
      )
      yield* Effect.promise(() => holder.query("BEGIN"))
      yield* Effect.promise(() => holder.query("SELECT FROM organization WHERE slug = 'ada' FOR NO KEY UPDATE"))
      const running = yield* held
      const isUnderWay = (answers: ReadonlyArray<boolean>) => answers.some((answered) => answered)
      const before = yield* untilKept(running.rolloutId, isUnderWay)

      yield* sweepNow
      assert.deepStrictEqual(yield* keptOf(ended.rolloutId), [])
      const after = yield* keptOf(running.rolloutId)
      assert.isTrue(isUnderWay(after))
      assert.isAtLeast(after.length, before.length)
      const [orphans] = yield* sql`
        SELECT count(*)::int AS count FROM cluster_replies WHERE request_id NOT IN (SELECT id FROM cluster_messages)`
      assert.deepStrictEqual(orphans, { count: 0 })

      yield* Effect.promise(() => holder.query("COMMIT"))
      const { outcomes } = yield* running.until("done")
      assert.strictEqual(outcomes.updated, 1)

      yield* untilKept(running.rolloutId, (answers) => answers.every((answered) => answered))
      yield* sweepNow
      assert.deepStrictEqual(yield* sql`SELECT FROM cluster_messages`, [])
      assert.deepStrictEqual(yield* sql`SELECT FROM cluster_replies`, [])
    })
  )
})
