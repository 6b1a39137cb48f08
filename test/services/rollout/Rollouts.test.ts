import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Definition } from "../../../src/domain/catalog/Template.ts"
import { UserId } from "../../../src/domain/Ids.ts"
import { drawWaves, type RolloutId, type RolloutRequest } from "../../../src/domain/rollout/Rollout.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { InstalledAgents } from "../../../src/services/installation/InstalledAgents.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { rollOut } from "../../../src/services/rollout/RollOut.ts"
import { Rollouts } from "../../../src/services/rollout/Rollouts.ts"
import { RolloutWork } from "../../../src/services/rollout/RolloutWork.ts"
import { definition, oneOfEach, template } from "../../fixtures/templates.ts"
import { Hands, newPerson, worldsOfBothModes } from "../../worlds.ts"

let templates = 0

const definitions = (name: string): ReadonlyArray<Definition> => [
  ...oneOfEach.filter(({ kind }) => kind !== "event_classifiers"),
  definition("event_classifiers", "topic", { ...oneOfEach[3], name }),
  definition("entity_types", "bill", { name })
]

const at = (wave: { readonly waves?: ReadonlyArray<number> } & Partial<RolloutRequest> & { revision: number }) => ({
  waves: [100],
  advance: "automatic" as const,
  stopAbove: 1,
  ...wave
})

