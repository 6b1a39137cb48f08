import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { viewImpact } from "../../../src/services/publishing/PublishRevision.ts"
import { viewAdoption } from "../../../src/services/rollout/ManageRollouts.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { Hands, newPerson, newVisitor, worlds } from "../../worlds.ts"

let made = 0

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`what a publisher is shown of a template (${label})`, (it) => {
    /** A template that somebody has installed at its first revision of two, and a question of its publisher's. */
    const published = Effect.gen(function* () {
      const catalog = yield* TemplateCatalog
      const mirror = yield* TemplateMirror
      const hands = yield* Hands
      const [owner, { organization, userId }] = [yield* newVisitor, yield* newPerson()]
      const name = `shown-${++made}`
      const publish = (...slugs: ReadonlyArray<string>) =>
        Effect.orDie(
          catalog.publish(
            template(
              name,
              slugs.map((slug) => definition("entity_types", slug))
            )
          )
        )
      const { templateAgentId } = yield* publish("a", "b")
      yield* mirror.apply({ userId, organizationId: organization.id, templateAgentId })
      // What they changed of a row that the second leaves as it was is no impact of it.
      yield* hands.rename({ organizationId: organization.id, kind: "entity_types", slug: "a" }, "Mine")
      yield* publish("a", "c")
      const slug = `${name}-publisher`
      yield* hands.setRole(yield* hands.organizationId(slug), owner.userId, "owner")
      return { slug, template: name, credential: owner.session }
    })

    it.effect("is what a revision does, compared with the one before, in numbers", () =>
      Effect.gen(function* () {
        const call = yield* published
        assert.deepStrictEqual(yield* viewImpact(call, 2), {
          installations: 1,
          affected: 1,
          pinned: 0,
          total: { creates: 1, updates: 0, customized: 0, collisions: 0, removals: 1, retirements: 0 }
        })
        assert.strictEqual(
          (yield* Effect.flip(viewImpact(call, 3))).message,
          "The template has no revision 3; its newest is 2."
        )
        assert.deepInclude(yield* Effect.flip(viewImpact({ ...call, template: "other" }, 1)), {
          _tag: "UnknownTemplateSlug",
          slug: "other"
        })
      })
    )

    it.effect("is how it fares with those who have it, which nobody else is shown", () =>
      Effect.gen(function* () {
        const call = yield* published
        assert.deepInclude(yield* viewAdoption(call), { installations: 1, counted: 1 })
        const stranger = yield* newVisitor
        const refused = yield* Effect.flip(viewAdoption({ ...call, credential: stranger.session }))
        assert.strictEqual(refused._tag, "PublisherNotFound")
      })
    )
  })
}
