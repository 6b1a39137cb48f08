import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Slug } from "../../../src/domain/Ids.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { viewImpact } from "../../../src/services/publishing/PublishRevision.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { Hands, newPerson, newVisitor, worlds } from "../../worlds.ts"

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`the impact of a revision (${label})`, (it) => {
    it.effect("is told in numbers, compared with the revision before, to the template's own publisher", () =>
      Effect.gen(function* () {
        const catalog = yield* TemplateCatalog
        const mirror = yield* TemplateMirror
        const hands = yield* Hands
        const [owner, { organization, userId }] = [yield* newVisitor, yield* newPerson()]
        const publish = (...slugs: ReadonlyArray<string>) =>
          catalog.publish(
            template(
              "told",
              slugs.map((slug) => definition("entity_types", slug))
            )
          )
        const { templateAgentId } = yield* publish("a", "b")
        yield* mirror.apply({ userId, organizationId: organization.id, templateAgentId })
        yield* publish("a", "c")
        const publisher = Slug.make("told-publisher")
        yield* hands.setRole(yield* hands.organizationId(publisher), owner.userId, "owner")

        const call = { slug: publisher, template: "told", credential: owner.session }
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
  })
}
