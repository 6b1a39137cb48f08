import assert from "node:assert/strict"
import { DateTime, Duration, Effect } from "effect"
import { byKind, type Kind } from "../../domain/catalog/Kind.ts"
import type { Definition } from "../../domain/catalog/Template.ts"
import { law } from "../Law.ts"
import { entity, watcher } from "../Seeds.ts"
import { assertSameMembers, type MirrorLaws, oneOfEach, preparing, renamed } from "./Prepared.ts"

/** What a new revision brings to those who have an earlier one, and what it leaves alone. */
export const resyncLaws: MirrorLaws = (hands) => {
  const prepared = preparing(hands)
  return [
    law(
      "brings an installed template up to the newest revision",
      Effect.gen(function* () {
        const { mirror, names, publish, request, rows } = yield* prepared(oneOfEach)
        yield* mirror.apply(request)
        yield* publish([...renamed(oneOfEach, "2"), entity("receipt")])
        const applied = yield* mirror.apply(request)
        assert.deepEqual([applied.created, applied.revision], [false, 2])
        assert.deepEqual(applied.mirrored, { ...byKind(() => 1), entity_types: 2 })
        assert.deepEqual(yield* names, [
          "entity_relationship_types pays 2",
          "entity_types invoice 2",
          "entity_types receipt",
          "event_classifiers topic 2",
          "watchers inbox 2"
        ])
        assert.equal((yield* rows).find(({ kind }) => kind === "event_classifiers")?.refersTo, "inbox")
      })
    ),
    law(
      "carries all that the publisher says, when it is new and when it changes",
      Effect.gen(function* () {
        const { agents, mirror, publish, request, rows } = yield* prepared(oneOfEach, { description: "Said 0" })
        const asSaid = (definitions: ReadonlyArray<Definition>) =>
          definitions.map(({ content, description, extensions, kind, name, slug }) => ({
            kind,
            slug,
            name,
            content: { ...content, description, extensions }
          }))
        const stored = Effect.map(rows, (all) =>
          all.map(({ content, kind, name, slug }) => ({ kind, slug, name, content }))
        )
        const agent = Effect.map(agents, (all) => all.map(({ description, revision }) => [description, revision]))
        yield* mirror.apply(request)
        assertSameMembers(yield* stored, asSaid(oneOfEach))
        assert.deepEqual(yield* agent, [["Said 0", 1]])
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
          yield* publish(changed, { description: `Said ${at}` })
          yield* mirror.apply(request)
          assertSameMembers(yield* stored, asSaid(changed))
          assert.deepEqual(yield* agent, [[`Said ${at}`, at + 1]])
        }
      })
    ),
    law(
      "lets a watcher run by its new schedule once that changed, and leaves its time alone otherwise",
      Effect.gen(function* () {
        const { mirror, publish, request, rows } = yield* prepared([watcher("inbox", { name: "A" })])
        const due = Effect.map(rows, ([row]) => row?.due ?? "")
        yield* mirror.apply(request)
        const first = yield* due
        yield* hands.elapse(Duration.days(30))
        yield* publish([watcher("inbox", { name: "B" })])
        yield* mirror.apply(request)
        assert.equal(yield* due, first)
        yield* publish([watcher("inbox", { name: "B", schedule: "0 8 * * *" })])
        yield* mirror.apply(request)
        assert.match(yield* due, /T08:00:00/)
        assert((yield* due) > DateTime.formatIso(yield* DateTime.now), "it is due in the past")
      })
    ),
    law(
      "keeps what the person changed, and what they deleted stays deleted",
      Effect.gen(function* () {
        const all = [...oneOfEach, entity("note")]
        const { mirror, names, publish, request, row } = yield* prepared(all)
        yield* mirror.apply(request)
        yield* hands.rename(row("entity_types", "invoice"), "My invoices")
        yield* hands.remove(row("entity_types", "note"))
        yield* publish(renamed(all, "2"))
        assert.equal((yield* mirror.apply(request)).mirrored.entity_types, 1)
        assert.deepEqual(yield* names, [
          "entity_relationship_types pays 2",
          "entity_types My invoices",
          "event_classifiers topic 2",
          "watchers inbox 2"
        ])
      })
    ),
    law(
      "does not take what it could not write for a change of the person's",
      Effect.gen(function* () {
        const { mirror, names, publish, request, row } = yield* prepared(oneOfEach)
        yield* mirror.apply(request)
        // Nothing is left for the classifier to refer to.
        yield* hands.remove(row("watchers", "inbox"))
        for (const word of ["2", "3"]) {
          yield* publish(renamed(oneOfEach, word))
          yield* mirror.apply(request)
          assert.deepEqual(yield* names, [
            `entity_relationship_types pays ${word}`,
            `entity_types invoice ${word}`,
            `event_classifiers topic ${word}`
          ])
        }
      })
    ),
    law(
      "follows a definition that is renamed",
      Effect.gen(function* () {
        const { mirror, names, publish, request } = yield* prepared([entity("bill")])
        yield* mirror.apply(request)
        yield* publish([entity("invoice", { was: ["bill"] })])
        assert.equal((yield* mirror.apply(request)).mirrored.entity_types, 1)
        assert.deepEqual(yield* names, ["entity_types invoice"])
      })
    ),
    law(
      "lets renamed definitions take each other's slugs, in swaps, cycles and chains",
      Effect.gen(function* () {
        const called = (slug: string, was: string, name: string) => entity(slug, { name, was: [was] })
        const { mirror, publish, request, rows } = yield* prepared(
          ["a", "b", "c", "d", "e"].map((slug) => entity(slug, { name: slug.toUpperCase() }))
        )
        yield* mirror.apply(request)
        yield* publish([
          called("b", "a", "A"),
          called("c", "b", "B"),
          called("a", "c", "C"),
          called("e", "d", "D"),
          called("f", "e", "E")
        ])
        assert.equal((yield* mirror.apply(request)).mirrored.entity_types, 5)
        const slugs = Effect.map(rows, (all) => all.map((one) => `${one.slug} ${one.name}`).sort())
        assert.deepEqual(yield* slugs, ["a C", "b A", "c B", "e D", "f E"])
        yield* mirror.apply(request)
        assert.deepEqual(yield* slugs, ["a C", "b A", "c B", "e D", "f E"])
      })
    ),
    law(
      "leaves a row the person changed at its slug, and refuses where another is to take that",
      Effect.gen(function* () {
        const { mirror, person, publish, request, row, rows } = yield* prepared([entity("a"), entity("b")])
        yield* mirror.apply(request)
        yield* hands.rename(row("entity_types", "a"), "Mine")
        yield* publish([entity("b", { was: ["a"] }), entity("a", { was: ["b"] })])
        const before = yield* rows
        const refused = yield* Effect.flip(mirror.apply(request))
        assert(refused._tag === "SchemaCollision")
        assert.deepEqual(
          [...refused.collisions],
          [{ kind: "entity_types", slug: "a", owner: person.organization.slug, own: true, adoptable: false }]
        )
        assertSameMembers(yield* rows, before)
      })
    ),
    law(
      "retires what the publisher withdrew: gone, or hidden where it is used or changed; and brings it back",
      Effect.gen(function* () {
        const all = ["unused", "used", "changed", "deleted"].map((slug) => entity(slug))
        const { mirror, publish, request, row, rows } = yield* prepared(all)
        yield* mirror.apply(request)
        yield* hands.use(row("entity_types", "used"))
        yield* hands.rename(row("entity_types", "changed"), "Mine")
        yield* hands.remove(row("entity_types", "deleted"))
        yield* publish([])
        assert.equal((yield* mirror.apply(request)).mirrored.entity_types, 0)
        const seen = Effect.map(rows, (left) =>
          left.map(({ name, retired }) => `${name}${retired ? " (hidden)" : ""}`).sort()
        )
        assert.deepEqual(yield* seen, ["Mine (hidden)", "used (hidden)"])
        yield* mirror.apply(request)
        assert.deepEqual(yield* seen, ["Mine (hidden)", "used (hidden)"])
        yield* publish(all)
        yield* mirror.apply(request)
        assert.deepEqual(yield* seen, ["Mine", "deleted", "unused", "used"])
      })
    ),
    law(
      "keeps a withdrawn watcher that a classifier of the person's own listens to",
      Effect.gen(function* () {
        const { mirror, publish, request, row, rows } = yield* prepared(oneOfEach)
        yield* mirror.apply(request)
        yield* hands.author(row("event_classifiers", "mine"), "inbox")
        yield* publish([])
        yield* mirror.apply(request)
        assertSameMembers(
          (yield* rows).map((one) => [one.kind, one.slug, one.retired, one.refersTo]),
          [
            ["watchers", "inbox", true, null],
            ["event_classifiers", "mine", false, "inbox"]
          ]
        )
      })
    ),
    law(
      "keeps a withdrawn watcher with the withdrawn classifier of it that stays",
      Effect.gen(function* () {
        const { mirror, publish, request, row, rows } = yield* prepared(oneOfEach)
        yield* mirror.apply(request)
        yield* hands.use(row("event_classifiers", "topic"))
        yield* publish([])
        yield* mirror.apply(request)
        assertSameMembers(
          (yield* rows).map((one) => [one.slug, one.retired, one.refersTo]),
          [
            ["inbox", true, null],
            ["topic", true, "inbox"]
          ]
        )
        yield* publish(oneOfEach)
        assert.deepEqual(
          (yield* mirror.apply(request)).mirrored,
          byKind(() => 1)
        )
        assert((yield* rows).every(({ retired }) => !retired))
      })
    ),
    law(
      "goes back to an earlier revision, stays there, and follows again when asked to",
      Effect.gen(function* () {
        const { mirror, publish, request, row, rows } = yield* prepared([
          entity("a", { name: "A" }),
          entity("gone", { name: "Gone" })
        ])
        const { agentId } = yield* mirror.apply(request)
        yield* publish([entity("b", { name: "B", was: ["a"] }), entity("c")])
        yield* mirror.apply(request)
        yield* hands.rename(row("entity_types", "c"), "Mine")
        const back = yield* mirror.planResync({ ...request, agentId, revision: 1 })
        assertSameMembers(
          back.rows.map(({ because, fate, slug, verdict }) => [slug, verdict, fate, because]),
          [
            ["a", "update", null, null],
            ["gone", "create", null, null],
            ["c", "retire", "kept", "customized"]
          ]
        )
        const applied = yield* mirror.resync({ ...request, agentId, revision: 1, expectedPlan: back.planHash })
        assert.deepEqual([applied.agentId, applied.revision, applied.pinned], [agentId, 1, true])
        const seen = Effect.map(rows, (all) => all.map(({ name, retired, slug }) => [slug, name, retired]))
        const pinned = [
          ["a", "A", false],
          ["gone", "Gone", false],
          ["c", "Mine", true]
        ]
        assertSameMembers(yield* seen, pinned)
        yield* publish([entity("b", { name: "B2" }), entity("c")])
        for (const again of [mirror.apply(request), mirror.resync({ ...request, agentId })]) {
          const stays = yield* again
          assert.deepEqual([stays.revision, stays.pinned], [1, true])
          assertSameMembers(yield* seen, pinned)
        }
        assert.equal((yield* mirror.plan(request)).revision, 1)
        const newest = yield* mirror.resync({ ...request, agentId, revision: "newest" })
        assert.deepEqual([newest.revision, newest.pinned], [3, false])
        assertSameMembers(yield* seen, [
          ["b", "B2", false],
          ["c", "Mine", false]
        ])
        const unknown = yield* Effect.flip(mirror.resync({ ...request, agentId, revision: 9 }))
        assert(unknown._tag === "NoSuchRevision")
        assert.deepEqual([unknown.revision, unknown.newest], [9, 3])
      })
    )
  ]
}
