import { NodeContext } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { readTemplate } from "../../../src/layers/catalog/TemplateFiles.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateReader } from "../../../src/services/catalog/TemplateReader.ts"
import { PublishedTemplates } from "../../../src/services/publishing/PublishedTemplates.ts"
import { Publishers } from "../../../src/services/publishing/Publishers.ts"
import { definition, oneOfEach, template } from "../../fixtures/templates.ts"
import { worldsOfBothModes } from "../../worlds.ts"

for (const [label, world] of worldsOfBothModes) {
  it.layer(world, { timeout: "60 seconds" })(`PublishedTemplates (${label})`, (it) => {
    const organizationOf = (slug: string) =>
      Effect.gen(function* () {
        const publishers = yield* Publishers
        const { publisher } = yield* publishers.facts(`${slug}-publisher`, null)
        assert.isNotNull(publisher)
        return (publisher ?? assert.fail()).id
      })

    it.effect("are listed with their revisions, notes and what changed, the newest first", () =>
      Effect.gen(function* () {
        const catalog = yield* TemplateCatalog
        const templates = yield* PublishedTemplates
        const [invoice, ...others] = oneOfEach
        assert(invoice !== undefined)
        const first = yield* catalog.publish(template("noted", oneOfEach, { notes: "The first" }))
        yield* catalog.publish(
          template("noted", [{ ...invoice, name: "Bill" }, ...others.slice(0, 1)], { notes: "Bills\nand no watchers" })
        )
        const organizationId = yield* organizationOf("noted")
        const [listed, ...more] = yield* templates.list(organizationId)
        assert.deepStrictEqual(more, [])
        assert.deepStrictEqual(listed, {
          slug: template("noted", []).slug,
          name: "noted",
          description: "The noted assistant",
          templateAgentId: first.templateAgentId,
          revision: 2,
          offered: 2,
          deprecated: null,
          definitions: 2,
          installs: 0
        })
        const { next, revisions } = yield* templates.revisions(organizationId, "noted")
        assert.isNull(next)
        assert.deepStrictEqual(
          revisions.map(({ changes, notes, revision }) => [
            revision,
            notes,
            changes.map(({ change, fields, slug }) => [change, slug, ...fields])
          ]),
          [
            [
              2,
              "Bills\nand no watchers",
              [
                ["changed", "invoice", "name"],
                ["withdrawn", "inbox"],
                ["withdrawn", "topic"]
              ]
            ],
            [
              1,
              "The first",
              [
                ["added", "invoice"],
                ["added", "pays"],
                ["added", "inbox"],
                ["added", "topic"]
              ]
            ]
          ]
        )
        const earlier = yield* templates.revisions(organizationId, "noted", 2)
        assert.deepStrictEqual(
          earlier.revisions.map(({ revision }) => revision),
          [1]
        )
      })
    )

    it.effect("have notes that can be written anew, and make no revision of their own", () =>
      Effect.gen(function* () {
        const catalog = yield* TemplateCatalog
        const templates = yield* PublishedTemplates
        const all = [definition("entity_types", "invoice")]
        yield* catalog.publish(template("renoted", all, { notes: "Wrnog" }))
        const again = yield* catalog.publish(template("renoted", all, { notes: "Right" }))
        assert.deepStrictEqual([again.changed, again.revision], [false, 1])
        yield* catalog.publish(template("renoted", all))
        const { revisions } = yield* templates.revisions(yield* organizationOf("renoted"), "renoted")
        assert.deepStrictEqual(
          revisions.map(({ notes }) => notes),
          ["Right"]
        )
      })
    )

    it.effect("are read back as they were published, each revision", () =>
      Effect.gen(function* () {
        const catalog = yield* TemplateCatalog
        const templates = yield* PublishedTemplates
        const reader = yield* TemplateReader
        const published = template(
          "kept",
          [
            ...oneOfEach,
            definition("entity_types", "note", { was: [], extensions: { "x-own": [1, { a: null }] }, description: "" })
          ],
          { notes: "As it was", modes: ["reference", "copy"], extensions: { "x-team": "tax" } }
        )
        yield* catalog.publish(published)
        const organizationId = yield* organizationOf("kept")
        const first = yield* templates.revision(organizationId, "kept")
        const bySlug = (all: typeof published.definitions) => all.toSorted((a, b) => (a.slug < b.slug ? -1 : 1))
        assert.strictEqual(first.revision, 1)
        assert.deepStrictEqual(
          { ...first.template, definitions: bySlug(first.template.definitions) },
          { ...published, definitions: bySlug(published.definitions) }
        )
        const documents = yield* reader.write(first.template)
        assert.deepStrictEqual(yield* reader.read(documents), first.template)
        assert.isFalse((yield* catalog.publish(yield* reader.read(documents))).changed)

        yield* catalog.publish(template("kept", [definition("entity_types", "invoice")]))
        assert.lengthOf((yield* templates.revision(organizationId, "kept")).template.definitions, 1)
        assert.lengthOf((yield* templates.revision(organizationId, "kept", 1)).template.definitions, 5)
        const none = yield* Effect.flip(templates.revision(organizationId, "kept", 3))
        assert.deepStrictEqual(
          [none._tag, none.message],
          ["NoSuchRevision", "The template has no revision 3; its newest is 2."]
        )
      })
    )

    it.effect("are unknown to another publisher", () =>
      Effect.gen(function* () {
        const catalog = yield* TemplateCatalog
        const templates = yield* PublishedTemplates
        yield* catalog.publish(template("mine", []))
        yield* catalog.publish(template("theirs", []))
        const organizationId = yield* organizationOf("theirs")
        for (const slug of ["mine", "nothing", "no\u0000slug"]) {
          assert.strictEqual(
            (yield* Effect.flip(templates.revisions(organizationId, slug)))._tag,
            "UnknownTemplateSlug"
          )
          assert.strictEqual((yield* Effect.flip(templates.revision(organizationId, slug)))._tag, "UnknownTemplateSlug")
        }
        assert.deepStrictEqual(
          (yield* templates.list(organizationId)).map(({ slug }) => String(slug)),
          ["theirs"]
        )
      })
    )

    it.effect("that are whole come back whole: the bundled one", () =>
      Effect.gen(function* () {
        const catalog = yield* TemplateCatalog
        const templates = yield* PublishedTemplates
        const reader = yield* TemplateReader
        const publishers = yield* Publishers
        const { template: bundled } = yield* readTemplate("templates/personal-finance")
        yield* catalog.publish(bundled)
        const { publisher } = yield* publishers.facts(bundled.publisher, null)
        const read = yield* templates.revision((publisher ?? assert.fail()).id, bundled.slug)
        const again = yield* reader.read(yield* reader.write(read.template))
        assert.deepStrictEqual(again, read.template)
        assert.isFalse((yield* catalog.publish(again)).changed)
      }).pipe(Effect.provide(NodeContext.layer))
    )
  })
}
