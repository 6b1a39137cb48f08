import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { OrgResolver } from "../../src/services/OrgResolver.ts"
import { TemplateCatalog } from "../../src/services/TemplateCatalog.ts"
import { oneOfEach, template } from "../fixtures/templates.ts"
import { Hands, newPerson, worlds } from "../worlds.ts"

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

    it.effect("finds a template by its slug, and none that is private or not there", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const orgs = yield* OrgResolver
        const catalog = yield* TemplateCatalog
        const { templateAgentId } = yield* catalog.publish(template("shown", oneOfEach))
        assert.strictEqual(yield* orgs.template("shown"), templateAgentId)
        yield* hands.setVisibility("shown-publisher", "private")
        const hidden = yield* Effect.flip(orgs.template("shown"))
        const missing = yield* Effect.flip(orgs.template("nowhere"))
        assert.strictEqual((yield* Effect.flip(orgs.template("a\u0000b")))._tag, "UnknownTemplateSlug")
        assert.deepStrictEqual([hidden._tag, missing._tag], ["UnknownTemplateSlug", "UnknownTemplateSlug"])
      })
    )
  })
}
