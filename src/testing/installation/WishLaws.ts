import assert from "node:assert/strict"
import { DateTime, Duration, Effect, Predicate } from "effect"
import { law } from "../Law.ts"
import { entity, watcher } from "../Seeds.ts"
import { assertSameMembers, entityType, type MirrorLaws, oneOfEach, preparing } from "./Prepared.ts"

/** What becomes of the rows that a person names in a request. */
export const wishLaws: MirrorLaws = (hands) => {
  const prepared = preparing(hands)
  const two = [entity("a", { name: "A" }), entity("b", { name: "B" })]
  const ofTemplate = { managed: true, retired: false }
  return [
    law(
      "adopts the rows that are named, and no others, once",
      Effect.gen(function* () {
        const { mirror, publish, request, row, shown } = yield* prepared(two)
        yield* hands.author(row("entity_types", "a"))
        yield* hands.author(row("entity_types", "b"))
        const refusal = yield* Effect.flip(mirror.apply({ ...request, adopt: [entityType("a")] }))
        assert(refusal._tag === "SchemaCollision")
        assert.deepEqual(
          refusal.collisions.map(({ slug }) => slug),
          ["b"]
        )
        assert((yield* shown).every(({ managed }) => !managed))
        const { mirrored } = yield* mirror.apply({ ...request, adopt: [entityType("a"), entityType("b")] })
        assert.equal(mirrored.entity_types, 2)
        assertSameMembers(yield* shown, [
          { slug: "a", name: "A", ...ofTemplate },
          { slug: "b", name: "B", ...ofTemplate }
        ])
        const again = yield* Effect.flip(mirror.apply({ ...request, adopt: [entityType("a")] }))
        assert.equal(again._tag, "NoSuchRow")
        // What was the person's own once never goes with the template.
        yield* publish(two.slice(1))
        yield* mirror.apply(request)
        assertSameMembers(yield* shown, [
          { slug: "a", name: "A", managed: true, retired: true },
          { slug: "b", name: "B", ...ofTemplate }
        ])
      })
    ),
    law(
      "adopts a watcher with its agent, its schedule and its content",
      Effect.gen(function* () {
        const { mirror, request, row, rows } = yield* prepared([watcher("inbox", { prompt: "Look well" })])
        yield* hands.author(row("watchers", "inbox"))
        const { agentId } = yield* mirror.apply({ ...request, adopt: [{ kind: "watchers", slug: "inbox" }] })
        const [found] = yield* rows
        assert.equal(found?.agentId, agentId)
        assert.notEqual(found?.due, null)
        assert(Predicate.hasProperty(found?.content, "prompt"))
        assert.equal(found.content.prompt, "Look well")
      })
    ),
    law(
      "reverts the rows that are named, once",
      Effect.gen(function* () {
        const { mirror, request, row, shown } = yield* prepared(two)
        const { agentId } = yield* mirror.apply(request)
        yield* hands.rename(row("entity_types", "a"), "Mine")
        yield* hands.rename(row("entity_types", "b"), "Mine too")
        yield* mirror.resync({ ...request, agentId, revert: [entityType("a")] })
        const b = { slug: "b", name: "Mine too", ...ofTemplate }
        assertSameMembers(yield* shown, [{ slug: "a", name: "A", ...ofTemplate }, b])
        // The next change is the person's again.
        yield* hands.rename(row("entity_types", "a"), "Mine again")
        yield* mirror.resync({ ...request, agentId })
        assertSameMembers(yield* shown, [{ slug: "a", name: "Mine again", ...ofTemplate }, b])
      })
    ),
    law(
      "reverts rows whose slugs the person swapped",
      Effect.gen(function* () {
        const { mirror, request, row, shown } = yield* prepared(two)
        yield* mirror.apply(request)
        yield* hands.move(row("entity_types", "a"), "c")
        yield* hands.move(row("entity_types", "b"), "a")
        yield* hands.move(row("entity_types", "c"), "b")
        const one = yield* Effect.flip(mirror.apply({ ...request, revert: [entityType("a")] }))
        assert.equal(one._tag, "SchemaCollision")
        yield* mirror.apply({ ...request, revert: [entityType("a"), entityType("b")] })
        assertSameMembers(yield* shown, [
          { slug: "a", name: "A", ...ofTemplate },
          { slug: "b", name: "B", ...ofTemplate }
        ])
      })
    ),
    law(
      "restores the rows that are named, whether they were marked as deleted or erased",
      Effect.gen(function* () {
        const slugs = ["a", "b", "c"]
        const { mirror, publish, request, row, rows, shown } = yield* prepared(slugs.map((slug) => entity(slug)))
        yield* mirror.apply(request)
        yield* hands.remove(row("entity_types", "a"))
        yield* hands.erase(row("entity_types", "b"))
        yield* hands.erase(row("entity_types", "c"))
        yield* publish(slugs.map((slug) => entity(slug, { name: `New ${slug}` })))
        yield* mirror.apply(request)
        assert.deepEqual(yield* rows, [])
        const { mirrored } = yield* mirror.apply({ ...request, restore: [entityType("a"), entityType("b")] })
        assert.equal(mirrored.entity_types, 2)
        const b = { slug: "b", name: "New b", ...ofTemplate }
        assertSameMembers(yield* shown, [{ slug: "a", name: "New a", ...ofTemplate }, b])
        yield* hands.remove(row("entity_types", "a"))
        yield* mirror.apply(request)
        assertSameMembers(yield* shown, [b])
      })
    ),
    law(
      "brings a restored watcher back for its next time, not for those it missed",
      Effect.gen(function* () {
        const { mirror, request, row, rows } = yield* prepared(oneOfEach)
        yield* mirror.apply(request)
        const due = Effect.map(rows, (all) => all.find(({ kind }) => kind === "watchers")?.due)
        const before = yield* due
        yield* hands.remove(row("watchers", "inbox"))
        yield* hands.elapse(Duration.days(7))
        yield* mirror.apply({ ...request, restore: [{ kind: "watchers", slug: "inbox" }] })
        const weekLater = DateTime.add(yield* DateTime.make(before ?? ""), { days: 7 })
        assert.equal(yield* due, DateTime.formatIso(weekLater))
        assert.equal((yield* rows).find(({ slug }) => slug === "topic")?.refersTo, "inbox")
      })
    ),
    law(
      "says which names there is nothing to do for, and writes nothing",
      Effect.gen(function* () {
        const { mirror, publish, request, row, rows } = yield* prepared(two)
        yield* mirror.apply(request)
        yield* hands.rename(row("entity_types", "a"), "Mine")
        yield* publish([entity("a", { name: "A" }), entity("b", { name: "New" })])
        const before = yield* rows
        const refusal = yield* Effect.flip(
          mirror.apply({
            ...request,
            adopt: [entityType("b")],
            revert: [entityType("a"), { kind: "watchers", slug: "a" }],
            restore: [entityType("none")]
          })
        )
        assert(refusal._tag === "NoSuchRow")
        assertSameMembers(refusal.rows, [
          { list: "adopt", kind: "entity_types", slug: "b", verdict: "update" },
          { list: "revert", kind: "watchers", slug: "a", verdict: null },
          { list: "restore", kind: "entity_types", slug: "none", verdict: null }
        ])
        assertSameMembers(yield* rows, before)
      })
    ),
    law(
      "lets a person put a row of their own in the place of one they deleted, which then collides only if restored",
      Effect.gen(function* () {
        const { mirror, person, publish, request, row, shown } = yield* prepared([entity("a", { name: "A" })])
        yield* mirror.apply(request)
        yield* hands.remove(row("entity_types", "a"))
        yield* hands.author(row("entity_types", "a"))
        const plan = yield* mirror.plan(request)
        assert.deepEqual(
          plan.rows.map(({ adoptable, owner, verdict }) => [verdict, owner, adoptable]),
          [["deleted_by_owner", null, false]]
        )
        yield* mirror.apply({ ...request, expectedPlan: plan.planHash })
        const restored = yield* Effect.flip(mirror.apply({ ...request, restore: [entityType("a")] }))
        assert(restored._tag === "SchemaCollision")
        assert.deepEqual(
          [...restored.collisions],
          [{ ...entityType("a"), owner: person.organization.slug, own: true, adoptable: false }]
        )
        const adopted = yield* Effect.flip(mirror.apply({ ...request, adopt: [entityType("a")] }))
        assert(adopted._tag === "NoSuchRow")
        assert.equal(adopted.rows[0]?.verdict, "deleted_by_owner")
        assert.deepEqual(yield* shown, [{ slug: "a", name: "a", managed: false, retired: false }])
        yield* hands.move(row("entity_types", "a"), "b")
        yield* mirror.apply({ ...request, restore: [entityType("a")] })
        assertSameMembers(yield* shown, [
          { slug: "a", name: "A", ...ofTemplate },
          { slug: "b", name: "a", managed: false, retired: false }
        ])
        // It ends when the publisher withdraws the row: what they bring back then is new.
        yield* hands.remove(row("entity_types", "a"))
        yield* hands.move(row("entity_types", "b"), "a")
        yield* publish([])
        yield* mirror.apply(request)
        yield* publish([entity("a", { name: "A" })])
        assert.equal((yield* Effect.flip(mirror.apply(request)))._tag, "SchemaCollision")
        yield* mirror.apply({ ...request, adopt: [entityType("a")] })
        assert.deepEqual(yield* shown, [{ slug: "a", name: "A", ...ofTemplate }])
      })
    )
  ]
}
