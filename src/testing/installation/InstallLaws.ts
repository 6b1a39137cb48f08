import assert from "node:assert/strict"
import { Effect } from "effect"
import { byKind } from "../../domain/catalog/Kind.ts"
import { AgentId } from "../../domain/Ids.ts"
import { law, lawInRealTime } from "../Law.ts"
import { entity, watcher } from "../Seeds.ts"
import { assertSameMembers, entityType, type MirrorLaws, newSlug, oneOfEach, preparing } from "./Prepared.ts"

/** What an install brings, what stands in its way, and who may not. */
export const installLaws: MirrorLaws = (hands) => {
  const prepared = preparing(hands)
  return [
    law(
      "lands the agent and every row, bound to each other, watchers due",
      Effect.gen(function* () {
        const { agents, mirror, request, rows } = yield* prepared(oneOfEach)
        const applied = yield* mirror.apply(request)
        assert(applied.created)
        assert.deepEqual(
          applied.mirrored,
          byKind(() => 1)
        )
        assert.deepEqual(
          (yield* agents).map(({ id }) => id),
          [applied.agentId]
        )
        const common = { managedBy: request.templateAgentId, agentId: null, due: false, refersTo: null, retired: false }
        assertSameMembers(
          (yield* rows).map(({ content: _, due, ...row }) => ({ ...row, due: due !== null })),
          [
            { ...common, kind: "entity_types", slug: "invoice", name: "invoice" },
            { ...common, kind: "entity_relationship_types", slug: "pays", name: "pays" },
            { ...common, kind: "watchers", slug: "inbox", name: "inbox", agentId: applied.agentId, due: true },
            { ...common, kind: "event_classifiers", slug: "topic", name: "topic", refersTo: "inbox" }
          ]
        )
      })
    ),
    law(
      "installs an empty template, and one of many rows",
      Effect.gen(function* () {
        const { mirror, request } = yield* prepared([])
        assert.deepEqual(
          (yield* mirror.apply(request)).mirrored,
          byKind(() => 0)
        )
        const large = yield* prepared(Array.from({ length: 300 }, (_, at) => entity(`type-${at}`)))
        assert.equal((yield* mirror.apply(large.request)).mirrored.entity_types, 300)
        assert.equal((yield* large.rows).length, 300)
      })
    ),
    law(
      "installs what the revision lists, not what else the publisher has",
      Effect.gen(function* () {
        const { organization } = yield* hands.newPerson
        yield* hands.setVisibility(organization.slug, "public")
        const theirs = (slug: string) => ({ organizationId: organization.id, ...entityType(slug) })
        yield* hands.author(theirs("private-notes"))
        const { mirror, names, request } = yield* prepared([entity("invoice")], { publisher: organization.slug })
        yield* hands.rename(theirs("invoice"), "Draft")
        yield* mirror.apply(request)
        assert.deepEqual(yield* names, ["entity_types invoice"])
      })
    ),
    law(
      "is the same agent the second time, and changes nothing",
      Effect.gen(function* () {
        const { mirror, request, rows } = yield* prepared(oneOfEach)
        const first = yield* mirror.apply(request)
        const before = yield* rows
        const second = yield* mirror.apply(request)
        assert.deepEqual({ ...second, verdicts: [] }, { ...first, created: false, verdicts: [] })
        assertSameMembers(
          second.verdicts,
          first.verdicts.map((counted) => ({ ...counted, verdict: "unchanged" }))
        )
        assertSameMembers(yield* rows, before)
      })
    ),
    lawInRealTime(
      "is one agent however many install at once",
      Effect.gen(function* () {
        const { agents, mirror, request, rows } = yield* prepared(oneOfEach)
        const all = yield* Effect.all(
          Array.from({ length: 12 }, () => mirror.apply(request)),
          { concurrency: "unbounded" }
        )
        assert.equal(new Set(all.map(({ agentId }) => agentId)).size, 1)
        assert.equal(all.filter(({ created }) => created).length, 1)
        assert.equal((yield* agents).length, 1)
        assert.equal((yield* rows).length, 4)
      })
    ),
    law(
      "keeps a name the person gave, and otherwise follows the template's",
      Effect.gen(function* () {
        const { agents, mirror, publish, request } = yield* prepared([], { name: "Before" })
        const unnamed = yield* hands.newPerson
        const theirs = { ...request, userId: unnamed.userId, organizationId: unnamed.organization.id }
        yield* mirror.apply({ ...request, name: "Before" })
        yield* mirror.apply(theirs)
        yield* publish([], { name: "After" })
        yield* mirror.apply(request)
        yield* mirror.apply(theirs)
        const names = Effect.all([agents, hands.agents(theirs.organizationId)]).pipe(
          Effect.map((found) => found.map((all) => all.map(({ name }) => name)))
        )
        assert.deepEqual(yield* names, [["Before"], ["After"]])
        yield* mirror.apply({ ...request, name: "Another" })
        assert.deepEqual(yield* names, [["Another"], ["After"]])
      })
    ),
    law(
      "names every slug that is taken, and writes nothing",
      Effect.gen(function* () {
        const { agents, mirror, person, request, row, rows } = yield* prepared(oneOfEach)
        const publisher = newSlug("other")
        const theirs = yield* prepared([watcher("inbox")], { publisher })
        yield* mirror.apply({ ...request, templateAgentId: theirs.request.templateAgentId })
        yield* hands.author(row("entity_types", "invoice"))
        const before = yield* rows
        const refused = yield* Effect.flip(mirror.apply(request))
        assert(refused._tag === "SchemaCollision")
        assertSameMembers(refused.collisions, [
          { ...entityType("invoice"), owner: person.organization.slug, own: true, adoptable: true },
          { kind: "watchers", slug: "inbox", owner: publisher, own: false, adoptable: false }
        ])
        assertSameMembers(yield* rows, before)
        assert.equal((yield* agents).length, 1)
      })
    ),
    law(
      "does not take a deleted row or another kind's slug for a collision",
      Effect.gen(function* () {
        const { mirror, request, row } = yield* prepared(oneOfEach)
        yield* hands.author(row("entity_types", "invoice"))
        yield* hands.remove(row("entity_types", "invoice"))
        yield* hands.author(row("entity_types", "inbox"))
        yield* mirror.apply(request)
      })
    ),
    law(
      "says of each row what an install would do, and in which fields, and changes nothing",
      Effect.gen(function* () {
        const [invoice, pays, inbox] = oneOfEach
        assert(invoice !== undefined && pays !== undefined && inbox !== undefined)
        const { agents, mirror, person, publish, request, row, rows } = yield* prepared(oneOfEach)
        const fresh = yield* mirror.plan(request)
        assert.deepEqual(
          fresh.rows.map(({ kind, slug, verdict }) => [kind, slug, verdict]),
          oneOfEach.map(({ kind, slug }) => [kind, slug, "create"])
        )
        assert.deepEqual([yield* rows, yield* agents], [[], []])
        yield* mirror.apply(request)
        yield* hands.rename(row("entity_types", "invoice"), "Mine")
        yield* hands.remove(row("entity_relationship_types", "pays"))
        yield* hands.author(row("entity_types", "note"))
        yield* publish([
          invoice,
          pays,
          { ...inbox, name: "Inbox", content: { ...inbox.content, prompt: "Look again" } },
          entity("note")
        ])
        const before = yield* rows
        const planned = yield* mirror.plan(request)
        assert.deepEqual(
          planned.rows.map(({ fate, fields, name, owner, slug, verdict }) => [
            slug,
            name,
            verdict,
            fate,
            owner,
            [...fields]
          ]),
          [
            ["invoice", "Mine", "customized", null, null, ["name"]],
            ["note", "note", "collision", null, person.organization.slug, []],
            ["pays", "pays", "deleted_by_owner", null, null, []],
            ["inbox", "inbox", "update", null, null, ["name", "prompt"]],
            ["topic", "topic", "retire", "removed", null, []]
          ]
        )
        assertSameMembers(yield* rows, before)
      })
    ),
    law(
      "holds an install to its plan, or refuses with nothing written",
      Effect.gen(function* () {
        const { mirror, publish, request, row, rows } = yield* prepared(oneOfEach)
        const first = yield* mirror.plan(request)
        assert((yield* mirror.apply({ ...request, expectedPlan: first.planHash })).created)
        const changes = [
          hands.rename(row("entity_types", "invoice"), "Mine"),
          hands.remove(row("watchers", "inbox")),
          publish(oneOfEach.slice(0, 3))
        ]
        for (const change of changes) {
          const { planHash } = yield* mirror.plan(request)
          assert.match(planHash, /^[0-9a-f]{64}$/)
          assert.equal((yield* mirror.plan(request)).planHash, planHash)
          yield* change
          const before = yield* rows
          const refusal = yield* Effect.flip(mirror.apply({ ...request, expectedPlan: planHash }))
          assert.equal(refusal._tag, "PlanStale")
          assertSameMembers(yield* rows, before)
        }
        yield* mirror.apply({ ...request, expectedPlan: (yield* mirror.plan(request)).planHash })
      })
    ),
    law(
      "refuses, in order: not found, installed, not an administrator; a plan as an install",
      Effect.gen(function* () {
        const { mirror, request, slug } = yield* prepared(oneOfEach)
        const stranger = yield* hands.newPerson
        const as = (userId: typeof request.userId, templateAgentId = request.templateAgentId) => ({
          ...request,
          userId,
          templateAgentId
        })
        const refusals = (asked: typeof request) =>
          Effect.map(Effect.all([Effect.flip(mirror.apply(asked)), Effect.flip(mirror.plan(asked))]), (both) =>
            both.map(({ _tag }) => _tag)
          )
        const theirs = { ...as(stranger.userId), organizationId: stranger.organization.id }
        const twice = (tag: string) => [tag, tag]
        const nowhere = AgentId.make("agent_nowhere")
        assert.deepEqual(yield* refusals(as(stranger.userId, nowhere)), twice("TemplateNotFound"))
        const { agentId } = yield* mirror.apply(request)
        assert.deepEqual(yield* refusals({ ...theirs, templateAgentId: agentId }), twice("TemplateNotFound"))
        assert.deepEqual(yield* refusals(as(request.userId, agentId)), twice("TemplateIsInstalled"))
        assert.deepEqual(yield* refusals(as(stranger.userId)), twice("NotOrgAdmin"))
        yield* hands.setRole(request.organizationId, stranger.userId, "member")
        assert.deepEqual(yield* refusals(as(stranger.userId)), twice("NotOrgAdmin"))
        yield* hands.setVisibility(`${slug}-publisher`, "private")
        assert.deepEqual(yield* refusals(theirs), twice("TemplateNotFound"))
      })
    ),
    law(
      "says to a member, and only to a member, that a template is not public; and to its own organization that it is its own",
      Effect.gen(function* () {
        const [insider, stranger, target] = [yield* hands.newPerson, yield* hands.newPerson, yield* hands.newPerson]
        const publisher = insider.organization
        yield* hands.setVisibility(publisher.slug, "public")
        const { mirror, request } = yield* prepared(oneOfEach, { publisher: publisher.slug })
        const refusal = ({ organization, userId }: typeof insider) =>
          Effect.map(
            Effect.flip(mirror.apply({ ...request, userId, organizationId: organization.id })),
            ({ _tag }) => _tag
          )
        assert.equal(yield* refusal(insider), "SelfInstall")
        yield* hands.setVisibility(publisher.slug, "private")
        yield* hands.setRole(target.organization.id, insider.userId, "owner")
        assert.equal(yield* refusal({ ...target, userId: insider.userId }), "TemplateNotPublic")
        assert.equal(yield* refusal(stranger), "TemplateNotFound")
      })
    )
  ]
}
