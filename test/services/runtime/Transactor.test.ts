import { it } from "@effect/vitest"
import { entity, template, transactorLaws } from "agent-install/testing"
import { Context, Effect, Layer } from "effect"
import { OrgResolver } from "../../../src/services/account/OrgResolver.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { Hands, newPerson, worlds } from "../../worlds.ts"

/** Somebody who is there before any step begins. */
class Somebody extends Context.Tag("test/Somebody")<Somebody, Effect.Effect.Success<ReturnType<typeof newPerson>>>() {}

for (const [label, world] of worlds) {
  const peopled = Layer.provideMerge(Layer.effect(Somebody, newPerson()), world)
  it.layer(peopled, { timeout: "60 seconds" })(`Transactor (${label})`, (it) => {
    const laws = transactorLaws({
      write: (slug) => Effect.flatMap(TemplateCatalog, (catalog) => catalog.publish(template(slug, [entity(slug)]))),
      writeElsewhere: (slug) =>
        Effect.gen(function* () {
          const [{ organization, userId }, orgs, mirror] = yield* Effect.all([Somebody, OrgResolver, TemplateMirror])
          const { templateAgentId } = yield* orgs.resolve({ userId, slug })
          yield* mirror.apply({ userId, organizationId: organization.id, templateAgentId })
        }),
      written: (slug) =>
        Effect.gen(function* () {
          const [{ organization }, catalog, hands] = yield* Effect.all([Somebody, TemplateCatalog, Hands])
          const published = (yield* catalog.list).filter((one) => one.slug === slug)
          const installed = (yield* hands.agents(organization.id)).filter(({ name }) => name === slug)
          return [published.length, installed.length] as const
        })
    })
    for (const { holds, name } of laws) it.effect(name, () => holds)
  })
}
