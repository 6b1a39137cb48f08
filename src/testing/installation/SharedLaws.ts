import assert from "node:assert/strict"
import { Effect } from "effect"
import { law, lawInRealTime } from "../Law.ts"
import { entity, watcher } from "../Seeds.ts"
import { assertSameMembers, type MirrorLaws, newSlug, oneOfEach, preparing } from "./Prepared.ts"

/** What becomes of definitions that several templates of one publisher name. */
export const sharedLaws: MirrorLaws = (hands) => {
  const prepared = preparing(hands)
  /** Two templates of one publisher, and a person who asks for either. */
  const siblings = (...[ones, others]: readonly [typeof oneOfEach, typeof oneOfEach]) =>
    Effect.gen(function* () {
      const fields = { publisher: newSlug("shared") }
      const one = yield* prepared(ones, fields)
      const { publish, request } = yield* prepared(others, fields)
      return { ...one, sibling: { publish, request: { ...one.request, templateAgentId: request.templateAgentId } } }
    })
  return [
    law(
      "shares a definition that two templates of one publisher name",
      Effect.gen(function* () {
        const shared = entity("invoice")
        const { mirror, request, rows, sibling } = yield* siblings([shared], [shared, entity("receipt")])
        yield* mirror.apply(request)
        assert.equal((yield* mirror.apply(sibling.request)).mirrored.entity_types, 2)
        assertSameMembers(
          (yield* rows).map(({ managedBy, slug }) => [slug, managedBy]),
          [
            ["invoice", request.templateAgentId],
            ["receipt", sibling.request.templateAgentId]
          ]
        )
      })
    ),
    law(
      "follows a definition that moves from one template of a publisher to another",
      Effect.gen(function* () {
        const { mirror, publish, request, rows, sibling } = yield* siblings([entity("invoice")], [])
        yield* mirror.apply(request)
        yield* publish([])
        yield* sibling.publish([entity("invoice")])
        yield* mirror.apply(sibling.request)
        yield* mirror.apply(request)
        assert.deepEqual(
          (yield* rows).map(({ managedBy, retired, slug }) => [slug, managedBy, retired]),
          [["invoice", sibling.request.templateAgentId, false]]
        )
      })
    ),
    law(
      "hands a withdrawn definition to the sibling template that still has it",
      Effect.gen(function* () {
        const shared = [entity("invoice"), watcher("inbox")]
        const { mirror, publish, request, rows, sibling } = yield* siblings(shared, shared)
        yield* mirror.apply(request)
        const { agentId } = yield* mirror.apply(sibling.request)
        yield* publish([])
        yield* mirror.apply(request)
        assertSameMembers(
          (yield* rows).map((row) => [row.slug, row.managedBy, row.agentId, row.retired]),
          [
            ["invoice", sibling.request.templateAgentId, null, false],
            ["inbox", sibling.request.templateAgentId, agentId, false]
          ]
        )
      })
    ),
    law(
      "does not take an update through one template for a change the person made, through the other",
      Effect.gen(function* () {
        const named = (name: string) => [entity("invoice", { name })]
        const { mirror, names, publish, request, sibling } = yield* siblings(named("invoice"), named("invoice"))
        yield* mirror.apply(request)
        yield* mirror.apply(sibling.request)
        // The sibling lets go of the definition, so that the first may change it, and takes it up again.
        const rename = (name: string) =>
          Effect.all([sibling.publish([]), publish(named(name)), sibling.publish(named(name))])
        yield* rename("invoice 2")
        yield* mirror.apply(request)
        yield* rename("invoice 3")
        yield* mirror.apply(sibling.request)
        assert.deepEqual(yield* names, ["entity_types invoice 3"])
      })
    ),
    law(
      "passes shared rows on to the other agent of the publisher, and takes them away with the last",
      Effect.gen(function* () {
        const { mirror, request, rows, sibling } = yield* siblings(oneOfEach, oneOfEach)
        const one = yield* mirror.apply(request)
        const two = yield* mirror.apply(sibling.request)
        const { kept, passedOn, removed } = yield* mirror.uninstall({ ...request, agentId: one.agentId })
        assert.deepEqual([removed, kept, passedOn.length], [[], [], 4])
        assert.deepEqual(
          (yield* rows).map(({ managedBy }) => managedBy),
          oneOfEach.map(() => sibling.request.templateAgentId)
        )
        assert.equal((yield* rows).find(({ kind }) => kind === "watchers")?.agentId, two.agentId)
        const last = yield* mirror.uninstall({ ...sibling.request, agentId: two.agentId })
        assert.equal(last.removed.length, 4)
        assert.deepEqual(yield* rows, [])
      })
    ),
    law(
      "does not take a row for deleted that a sibling's uninstall took away",
      Effect.gen(function* () {
        const { mirror, request, row, rows, sibling } = yield* siblings([entity("a")], [entity("a")])
        const one = yield* mirror.apply(request)
        yield* hands.rename(row("entity_types", "a"), "Mine")
        yield* mirror.uninstall({ ...request, agentId: one.agentId })
        const two = yield* mirror.apply({ ...sibling.request, revert: [{ kind: "entity_types", slug: "a" }] })
        yield* mirror.uninstall({ ...sibling.request, agentId: two.agentId })
        assert.deepEqual(yield* rows, [])
        yield* mirror.apply(request)
        assert.deepEqual(
          (yield* rows).map(({ slug }) => slug),
          ["a"]
        )
      })
    ),
    lawInRealTime(
      "comes out right when templates that share are installed, again and again, while they are published",
      Effect.gen(function* () {
        const shared = Array.from({ length: 8 }, (_, at) => entity(`shared-${at}`))
        const { agents, mirror, publish, request, rows, sibling } = yield* siblings(shared, shared.toReversed())
        const extra = (at: number) => publish([...shared, entity(`extra-${at}`)])
        yield* Effect.all(
          [
            ...Array.from({ length: 5 }, () => mirror.apply(request)),
            ...Array.from({ length: 5 }, () => mirror.apply(sibling.request)),
            ...Array.from({ length: 3 }, (_, at) => extra(at))
          ],
          { concurrency: "unbounded", discard: true }
        )
        yield* extra(9)
        const { revision } = yield* mirror.apply(request)
        assertSameMembers(
          (yield* rows).map(({ slug }) => slug),
          [...shared.map(({ slug }) => slug), "extra-9"]
        )
        const installed = yield* agents
        assert.equal(installed.length, 2)
        assert.equal(Math.max(...installed.map((agent) => agent.revision ?? 0)), revision)
      })
    )
  ]
}
