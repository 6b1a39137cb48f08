import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { differencesIn, differingRows } from "../../../src/domain/installation/Difference.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { InstalledAgents } from "../../../src/services/installation/InstalledAgents.ts"
import { RowPairs } from "../../../src/services/installation/RowPairs.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { definition, oneOfEach, template } from "../../fixtures/templates.ts"
import { Hands, newPerson, worldsOfBothModes } from "../../worlds.ts"

for (const [label, world] of worldsOfBothModes) {
  it.layer(world, { timeout: "60 seconds" })(`RowPairs (${label})`, (it) => {
    it.effect("show a person's change and a publisher's side by side, and nothing else", () =>
      Effect.gen(function* () {
        const { organization, userId } = yield* newPerson()
        const catalog = yield* TemplateCatalog
        const mirror = yield* TemplateMirror
        const agents = yield* InstalledAgents
        const hands = yield* Hands
        const pairs = yield* RowPairs
        const publish = (...more: ReadonlyArray<ReturnType<typeof definition>>) =>
          Effect.orDie(
            catalog.publish(template("paired", [...oneOfEach.filter(({ slug }) => slug !== "pays"), ...more]))
          )
        const { templateAgentId } = yield* publish(definition("entity_relationship_types", "pays"))
        const request = { userId, organizationId: organization.id, templateAgentId }
        const { agentId } = yield* Effect.orDie(mirror.apply(request))
        const agent = yield* Effect.orDie(agents.find(userId, agentId))
        const differences = Effect.gen(function* () {
          const { revision, rows } = yield* Effect.orDie(mirror.planResync({ ...request, agentId }))
          return differencesIn(rows, yield* pairs.of(agent, revision, differingRows(rows)))
        })
        assert.deepStrictEqual(yield* differences, [])

        yield* hands.rename({ organizationId: organization.id, kind: "event_classifiers", slug: "topic" }, "My topics")
        yield* publish(definition("entity_relationship_types", "pays", { description: "Who pays whom" }))
        assert.deepStrictEqual(yield* differences, [
          {
            kind: "entity_relationship_types",
            slug: "pays",
            fields: [{ field: "description", own: "What pays is", template: "Who pays whom" }]
          },
          { kind: "event_classifiers", slug: "topic", fields: [{ field: "name", own: "My topics", template: "topic" }] }
        ])
      })
    )
  })
}
