import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Definition } from "../../../src/domain/catalog/Template.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { definition, oneOfEach, template } from "../../fixtures/templates.ts"
import { chosenHistories, histories, live } from "../../histories.ts"
import { Hands, inRealTime, newPerson, worldsOfBothModes } from "../../worlds.ts"

let templates = 0
const newSlug = () => `plan-${++templates}`

const all = [...histories(Number(process.env.HISTORIES ?? 30)), ...chosenHistories]
const transcripts = new Map<string, ReadonlyArray<unknown>>()

for (const [label, world] of worldsOfBothModes) {
  it.layer(world, { timeout: "60 seconds" })(`TemplateMirror.plan (${label})`, (it) => {
    const prepared = Effect.gen(function* () {
      const person = yield* newPerson()
      const slug = newSlug()
      const catalog = yield* TemplateCatalog
      const publish = (rows: ReadonlyArray<Definition>) => Effect.orDie(catalog.publish(template(slug, rows)))
      const { templateAgentId } = yield* publish(oneOfEach)
      const request = { userId: person.userId, organizationId: person.organization.id, templateAgentId }
      return { person, publish, request, hands: yield* Hands, mirror: yield* TemplateMirror }
    })

    it.effect("says of each row what an install would do, and in which fields, and changes nothing", () =>
      Effect.gen(function* () {
        const { hands, mirror, person, publish, request } = yield* prepared
        const fresh = yield* mirror.plan(request)
        assert.deepStrictEqual(
          fresh.rows.map(({ kind, slug, verdict }) => [kind, slug, verdict]),
          oneOfEach.map(({ kind, slug }) => [kind, slug as string, "create"])
        )
        assert.deepStrictEqual(yield* hands.rows(request.organizationId), [])
        assert.deepStrictEqual(yield* hands.agents(request.organizationId), [])
        yield* mirror.apply(request)
        yield* hands.rename({ organizationId: request.organizationId, kind: "entity_types", slug: "invoice" }, "Mine")
        yield* hands.remove({ organizationId: request.organizationId, kind: "entity_relationship_types", slug: "pays" })
        const [invoice, pays, inbox] = oneOfEach
        assert(invoice !== undefined && pays !== undefined && inbox !== undefined)
        yield* hands.author({ organizationId: request.organizationId, kind: "entity_types", slug: "note" })
        yield* publish([
          invoice,
          pays,
          { ...inbox, name: "Inbox", content: { ...inbox.content, prompt: "Look again" } },
          definition("entity_types", "note")
        ])
        const { rows } = yield* mirror.plan(request)
        assert.deepStrictEqual(
          rows.map(({ fate, fields, name, owner, slug, verdict }) => [slug, name, verdict, fate, owner, fields]),
          [
            ["invoice", "Mine", "customized", null, null, ["name"]],
            ["note", "note", "collision", null, person.organization.slug as string, []],
            ["pays", "pays", "deleted_by_owner", null, null, []],
            ["inbox", "inbox", "update", null, null, ["name", "prompt"]],
            ["topic", "topic", "retire", "removed", null, []]
          ]
        )
      })
    )

    it.effect("holds an install to it, or refuses with nothing written", () =>
      Effect.gen(function* () {
        const { hands, mirror, publish, request } = yield* prepared
        const first = yield* mirror.plan(request)
        assert.isTrue((yield* mirror.apply({ ...request, expectedPlan: first.planHash })).created)
        const changes = [
          hands.rename({ organizationId: request.organizationId, kind: "entity_types", slug: "invoice" }, "Mine"),
          hands.remove({ organizationId: request.organizationId, kind: "watchers", slug: "inbox" }),
          publish(oneOfEach.slice(0, 3))
        ]
        for (const change of changes) {
          const { planHash } = yield* mirror.plan(request)
          assert.match(planHash, /^[0-9a-f]{64}$/)
          assert.strictEqual((yield* mirror.plan(request)).planHash, planHash)
          yield* change
          const before = yield* hands.rows(request.organizationId)
          const refusal = yield* Effect.flip(mirror.apply({ ...request, expectedPlan: planHash }))
          assert.strictEqual(refusal._tag, "PlanStale")
          assert.deepStrictEqual(yield* hands.rows(request.organizationId), before)
        }
        yield* mirror.apply({ ...request, expectedPlan: (yield* mirror.plan(request)).planHash })
      })
    )

    it.effect("refuses as an install does", () =>
      Effect.gen(function* () {
        const { mirror, request } = yield* prepared
        const stranger = yield* newPerson()
        const refusal = yield* Effect.flip(mirror.plan({ ...request, userId: stranger.userId }))
        assert.strictEqual(refusal._tag, "NotOrgAdmin")
      })
    )

    inRealTime(it)(
      "is what an install, a resync or an uninstall does, whatever happened before",
      () =>
        Effect.gen(function* () {
          const seen = new Set<string>()
          const told = yield* Effect.forEach(all, (history) => live(history, "entity_types", seen))
          transcripts.set(label, told)
          assert.sameMembers(
            [...seen],
            [
              "collision",
              "create",
              "customized",
              "deleted_by_owner",
              "forgotten",
              "kept adopted",
              "kept customized",
              "kept in_use",
              "passed_on",
              "removed",
              "unchanged",
              "update",
              "adopt",
              "revert",
              "restore",
              "uninstall removed",
              "uninstall kept",
              "uninstall returned",
              "uninstall passedOn"
            ]
          )
        }),
      1_200_000
    )
  })
}

it("TemplateMirror tells and does the same in every world", () => {
  const [first = [], ...others] = [...transcripts.values()]
  assert.isNotEmpty(first)
  assert.lengthOf(others, worldsOfBothModes.length - 1)
  for (const other of others) {
    for (const [at, told] of first.entries()) assert.deepStrictEqual(other[at], told, JSON.stringify(all[at]))
  }
})
