import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { InstalledAgents } from "../../../src/services/installation/InstalledAgents.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { newPerson, worlds } from "../../worlds.ts"

let made = 0

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`the installed agents (${label})`, (it) => {
    it.effect("are listed and found for each of many who ask at once as for one alone", () =>
      Effect.gen(function* () {
        const agents = yield* InstalledAgents
        const catalog = yield* TemplateCatalog
        const mirror = yield* TemplateMirror
        const templates = yield* Effect.forEach(["a", "b", "c"], (slug) =>
          Effect.orDie(catalog.publish(template(`listed-${++made}-${slug}`, [definition("entity_types", slug)])))
        )
        const people = yield* Effect.forEach([0, 1, 2, 3], (count) =>
          Effect.gen(function* () {
            const { organization, userId } = yield* newPerson()
            const installed = yield* Effect.forEach(templates.slice(0, count), ({ templateAgentId }) =>
              Effect.orDie(mirror.apply({ userId, organizationId: organization.id, templateAgentId }))
            )
            return { userId, agentIds: installed.map(({ agentId }) => agentId as string) }
          })
        )
        const everyAgent = people.flatMap(({ agentIds }) => agentIds)
        const asked = people.flatMap(({ userId }) => [
          agents.list(userId, { limit: 10 }),
          Effect.flatMap(agents.list(userId, { limit: 1 }), (first) =>
            first.next === null ? Effect.succeed(first) : agents.list(userId, { limit: 1, before: first.next })
          ),
          ...everyAgent.flatMap((agentId) => [
            Effect.either(agents.overview(userId, agentId)),
            Effect.either(agents.find(userId, agentId))
          ])
        ])
        const alone: ReadonlyArray<unknown> = yield* Effect.all(asked)
        const together: ReadonlyArray<unknown> = yield* Effect.all(asked, { concurrency: "unbounded" })
        assert.deepStrictEqual(together, alone)
        const listed = yield* Effect.forEach(people, ({ userId }) => agents.list(userId, { limit: 10 }), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(
          listed.map((page) => page.agents.map(({ agentId }) => agentId as string)),
          people.map(({ agentIds }) => agentIds.toReversed())
        )
      })
    )
  })
}
