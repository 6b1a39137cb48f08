import { assert, it } from "@effect/vitest"
import { Clock, Effect, Struct, TestClock } from "effect"
import { byKind, type Kind } from "../../../src/domain/catalog/Kind.ts"
import type { Definition, Template } from "../../../src/domain/catalog/Template.ts"
import { AgentId, Slug } from "../../../src/domain/Ids.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { definition, entityTypes, oneOfEach, template } from "../../fixtures/templates.ts"
import { Hands, inRealTime, newPerson, worldsOfBothModes } from "../../worlds.ts"

type Person = Effect.Effect.Success<ReturnType<typeof newPerson>>

let templates = 0
const newSlug = () => `template-${++templates}`

for (const [label, world] of worldsOfBothModes) {
  it.layer(world, { timeout: "60 seconds" })(`TemplateMirror (${label})`, (it) => {
    const publish = (given: Template) =>
      Effect.flatMap(TemplateCatalog, (catalog) => Effect.orDie(catalog.publish(given)))
    const apply = ({ organization, userId }: Person, templateAgentId: AgentId, name?: string) =>
      Effect.flatMap(TemplateMirror, (mirror) =>
        mirror.apply({ userId, organizationId: organization.id, templateAgentId, name })
      )
    const refusal = (person: Person, templateAgentId: AgentId) => Effect.flip(apply(person, templateAgentId))
    const stored = ({ organization }: Person) => Effect.flatMap(Hands, (hands) => hands.rows(organization.id))
    const agents = ({ organization }: Person) => Effect.flatMap(Hands, (hands) => hands.agents(organization.id))
    const row = ({ organization }: Person, kind: Kind, slug: string) => ({
      organizationId: organization.id,
      kind,
      slug
    })
    const names = (person: Person) =>
      Effect.map(stored(person), (rows) => rows.map(({ kind, name }) => `${kind} ${name}`).sort())

    it.effect("lands the agent and every row, bound to each other, watchers due", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const { templateAgentId } = yield* publish(template(newSlug(), oneOfEach))
        const applied = yield* apply(person, templateAgentId)
        assert.isTrue(applied.created)
        assert.deepStrictEqual(
          applied.mirrored,
          byKind(() => 1)
        )
        const common = { managedBy: templateAgentId, agentId: null, due: false, refersTo: null, retired: false }
        const rows = (yield* stored(person)).map(({ content: _, due, ...row }) => ({ ...row, due: due !== null }))
        assert.sameDeepMembers(rows, [
          { ...common, kind: "entity_types", slug: "invoice", name: "invoice" },
          { ...common, kind: "entity_relationship_types", slug: "pays", name: "pays" },
          { ...common, kind: "watchers", slug: "inbox", name: "inbox", agentId: applied.agentId, due: true },
          { ...common, kind: "event_classifiers", slug: "topic", name: "topic", refersTo: "inbox" }
        ])
      })
    )

    it.effect("carries all that the publisher says, when it is new and when it changes", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const slug = newSlug()
        const said = (definitions: ReadonlyArray<Definition>) =>
          definitions.map(({ content, description, extensions, kind, name, slug }) => ({
            kind,
            slug: slug as string,
            name,
            content: { ...content, description, extensions }
          }))
        const stands = Effect.map(stored(person), (rows) =>
          rows.map(({ content, kind, name, slug }) => ({ kind, slug, name, content }))
        )
        const agent = Effect.map(agents(person), (all) =>
          all.map(({ description, revision }) => [description, revision])
        )
        const { templateAgentId } = yield* publish(template(slug, oneOfEach))
        yield* apply(person, templateAgentId)
        assert.sameDeepMembers([...(yield* stands)], said(oneOfEach))
        assert.deepStrictEqual(yield* agent, [[`The ${slug} assistant`, 1]])
        const changes: Record<Kind, Record<string, unknown>> = {
          entity_types: {
            icon: "star",
            color: null,
            metadata_schema: { type: "object", title: "New" },
            event_kinds: [1]
          },
          entity_relationship_types: { metadata_schema: { type: "object" }, is_symmetric: true },
          watchers: {
            schedule: "30 8 * * *",
            sources: [{ a: 1 }],
            prompt: "B",
            extraction_schema: {},
            reactions_guidance: "C"
          },
          event_classifiers: { attribute_key: "k", attribute_values: [], min_similarity: 0.25, fallback_value: null }
        }
        for (const at of [1, 2]) {
          const changed = oneOfEach.map((one) => ({
            ...one,
            name: `${one.name} ${at}`,
            description: `Changed ${at}`,
            extensions: { "x-at": at },
            content: at === 1 ? { ...one.content, ...changes[one.kind] } : one.content
          }))
          yield* publish(template(slug, changed, { description: `Changed ${at}` }))
          yield* apply(person, templateAgentId)
          assert.sameDeepMembers([...(yield* stands)], said(changed))
          assert.deepStrictEqual(yield* agent, [[`Changed ${at}`, at + 1]])
        }
      })
    )

    it.effect("lets a watcher run by its new schedule once that changed, and leaves its time alone otherwise", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const slug = newSlug()
        const watcher = (name: string, schedule: string) => [
          definition("watchers", "inbox", { name, content: { schedule } })
        ]
        const due = Effect.map(stored(person), (rows) => rows.map((row) => row.due))
        const { templateAgentId } = yield* publish(template(slug, watcher("A", "0 7 * * 1")))
        yield* apply(person, templateAgentId)
        const first = yield* due
        yield* TestClock.adjust("30 days")
        yield* publish(template(slug, watcher("B", "0 7 * * 1")))
        yield* apply(person, templateAgentId)
        assert.deepStrictEqual(yield* due, first)
        yield* publish(template(slug, watcher("B", "0 8 * * *")))
        yield* apply(person, templateAgentId)
        assert.match(String((yield* due)[0]), /T08:00:00/)
        assert.isAbove(Date.parse(String((yield* due)[0])), yield* Clock.currentTimeMillis)
      })
    )

    it.effect("does not take what it could not write for a change of the person's", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const person = yield* newPerson()
        const slug = newSlug()
        const { templateAgentId } = yield* publish(template(slug, oneOfEach))
        yield* apply(person, templateAgentId)
        yield* hands.remove(row(person, "watchers", "inbox"))
        for (const at of [2, 3]) {
          yield* publish(
            template(
              slug,
              oneOfEach.map((one) => ({ ...one, name: `${one.name} ${at}` }))
            )
          )
          yield* apply(person, templateAgentId)
          assert.deepStrictEqual(yield* names(person), [
            `entity_relationship_types pays ${at}`,
            `entity_types invoice ${at}`,
            `event_classifiers topic ${at}`
          ])
        }
      })
    )

    it.effect("keeps a withdrawn watcher with the withdrawn classifier of it that stays", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const person = yield* newPerson()
        const slug = newSlug()
        const { templateAgentId } = yield* publish(template(slug, oneOfEach))
        yield* apply(person, templateAgentId)
        yield* hands.use(row(person, "event_classifiers", "topic"))
        yield* publish(template(slug, []))
        yield* apply(person, templateAgentId)
        assert.sameDeepMembers(
          (yield* stored(person)).map((one) => [one.slug, one.retired, one.refersTo]),
          [
            ["inbox", true, null],
            ["topic", true, "inbox"]
          ]
        )
        yield* publish(template(slug, oneOfEach))
        assert.deepStrictEqual(
          (yield* apply(person, templateAgentId)).mirrored,
          byKind(() => 1)
        )
        assert.isTrue((yield* stored(person)).every(({ retired }) => !retired))
      })
    )

    it.effect("follows a definition that moves from one template of a publisher to another", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const publisher = Slug.make(`${newSlug()}-shared`)
        const [first, second] = [newSlug(), newSlug()]
        const invoice = definition("entity_types", "invoice")
        const one = yield* publish(template(first, [invoice], { publisher }))
        yield* apply(person, one.templateAgentId)
        yield* publish(template(first, [], { publisher }))
        const two = yield* publish(template(second, [invoice], { publisher }))
        yield* apply(person, two.templateAgentId)
        yield* apply(person, one.templateAgentId)
        assert.deepStrictEqual(
          (yield* stored(person)).map(({ managedBy, retired, slug }) => [slug, managedBy, retired]),
          [["invoice", two.templateAgentId, false]]
        )
      })
    )

    inRealTime(it)(
      "comes out right when templates that share are installed, again and again, while they are published",
      () =>
        Effect.gen(function* () {
          const person = yield* newPerson()
          const publisher = Slug.make(`${newSlug()}-shared`)
          const [first, second] = [newSlug(), newSlug()]
          const shared = Array.from({ length: 12 }, (_, at) => definition("entity_types", `shared-${at}`))
          const one = yield* publish(template(first, shared, { publisher }))
          const two = yield* publish(template(second, [...shared].reverse(), { publisher }))
          const extra = (at: number) =>
            template(first, [...shared, definition("entity_types", `extra-${at}`)], { publisher })
          yield* Effect.all(
            [
              ...Array.from({ length: 8 }, () => apply(person, one.templateAgentId)),
              ...Array.from({ length: 8 }, () => apply(person, two.templateAgentId)),
              ...Array.from({ length: 4 }, (_, at) => publish(extra(at)))
            ],
            { concurrency: "unbounded", discard: true }
          )
          yield* publish(extra(9))
          const { revision } = yield* apply(person, one.templateAgentId)
          assert.deepStrictEqual(
            (yield* stored(person)).map(({ slug }) => slug).sort(),
            [...shared.map(({ slug }) => slug as string), "extra-9"].sort()
          )
          const stands = yield* agents(person)
          assert.strictEqual(stands.length, 2)
          assert.strictEqual(Math.max(...stands.map((agent) => agent.revision ?? 0)), revision)
        })
    )

    it.effect("is the same agent the second time, and changes nothing", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const { templateAgentId } = yield* publish(template(newSlug(), oneOfEach))
        const first = yield* apply(person, templateAgentId)
        const before = yield* stored(person)
        const { verdicts, ...second } = yield* apply(person, templateAgentId)
        assert.deepStrictEqual(second, { ...Struct.omit(first, "verdicts"), created: false })
        assert.sameDeepMembers(
          [...verdicts],
          first.verdicts.map((counted) => ({ ...counted, verdict: "unchanged" as const }))
        )
        assert.deepStrictEqual(yield* stored(person), before)
      })
    )

    inRealTime(it)("is one agent however many install at once", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const { templateAgentId } = yield* publish(template(newSlug(), oneOfEach))
        const all = yield* Effect.all(
          Array.from({ length: 12 }, () => apply(person, templateAgentId)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(new Set(all.map(({ agentId }) => agentId)).size, 1)
        assert.strictEqual(all.filter(({ created }) => created).length, 1)
        assert.strictEqual((yield* agents(person)).length, 1)
        assert.strictEqual((yield* stored(person)).length, 4)
      })
    )

    it.effect("brings an installed template up to the newest revision", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const slug = newSlug()
        const { templateAgentId } = yield* publish(template(slug, oneOfEach))
        yield* apply(person, templateAgentId)
        const renamed = oneOfEach.map((one) => ({ ...one, name: `${one.name} 2` }))
        yield* publish(template(slug, [...renamed, definition("entity_types", "receipt")]))
        const applied = yield* apply(person, templateAgentId)
        assert.deepStrictEqual([applied.created, applied.revision], [false, 2])
        assert.deepStrictEqual(applied.mirrored, { ...byKind(() => 1), entity_types: 2 })
        assert.deepStrictEqual(yield* names(person), [
          "entity_relationship_types pays 2",
          "entity_types invoice 2",
          "entity_types receipt",
          "event_classifiers topic 2",
          "watchers inbox 2"
        ])
        assert.strictEqual((yield* stored(person)).find(({ kind }) => kind === "event_classifiers")?.refersTo, "inbox")
      })
    )

    it.effect("follows a definition that is renamed", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const slug = newSlug()
        const { templateAgentId } = yield* publish(template(slug, [definition("entity_types", "bill")]))
        yield* apply(person, templateAgentId)
        yield* publish(template(slug, [definition("entity_types", "invoice", { was: [Slug.make("bill")] })]))
        const { mirrored } = yield* apply(person, templateAgentId)
        assert.strictEqual(mirrored.entity_types, 1)
        assert.deepStrictEqual(yield* names(person), ["entity_types invoice"])
      })
    )

    it.effect("keeps what the person changed, and what they deleted stays deleted", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const person = yield* newPerson()
        const slug = newSlug()
        const { templateAgentId } = yield* publish(template(slug, [...oneOfEach, definition("entity_types", "note")]))
        yield* apply(person, templateAgentId)
        yield* hands.rename(row(person, "entity_types", "invoice"), "My invoices")
        yield* hands.remove(row(person, "entity_types", "note"))
        yield* publish(
          template(
            slug,
            [...oneOfEach, definition("entity_types", "note")].map((one) => ({ ...one, name: `${one.name} 2` }))
          )
        )
        const { mirrored } = yield* apply(person, templateAgentId)
        assert.strictEqual(mirrored.entity_types, 1)
        assert.deepStrictEqual(yield* names(person), [
          "entity_relationship_types pays 2",
          "entity_types My invoices",
          "event_classifiers topic 2",
          "watchers inbox 2"
        ])
      })
    )

    it.effect("names every slug that is taken, and writes nothing", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const person = yield* newPerson()
        const other = newSlug()
        const theirs = yield* publish(template(other, [definition("watchers", "inbox")]))
        yield* apply(person, theirs.templateAgentId)
        yield* hands.author(row(person, "entity_types", "invoice"))
        const before = yield* stored(person)
        const { templateAgentId } = yield* publish(template(newSlug(), oneOfEach))
        const refused = yield* refusal(person, templateAgentId)
        assert(refused._tag === "SchemaCollision")
        assert.sameDeepMembers(
          [...refused.collisions],
          [
            { kind: "entity_types", slug: "invoice", owner: person.organization.slug, own: true, adoptable: true },
            { kind: "watchers", slug: "inbox", owner: `${other}-publisher`, own: false, adoptable: false }
          ]
        )
        assert.deepStrictEqual(yield* stored(person), before)
        assert.strictEqual((yield* agents(person)).length, 1)
      })
    )

    it.effect("does not take a deleted row, another kind's slug or a system row for a collision", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const person = yield* newPerson()
        yield* hands.author(row(person, "entity_types", "invoice"))
        yield* hands.remove(row(person, "entity_types", "invoice"))
        yield* hands.author(row(person, "entity_types", "inbox"))
        const { templateAgentId } = yield* publish(template(newSlug(), oneOfEach))
        yield* apply(person, templateAgentId)
      })
    )

    it.effect("shares a definition that two templates of one publisher name", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const publisher = Slug.make(`${newSlug()}-shared`)
        const shared = definition("entity_types", "invoice")
        const one = yield* publish(template(newSlug(), [shared], { publisher }))
        const two = yield* publish(template(newSlug(), [shared, definition("entity_types", "receipt")], { publisher }))
        yield* apply(person, one.templateAgentId)
        const { mirrored } = yield* apply(person, two.templateAgentId)
        assert.strictEqual(mirrored.entity_types, 2)
        const rows = yield* stored(person)
        assert.sameDeepMembers(
          rows.map(({ managedBy, slug }) => [slug, managedBy]),
          [
            ["invoice", one.templateAgentId],
            ["receipt", two.templateAgentId]
          ]
        )
      })
    )

    it.effect("does not take an update through one template for a change the person made, through the other", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const publisher = Slug.make(`${newSlug()}-shared`)
        const [first, second] = [newSlug(), newSlug()]
        const shared = definition("entity_types", "invoice")
        const one = yield* publish(template(first, [shared], { publisher }))
        yield* publish(template(second, [shared], { publisher }))
        const two = yield* publish(template(second, [shared], { publisher }))
        yield* apply(person, one.templateAgentId)
        yield* apply(person, two.templateAgentId)
        // The second template lets go of the definition, so that the first may change it, and takes it up again.
        yield* publish(template(second, [], { publisher }))
        yield* publish(template(first, [{ ...shared, name: "invoice 2" }], { publisher }))
        yield* publish(template(second, [{ ...shared, name: "invoice 2" }], { publisher }))
        yield* apply(person, one.templateAgentId)
        yield* publish(template(second, [], { publisher }))
        yield* publish(template(first, [{ ...shared, name: "invoice 3" }], { publisher }))
        yield* publish(template(second, [{ ...shared, name: "invoice 3" }], { publisher }))
        yield* apply(person, two.templateAgentId)
        assert.deepStrictEqual(yield* names(person), ["entity_types invoice 3"])
      })
    )

    it.effect("keeps a name the person gave, and otherwise follows the template's", () =>
      Effect.gen(function* () {
        const [named, unnamed] = [yield* newPerson(), yield* newPerson()]
        const slug = newSlug()
        const { templateAgentId } = yield* publish(template(slug, oneOfEach, { name: "Before" }))
        yield* apply(named, templateAgentId, "Before")
        yield* apply(unnamed, templateAgentId)
        yield* publish(template(slug, oneOfEach, { name: "After" }))
        yield* apply(named, templateAgentId)
        yield* apply(unnamed, templateAgentId)
        const nameOf = (person: Person) => Effect.map(agents(person), (all) => all.map(({ name }) => name))
        assert.deepStrictEqual([yield* nameOf(named), yield* nameOf(unnamed)], [["Before"], ["After"]])
        yield* apply(named, templateAgentId, "Another")
        assert.deepStrictEqual(yield* nameOf(named), ["Another"])
      })
    )

    it.effect("refuses, in order: not found, installed, own, not public, not an administrator", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const [person, stranger] = [yield* newPerson(), yield* newPerson()]
        const slug = newSlug()
        const { templateAgentId } = yield* publish(template(slug, oneOfEach))
        const publisher = { ...person, organization: { ...person.organization } }
        assert.strictEqual((yield* refusal(person, AgentId.make("agent_nowhere")))._tag, "TemplateNotFound")

        const installed = yield* apply(person, templateAgentId)
        assert.strictEqual((yield* refusal(stranger, installed.agentId))._tag, "TemplateNotFound")
        assert.strictEqual((yield* refusal(publisher, installed.agentId))._tag, "TemplateIsInstalled")

        yield* hands.setRole(person.organization.id, stranger.userId, "member")
        const inTheirs = { userId: stranger.userId, organization: person.organization }
        assert.strictEqual((yield* refusal(inTheirs, templateAgentId))._tag, "NotOrgAdmin")
        assert.strictEqual(
          (yield* refusal({ ...inTheirs, userId: (yield* newPerson()).userId }, templateAgentId))._tag,
          "NotOrgAdmin"
        )

        yield* hands.setVisibility(`${slug}-publisher`, "private")
        assert.strictEqual((yield* refusal(stranger, templateAgentId))._tag, "TemplateNotFound")
      })
    )

    it.effect(
      "tells a member, and only a member, that a template is not public; and its own organization that it is its own",
      () =>
        Effect.gen(function* () {
          const hands = yield* Hands
          const [insider, stranger] = [yield* newPerson(), yield* newPerson()]
          const publisher = insider.organization
          yield* hands.setVisibility(publisher.slug, "public")
          const { templateAgentId } = yield* publish(template(newSlug(), oneOfEach, { publisher: publisher.slug }))
          assert.strictEqual((yield* refusal(insider, templateAgentId))._tag, "SelfInstall")
          yield* hands.setVisibility(publisher.slug, "private")
          const target = yield* newPerson()
          yield* hands.setRole(target.organization.id, insider.userId, "owner")
          const elsewhere = { userId: insider.userId, organization: target.organization }
          assert.strictEqual((yield* refusal(elsewhere, templateAgentId))._tag, "TemplateNotPublic")
          assert.strictEqual((yield* refusal(stranger, templateAgentId))._tag, "TemplateNotFound")
        })
    )

    it.effect("lets renamed definitions take each other's slugs, in swaps, cycles and chains", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const slug = newSlug()
        const called = (now: string, was: string, name: string) =>
          definition("entity_types", now, { was: was === "" ? [] : [Slug.make(was)], name })
        const { templateAgentId } = yield* publish(
          template(
            slug,
            ["a", "b", "c", "d", "e"].map((one) => called(one, "", one.toUpperCase()))
          )
        )
        yield* apply(person, templateAgentId)
        const moved = [
          called("b", "a", "A"),
          called("c", "b", "B"),
          called("a", "c", "C"),
          called("e", "d", "D"),
          called("f", "e", "E")
        ]
        yield* publish(template(slug, moved))
        const { mirrored } = yield* apply(person, templateAgentId)
        assert.strictEqual(mirrored.entity_types, 5)
        const slugs = Effect.map(stored(person), (rows) => rows.map((row) => `${row.slug} ${row.name}`).sort())
        assert.deepStrictEqual(yield* slugs, ["a C", "b A", "c B", "e D", "f E"])
        yield* apply(person, templateAgentId)
        assert.deepStrictEqual(yield* slugs, ["a C", "b A", "c B", "e D", "f E"])
      })
    )

    it.effect("leaves a row the person changed at its slug, and refuses where another is to take that", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const person = yield* newPerson()
        const slug = newSlug()
        const { templateAgentId } = yield* publish(
          template(slug, [definition("entity_types", "a"), definition("entity_types", "b")])
        )
        yield* apply(person, templateAgentId)
        yield* hands.rename(row(person, "entity_types", "a"), "Mine")
        yield* publish(
          template(slug, [
            definition("entity_types", "b", { was: [Slug.make("a")] }),
            definition("entity_types", "a", { was: [Slug.make("b")] })
          ])
        )
        const before = yield* stored(person)
        const refused = yield* refusal(person, templateAgentId)
        assert(refused._tag === "SchemaCollision")
        assert.deepStrictEqual(
          [...refused.collisions],
          [{ kind: "entity_types", slug: "a", owner: person.organization.slug, own: true, adoptable: false }]
        )
        assert.deepStrictEqual(yield* stored(person), before)
      })
    )

    it.effect(
      "retires what the publisher withdrew: gone, or hidden where it is used or changed; and brings it back",
      () =>
        Effect.gen(function* () {
          const hands = yield* Hands
          const person = yield* newPerson()
          const slug = newSlug()
          const all = ["unused", "used", "changed", "deleted"].map((one) => definition("entity_types", one))
          const { templateAgentId } = yield* publish(template(slug, all))
          yield* apply(person, templateAgentId)
          yield* hands.use(row(person, "entity_types", "used"))
          yield* hands.rename(row(person, "entity_types", "changed"), "Mine")
          yield* hands.remove(row(person, "entity_types", "deleted"))
          yield* publish(template(slug, []))
          const { mirrored } = yield* apply(person, templateAgentId)
          assert.strictEqual(mirrored.entity_types, 0)
          const seen = Effect.map(stored(person), (rows) =>
            rows.map(({ name, retired }) => `${name}${retired ? " (hidden)" : ""}`).sort()
          )
          assert.deepStrictEqual(yield* seen, ["Mine (hidden)", "used (hidden)"])
          yield* apply(person, templateAgentId)
          assert.deepStrictEqual(yield* seen, ["Mine (hidden)", "used (hidden)"])
          yield* publish(template(slug, all))
          yield* apply(person, templateAgentId)
          assert.deepStrictEqual(yield* seen, ["Mine", "deleted", "unused", "used"])
        })
    )

    it.effect("keeps a withdrawn watcher that a classifier of the person's own listens to", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const person = yield* newPerson()
        const slug = newSlug()
        const { templateAgentId } = yield* publish(template(slug, oneOfEach))
        yield* apply(person, templateAgentId)
        yield* hands.author(row(person, "event_classifiers", "mine"), "inbox")
        yield* publish(template(slug, []))
        yield* apply(person, templateAgentId)
        assert.sameDeepMembers(
          (yield* stored(person)).map((one) => [one.kind, one.slug, one.retired, one.refersTo]),
          [
            ["watchers", "inbox", true, null],
            ["event_classifiers", "mine", false, "inbox"]
          ]
        )
      })
    )

    it.effect("hands a withdrawn definition to the sibling template that still has it", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const publisher = Slug.make(`${newSlug()}-shared`)
        const [first, second] = [newSlug(), newSlug()]
        const shared = [definition("entity_types", "invoice"), definition("watchers", "inbox")]
        const one = yield* publish(template(first, shared, { publisher }))
        const two = yield* publish(template(second, shared, { publisher }))
        yield* apply(person, one.templateAgentId)
        const { agentId } = yield* apply(person, two.templateAgentId)
        yield* publish(template(first, [], { publisher }))
        yield* apply(person, one.templateAgentId)
        assert.sameDeepMembers(
          (yield* stored(person)).map((row) => [row.slug, row.managedBy, row.agentId, row.retired]),
          [
            ["invoice", two.templateAgentId, null, false],
            ["inbox", two.templateAgentId, agentId, false]
          ]
        )
      })
    )

    it.effect("installs what the revision lists, not what else the publisher has", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const publisher = (yield* newPerson()).organization
        yield* hands.setVisibility(publisher.slug, "public")
        yield* hands.author({ organizationId: publisher.id, kind: "entity_types", slug: "private-notes" })
        const { templateAgentId } = yield* publish(template(newSlug(), oneOfEach, { publisher: publisher.slug }))
        yield* hands.rename({ organizationId: publisher.id, kind: "entity_types", slug: "invoice" }, "Draft")
        const person = yield* newPerson()
        yield* apply(person, templateAgentId)
        assert.deepStrictEqual(
          (yield* names(person)).filter((name) => name.startsWith("entity_types")),
          ["entity_types invoice"]
        )
      })
    )

    it.effect("installs an empty template, and one of many rows", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const empty = yield* publish(template(newSlug(), []))
        assert.deepStrictEqual(
          (yield* apply(person, empty.templateAgentId)).mirrored,
          byKind(() => 0)
        )
        const large = yield* publish(template(newSlug(), entityTypes(300)))
        assert.strictEqual((yield* apply(person, large.templateAgentId)).mirrored.entity_types, 300)
      })
    )
  })
}
