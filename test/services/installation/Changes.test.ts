import { assert, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import type { Kind } from "../../../src/domain/catalog/Kind.ts"
import type { Definition } from "../../../src/domain/catalog/Template.ts"
import { Slug } from "../../../src/domain/Ids.ts"
import type { History } from "../../../src/domain/installation/History.ts"
import { diffTemplate, publishTemplate } from "../../../src/services/catalog/PublishTemplate.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { InstalledAgents } from "../../../src/services/installation/InstalledAgents.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { sameContents } from "../../fixtures/contents.ts"
import { definition, entityTypes, oneOfEach, template } from "../../fixtures/templates.ts"
import { mutating } from "../../machine.ts"
import { Hands, newPerson, worldsOfBothModes } from "../../worlds.ts"

let templates = 0
const newSlug = () => `changes-${++templates}`

/** How many entries each page of the same history has, by world and by what is asked for. */
const pagesTold = new Map<string, ReadonlyArray<number>>()

const entityType = (slug: string, rest: Parameters<typeof definition>[2] = {}) => definition("entity_types", slug, rest)

for (const [label, world] of worldsOfBothModes) {
  it.layer(world, { timeout: "60 seconds" })(`TemplateMirror, what the person has a say in (${label})`, (it) => {
    /** A person and a template that is published, with what one does with them. */
    const prepared = (definitions: ReadonlyArray<Definition>, publisher?: string) =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const slug = newSlug()
        const catalog = yield* TemplateCatalog
        const mirror = yield* TemplateMirror
        const agents = yield* InstalledAgents
        const hands = yield* Hands
        const organizationId = person.organization.id
        const rest = publisher === undefined ? {} : { publisher: Slug.make(publisher) }
        const publish = (given: ReadonlyArray<Definition>) => Effect.orDie(catalog.publish(template(slug, given, rest)))
        const { templateAgentId } = yield* publish(definitions)
        const request = { userId: person.userId, organizationId, templateAgentId }
        const row = (kind: Kind, slug: string) => ({ organizationId, kind, slug })
        const stored = Effect.map(hands.rows(organizationId), (rows) =>
          rows.map(({ managedBy, name, retired, slug }) => ({ slug, name, managed: managedBy !== null, retired }))
        )
        const history = (agentId: string) =>
          Effect.gen(function* () {
            const agent = yield* Effect.orDie(agents.find(person.userId, agentId))
            return (yield* agents.history(agent, { limit: 20, rows: "changed" })).entries
          })
        return { agents, hands, history, mirror, person, publish, request, row, stored }
      })

    it.effect("keeps in the history what was adopted, reverted and restored", () =>
      Effect.gen(function* () {
        const { hands, history, mirror, publish, request, row } = yield* prepared([
          entityType("a", { name: "A" }),
          entityType("b", { name: "B" })
        ])
        const both = ["a", "b"].map((slug) => ({ kind: "entity_types" as const, slug }))
        yield* hands.author(row("entity_types", "a"))
        const { agentId } = yield* mirror.apply({ ...request, adopt: both.slice(0, 1) })
        const last = Effect.map(history(agentId), ([entry]) => [
          entry?.action,
          ...(entry?.rows ?? []).map(({ after, before, did, slug }) => [
            slug,
            did,
            before?.name ?? null,
            after?.name ?? null
          ])
        ])
        assert.deepStrictEqual(yield* last, ["install", ["a", "adopted", "a", "A"], ["b", "created", null, "B"]])
        yield* hands.rename(row("entity_types", "a"), "Mine")
        yield* mirror.resync({ ...request, agentId, revert: both.slice(0, 1) })
        assert.deepStrictEqual(yield* last, ["resync", ["a", "reverted", "Mine", "A"]])
        yield* hands.remove(row("entity_types", "a"))
        yield* hands.erase(row("entity_types", "b"))
        yield* publish(both.map(({ slug }) => entityType(slug, { name: `New ${slug}` })))
        yield* mirror.apply({ ...request, restore: both })
        assert.deepStrictEqual(yield* last, [
          "install",
          ["a", "restored", "A", "New a"],
          ["b", "restored", null, "New b"]
        ])
      })
    )

    it.effect("says of every collision whether its row may be adopted, and what helps where it may not", () =>
      Effect.gen(function* () {
        const { hands, mirror, person, publish, request, row, stored } = yield* prepared([
          entityType("a"),
          entityType("s")
        ])
        const catalog = yield* TemplateCatalog
        const other = newSlug()
        const theirs = yield* Effect.orDie(catalog.publish(template(other, [entityType("z")])))
        const foreign = { ...request, templateAgentId: theirs.templateAgentId }
        const { agentId } = yield* mirror.apply(foreign)
        yield* mirror.apply(request)
        yield* hands.move(row("entity_types", "s"), "t")
        yield* hands.author(row("entity_types", "b"))
        yield* hands.author(row("entity_types", "c"))
        yield* publish([
          entityType("b", { was: [Slug.make("a")] }),
          entityType("c"),
          entityType("s"),
          entityType("t"),
          entityType("z")
        ])
        const { rows } = yield* mirror.plan(request)
        assert.deepStrictEqual(
          rows.map(({ adoptable, slug, verdict }) => [slug, verdict, adoptable]),
          [
            ["b", "collision", false],
            ["c", "collision", true],
            ["s", "customized", false],
            ["t", "collision", false],
            ["z", "collision", false]
          ]
        )
        const adopt = (slug: string) => [{ kind: "entity_types" as const, slug }]
        for (const slug of ["b", "t", "z"]) {
          const refusal = yield* Effect.flip(mirror.apply({ ...request, adopt: adopt(slug) }))
          assert(refusal._tag === "NoSuchRow")
          assert.include(refusal.message, `adopt: entity_types "${slug}" can't be adopted`)
        }
        const refusal = yield* Effect.flip(mirror.apply(request))
        assert(refusal._tag === "SchemaCollision")
        assert.deepStrictEqual(
          refusal.collisions.map(({ adoptable, own, slug }) => [slug, own, adoptable]),
          [
            ["b", true, false],
            ["c", true, true],
            ["t", true, false],
            ["z", false, false]
          ]
        )
        const own = `(${person.organization.slug})`
        assert.strictEqual(
          refusal.message,
          `Nothing was written, because slugs that the template needs are taken. Name these, which are your own, in adopt, or rename or delete them: entity_types "c" ${own}. Rename or delete these, which can't be adopted, since the template's own row also exists (or revert those that are the template's and that you changed): entity_types "b" ${own}, entity_types "t" ${own}. Uninstall the template that these came with, or rename or delete them, or ask its publisher for another slug: entity_types "z" (${other}-publisher). Then try again.`
        )
        // All of it helps.
        yield* mirror.uninstall({ ...foreign, agentId })
        yield* hands.move(row("entity_types", "b"), "mine")
        yield* mirror.apply({ ...request, adopt: adopt("c"), revert: adopt("s") })
        assert.sameMembers(
          (yield* stored).map(({ managed, slug }) => `${slug} ${managed}`),
          ["b true", "c true", "mine false", "s true", "t true", "z true"]
        )
      })
    )

    it.effect("shows at which revision an agent is pinned, and what of it is hidden", () =>
      Effect.gen(function* () {
        const { agents, hands, mirror, person, publish, request, row } = yield* prepared([entityType("a")])
        const { agentId } = yield* mirror.apply(request)
        yield* publish([entityType("a"), entityType("c")])
        yield* mirror.apply(request)
        yield* hands.rename(row("entity_types", "c"), "Mine")
        yield* mirror.resync({ ...request, agentId, revision: 1 })
        const seen = yield* agents.overview(person.userId, agentId)
        assert.deepInclude(seen, { revision: 1, newestRevision: 2, pinned: true })
        assert.deepStrictEqual(
          seen.retired.map(({ because, name, slug }) => [slug, name, because]),
          [["c", "Mine", "customized"]]
        )
      })
    )

    it.effect("forgets an agent that is uninstalled, but not what was done", () =>
      Effect.gen(function* () {
        const { agents, hands, mirror, person, publish, request, row } = yield* prepared(
          ["plain", "mine", "adopted", "deleted"].map((slug) => entityType(slug))
        )
        yield* hands.author(row("entity_types", "adopted"))
        const { agentId } = yield* mirror.apply({ ...request, adopt: [{ kind: "entity_types", slug: "adopted" }] })
        yield* hands.rename(row("entity_types", "mine"), "Mine")
        yield* hands.remove(row("entity_types", "deleted"))
        yield* mirror.uninstall({ ...request, agentId })
        assert.strictEqual((yield* Effect.flip(agents.find(person.userId, agentId)))._tag, "AgentNotFound")
        yield* publish(["plain", "adopted"].map((slug) => entityType(slug)))
        const second = yield* mirror.apply(request)
        const found = yield* agents.find(person.userId, second.agentId)
        const { entries } = yield* agents.history(found, { limit: 20, rows: "changed" })
        assert.deepStrictEqual(
          entries.map(({ action, by, revision }) => [action, by.userId, revision]),
          [
            ["install", person.userId, 2],
            ["uninstall", person.userId, null],
            ["install", person.userId, 1]
          ]
        )
        assert.deepStrictEqual(
          entries[1]?.rows.map(({ before, did, slug }) => [slug, did, before?.name ?? null]),
          [
            ["adopted", "kept", null],
            ["mine", "kept", null],
            ["plain", "removed", "plain"]
          ]
        )
        const seen = yield* agents.overview(person.userId, second.agentId)
        assert.deepStrictEqual(
          seen.retired.map(({ slug }) => slug),
          ["mine"]
        )
      })
    )

    it.effect("takes contents for equal that say the same, and for changed those that don't", () =>
      Effect.gen(function* () {
        const { hands, mirror, publish, request, row } = yield* prepared([])
        let at = 0
        for (const [first = "", ...others] of sameContents) {
          const schema = { default: JSON.parse(first) }
          const said = (name: string) => [entityType("a", { name, content: { metadata_schema: schema } })]
          yield* publish(said(`Name ${++at}`))
          const { agentId } = yield* mirror.apply(request)
          const verdict = Effect.map(mirror.plan(request), ({ rows }) =>
            rows.map(({ fields, verdict }) => [verdict, ...fields])
          )
          for (const text of others) {
            yield* hands.edit(row("entity_types", "a"), "metadata_schema", `{"default": ${text}}`)
            assert.deepStrictEqual(yield* verdict, [["unchanged"]], text)
            assert.lengthOf((yield* mirror.planUninstall({ ...request, agentId })).removed, 1, text)
          }
          yield* publish(said(`Name ${++at}`))
          assert.deepStrictEqual(yield* verdict, [["update", "name"]], first)
          const { revision, verdicts } = yield* mirror.apply(request)
          assert.deepStrictEqual(verdicts, [{ kind: "entity_types", verdict: "update", rows: 1 }])
          assert.deepInclude(yield* publish(said(`Name ${at}`)), { revision, changed: false })
          const [other = ""] = sameContents[at / 2] ?? sameContents[0] ?? []
          yield* hands.edit(row("entity_types", "a"), "metadata_schema", `{"default": ${other}}`)
          assert.deepStrictEqual(yield* verdict, [["customized", "metadata_schema"]], `${first} and ${other}`)
          assert.lengthOf((yield* mirror.planUninstall({ ...request, agentId })).kept, 1)
          yield* mirror.apply({ ...request, revert: [{ kind: "entity_types", slug: "a" }] })
        }
      })
    )

    it.effect("takes a sibling's definition for the same that says the same", () =>
      Effect.gen(function* () {
        const publisher = `${newSlug()}-shared`
        const of = (schema: unknown) => [entityType("a", { content: { metadata_schema: schema } })]
        const { publish } = yield* prepared(of({ a: 1e21, b: { c: 1, d: null } }), publisher)
        const catalog = yield* TemplateCatalog
        const sibling = newSlug()
        const asked = (schema: unknown) =>
          catalog.publish(template(sibling, of(schema), { publisher: Slug.make(publisher) }))
        assert.strictEqual((yield* Effect.flip(asked({ a: 1e21, b: { c: 1 } })))._tag, "PublishRefused")
        yield* asked({ b: { d: null, c: 1.0 }, a: 1000000000000000000000 })
        assert.isFalse((yield* publish(of({ b: { d: null, c: 1 }, a: 1e21 }))).changed)
      })
    )

    it.effect("leaves no tag on a deleted copy that nothing remembers", () =>
      Effect.gen(function* () {
        const publisher = `${newSlug()}-shared`
        const { hands, mirror, publish, request, row } = yield* prepared(oneOfEach, publisher)
        const other = yield* Effect.flatMap(TemplateCatalog, (catalog) =>
          Effect.orDie(catalog.publish(template(newSlug(), oneOfEach, { publisher: Slug.make(publisher) })))
        )
        const sibling = { ...request, templateAgentId: other.templateAgentId }
        const tagged = Effect.map(hands.deletedCopies(request.organizationId), (rows) =>
          rows.map(({ managedBy, slug }) => [slug, managedBy])
        )
        const one = yield* mirror.apply(request)
        yield* hands.remove(row("watchers", "inbox"))
        yield* hands.remove(row("entity_types", "invoice"))
        const by = (templateAgentId: string) => [
          ["inbox", templateAgentId],
          ["invoice", templateAgentId]
        ]
        assert.sameDeepMembers(yield* tagged, by(request.templateAgentId))
        const two = yield* mirror.apply(sibling)
        yield* mirror.uninstall({ ...request, agentId: one.agentId })
        assert.sameDeepMembers(yield* tagged, by(other.templateAgentId))
        yield* mirror.uninstall({ ...sibling, agentId: two.agentId })
        assert.deepStrictEqual(yield* tagged, [])
        const three = yield* mirror.apply(request)
        yield* hands.remove(row("watchers", "inbox"))
        yield* publish(oneOfEach.slice(0, 2))
        yield* mirror.resync({ ...request, agentId: three.agentId })
        assert.deepStrictEqual(yield* tagged, [])
      })
    )

    it.effect("takes an agent away whose template is private by now, and shows it", () =>
      Effect.gen(function* () {
        const { agents, hands, mirror, person, request } = yield* prepared(oneOfEach)
        const { agentId } = yield* mirror.apply(request)
        const { template } = yield* agents.find(person.userId, agentId)
        yield* hands.setVisibility(template.publisher, "private")
        const seen = yield* agents.overview(person.userId, agentId)
        assert.isFalse(seen.template.available)
        assert.strictEqual(seen.counts.entity_types.unchanged, 1)
        assert.strictEqual((yield* Effect.flip(mirror.resync({ ...request, agentId })))._tag, "TemplateNotFound")
        assert.strictEqual((yield* mirror.uninstall({ ...request, agentId })).removed.length, 4)
      })
    )

    it.effect("lets every member look, and nobody else", () =>
      Effect.gen(function* () {
        const { agents, hands, mirror, request } = yield* prepared(oneOfEach)
        const { agentId } = yield* mirror.apply(request)
        const other = yield* newPerson()
        assert.strictEqual((yield* Effect.flip(agents.find(other.userId, agentId)))._tag, "AgentNotFound")
        yield* hands.setRole(request.organizationId, other.userId, "member")
        assert.strictEqual((yield* agents.find(other.userId, agentId)).agentId, agentId)
      })
    )

    it.effect("lists a person's agents with the state of their rows", () =>
      Effect.gen(function* () {
        const { agents, hands, mirror, person, publish, request, row } = yield* prepared(oneOfEach)
        const page = { limit: 100 }
        assert.deepStrictEqual(yield* agents.list(person.userId, page), { agents: [], next: null })
        const { agentId } = yield* mirror.apply({ ...request, name: "My own" })
        const { templateAgentId } = yield* Effect.flatMap(TemplateCatalog, (catalog) =>
          Effect.orDie(catalog.publish(template(newSlug(), entityTypes(3))))
        )
        const second = yield* mirror.apply({ ...request, templateAgentId })
        yield* hands.rename(row("entity_types", "invoice"), "Mine")
        yield* publish([...oneOfEach.slice(0, 3), entityType("new")])
        const listed = yield* agents.list(person.userId, page)
        assert.isNull(listed.next)
        const [two, one] = listed.agents
        assert(one !== undefined && two !== undefined)
        assert.deepStrictEqual([one.agentId, two.agentId], [agentId, second.agentId])
        assert.deepInclude(one, { name: "My own", revision: 1, newestRevision: 2, pinned: false })
        const none = {
          collision: 0,
          deleted_by_owner: 0,
          retire: 0,
          customized: 0,
          create: 0,
          update: 0,
          unchanged: 0
        }
        assert.deepStrictEqual(one.counts, {
          entity_types: { ...none, customized: 1, create: 1 },
          entity_relationship_types: { ...none, unchanged: 1 },
          watchers: { ...none, unchanged: 1 },
          event_classifiers: { ...none, retire: 1 }
        })
        assert.deepStrictEqual(one.customized, [
          { kind: "entity_types", slug: "invoice", name: "Mine", fields: ["name"] }
        ])
        assert.deepStrictEqual(one.retired, [])
        assert.deepStrictEqual(two.counts.entity_types, { ...none, unchanged: 3 })
        assert.deepStrictEqual(yield* agents.overview(person.userId, agentId), one)
      })
    )

    it.effect("writes history only where something was done, in pages", () =>
      Effect.gen(function* () {
        const { agents, mirror, person, publish, request } = yield* prepared(oneOfEach)
        const { agentId } = yield* mirror.apply(request)
        yield* mirror.apply(request)
        for (const name of ["B", "C"]) {
          yield* publish(oneOfEach.map((one) => ({ ...one, name })))
          yield* mirror.resync({ ...request, agentId })
        }
        const agent = yield* agents.find(person.userId, agentId)
        const first = yield* agents.history(agent, { limit: 2, rows: "whole" })
        assert.deepStrictEqual(
          first.entries.map(({ revision, rows }) => [revision, rows.length]),
          [
            [3, 4],
            [2, 4]
          ]
        )
        assert.deepStrictEqual(
          first.entries[1]?.rows.map(({ after, before, kind }) => [kind, before?.name, after?.name]),
          [
            ["entity_relationship_types", "pays", "B"],
            ["entity_types", "invoice", "B"],
            ["event_classifiers", "topic", "B"],
            ["watchers", "inbox", "B"]
          ]
        )
        const topic = first.entries[1]?.rows.find(({ kind }) => kind === "event_classifiers")
        assert.deepStrictEqual([topic?.before?.watcher_id, topic?.after?.watcher_id], ["inbox", "inbox"])
        assert.deepStrictEqual(Object.keys(topic?.before ?? {}).sort(), Object.keys(topic?.after ?? {}).sort())
        assert.isNotNull(first.next)
        const second = yield* agents.history(agent, { limit: 2, rows: "whole", before: first.next ?? "" })
        assert.deepStrictEqual(
          second.entries.map(({ action, revision, rows }) => [action, revision, rows.map(({ did }) => did)]),
          [["install", 1, ["created", "created", "created", "created"]]]
        )
        assert.isNull(second.next)
      })
    )

    it.effect("tells the fields that differ, and whole rows where it is asked to", () =>
      Effect.gen(function* () {
        const { agents, hands, mirror, person, publish, request, row } = yield* prepared(oneOfEach)
        const { agentId } = yield* mirror.apply(request)
        yield* hands.author(row("entity_types", "new"))
        yield* publish([
          definition("entity_types", "invoice", { name: "New", content: { metadata_schema: { type: "array" } } }),
          ...oneOfEach.slice(1),
          entityType("new")
        ])
        yield* mirror.resync({ ...request, agentId, adopt: [{ kind: "entity_types", slug: "new" }] })
        yield* mirror.uninstall({ ...request, agentId })
        const next = yield* mirror.apply(request)
        const agent = yield* agents.find(person.userId, next.agentId)
        const all = ["color", "description", "event_kinds", "extensions", "icon", "metadata_schema", "name", "slug"]
        const told = (rows: "changed" | "whole") =>
          Effect.map(agents.history(agent, { limit: 20, rows }), ({ entries }) => entries.map((entry) => entry.rows))
        const [, uninstalled = [], resynced = [], installed = []] = yield* told("changed")
        assert.deepStrictEqual(resynced, [
          {
            kind: "entity_types",
            slug: "invoice",
            did: "updated",
            fields: ["metadata_schema", "name"],
            before: { name: "invoice", metadata_schema: { type: "object" } },
            after: { name: "New", metadata_schema: { type: "array" } },
            omitted: false
          },
          {
            kind: "entity_types",
            slug: "new",
            did: "adopted",
            fields: ["color", "description", "icon", "metadata_schema"],
            before: { color: null, description: "", icon: null, metadata_schema: {} },
            after: { color: "#336699", description: "What new is", icon: "box", metadata_schema: { type: "object" } },
            omitted: false
          }
        ])
        const gone = uninstalled.find(({ slug }) => slug === "invoice")
        assert.deepStrictEqual(
          [gone?.did, gone?.fields, gone?.after, gone?.before?.name],
          ["removed", all, null, "New"]
        )
        const kept = uninstalled.find(({ slug }) => slug === "new")
        assert.deepStrictEqual([kept?.did, kept?.fields, kept?.before, kept?.after], ["kept", [], null, null])
        const made = installed.find(({ slug }) => slug === "invoice")
        assert.deepStrictEqual(
          [made?.did, made?.fields, made?.before, made?.after?.name],
          ["created", all, null, "invoice"]
        )
        const [, , [invoice] = []] = yield* told("whole")
        assert.deepStrictEqual(invoice?.fields, ["metadata_schema", "name"])
        assert.deepStrictEqual(Object.keys(invoice?.before ?? {}).sort(), all)
        assert.deepStrictEqual(Object.keys(invoice?.after ?? {}).sort(), all)
      })
    )

    it.effect("has pages of history that hold no more than 1 MiB, however many entries are asked for", () =>
      Effect.gen(function* () {
        const large = (at: number) => ({ metadata_schema: { title: `${at}`, description: `${at} é`.repeat(2_500) } })
        const types = (count: number, at: number) =>
          Array.from({ length: count }, (_, one) => entityType(`type-${one}`, { content: large(at) }))
        const { agents, mirror, person, publish, request } = yield* prepared(types(130, 0))
        const { agentId } = yield* mirror.apply(request)
        for (const at of [1, 2, 3, 4, 5, 6]) {
          yield* publish(types(20, at))
          yield* mirror.resync({ ...request, agentId })
        }
        // A large document of which little is told, as the name alone changed.
        for (const at of [7, 8, 9, 10, 11, 12]) {
          yield* publish(types(20, 6).map((one) => ({ ...one, name: `Name ${at}` })))
          yield* mirror.resync({ ...request, agentId })
        }
        const agent = yield* agents.find(person.userId, agentId)
        const pages = (rows: "changed" | "whole") =>
          Effect.iterate(
            { before: undefined as string | null | undefined, told: [] as ReadonlyArray<History> },
            {
              while: ({ before }) => before !== null,
              body: ({ before, told }) =>
                Effect.map(
                  agents.history(agent, { limit: 100, rows, ...(typeof before === "string" && { before }) }),
                  (page) => ({ before: page.next, told: [...told, page] })
                )
            }
          ).pipe(Effect.map(({ told }) => told))
        for (const rows of ["changed", "whole"] as const) {
          const told = yield* pages(rows)
          for (const page of told) assert.isAtMost(Buffer.byteLength(JSON.stringify(page.entries)), 1.15 * 1024 * 1024)
          assert.deepStrictEqual(
            told.flatMap(({ entries }) => entries.map(({ revision }) => revision)),
            Array.from({ length: 13 }, (_, at) => 13 - at)
          )
          pagesTold.set(
            `${label} ${rows}`,
            told.map(({ entries }) => entries.length)
          )
          // The first entry is too large for any page: as many of its rows have their contents as go into one.
          const rowsOfFirst = told.at(-1)?.entries.at(-1)?.rows ?? []
          assert.lengthOf(rowsOfFirst, 130)
          const omitted = rowsOfFirst.map((row) => row.omitted)
          assert.deepStrictEqual(omitted, [...omitted].sort())
          assert.isTrue(rowsOfFirst.every((row) => (row.after === null) === row.omitted && row.fields.length === 8))
          pagesTold.set(`${label} ${rows} first`, [omitted.indexOf(true)])
        }
      })
    )

    it.effect("lists agents in pages, the newest first, and does not lose its place when one is taken away", () =>
      Effect.gen(function* () {
        const { agents, mirror, person, request } = yield* prepared(oneOfEach)
        const catalog = yield* TemplateCatalog
        const ids: Array<string> = []
        for (const at of [1, 2, 3, 4, 5]) {
          const { templateAgentId } = yield* Effect.orDie(
            catalog.publish(template(newSlug(), [entityType(`only-${at}`)]))
          )
          ids.unshift((yield* mirror.apply({ ...request, templateAgentId })).agentId)
          if (at === 3) yield* mirror.apply({ ...request, templateAgentId })
        }
        const page = (before?: string | null) =>
          Effect.map(
            agents.list(person.userId, { limit: 2, ...(typeof before === "string" && { before }) }),
            ({ agents, next }) => ({ ids: agents.map(({ agentId }) => agentId as string), next })
          )
        const first = yield* page()
        assert.deepStrictEqual(first.ids, ids.slice(0, 2))
        const last = yield* agents.find(person.userId, ids[1] ?? "")
        yield* mirror.uninstall({ ...request, ...last.template, agentId: last.agentId })
        const second = yield* page(first.next)
        assert.deepStrictEqual(second.ids, ids.slice(2, 4))
        assert.deepStrictEqual(yield* page(second.next), { ids: ids.slice(4), next: null })
      })
    )

    it.effect("says what a revision does to those who have it, the most affected first", () =>
      Effect.gen(function* () {
        const { hands, mirror, publish, request, row } = yield* prepared([
          entityType("a"),
          entityType("b"),
          entityType("withdrawn")
        ])
        const others = yield* Effect.replicateEffect(newPerson(), 11)
        yield* mirror.apply(request)
        for (const { organization, userId } of others) {
          yield* mirror.apply({ ...request, userId, organizationId: organization.id })
        }
        const [pinned, blocked] = others
        assert(pinned !== undefined && blocked !== undefined)
        const theirs = { ...request, userId: pinned.userId, organizationId: pinned.organization.id }
        const { agentId } = yield* mirror.apply(theirs)
        yield* mirror.resync({ ...theirs, agentId, revision: 1 })
        yield* hands.rename(row("entity_types", "a"), "Mine")
        yield* hands.rename(row("entity_types", "b"), "Mine")
        yield* hands.use(row("entity_types", "withdrawn"))
        yield* hands.author({ organizationId: blocked.organization.id, kind: "entity_types", slug: "new" })
        const { revision, since } = yield* publish([
          entityType("a", { name: "New" }),
          entityType("b"),
          entityType("new")
        ])
        const impact = yield* mirror.impact(request.templateAgentId, revision, since)
        assert.deepStrictEqual(
          { ...impact, mostAffected: impact.mostAffected.length },
          {
            installations: 12,
            affected: 12,
            pinned: 1,
            total: { creates: 11, updates: 11, customized: 1, collisions: 1, removals: 11, retirements: 1 },
            mostAffected: 10
          }
        )
        assert.strictEqual(impact.mostAffected[0]?.organizationId, blocked.organization.id)
      })
    )

    it.effect("says beforehand what a publication would change and do, and leaves everything as it was", () =>
      Effect.gen(function* () {
        const catalog = yield* TemplateCatalog
        const { hands, mirror, request, row } = yield* prepared([entityType("a"), entityType("b")])
        yield* mirror.apply(request)
        yield* hands.rename(row("entity_types", "a"), "Mine")
        const slug = `changes-${templates}`
        const next = template(slug, [entityType("a", { name: "New" }), entityType("c")])
        const before = yield* catalog.manifest(slug)
        const first = yield* diffTemplate(next)
        assert.deepStrictEqual(yield* diffTemplate(next), first)
        assert.deepStrictEqual(yield* catalog.manifest(slug), before)
        assert.deepStrictEqual(
          first.published.changes.map(({ change, slug }) => [change, slug]),
          [
            ["changed", "a"],
            ["withdrawn", "b"],
            ["added", "c"]
          ]
        )
        assert.deepStrictEqual(first.impact.total, {
          creates: 1,
          updates: 0,
          customized: 1,
          collisions: 0,
          removals: 1,
          retirements: 0
        })
        // Somebody has what it withdraws: that is to be agreed to.
        const refused = yield* Effect.either(publishTemplate(next, false))
        assert(Either.isLeft(refused) && refused.left._tag === "WithdrawalNotAgreed")
        const refusal = refused.left
        assert.deepStrictEqual(refusal.publication, first)
        assert.strictEqual(refusal.message, "It withdraws 1 of 2 rows, and with them 1 of those who have it installed.")
        assert.deepStrictEqual(refusal.withdrawal, { rows: 1, of: 2, installed: 1 })
        assert.deepStrictEqual(yield* catalog.manifest(slug), before)
        assert.deepStrictEqual(yield* publishTemplate(next, true), first)
        assert.isFalse((yield* diffTemplate(next)).published.changed)
        const unknown = yield* diffTemplate(template(newSlug(), [entityType("a")]))
        assert.deepStrictEqual([unknown.published.revision, unknown.impact.installations], [1, 0])
        assert.strictEqual((yield* Effect.flip(catalog.manifest(`changes-${templates}`)))._tag, "UnknownTemplateSlug")
      })
    )

    it.effect("needs no agreement to what withdraws nothing, and tells of no copies where there are none", () =>
      Effect.gen(function* () {
        const slug = newSlug()
        const publish = (...slugs: ReadonlyArray<string>) =>
          publishTemplate(
            template(
              slug,
              slugs.map((one) => entityType(one))
            ),
            false
          )
        assert.strictEqual((yield* publish("a", "b", "c")).published.revision, 1)
        const refused = yield* Effect.either(publish("a"))
        assert(Either.isLeft(refused) && refused.left._tag === "WithdrawalNotAgreed")
        assert.strictEqual(refused.left.message, "It withdraws 2 of 3 rows.")
      })
    )
  })
}

it.skipIf(mutating)("a history has the same pages in every world", () => {
  for (const asked of ["changed", "whole", "changed first", "whole first"]) {
    const memory = pagesTold.get(`memory ${asked}`)
    assert.isAbove(memory?.[0] ?? 0, 1)
    assert.deepStrictEqual(pagesTold.get(`postgres ${asked}`), memory, asked)
  }
})
