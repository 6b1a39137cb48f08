import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { OrgResolver } from "../../../src/services/account/OrgResolver.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { oneOfEach, template } from "../../fixtures/templates.ts"
import { Hands, newPerson, worlds } from "../../worlds.ts"

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`OrgResolver (${label})`, (it) => {
    it.effect("finds a person's own organization", () =>
      Effect.gen(function* () {
        const { organization } = yield* newPerson("Grace Hopper")
        assert.strictEqual(organization.slug, "grace-hopper")
      })
    )

    it.effect("counts an organization only for its owner", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const orgs = yield* OrgResolver
        const { organization, userId } = yield* newPerson()
        yield* hands.setRole(organization.id, userId, "member")
        const refusal = yield* Effect.flip(orgs.personalOrg(userId))
        assert.strictEqual(refusal._tag, "NoPersonalOrg")
      })
    )

    it.effect("does not count one that has become public", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const orgs = yield* OrgResolver
        const { organization, userId } = yield* newPerson()
        yield* hands.setVisibility(organization.slug, "public")
        const refusal = yield* Effect.flip(orgs.personalOrg(userId))
        assert.strictEqual(refusal._tag, "NoPersonalOrg")
      })
    )

    it.effect(
      "finds a template by its slug with the person's own organization, and refuses an unknown slug first",
      () =>
        Effect.gen(function* () {
          const hands = yield* Hands
          const orgs = yield* OrgResolver
          const catalog = yield* TemplateCatalog
          const { templateAgentId } = yield* catalog.publish(template("shown", oneOfEach))
          const [{ organization, userId }, homeless] = [yield* newPerson(), yield* newPerson()]
          yield* hands.setRole(homeless.organization.id, homeless.userId, "member")
          assert.deepStrictEqual(yield* orgs.resolve({ userId, slug: "shown" }), { organization, templateAgentId })
          const refusals = (slug: string) =>
            Effect.forEach([userId, homeless.userId], (one) =>
              orgs.resolve({ userId: one, slug }).pipe(
                Effect.flip,
                Effect.map(({ _tag }) => _tag)
              )
            )
          const refused = yield* Effect.flip(orgs.resolve({ userId: homeless.userId, slug: "shown" }))
          assert.strictEqual(refused._tag, "NoPersonalOrg")
          yield* hands.setVisibility("shown-publisher", "private")
          for (const slug of ["shown", "nowhere", "", "a\u0000b"]) {
            assert.deepStrictEqual(yield* refusals(slug), ["UnknownTemplateSlug", "UnknownTemplateSlug"])
          }
        })
    )
  })
}
