import assert from "node:assert/strict"
import { Effect } from "effect"
import { law } from "../Law.ts"
import { entity } from "../Seeds.ts"
import { assertSameMembers, entityType, type MirrorLaws, oneOfEach, preparing } from "./Prepared.ts"

/** What an uninstall takes away, and what it leaves to the person. */
export const uninstallLaws: MirrorLaws = (hands) => {
  const prepared = preparing(hands)
  return [
    law(
      "takes itself away, but for what is changed, adopted or in use, and finds that again",
      Effect.gen(function* () {
        const { agents, mirror, request, row, shown } = yield* prepared(
          ["plain", "mine", "adopted", "used", "deleted"].map((slug) => entity(slug))
        )
        yield* hands.author(row("entity_types", "adopted"))
        yield* hands.author(row("entity_types", "own"))
        const { agentId } = yield* mirror.apply({ ...request, adopt: [entityType("adopted")] })
        yield* hands.rename(row("entity_types", "mine"), "Mine")
        yield* hands.use(row("entity_types", "used"))
        yield* hands.remove(row("entity_types", "deleted"))
        const { planHash, ...planned } = yield* mirror.planUninstall({ ...request, agentId })
        assert.deepEqual(planned, {
          agentId,
          organizationId: request.organizationId,
          removed: [{ kind: "entity_types", slug: "plain", name: "plain" }],
          kept: [
            { kind: "entity_types", slug: "adopted", name: "adopted", because: "adopted" },
            { kind: "entity_types", slug: "mine", name: "Mine", because: "customized" },
            { kind: "entity_types", slug: "used", name: "used", because: "in_use" }
          ],
          passedOn: []
        })
        const gone = yield* mirror.uninstall({ ...request, agentId, expectedPlan: planHash })
        assert.deepEqual(gone, { ...planned, agentRemoved: true })
        assert.deepEqual(yield* agents, [])
        assertSameMembers(yield* shown, [
          { slug: "own", name: "own", managed: false, retired: false },
          { slug: "adopted", name: "adopted", managed: true, retired: false },
          { slug: "mine", name: "Mine", managed: true, retired: false },
          { slug: "used", name: "used", managed: true, retired: false }
        ])
        assert.equal((yield* Effect.flip(mirror.uninstall({ ...request, agentId })))._tag, "AgentNotFound")
        assert.equal((yield* Effect.flip(mirror.resync({ ...request, agentId })))._tag, "AgentNotFound")
        const plan = yield* mirror.plan(request)
        assert.deepEqual(
          plan.rows.map(({ slug, verdict }) => [slug, verdict]),
          [
            ["adopted", "unchanged"],
            ["deleted", "create"],
            ["mine", "customized"],
            ["plain", "create"],
            ["used", "unchanged"]
          ]
        )
        const second = yield* mirror.apply(request)
        assert(second.created)
        assert.notEqual(second.agentId, agentId)
      })
    ),
    law(
      "gives back what was the person's own before and was withdrawn, and shows all that it leaves",
      Effect.gen(function* () {
        const { mirror, publish, request, row, shown } = yield* prepared(
          ["adopted", "stays", "mine", "used"].map((slug) => entity(slug))
        )
        yield* hands.author(row("entity_types", "adopted"))
        yield* hands.author(row("entity_types", "stays"))
        const adopt = [entityType("adopted"), entityType("stays")]
        const { agentId } = yield* mirror.apply({ ...request, adopt })
        yield* hands.rename(row("entity_types", "mine"), "Mine")
        yield* hands.use(row("entity_types", "used"))
        yield* publish([entity("stays")])
        yield* mirror.apply(request)
        const rows = [
          { slug: "adopted", name: "adopted", managed: true, retired: true },
          { slug: "stays", name: "stays", managed: true, retired: false },
          { slug: "mine", name: "Mine", managed: true, retired: true },
          { slug: "used", name: "used", managed: true, retired: true }
        ]
        assertSameMembers(yield* shown, rows)
        assert.equal((yield* mirror.uninstall({ ...request, agentId })).kept.length, 4)
        const left = rows.map((one) => ({ ...one, managed: one.slug !== "adopted", retired: false }))
        assertSameMembers(yield* shown, left)
        // What is the person's again is left alone by a later install, and adopted only when they say so.
        yield* mirror.apply(request)
        assertSameMembers(yield* shown, [...left.slice(0, 1), ...rows.slice(1)])
        yield* publish([entity("stays"), entity("adopted")])
        assert.equal((yield* Effect.flip(mirror.apply(request)))._tag, "SchemaCollision")
        yield* mirror.apply({ ...request, adopt: adopt.slice(0, 1) })
        assertSameMembers(yield* shown, [
          { slug: "adopted", name: "adopted", managed: true, retired: false },
          ...rows.slice(1)
        ])
      })
    ),
    law(
      "gives what an uninstall kept to the agent that is installed next",
      Effect.gen(function* () {
        const { mirror, request, row, rows } = yield* prepared(oneOfEach)
        const { agentId } = yield* mirror.apply(request)
        yield* hands.rename(row("watchers", "inbox"), "Mine")
        yield* mirror.uninstall({ ...request, agentId })
        const belongs = Effect.map(rows, (all) => all.find(({ slug }) => slug === "inbox")?.agentId)
        assert.deepEqual([(yield* rows).length, yield* belongs], [1, null])
        const next = yield* mirror.apply(request)
        assert.equal(yield* belongs, next.agentId)
      })
    ),
    law(
      "leaves the agent to the person where something of another program refers to it",
      Effect.gen(function* () {
        const { agents, mirror, request } = yield* prepared(oneOfEach)
        const { agentId } = yield* mirror.apply(request)
        yield* hands.useAgent(agentId)
        const { agentRemoved, kept, removed } = yield* mirror.uninstall({ ...request, agentId })
        assert.deepEqual([agentRemoved, removed.length, kept], [false, 4, []])
        assert.deepEqual(
          (yield* agents).map(({ id }) => id),
          [agentId]
        )
        assert.equal((yield* Effect.flip(mirror.resync({ ...request, agentId })))._tag, "AgentNotFound")
        assert.notEqual((yield* mirror.apply(request)).agentId, agentId)
      })
    ),
    law(
      "holds an uninstall to its plan",
      Effect.gen(function* () {
        const { mirror, request, row, rows } = yield* prepared(oneOfEach)
        const { agentId } = yield* mirror.apply(request)
        const { planHash } = yield* mirror.planUninstall({ ...request, agentId })
        yield* hands.rename(row("entity_types", "invoice"), "Mine")
        const before = yield* rows
        const refusal = yield* Effect.flip(mirror.uninstall({ ...request, agentId, expectedPlan: planHash }))
        assert.equal(refusal._tag, "PlanStale")
        assertSameMembers(yield* rows, before)
      })
    ),
    law(
      "lets only administrators change or take away what is installed",
      Effect.gen(function* () {
        const { mirror, request } = yield* prepared(oneOfEach)
        const { agentId } = yield* mirror.apply(request)
        const { userId } = yield* hands.newPerson
        yield* hands.setRole(request.organizationId, userId, "member")
        const asked = { ...request, userId, agentId }
        assert.equal((yield* Effect.flip(mirror.resync(asked)))._tag, "NotOrgAdmin")
        assert.equal((yield* Effect.flip(mirror.uninstall(asked)))._tag, "NotOrgAdmin")
        assert.equal((yield* Effect.flip(mirror.planUninstall(asked)))._tag, "NotOrgAdmin")
      })
    )
  ]
}
