import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Template } from "../../../src/domain/catalog/Template.ts"
import { templateLimits } from "../../../src/domain/catalog/TemplateLimits.ts"
import { DefinitionSlug, Slug } from "../../../src/domain/Ids.ts"
import { E164 } from "../../../src/domain/identity/Phone.ts"
import { OrgResolver } from "../../../src/services/account/OrgResolver.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { definition, oneOfEach, template } from "../../fixtures/templates.ts"
import { Hands, inRealTime, newPerson, worlds } from "../../worlds.ts"

let templates = 0
const newSlug = () => `catalog-${++templates}`

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`TemplateCatalog (${label})`, (it) => {
    const publish = (given: Template) => Effect.flatMap(TemplateCatalog, (catalog) => catalog.publish(given))
    const manifest = (slug: string) => Effect.flatMap(TemplateCatalog, (catalog) => catalog.manifest(slug))
    const slugs = (slug: string) => Effect.map(manifest(slug), ({ rows }) => rows.entity_types.map((row) => row.slug))
    const types = (...names: ReadonlyArray<string>) => names.map((name) => definition("entity_types", name))

    it.effect("shows what was published", () =>
      Effect.gen(function* () {
        const slug = newSlug()
        const { templateAgentId } = yield* publish(
          template(slug, oneOfEach, { botPhone: E164.make("+447911123456"), name: "Shown", description: "What it is" })
        )
        assert.deepStrictEqual(yield* manifest(slug), {
          slug,
          name: "Shown",
          description: "What it is",
          botPhone: "447911123456",
          templateAgentId,
          revision: 1,
          deprecated: null,
          rows: {
            entity_types: [{ slug: "invoice", name: "invoice", description: "What invoice is" }],
            entity_relationship_types: [{ slug: "pays", name: "pays", description: "What pays is" }],
            watchers: [{ slug: "inbox", name: "inbox", description: "What inbox is" }],
            event_classifiers: [{ slug: "topic", name: "topic", description: "What topic is" }]
          }
        })
      })
    )

    it.effect("makes a revision only when something changed", () =>
      Effect.gen(function* () {
        const slug = newSlug()
        const first = yield* publish(template(slug, oneOfEach))
        const { templateAgentId } = first
        assert.deepStrictEqual(first, {
          templateAgentId,
          revision: 1,
          changed: true,
          since: 0,
          changes: oneOfEach.map(({ kind, slug }) => ({ kind, slug, change: "added" as const, was: null, fields: [] }))
        })
        assert.deepStrictEqual(yield* publish(template(slug, [...oneOfEach].reverse())), {
          templateAgentId,
          revision: 1,
          changed: false,
          since: 1,
          changes: []
        })
        const changed = oneOfEach.flatMap((one) =>
          one.kind === "watchers"
            ? [{ ...one, content: { ...one.content, prompt: "Look again" } }]
            : one.kind === "entity_types"
              ? [{ ...one, slug: Slug.make("bill"), was: [one.slug] }]
              : one.kind === "entity_relationship_types"
                ? []
                : [one]
        )
        assert.deepStrictEqual(yield* publish(template(slug, changed)), {
          templateAgentId,
          revision: 2,
          changed: true,
          since: 1,
          changes: [
            { kind: "entity_types", slug: "bill", change: "renamed", was: "invoice", fields: ["slug"] },
            { kind: "entity_relationship_types", slug: "pays", change: "withdrawn", was: null, fields: [] },
            { kind: "watchers", slug: "inbox", change: "changed", was: null, fields: ["prompt"] }
          ]
        })
        assert.deepStrictEqual(yield* publish(template(slug, changed, { name: "Renamed" })), {
          templateAgentId,
          revision: 3,
          changed: true,
          since: 2,
          changes: []
        })
      })
    )

    it.effect("lets definitions swap their slugs, once", () =>
      Effect.gen(function* () {
        const slug = newSlug()
        yield* publish(template(slug, types("a", "b")))
        const swapped = [
          definition("entity_types", "a", { was: [Slug.make("b")], name: "b" }),
          definition("entity_types", "b", { was: [Slug.make("a")], name: "a" })
        ]
        assert.strictEqual((yield* publish(template(slug, swapped))).revision, 2)
        assert.isFalse((yield* publish(template(slug, swapped))).changed)
        assert.deepStrictEqual(yield* slugs(slug), ["a", "b"])
      })
    )

    it.effect("refuses a rename to a slug that another definition has, and follows it once that one is gone", () =>
      Effect.gen(function* () {
        const slug = newSlug()
        const one = definition("entity_types", "b", { was: [Slug.make("a")], name: "a" })
        yield* publish(template(slug, types("a", "b")))
        const { message } = yield* Effect.flip(publish(template(slug, [one])))
        assert.match(message, /^entity "b": was\.0: "a" can't become "b", which is published as another definition;/)
        const both = definition("entity_types", "c", { was: [Slug.make("a"), Slug.make("b")] })
        assert.match(
          (yield* Effect.flip(publish(template(slug, [both])))).message,
          /^entity "c": was: a, b are published as 2 definitions, .* name that one$/
        )
        assert.deepStrictEqual(yield* slugs(slug), ["a", "b"])
        yield* publish(template(slug, types("a")))
        yield* publish(template(slug, [one]))
        assert.deepStrictEqual(yield* slugs(slug), ["b"])
      })
    )

    it.effect("tells slugs with hyphens from those with underscores, in names, renames and references", () =>
      Effect.gen(function* () {
        const slug = newSlug()
        const [hyphen, underscore] = ["in-box", "in_box"].map((one) => DefinitionSlug.make(one))
        assert(hyphen !== undefined && underscore !== undefined)
        const watchers = [definition("watchers", hyphen), definition("watchers", underscore)]
        const classifier = definition("event_classifiers", "topic", { references: { watcher_id: underscore } })
        yield* publish(template(slug, [...watchers, classifier]))
        assert.isFalse((yield* publish(template(slug, [...watchers, classifier]))).changed)
        const renamed = [
          definition("watchers", hyphen),
          definition("watchers", "mail_box", { was: [underscore], name: underscore }),
          definition("event_classifiers", "topic", { references: { watcher_id: DefinitionSlug.make("mail_box") } })
        ]
        const { changes } = yield* publish(template(slug, renamed))
        assert.deepInclude(changes, {
          kind: "watchers",
          slug: "mail_box",
          change: "renamed",
          was: underscore,
          fields: ["description", "slug"]
        })
        assert.isFalse(changes.some((change) => change.slug === hyphen))
      })
    )

    it.effect("refuses to continue what never was, and names what was probably meant", () =>
      Effect.gen(function* () {
        const slug = newSlug()
        const publisher = Slug.make(`${slug}-publisher`)
        const named = (name: string, ...was: ReadonlyArray<string>) =>
          definition("entity_types", name, { was: was.map((former) => DefinitionSlug.make(former)) })
        // The first revision may come from another database, with its history.
        yield* publish(template(slug, [named("invoice", "bill"), named("payment")]))
        yield* publish(template(slug, [named("invoice", "bill", "account_due"), named("payment")])).pipe(
          Effect.flip,
          Effect.map(({ lines }) =>
            assert.deepStrictEqual(lines, [
              'entity "invoice": was.1: no revision ever had the entity "account_due"; leave it out where this one is new'
            ])
          )
        )
        const refusal = yield* Effect.flip(publish(template(slug, [named("receipt", "invoise"), named("payment")])))
        assert.deepStrictEqual(refusal.lines, [
          'entity "receipt": was.0: no revision ever had the entity "invoise"; did you mean "invoice"?'
        ])
        assert.deepStrictEqual(yield* slugs(slug), ["invoice", "payment"])
        yield* publish(template(slug, [named("receipt", "invoice", "bill"), named("payment")]))
        assert.deepStrictEqual(yield* slugs(slug), ["payment", "receipt"])
        // A sibling template of the publisher takes the definition over with its history.
        const sibling = newSlug()
        yield* publish(template(sibling, [named("other")], { publisher }))
        yield* publish(template(sibling, [named("other"), named("receipt", "invoice", "bill")], { publisher }))
        const stranger = newSlug()
        yield* publish(template(stranger, [named("other")]))
        yield* Effect.flip(publish(template(stranger, [named("other"), named("receipt", "invoice")])))
      })
    )

    it.effect("takes so much and no more, before anything is written", () =>
      Effect.gen(function* () {
        const slug = newSlug()
        const large = { content: { metadata_schema: { description: "x".repeat(templateLimits.rowBytes) } } }
        const one = yield* Effect.flip(publish(template(slug, [definition("entity_types", "a", large)])))
        assert.deepStrictEqual(
          one.issues.map(({ definition, path }) => [definition, path]),
          [[0, ["metadata_schema"]]]
        )
        const rows = Array.from({ length: templateLimits.rows + 1 }, (_, at) => definition("entity_types", `a${at}`))
        const many = yield* Effect.flip(publish(template(slug, rows)))
        assert.deepStrictEqual(many.lines, ["has 5001 definitions; 5000 are the most that a template may have"])
        let deep: unknown = 1
        for (let at = 0; at < 100_000; at++) deep = [deep]
        const tooDeep = definition("entity_types", "a", { extensions: { "x-deep": deep } })
        assert.match((yield* Effect.flip(publish(template(slug, [tooDeep])))).message, /more than 100 deep/)
        assert.strictEqual((yield* Effect.flip(manifest(slug)))._tag, "UnknownTemplateSlug")
      })
    )

    it.effect(
      "publishes, renames and keeps as many definitions as a template may have",
      () =>
        Effect.gen(function* () {
          const slug = newSlug()
          const rows = Array.from({ length: templateLimits.rows }, (_, at) => definition("entity_types", `a${at}`))
          const renamed = rows.map((row) => ({ ...row, slug: DefinitionSlug.make(`${row.slug}_b`), was: [row.slug] }))
          assert.strictEqual((yield* publish(template(slug, rows))).changes.length, rows.length)
          const { changes } = yield* publish(template(slug, renamed))
          assert.isTrue(changes.length === rows.length && changes.every(({ change }) => change === "renamed"))
          assert.isFalse((yield* publish(template(slug, renamed))).changed)
          const again = rows.map((row, at) => ({ ...row, was: renamed[at] === undefined ? [] : [renamed[at].slug] }))
          assert.strictEqual((yield* publish(template(slug, again))).revision, 3)
        }),
      // Where it grew with the square, it would not end in time.
      30_000
    )

    it.effect("withdraws what is no longer there, and brings it back", () =>
      Effect.gen(function* () {
        const slug = newSlug()
        yield* publish(template(slug, types("a", "b")))
        yield* publish(template(slug, types("a")))
        assert.deepStrictEqual(yield* slugs(slug), ["a"])
        yield* publish(template(slug, types("a", "b")))
        assert.deepStrictEqual(yield* slugs(slug), ["a", "b"])
      })
    )

    it.effect("leaves the publisher a row that one template withdraws and a sibling still has", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const { organization } = yield* newPerson()
        yield* hands.setVisibility(organization.slug, "public")
        const publisher = organization.slug
        const one = newSlug()
        yield* publish(template(one, types("shared", "own"), { publisher }))
        yield* publish(template(newSlug(), types("shared"), { publisher }))
        yield* publish(template(one, [], { publisher }))
        assert.deepStrictEqual(
          (yield* hands.rows(organization.id)).map((row) => row.slug),
          ["shared"]
        )
      })
    )

    it.effect("refuses what a sibling template says otherwise, and changes nothing", () =>
      Effect.gen(function* () {
        const publisher = Slug.make(`${newSlug()}-shared`)
        const [one, two] = [newSlug(), newSlug()]
        yield* publish(template(one, types("invoice"), { publisher }))
        yield* publish(template(two, types("invoice"), { publisher }))
        const other = [{ ...definition("entity_types", "invoice"), name: "Another" }]
        const refusal = yield* Effect.flip(publish(template(two, other, { publisher })))
        assert.match(refusal.message, new RegExp(`^entity "invoice": differs from the entity "invoice" .* "${one}"`))
        assert.strictEqual((yield* manifest(two)).rows.entity_types[0]?.name, "invoice")
        assert.isFalse((yield* publish(template(one, types("invoice"), { publisher }))).changed)
      })
    )

    it.effect("refuses another publisher's template, a private publisher and a reserved one", () =>
      Effect.gen(function* () {
        const slug = newSlug()
        yield* publish(template(slug, oneOfEach))
        const hidden = newSlug()
        yield* publish(template(hidden, oneOfEach))
        yield* Effect.flatMap(Hands, (hands) => hands.setVisibility(`${hidden}-publisher`, "private"))
        const refusals = yield* Effect.forEach(
          [
            template(slug, oneOfEach, { publisher: Slug.make("somebody-else") }),
            template(newSlug(), oneOfEach, { publisher: Slug.make(`${hidden}-publisher`) }),
            template(newSlug(), oneOfEach, { publisher: Slug.make("api") })
          ],
          (given) => Effect.flip(publish(given))
        )
        assert.deepStrictEqual(
          refusals.map(({ message }) => message.split(":")[0]),
          ["slug", "publisher", "publisher"]
        )
      })
    )

    it.effect("gives a publisher its slug though a person has it, and a person theirs though a publisher has it", () =>
      Effect.gen(function* () {
        const mirror = yield* TemplateMirror
        const squatter = yield* newPerson(`Acme ${newSlug()}`)
        const publisher = squatter.organization.slug
        const one = yield* publish(template(newSlug(), types("a"), { publisher }))
        const again = yield* publish(template(newSlug(), types("a", "b"), { publisher }))
        for (const { templateAgentId } of [one, again]) {
          yield* mirror.apply({ userId: squatter.userId, organizationId: squatter.organization.id, templateAgentId })
        }
        const orgs = yield* OrgResolver
        assert.deepStrictEqual(yield* orgs.personalOrg(squatter.userId), squatter.organization)

        const first = Slug.make(`zenith-${newSlug()}`)
        yield* publish(template(newSlug(), types("a"), { publisher: first }))
        const [late, later] = [yield* newPerson(first), yield* newPerson(first)]
        assert.deepStrictEqual(
          [late, later].map(({ organization }) => organization.slug),
          [first, Slug.make(`${first}-2`)]
        )
      })
    )

    it.effect("refuses a slug twice and a reference to nothing, all at once", () =>
      Effect.gen(function* () {
        const { issues } = yield* Effect.flip(
          publish(
            template(newSlug(), [
              ...types("a", "a"),
              definition("event_classifiers", "topic", { references: { watcher_id: Slug.make("nowhere") } })
            ])
          )
        )
        assert.deepStrictEqual(
          issues.map(({ also, definition, path }) => [definition, path, also]),
          [
            [1, ["slug"], 0],
            [2, ["watcher"], undefined]
          ]
        )
      })
    )

    it.effect("knows nothing of a private publisher's templates, nor of slugs nobody has", () =>
      Effect.gen(function* () {
        const slug = newSlug()
        yield* publish(template(slug, oneOfEach))
        yield* Effect.flatMap(Hands, (hands) => hands.setVisibility(`${slug}-publisher`, "private"))
        const [hidden, missing] = [yield* Effect.flip(manifest(slug)), yield* Effect.flip(manifest("nowhere"))]
        assert.deepStrictEqual([hidden._tag, missing._tag], ["UnknownTemplateSlug", "UnknownTemplateSlug"])
      })
    )

    it.effect("lists what is published, by slug, with how often it is installed", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const catalog = yield* TemplateCatalog
        const mirror = yield* TemplateMirror
        const [first, second] = [newSlug(), newSlug()]
        yield* publish(template(second, types("a"), { name: "Second" }))
        const { templateAgentId } = yield* publish(template(first, oneOfEach, { name: "First" }))
        yield* publish(template(first, [...oneOfEach, ...types("b")], { name: "First" }))
        yield* hands.setVisibility(`${second}-publisher`, "private")
        const { organization, userId } = yield* newPerson()
        yield* mirror.apply({ userId, organizationId: organization.id, templateAgentId })
        const listed = yield* catalog.list
        const wanted = listed.filter(({ slug }) => slug === first || slug === second)
        assert.deepStrictEqual(
          listed.map(({ slug }) => slug),
          listed.map(({ slug }) => slug).sort()
        )
        assert.sameDeepMembers(
          [...wanted],
          [
            {
              slug: first,
              name: "First",
              publisher: `${first}-publisher`,
              visibility: "public",
              revision: 2,
              definitions: 5,
              installs: 1
            },
            {
              slug: second,
              name: "Second",
              publisher: `${second}-publisher`,
              visibility: "private",
              revision: 1,
              definitions: 1,
              installs: 0
            }
          ]
        )
      })
    )

    inRealTime(it)("takes many publications at once, one after the other", () =>
      Effect.gen(function* () {
        const slug = newSlug()
        const all = yield* Effect.forEach(
          Array.from({ length: 6 }, (_, at) => at),
          (at) => publish(template(slug, types("a"), { name: `Name ${at}` })),
          { concurrency: "unbounded" }
        )
        assert.sameMembers(
          all.map(({ revision }) => revision),
          [1, 2, 3, 4, 5, 6]
        )
      })
    )
  })
}
