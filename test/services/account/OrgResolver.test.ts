import { assert, it } from "@effect/vitest"
import { orgResolverLaws, template } from "agent-install/testing"
import { Effect } from "effect"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { Hands, newPerson, worlds } from "../../worlds.ts"

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`OrgResolver (${label})`, (it) => {
    const setVisibility = (slug: string, visibility: "public" | "private") =>
      Effect.flatMap(Hands, (hands) => hands.setVisibility(slug, visibility))
    const laws = orgResolverLaws({
      newPerson: Effect.suspend(() => newPerson()),
      setRole: (organizationId, userId, role) =>
        Effect.flatMap(Hands, (hands) => hands.setRole(organizationId, userId, role)),
      makePublic: ({ slug }) => setVisibility(slug, "public"),
      publish: (slug) =>
        Effect.flatMap(TemplateCatalog, (catalog) => Effect.orDie(catalog.publish(template(slug)))).pipe(
          Effect.map(({ templateAgentId }) => templateAgentId)
        ),
      hide: (slug) => setVisibility(`${slug}-publisher`, "private")
    })
    for (const { holds, name } of laws) it.effect(name, () => holds)

    it.effect("names an organization after its person", () =>
      Effect.gen(function* () {
        const { organization } = yield* newPerson("Grace Hopper")
        assert.strictEqual(organization.slug, "grace-hopper")
      })
    )
  })
}
