import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Definition } from "../../../src/domain/catalog/Template.ts"
import { Slug } from "../../../src/domain/Ids.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateOffers } from "../../../src/services/catalog/TemplateOffers.ts"
import { InstalledAgents } from "../../../src/services/installation/InstalledAgents.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { PublishedTemplates } from "../../../src/services/publishing/PublishedTemplates.ts"
import { Publishers } from "../../../src/services/publishing/Publishers.ts"
import { rollOut } from "../../../src/services/rollout/RollOut.ts"
import { Rollouts } from "../../../src/services/rollout/Rollouts.ts"
import { RolloutWork } from "../../../src/services/rollout/RolloutWork.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { Hands, newPerson, worlds } from "../../worlds.ts"

let templates = 0

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`What becomes of a template (${label})`, (it) => {
    /** A template with so many revisions, and what its publisher and people do with it. */
    const published = (revisions: number) =>
      Effect.gen(function* () {
        const catalog = yield* TemplateCatalog
        const mirror = yield* TemplateMirror
        const publishers = yield* Publishers
        const own = yield* PublishedTemplates
        const agents = yield* InstalledAgents
        const slug = `lived-${++templates}`
        const said = (name: string): ReadonlyArray<Definition> => [definition("entity_types", "bill", { name })]
        const publish = (name: string) => catalog.publish(template(slug, said(name)))
        const { templateAgentId } = yield* Effect.orDie(publish("name 1"))
        for (let at = 2; at <= revisions; at++) yield* Effect.orDie(publish(`name ${at}`))
        const { publisher } = yield* publishers.facts(`${slug}-publisher`, null)
        const organizationId = (publisher ?? assert.fail()).id
        const person = Effect.gen(function* () {
          const { organization, userId } = yield* newPerson()
          const request = { userId, organizationId: organization.id, templateAgentId }
          const install = mirror.apply(request)
          return { ...request, request, install, find: (agentId: string) => Effect.orDie(agents.find(userId, agentId)) }
        })
        return { catalog, mirror, own, organizationId, person, publish, slug, templateAgentId }
      })

    it.effect("deprecated is not installed anew, stays with who has it, and comes back", () =>
      Effect.gen(function* () {
        const { catalog, mirror, organizationId, own, person, publish, slug } = yield* published(1)
        const other = yield* published(1)
        const offers = yield* TemplateOffers
        const [before, after] = [yield* person, yield* person]
        const { agentId } = yield* before.install
        const request = { reason: "Replaced.\nFor good reasons.", successor: Slug.make(other.slug) }
        const deprecated = { reason: request.reason, successor: other.slug }
        assert.deepInclude(yield* own.deprecate(organizationId, slug, request), {
          slug,
          deprecated,
          installs: 1
        } as never)

        const refused = yield* Effect.flip(after.install)
        assert.deepInclude(refused, { _tag: "TemplateDeprecated", ...deprecated } as never)
        assert.strictEqual((yield* Effect.flip(mirror.plan(after.request)))._tag, "TemplateDeprecated")
        yield* publish("name 2")
        const updated = yield* before.install
        assert.deepInclude(updated, { agentId, created: false, revision: 2 })
        yield* mirror.resync({ ...before.request, agentId, revision: 1 })
        assert.deepInclude((yield* before.find(agentId)).template, { available: true, deprecated } as never)
        assert.deepInclude(yield* offers.find(slug), { deprecated } as never)
        const [listed] = (yield* offers.search({ q: slug, after: "", limit: 20 })).templates
        assert.deepInclude(listed, { slug, deprecated } as never)
        assert.deepInclude(yield* catalog.manifest(slug), { deprecated } as never)

        // A successor that is withdrawn is none.
        yield* other.own.withdraw(other.organizationId, other.slug)
        assert.deepInclude(yield* offers.find(slug), {
          deprecated: { reason: request.reason, successor: null }
        } as never)
        assert.isNull((yield* own.restore(organizationId, slug)).deprecated)
        assert.isTrue((yield* after.install).created)
      })
    )

    it.effect("says in a plan what is new since the installed revision, but for what is broken", () =>
      Effect.gen(function* () {
        const { catalog, mirror, organizationId, own, person, slug } = yield* published(0)
        const publish = (name: string, notes?: string) =>
          catalog.publish(
            template(slug, [definition("entity_types", "bill", { name })], notes === undefined ? {} : { notes })
          )
        const ada = yield* person
        assert.deepStrictEqual((yield* mirror.plan(ada.request)).notes, [])
        const { agentId } = yield* ada.install
        yield* publish("second", "Two\nlines")
        yield* publish("third")
        yield* publish("fourth", "Broken")
        yield* publish("fifth", "Five")
        yield* own.markBroken(organizationId, slug, 4, "It fails")
        const told = [
          { revision: 5, notes: "Five" },
          { revision: 2, notes: "Two\nlines" }
        ]
        const asked = { ...ada.request, agentId }
        assert.deepStrictEqual((yield* mirror.planResync(asked)).notes, told)
        assert.deepStrictEqual((yield* mirror.plan(ada.request)).notes, told)
        assert.deepStrictEqual((yield* mirror.planResync({ ...asked, revision: 3 })).notes, told.slice(1))
        yield* mirror.resync({ ...asked, revision: 3 })
        assert.deepStrictEqual((yield* mirror.planResync({ ...asked, revision: "newest" })).notes, told.slice(0, 1))
        assert.deepStrictEqual((yield* mirror.planResync({ ...asked, revision: 1 })).notes, [])
      })
    )

    it.effect("is deprecated in favour of another template that is offered, or of none", () =>
      Effect.gen(function* () {
        const { organizationId, own, slug } = yield* published(1)
        const hidden = yield* published(1)
        const hands = yield* Hands
        yield* hands.setVisibility(`${hidden.slug}-publisher`, "private")
        const refusal = (successor: string) =>
          Effect.flip(own.deprecate(organizationId, slug, { reason: "Old", successor: Slug.make(successor) }))
        assert.strictEqual((yield* refusal(slug))._tag, "InvalidRequest")
        for (const successor of [hidden.slug, "nothing-at-all"]) {
          assert.deepInclude(yield* refusal(successor), { _tag: "UnknownTemplateSlug", slug: successor })
        }
        const plain = yield* own.deprecate(organizationId, slug, { reason: "Old" })
        assert.deepStrictEqual(plain.deprecated, { reason: "Old", successor: null })
        const foreign = hidden.organizationId
        const tags = yield* Effect.all([
          Effect.flip(own.restore(foreign, slug)),
          Effect.flip(own.deprecate(foreign, slug, { reason: "Not mine" })),
          Effect.flip(own.markBroken(foreign, slug, 1, "Not mine")),
          Effect.flip(own.withdraw(foreign, slug))
        ])
        for (const { _tag } of tags) assert.strictEqual(_tag, "UnknownTemplateSlug")
      })
    )

    it.effect("brings nobody to a revision that is broken, but the newest of the others", () =>
      Effect.gen(function* () {
        const { catalog, mirror, organizationId, own, person, publish, slug } = yield* published(3)
        const offers = yield* TemplateOffers
        const [early, late] = [yield* person, yield* person]
        const had = yield* early.install
        assert.strictEqual(had.revision, 3)
        const state = yield* own.markBroken(organizationId, slug, 3, "Reads twice")
        assert.deepInclude(state, { revision: 3, offered: 2 })
        const [newest, second] = (yield* own.revisions(organizationId, slug)).revisions
        assert.deepStrictEqual([newest?.broken, second?.broken], ["Reads twice", null])

        const installed = yield* late.install
        assert.deepInclude(installed, { created: true, revision: 2 })
        assert.deepInclude(yield* late.install, { created: false, revision: 2 })
        assert.strictEqual((yield* catalog.manifest(slug)).revision, 2)
        assert.deepInclude(yield* offers.find(slug), { revision: 2, broken: null })
        const asked = { ...late.request, agentId: installed.agentId, revision: 3 }
        const refused = yield* Effect.flip(mirror.resync(asked))
        assert.deepInclude(refused, { _tag: "RevisionBroken", revision: 3, reason: "Reads twice", offered: 2 })
        assert.strictEqual((yield* Effect.flip(mirror.planResync(asked)))._tag, "RevisionBroken")

        // Who has it is told, may stay there, and goes back with an update.
        assert.deepInclude(yield* early.find(had.agentId), { revision: 3, newestRevision: 2, broken: "Reads twice" })
        const staying = { ...early.request, agentId: had.agentId, revision: 3 }
        assert.deepInclude(yield* mirror.resync(staying), { revision: 3, pinned: true })
        assert.deepInclude(yield* early.install, { revision: 3, pinned: true })
        assert.deepInclude(yield* mirror.resync({ ...staying, revision: "newest" }), { revision: 2, pinned: false })
        assert.deepInclude(yield* early.find(had.agentId), { revision: 2, newestRevision: 2, broken: null })

        yield* publish("name 4")
        assert.deepInclude(yield* late.install, { revision: 4 })
        yield* own.markBroken(organizationId, slug, 4, "Worse")
        assert.deepInclude(yield* own.markBroken(organizationId, slug, 3, null), { revision: 4, offered: 3 })
        assert.deepInclude(yield* late.install, { revision: 3 })
        for (const revision of [0, 5]) {
          const none = yield* Effect.flip(own.markBroken(organizationId, slug, revision, "What?"))
          assert.deepInclude(none, { _tag: "NoSuchRevision", newest: 4 })
        }
      })
    )

    it.effect("is installed by nobody while all of it is broken, and leaves who has it where they are", () =>
      Effect.gen(function* () {
        const { mirror, organizationId, own, person, slug } = yield* published(1)
        const offers = yield* TemplateOffers
        const [early, late] = [yield* person, yield* person]
        const { agentId } = yield* early.install
        assert.isNull((yield* own.markBroken(organizationId, slug, 1, "All wrong")).offered)
        const refused = yield* Effect.flip(late.install)
        assert.deepInclude(refused, { _tag: "RevisionBroken", revision: 1, offered: null })
        assert.deepInclude(yield* offers.find(slug), { revision: 1, broken: "All wrong" })
        assert.deepInclude(yield* early.install, { created: false, revision: 1 })
        const plan = yield* mirror.planResync({ ...early.request, agentId })
        assert.isTrue(plan.rows.every(({ verdict }) => verdict === "unchanged"))
        assert.deepInclude(yield* early.find(agentId), { newestRevision: null, broken: "All wrong" })
      })
    )

    it.effect("pauses a roll-out to a revision that is marked as broken, which goes on with another alone", () =>
      Effect.gen(function* () {
        const { organizationId, own, person, publish, slug, templateAgentId } = yield* published(1)
        const rollouts = yield* Rollouts
        const work = yield* RolloutWork
        const people = yield* Effect.replicateEffect(person, 2)
        const installed = yield* Effect.forEach(people, ({ install }) => install)
        yield* publish("name 2")
        const given = { revision: 2, waves: [50, 100], advance: "automatic" as const, stopAbove: 1 }
        const rolloutId = yield* rollouts.start(templateAgentId, given)
        yield* work.batch({ rolloutId, attempt: 1 })
        yield* own.markBroken(organizationId, slug, 2, "Reads twice")
        const paused = yield* rollouts.status(templateAgentId, rolloutId)
        assert.deepInclude(paused, { state: "paused", because: "revision_broken", open: 1 })
        assert.strictEqual(yield* work.batch({ rolloutId, attempt: 1 }), "over")
        const refused = yield* Effect.flip(rollouts.resume(templateAgentId, rolloutId, {}))
        assert.deepInclude(refused, { _tag: "RevisionBroken", revision: 2, offered: 1 })
        yield* rollouts.resume(templateAgentId, rolloutId, { revision: 1 })
        const found = (yield* work.running).find((one) => one.rolloutId === rolloutId)
        yield* rollOut(found ?? assert.fail())
        assert.deepInclude(yield* rollouts.status(templateAgentId, rolloutId), { state: "done", revision: 1, open: 0 })
        for (const [at, { agentId }] of installed.entries()) {
          assert.deepInclude(yield* people[at]?.find(agentId) ?? assert.fail(), { revision: 1, newestRevision: 1 })
        }
        const other = yield* Effect.flip(rollouts.start(templateAgentId, given))
        assert.strictEqual(other._tag, "RevisionBroken")
      })
    )

    it.effect("is withdrawn for good when nobody has it, with its roll-outs and rows", () =>
      Effect.gen(function* () {
        const { catalog, mirror, organizationId, own, person, publish, slug, templateAgentId } = yield* published(2)
        const rollouts = yield* Rollouts
        const hands = yield* Hands
        const ada = yield* person
        const { agentId } = yield* ada.install
        const rolloutId = yield* rollouts.start(templateAgentId, {
          revision: 1,
          waves: [100],
          advance: "automatic",
          stopAbove: 1
        })
        const used = yield* Effect.flip(own.withdraw(organizationId, slug))
        assert.deepInclude(used, { _tag: "TemplateInUse", installations: 1 })
        yield* mirror.uninstall({ ...ada.request, agentId })
        yield* own.withdraw(organizationId, slug)

        assert.strictEqual((yield* Effect.flip(ada.install))._tag, "TemplateNotPublic")
        assert.strictEqual((yield* Effect.flip(catalog.manifest(slug)))._tag, "UnknownTemplateSlug")
        assert.strictEqual((yield* Effect.flip(own.withdraw(organizationId, slug)))._tag, "UnknownTemplateSlug")
        assert.deepStrictEqual(yield* own.list(organizationId), [])
        assert.deepInclude(yield* rollouts.status(templateAgentId, rolloutId), { state: "cancelled" })
        const again = yield* Effect.flip(publish("name 3"))
        assert.include(again.message, `"${slug}" was withdrawn for good`)
        assert.deepStrictEqual(yield* hands.rows(organizationId), [])
        // The publisher's next template may have the slugs of its rows.
        const next = yield* catalog.publish(
          template(`${slug}-next`, [definition("entity_types", "bill")], { publisher: Slug.make(`${slug}-publisher`) })
        )
        assert.strictEqual(next.revision, 1)
      })
    )
  })
}