for (const [label, world] of worldsOfBothModes) {
  it.layer(world, { timeout: "60 seconds" })(`Rollouts (${label})`, (it) => {
    // Where templates are installed by reference, every other one is a copy all the same.
    const modeOf = (at: number) => (label.includes("reference") && at % 2 === 1 ? { mode: "copy" as const } : {})

    /** A template at its first revision with so many who have it, and what one does with them. */
    const prepared = (count: number) =>
      Effect.gen(function* () {
        const catalog = yield* TemplateCatalog
        const mirror = yield* TemplateMirror
        const agents = yield* InstalledAgents
        const hands = yield* Hands
        const rollouts = yield* Rollouts
        const work = yield* RolloutWork
        const slug = `rolled-${++templates}`
        const publish = (given: ReadonlyArray<Definition>) => Effect.orDie(catalog.publish(template(slug, given)))
        const { templateAgentId } = yield* publish(definitions("first"))
        const people = yield* Effect.forEach(Array.from({ length: count }), (_, at) =>
          Effect.gen(function* () {
            const { organization, userId } = yield* newPerson()
            const request = { userId, organizationId: organization.id, templateAgentId }
            const { agentId } = yield* Effect.orDie(mirror.apply({ ...request, ...modeOf(at) }))
            const rowsNow = Effect.map(hands.rows(organization.id), (rows) =>
              Object.fromEntries(
                rows.map(({ name, refersTo, slug }) => [slug, refersTo === null ? name : [name, refersTo]])
              )
            )
            const find = Effect.orDie(agents.find(userId, agentId))
            const history = Effect.flatMap(find, (agent) => agents.history(agent, { limit: 20, rows: "changed" })).pipe(
              Effect.map(({ entries }) => entries)
            )
            const row = (slug: string, kind: "entity_types" | "event_classifiers" = "entity_types") => ({
              organizationId: organization.id,
              kind,
              slug
            })
            return { organizationId: organization.id, userId, agentId, request, rowsNow, find, history, row }
          })
        )
        /** Does what an attempt has to do, and says how it stands then. */
        const run = (rolloutId: RolloutId) =>
          Effect.gen(function* () {
            const found = (yield* work.running).find((one) => one.rolloutId === rolloutId)
            if (found !== undefined) yield* rollOut(found)
            return yield* Effect.orDie(rollouts.status(templateAgentId, rolloutId))
          })
        return { hands, mirror, people, publish, rollouts, run, templateAgentId, work }
      })

    it.effect("brings everybody to a revision, each with one entry of the history that says the publisher did it", () =>
      Effect.gen(function* () {
        const { people, publish, rollouts, run, templateAgentId } = yield* prepared(7)
        yield* publish(definitions("second"))
        const rolloutId = yield* rollouts.start(templateAgentId, at({ revision: 2, waves: [1, 50, 100] }))
        const done = yield* run(rolloutId)
        assert.deepInclude(done, { state: "done", revision: 2, organizations: 7, open: 0, examples: [] })
        assert.strictEqual(done.outcomes.updated, 7)
        assert.deepStrictEqual(
          done.waves.map(({ organizations, upTo }) => [upTo, organizations]),
          [
            [1, 1],
            [50, 3],
            [100, 3]
          ]
        )
        for (const { find, history, rowsNow } of people) {
          assert.deepInclude(yield* rowsNow, { bill: "second", topic: ["second", "inbox"] } as never)
          assert.deepInclude(yield* find, { revision: 2, pinned: false })
          const [last, ...rest] = yield* history
          assert.deepStrictEqual(
            [last?.action, last?.by.userId, last?.by.name?.startsWith("rolled-"), last?.revision, rest.length],
            ["rollout", null, true, 2, 1]
          )
          assert.deepStrictEqual(last?.rows.map(({ did, slug }) => `${slug} ${did}`).sort(), [
            "bill updated",
            "topic updated"
          ])
        }
        // Nothing is left to do: neither another roll-out nor a resync finds anything.
        const again = yield* run(yield* rollouts.start(templateAgentId, at({ revision: 2 })))
        assert.strictEqual(again.outcomes.unchanged, 7)
        assert.strictEqual((yield* people[0]?.history ?? Effect.succeed([])).length, 2)
      })
    )

    it.effect("draws who is in which wave by the ids alone, and others in every roll-out", () =>
      Effect.gen(function* () {
        const { people, publish, rollouts, templateAgentId, work } = yield* prepared(9)
        yield* publish(definitions("second"))
        const ids = people.map(({ organizationId }) => organizationId)
        const waves = [40, 100]
        const orders: Array<string> = []
        for (const revision of [2, 1, 2]) {
          const rolloutId = yield* rollouts.start(templateAgentId, at({ revision, waves, advance: "manual" }))
          yield* work.batch({ rolloutId, attempt: 1 })
          const drawn = drawWaves(rolloutId, ids, waves)
          assert.deepStrictEqual(drawWaves(rolloutId, ids.toReversed(), waves), drawn)
          const first = drawn.flatMap(({ organizationId, wave }) => (wave === 0 ? [organizationId] : []))
          assert.lengthOf(first, 4)
          for (const { find, history, organizationId } of people) {
            const [last] = yield* history
            const isDone =
              (yield* find).revision === revision && last?.action === "rollout" && last.revision === revision
            // Later some have the revision already.
            if (orders.length === 0) assert.strictEqual(isDone, first.includes(organizationId))
            if (first.includes(organizationId)) assert.strictEqual((yield* find).revision, revision)
          }
          assert.deepInclude(yield* rollouts.status(templateAgentId, rolloutId), { state: "paused", wave: 1, open: 5 })
          yield* rollouts.stop("cancel", templateAgentId, rolloutId)
          orders.push(drawn.map(({ organizationId }) => organizationId).join())
        }
        assert.strictEqual(new Set(orders).size, 3)
      })
    )

    it.effect("leaves out who is pinned or updates by hand, keeps what people changed, and says what collided", () =>
      Effect.gen(function* () {
        const { hands, mirror, people, publish, rollouts, run, templateAgentId } = yield* prepared(6)
        const [pinned, manual, changed, collided, gone, plain] = people
        assert(pinned && manual && changed && collided && gone && plain)
        const agents = yield* InstalledAgents
        yield* mirror.resync({ ...pinned.request, agentId: pinned.agentId, revision: 1 })
        yield* agents.setUpdates(manual.userId, manual.agentId, "manual")
        yield* hands.rename(changed.row("bill"), "mine")
        yield* hands.remove(changed.row("topic", "event_classifiers"))
        yield* hands.author(collided.row("receipt"))
        yield* publish([...definitions("second"), definition("entity_types", "receipt")])
        const rolloutId = yield* rollouts.start(templateAgentId, at({ revision: 2 }))
        yield* mirror.uninstall({ ...gone.request, agentId: gone.agentId })
        const done = yield* run(rolloutId)
        assert.deepStrictEqual(done.outcomes, {
          updated: 2,
          unchanged: 0,
          pinned: 1,
          manual: 1,
          gone: 1,
          collided: 1,
          failed: 0
        })
        assert.deepStrictEqual(done.examples, [
          { outcome: "collided", reason: "entity_types receipt", organizations: 1 }
        ])
        for (const one of [pinned, manual, collided]) {
          assert.deepInclude(yield* one.rowsNow, { bill: "first" } as never)
          assert.deepInclude(yield* one.find, { revision: 1 })
        }
        assert.strictEqual((yield* manual.find).offered, 2)
        assert.strictEqual((yield* plain.find).offered, null)
        assert.deepStrictEqual(yield* changed.rowsNow, {
          invoice: "invoice",
          pays: "pays",
          inbox: "inbox",
          bill: "mine",
          receipt: "receipt"
        } as never)
        assert.deepInclude(yield* plain.rowsNow, { bill: "second", receipt: "receipt" } as never)
        // It is what a resync of their own would find.
        const { rows } = yield* mirror.planResync({ ...changed.request, agentId: changed.agentId })
        assert.isTrue(rows.every(({ verdict }) => ["unchanged", "customized", "deleted_by_owner"].includes(verdict)))
      })
    )

    it.effect("goes back, and takes nobody forward who went back", () =>
      Effect.gen(function* () {
        const { people, publish, rollouts, run, templateAgentId } = yield* prepared(2)
        yield* publish(definitions("second"))
        yield* run(yield* rollouts.start(templateAgentId, at({ revision: 2 })))
        const back = yield* run(yield* rollouts.start(templateAgentId, at({ revision: 1 })))
        assert.strictEqual(back.outcomes.updated, 2)
        for (const { find, rowsNow } of people) {
          assert.deepInclude(yield* rowsNow, { bill: "first", topic: ["first", "inbox"] } as never)
          assert.deepInclude(yield* find, { revision: 1, newestRevision: 2, pinned: false })
        }
      })
    )

    it.effect("waits between waves where that is asked for, and is paused, resumed and cancelled", () =>
      Effect.gen(function* () {
        const { publish, rollouts, run, templateAgentId } = yield* prepared(4)
        yield* publish(definitions("second"))
        const rolloutId = yield* rollouts.start(
          templateAgentId,
          at({ revision: 2, waves: [25, 50, 100], advance: "manual" })
        )
        const other = yield* Effect.flip(rollouts.start(templateAgentId, at({ revision: 1 })))
        assert.deepInclude(other, { _tag: "RolloutRuns", rolloutId })
        assert.deepInclude(yield* run(rolloutId), { state: "paused", because: "next_wave", wave: 1, open: 3 })
        // Nobody works for one that is paused.
        assert.deepInclude(yield* run(rolloutId), { wave: 1, open: 3 })
        assert.deepInclude(yield* rollouts.resume(templateAgentId, rolloutId, {}), {
          state: "running",
          because: null
        })
        assert.deepInclude(yield* run(rolloutId), { state: "paused", because: "next_wave", wave: 2, open: 2 })
        yield* rollouts.resume(templateAgentId, rolloutId, {})
        yield* rollouts.stop("pause", templateAgentId, rolloutId)
        assert.deepInclude(yield* run(rolloutId), { state: "paused", because: "asked", wave: 2, open: 2 })
        assert.deepInclude(yield* rollouts.stop("cancel", templateAgentId, rolloutId), {
          state: "cancelled",
          open: 2
        })
        assert.strictEqual((yield* rollouts.stop("cancel", templateAgentId, rolloutId)).state, "cancelled")
        const ended = yield* Effect.flip(rollouts.resume(templateAgentId, rolloutId, {}))
        assert.strictEqual(ended._tag, "RolloutEnded")
        const unknown = yield* Effect.flip(rollouts.status(templateAgentId, "rollout_none"))
        assert.strictEqual(unknown._tag, "RolloutNotFound")
        const revision = yield* Effect.flip(rollouts.start(templateAgentId, at({ revision: 9 })))
        assert.deepInclude(revision, { _tag: "NoSuchRevision", newest: 2 })
        assert.deepStrictEqual(
          (yield* rollouts.list(templateAgentId, { limit: 20 })).rollouts.map((one) => one.rolloutId),
          [rolloutId]
        )
      })
    )

    it.effect("does nothing for an attempt that a resume has taken the place of", () =>
      Effect.gen(function* () {
        const { publish, rollouts, templateAgentId, work } = yield* prepared(2)
        yield* publish(definitions("second"))
        const rolloutId = yield* rollouts.start(templateAgentId, at({ revision: 2 }))
        yield* rollouts.stop("pause", templateAgentId, rolloutId)
        yield* rollouts.resume(templateAgentId, rolloutId, {})
        assert.strictEqual(yield* work.batch({ rolloutId, attempt: 1 }), "over")
        assert.strictEqual((yield* rollouts.status(templateAgentId, rolloutId)).open, 2)
        yield* work.retry({ rolloutId, attempt: 2 })
        assert.strictEqual(yield* work.batch({ rolloutId, attempt: 2 }), "over")
        assert.strictEqual(yield* work.batch({ rolloutId, attempt: 3 }), "over")
        assert.deepInclude(yield* rollouts.status(templateAgentId, rolloutId), { state: "done", open: 0 })
      })
    )

    it.effect("stops a wave that goes wrong, and goes on with the mended revision, wave by wave from the first", () =>
      Effect.gen(function* () {
        const { hands, people, publish, rollouts, run, templateAgentId } = yield* prepared(8)
        for (const { row } of people) yield* hands.author(row("receipt"))
        const [lucky] = people
        assert(lucky !== undefined)
        yield* publish([...definitions("second"), definition("entity_types", "receipt")])
        const rolloutId = yield* rollouts.start(templateAgentId, at({ revision: 2, waves: [50, 100], stopAbove: 0.25 }))
        const stopped = yield* run(rolloutId)
        assert.deepInclude(stopped, { state: "paused", because: "too_much_trouble", wave: 0 })
        assert.strictEqual(stopped.outcomes.collided, 4)
        assert.strictEqual(stopped.waves[1]?.open, 4)
        // As it was it stops again.
        yield* rollouts.resume(templateAgentId, rolloutId, {})
        assert.deepInclude(yield* run(rolloutId), { state: "paused", because: "too_much_trouble", wave: 0 })
        yield* publish([...definitions("third"), definition("entity_types", "voucher")])
        const resumed = yield* rollouts.resume(templateAgentId, rolloutId, { revision: 3 })
        assert.deepInclude(resumed, { state: "running", revision: 3, wave: 0, open: 8 })
        const done = yield* run(rolloutId)
        assert.deepInclude(done, { state: "done", open: 0, examples: [] })
        assert.strictEqual(done.outcomes.updated, 8)
        for (const { history, rowsNow } of people) {
          assert.deepInclude(yield* rowsNow, { bill: "third", voucher: "voucher", receipt: "receipt" } as never)
          assert.strictEqual((yield* history).length, 2)
        }
      })
    )

    it.effect("accepts trouble where that is asked for, and nobody else's template or agent is touched", () =>
      Effect.gen(function* () {
        const { hands, people, publish, rollouts, run, templateAgentId } = yield* prepared(2)
        const others = yield* prepared(1)
        const agents = yield* InstalledAgents
        for (const { row } of people) yield* hands.author(row("receipt"))
        yield* publish([...definitions("second"), definition("entity_types", "receipt")])
        const rolloutId = yield* rollouts.start(templateAgentId, at({ revision: 2, stopAbove: 0 }))
        assert.deepInclude(yield* run(rolloutId), { state: "paused", because: "too_much_trouble" })
        const strange = yield* Effect.flip(rollouts.status(others.templateAgentId, rolloutId))
        assert.strictEqual(strange._tag, "RolloutNotFound")
        yield* rollouts.resume(templateAgentId, rolloutId, { stopAbove: 1 })
        const done = yield* run(rolloutId)
        assert.deepInclude(done, { state: "done", stopAbove: 1 })
        assert.strictEqual(done.outcomes.collided, 2)
        const [other] = others.people
        assert(other !== undefined)
        assert.strictEqual((yield* other.history).length, 1)
        const nobody = yield* Effect.flip(agents.setUpdates(UserId.make("nobody"), other.agentId, "manual"))
        assert.strictEqual(nobody._tag, "AgentNotFound")
        yield* hands.setRole(other.organizationId, other.userId, "member")
        const member = yield* Effect.flip(agents.setUpdates(other.userId, other.agentId, "manual"))
        assert.strictEqual(member._tag, "NotOrgAdmin")
      })
    )
  })
}
