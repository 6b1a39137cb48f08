import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Kind } from "../../../src/domain/catalog/Kind.ts"
import type { Definition } from "../../../src/domain/catalog/Template.ts"
import type { RowChanges } from "../../../src/domain/installation/Row.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { AgentRows } from "../../../src/services/installation/AgentRows.ts"
import { InstalledAgents } from "../../../src/services/installation/InstalledAgents.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { oneOfEach, template } from "../../fixtures/templates.ts"
import { Hands, newPerson, worldsOfBothModes } from "../../worlds.ts"

let templates = 0

for (const [label, world] of worldsOfBothModes) {
  it.layer(world, { timeout: "60 seconds" })(`AgentRows (${label})`, (it) => {
    const installed = Effect.gen(function* () {
      const { organization, userId } = yield* newPerson()
      const catalog = yield* TemplateCatalog
      const mirror = yield* TemplateMirror
      const agents = yield* InstalledAgents
      const rows = yield* AgentRows
      const hands = yield* Hands
      const slug = `rows-${++templates}`
      const publish = (definitions: ReadonlyArray<Definition>) =>
        Effect.orDie(catalog.publish(template(slug, definitions)))
      const { templateAgentId } = yield* publish(oneOfEach)
      const request = { userId, organizationId: organization.id, templateAgentId }
      const { agentId } = yield* Effect.orDie(mirror.apply(request))
      const agent = yield* Effect.orDie(agents.find(userId, agentId))
      const of = (kind: string, slug: string) => ({ userId, agent, kind, slug })
      const verdicts = Effect.map(Effect.orDie(mirror.plan(request)), (plan) =>
        plan.rows.map(({ fields, slug, verdict }) => [slug, verdict, ...fields])
      )
      const stored = (kind: Kind) =>
        Effect.map(hands.rows(organization.id), (rows) => rows.filter((row) => row.kind === kind))
      const resync = (wishes: object) => Effect.orDie(mirror.resync({ ...request, agentId, ...wishes }))
      return { hands, of, organizationId: organization.id, publish, request, resync, rows, stored, userId, verdicts }
    })

    it.effect("say all that they say, and are changed field by field", () =>
      Effect.gen(function* () {
        const { of, rows, stored, verdicts } = yield* installed
        const changes: ReadonlyArray<readonly [Kind, string, RowChanges, ReadonlyArray<string>]> = [
          ["entity_types", "invoice", { name: "Bill", content: { color: null } }, ["color", "name"]],
          ["entity_relationship_types", "pays", { content: { is_symmetric: true } }, ["is_symmetric"]],
          ["watchers", "inbox", { content: { prompt: "Look twice", sources: ["mail"] } }, ["prompt", "sources"]],
          [
            "event_classifiers",
            "topic",
            { description: "", content: { attribute_values: ["c"] } },
            ["attribute_values", "description"]
          ]
        ]
        for (const [kind, slug, { content, ...rest }] of changes) {
          const before = yield* rows.view(of(kind, slug))
          assert.deepInclude(before, { kind, slug, name: slug, customized: false })
          const after = yield* rows.customize(of(kind, slug), { ...rest, content: { ...content } })
          assert.deepStrictEqual(after, {
            ...before,
            ...rest,
            customized: true,
            content: { ...before.content, ...content }
          })
          assert.deepStrictEqual(yield* rows.view(of(kind, slug)), after)
        }
        assert.deepStrictEqual(
          yield* verdicts,
          changes.map(([, slug, , fields]) => [slug, "customized", ...fields])
        )
        const [topic] = yield* stored("event_classifiers")
        assert.strictEqual(topic?.refersTo, "inbox")
      })
    )

    it.effect("are as before where nothing is other than it was", () =>
      Effect.gen(function* () {
        const { of, rows, verdicts } = yield* installed
        for (const [kind, slug] of [
          ["entity_types", "invoice"],
          ["watchers", "inbox"]
        ] as const) {
          const before = yield* rows.view(of(kind, slug))
          const same = { name: before.name, description: before.description, content: before.content }
          assert.deepStrictEqual(yield* rows.customize(of(kind, slug), same), before)
          assert.deepStrictEqual(yield* rows.customize(of(kind, slug), {}), before)
        }
        assert.isTrue((yield* verdicts).every(([, verdict]) => verdict === "unchanged"))
      })
    )

    it.effect("are kept by updates, and come back by a wish", () =>
      Effect.gen(function* () {
        const { of, publish, resync, rows, verdicts } = yield* installed
        yield* rows.customize(of("entity_types", "invoice"), { name: "Bill" })
        yield* rows.customize(of("watchers", "inbox"), { content: { prompt: "Look twice" } })
        yield* rows.remove(of("entity_relationship_types", "pays"))
        yield* publish(oneOfEach.map((one) => ({ ...one, description: "New" })))
        yield* resync({})
        assert.deepStrictEqual(
          (yield* verdicts).map(([slug, verdict]) => [slug, verdict]),
          [
            ["invoice", "customized"],
            ["pays", "deleted_by_owner"],
            ["inbox", "customized"],
            ["topic", "unchanged"]
          ]
        )
        assert.strictEqual((yield* rows.view(of("entity_types", "invoice"))).name, "Bill")
        yield* resync({
          revert: [
            { kind: "entity_types", slug: "invoice" },
            { kind: "watchers", slug: "inbox" }
          ],
          restore: [{ kind: "entity_relationship_types", slug: "pays" }]
        })
        assert.isTrue((yield* verdicts).every(([, verdict]) => verdict === "unchanged"))
        assert.deepInclude(yield* rows.view(of("entity_types", "invoice")), { name: "invoice", description: "New" })
        assert.strictEqual((yield* rows.view(of("watchers", "inbox"))).content.prompt, "Look")
        assert.isFalse((yield* rows.view(of("entity_relationship_types", "pays"))).customized)
      })
    )

    it.effect("run at the next time of a schedule that is changed, and only then", () =>
      Effect.gen(function* () {
        const { of, rows, stored } = yield* installed
        const due = Effect.map(stored("watchers"), ([watcher]) => watcher?.due ?? "")
        const before = yield* due
        yield* rows.customize(of("watchers", "inbox"), { content: { prompt: "Look twice" } })
        assert.strictEqual(yield* due, before)
        yield* rows.customize(of("watchers", "inbox"), { content: { schedule: "30 9 1 1 *" } })
        assert.match(yield* due, /-01-01.09:30/)
      })
    )

    it.effect("are deleted though something refers to them, and their slug is free for one's own", () =>
      Effect.gen(function* () {
        const { hands, of, organizationId, rows, stored, verdicts } = yield* installed
        const row = { organizationId, kind: "entity_types" as const, slug: "invoice" }
        yield* hands.use(row)
        yield* rows.remove(of("entity_types", "invoice"))
        assert.deepStrictEqual(yield* stored("entity_types"), [])
        assert.strictEqual((yield* Effect.flip(rows.remove(of("entity_types", "invoice"))))._tag, "RowNotFound")
        yield* hands.author(row)
        assert.lengthOf(yield* stored("entity_types"), 1)
        // One's own is no row of the agent.
        assert.strictEqual((yield* Effect.flip(rows.view(of("entity_types", "invoice"))))._tag, "RowNotFound")
        assert.deepInclude(yield* verdicts, ["invoice", "deleted_by_owner"])
      })
    )

    it.effect("are not there where they never were, are deleted or withdrawn, and are nobody else's", () =>
      Effect.gen(function* () {
        const { hands, of, organizationId, publish, resync, rows, userId } = yield* installed
        yield* hands.use({ organizationId, kind: "entity_types", slug: "invoice" })
        yield* publish(oneOfEach.slice(1))
        yield* resync({})
        const other = yield* installed
        for (const [kind, slug] of [
          ["entity_types", "invoice"],
          ["entity_types", "nothing"],
          ["nothing", "inbox"],
          ["watchers", "\u0000"]
        ] as const) {
          for (const step of [
            rows.view(of(kind, slug)),
            rows.customize(of(kind, slug), { name: "Mine" }),
            rows.remove(of(kind, slug))
          ]) {
            assert.strictEqual((yield* Effect.flip(step))._tag, "RowNotFound")
          }
        }
        yield* hands.setRole(organizationId, userId, "member")
        assert.strictEqual((yield* rows.view(of("watchers", "inbox"))).slug, "inbox")
        for (const step of [
          rows.customize(of("watchers", "inbox"), { name: "Mine" }),
          rows.remove(of("watchers", "inbox"))
        ]) {
          assert.strictEqual((yield* Effect.flip(step))._tag, "NotOrgAdmin")
        }
        assert.isFalse((yield* other.rows.view(other.of("watchers", "inbox"))).customized)
      })
    )

    it.effect("take only what their kind has", () =>
      Effect.gen(function* () {
        const { of, rows, verdicts } = yield* installed
        const refused = yield* Effect.flip(
          rows.customize(of("entity_types", "invoice"), { name: "Bill", content: { schedule: "0 7 * * 1" } })
        )
        assert(refused._tag === "InvalidRequest")
        assert.deepStrictEqual(refused.issues, [
          {
            path: "content.schedule",
            message: "entity_types have no such field; known are icon, color, metadata_schema, event_kinds"
          }
        ])
        assert.isTrue((yield* verdicts).every(([, verdict]) => verdict === "unchanged"))
      })
    )
  })
}
