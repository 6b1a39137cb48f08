import { SqlClient, SqlSchema } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Metric, Schema } from "effect"
import { OrganizationId } from "../../../src/domain/Ids.ts"
import { batchSize } from "../../../src/domain/rollout/Rollout.ts"
import { AppLive } from "../../../src/layers/AppLive.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { organizationsRolledOut } from "../../../src/services/rollout/RolloutMetrics.ts"
import { Rollouts } from "../../../src/services/rollout/Rollouts.ts"
import { RolloutWork } from "../../../src/services/rollout/RolloutWork.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { ownerNamed } from "../../people.ts"
import { PgTest } from "../../pg.ts"
import { appOptions } from "../../worlds.ts"

const Live = AppLive(appOptions).pipe(Layer.provideMerge(PgTest), Layer.orDie)

const besides = 5

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("a batch of a roll-out", (it) => {
  it.effect("is larger where all who come first refer to what is published", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const catalog = yield* TemplateCatalog
      const mirror = yield* TemplateMirror
      const rollouts = yield* Rollouts
      const work = yield* RolloutWork
      const publish = (name: string) =>
        catalog.publish(
          template("many", [definition("entity_types", "one", { name })], { modes: ["reference", "copy"] })
        )
      const { templateAgentId } = yield* publish("first")
      const people = yield* Effect.forEach(
        Array.from({ length: batchSize + besides }),
        (_, at) =>
          Effect.gen(function* () {
            const person = yield* ownerNamed(`person-${at}`)
            const { agentId } = yield* mirror.apply({ ...person, templateAgentId })
            return { ...person, agentId, templateAgentId }
          }),
        { concurrency: 4 }
      )
      /** Begins to roll out another revision. */
      const begun = (name: string) =>
        Effect.gen(function* () {
          const { revision } = yield* publish(name)
          const rolloutId = yield* rollouts.start(templateAgentId, {
            revision,
            waves: [100],
            advance: "automatic",
            stopAbove: 1
          })
          const batch = Effect.zipRight(
            work.batch({ rolloutId, attempt: 1 }),
            Effect.map(rollouts.status(templateAgentId, rolloutId), ({ open, outcomes }) => [open, outcomes.updated])
          )
          return { rolloutId, batch }
        })

      const counted = Effect.map(
        Metric.value(Metric.tagged(organizationsRolledOut, "outcome", "updated")),
        ({ count }) => count
      )
      const before = yield* counted
      const first = yield* begun("second")
      assert.deepStrictEqual(yield* first.batch, [0, people.length])
      assert.strictEqual((yield* counted) - before, people.length)

      const { batch, rolloutId } = yield* begun("third")
      const findNext = SqlSchema.single({
        Request: Schema.Int,
        Result: Schema.Struct({ organizationId: OrganizationId }),
        execute: (place) =>
          sql`SELECT organization_id FROM rollout_targets WHERE rollout_id = ${rolloutId} AND place = ${place}`
      })
      const { organizationId } = yield* findNext(batchSize)
      const person = people.find((one) => one.organizationId === organizationId)
      if (person === undefined) return yield* Effect.dieMessage("Everybody is in it")
      yield* mirror.changeMode({ ...person, mode: "copy" })
      assert.deepStrictEqual(yield* batch, [besides, batchSize])
      assert.deepStrictEqual(yield* batch, [0, people.length])
      const entries = yield* sql`
        SELECT 1 FROM mirror_history WHERE template_agent_id = ${templateAgentId} AND action = 'rollout'
      `
      assert.strictEqual(entries.length, 2 * people.length)
    })
  )
})
