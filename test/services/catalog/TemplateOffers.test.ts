import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Template } from "../../../src/domain/catalog/Template.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateOffers } from "../../../src/services/catalog/TemplateOffers.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { oneOfEach, template } from "../../fixtures/templates.ts"
import { newPerson, worlds } from "../../worlds.ts"

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`TemplateOffers (${label})`, (it) => {
    const publish = (given: Template) => Effect.flatMap(TemplateCatalog, (catalog) => catalog.publish(given))
    const search = (q: string, after = "") =>
      Effect.flatMap(TemplateOffers, (offers) => offers.search({ q, after, limit: 20 }))

    it.effect("tells all that a person has to know of a template, and when its watchers run", () =>
      Effect.gen(function* () {
        const offers = yield* TemplateOffers
        const given = template("offered", oneOfEach, { name: "Offered", description: "For sale" })
        const { templateAgentId } = yield* publish(given)
        const { publisher, rows, ...offer } = yield* offers.find("offered")
        assert.deepStrictEqual(offer, {
          slug: given.slug,
          name: "Offered",
          description: "For sale",
          templateAgentId,
          revision: 1,
          deprecated: null,
          broken: null,
          hasBotPhone: false,
          modes: ["copy", "reference"]
        })
        assert.strictEqual(publisher.slug, given.publisher)
        assert.deepStrictEqual(
          rows.map(({ kind, schedule, slug }) => [kind, slug, schedule]).sort(),
          oneOfEach.map(({ content, kind, slug }) => [kind, slug, content.schedule ?? null]).sort()
        )
        const { organization, userId } = yield* newPerson()
        const mirror = yield* TemplateMirror
        const status = offers.statusIn(organization.id, templateAgentId)
        assert.deepStrictEqual(yield* status, { agentId: null, hasBotPhone: false })
        const { agentId } = yield* Effect.orDie(
          mirror.apply({ userId, organizationId: organization.id, templateAgentId })
        )
        assert.deepStrictEqual(yield* status, { agentId, hasBotPhone: false })
        const error = yield* Effect.flip(offers.find("not-offered"))
        assert.strictEqual(error._tag, "UnknownTemplateSlug")
        assert.strictEqual((yield* Effect.flip(offers.find("\u0000")))._tag, "UnknownTemplateSlug")
      })
    )

    it.effect("finds those that have every word somewhere, page by page", () =>
      Effect.gen(function* () {
        for (let at = 10; at < 33; at++) {
          yield* publish(
            template(`shelf-${at}`, oneOfEach, { name: `Shelf ${at}`, description: "Quince jam, 100% fruit" })
          )
        }
        const first = yield* search("quince SHELF")
        assert.lengthOf(first.templates, 20)
        assert.strictEqual(first.templates[0]?.slug, "shelf-10")
        assert.strictEqual(first.next, "shelf-29")
        const second = yield* search("quince SHELF", first.next ?? "")
        assert.deepStrictEqual(
          second.templates.map(({ slug }) => slug),
          ["shelf-30", "shelf-31", "shelf-32"].map((slug) => slug as (typeof second.templates)[number]["slug"])
        )
        assert.isNull(second.next)
        assert.lengthOf((yield* search("quince shelf 12 100%")).templates, 1)
        assert.lengthOf((yield* search("quince medlar")).templates, 0)
      })
    )
  })
}
