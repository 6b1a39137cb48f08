import { assert, it } from "@effect/vitest"
import { DateTime, Effect } from "effect"
import { dueOnResume } from "../../../src/domain/installation/Watcher.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { InstalledAgents } from "../../../src/services/installation/InstalledAgents.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { Watchers } from "../../../src/services/installation/Watchers.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { Hands, newPerson, worldsOfBothModes } from "../../worlds.ts"

const two = [
  definition("watchers", "inbox", { content: { schedule: "0 7 * * 1" } }),
  definition("watchers", "radar", { content: { schedule: "30 6 * * *" } })
]

let templates = 0

for (const [label, world] of worldsOfBothModes) {
  it.layer(world, { timeout: "60 seconds" })(`Watchers (${label})`, (it) => {
    const installed = Effect.gen(function* () {
      const { organization, userId } = yield* newPerson()
      const catalog = yield* TemplateCatalog
      const mirror = yield* TemplateMirror
      const agents = yield* InstalledAgents
      const watchers = yield* Watchers
      const slug = `watching-${++templates}`
      const { templateAgentId } = yield* Effect.orDie(catalog.publish(template(slug, two)))
      const request = { userId, organizationId: organization.id, templateAgentId }
      const { agentId } = yield* Effect.orDie(mirror.apply(request))
      const agent = yield* Effect.orDie(agents.find(userId, agentId))
      const set = (change: "pause" | "resume", slug: string) => watchers.set(change, { userId, agent, slug })
      return { agent, mirror, organizationId: organization.id, request, set, userId, watchers, slug }
    })

    it.effect("are listed with when they are due", () =>
      Effect.gen(function* () {
        const { agent, watchers } = yield* installed
        const [inbox, radar, ...more] = yield* watchers.list(agent)
        assert.deepStrictEqual(more, [])
        assert.deepStrictEqual([inbox?.slug, inbox?.schedule, inbox?.pausedAt], ["inbox", "0 7 * * 1", null])
        assert.isNotNull(inbox?.nextRunAt)
        assert.deepStrictEqual([radar?.slug, radar?.name], ["radar", "radar"])
      })
    )

    it.effect("are paused once, and resumed with their next run", () =>
      Effect.gen(function* () {
        const { agent, set, watchers } = yield* installed
        const before = (yield* watchers.list(agent)).map(({ nextRunAt }) => nextRunAt)
        const paused = yield* set("pause", "inbox")
        assert.isNotNull(paused.pausedAt)
        assert.isNull(paused.nextRunAt)
        assert.deepStrictEqual(yield* set("pause", "inbox"), paused)
        const [, radar] = yield* watchers.list(agent)
        assert.isNull(radar?.pausedAt)
        const resumed = yield* set("resume", "inbox")
        assert.isNull(resumed.pausedAt)
        assert.deepStrictEqual([resumed.nextRunAt], before.slice(0, 1))
        assert.deepStrictEqual(yield* set("resume", "inbox"), resumed)
      })
    )

    it.effect("stay paused through an update, and are the template's unchanged rows still", () =>
      Effect.gen(function* () {
        const { agent, mirror, request, set, slug, watchers } = yield* installed
        yield* set("pause", "inbox")
        const { rows } = yield* Effect.orDie(mirror.plan(request))
        assert.deepStrictEqual(
          rows.map(({ verdict }) => verdict),
          ["unchanged", "unchanged"]
        )
        const catalog = yield* TemplateCatalog
        const [inbox, radar] = two
        assert(inbox !== undefined && radar !== undefined)
        yield* Effect.orDie(
          catalog.publish(template(slug, [{ ...inbox, content: { ...inbox.content, prompt: "Look again" } }, radar]))
        )
        yield* Effect.orDie(mirror.apply(request))
        const [after] = yield* watchers.list(agent)
        assert.isNotNull(after?.pausedAt)
      })
    )

    it.effect("are not there once they are deleted, and are nobody else's", () =>
      Effect.gen(function* () {
        const { agent, organizationId, set, userId, watchers } = yield* installed
        const hands = yield* Hands
        assert.strictEqual((yield* Effect.flip(set("pause", "nothing")))._tag, "WatcherNotFound")
        assert.strictEqual((yield* Effect.flip(set("pause", "\u0000")))._tag, "WatcherNotFound")
        yield* hands.remove({ organizationId, kind: "watchers", slug: "radar" })
        assert.strictEqual((yield* Effect.flip(set("pause", "radar")))._tag, "WatcherNotFound")
        assert.lengthOf(yield* watchers.list(agent), 1)
        yield* hands.setRole(organizationId, userId, "member")
        assert.strictEqual((yield* Effect.flip(set("pause", "inbox")))._tag, "NotOrgAdmin")
        assert.lengthOf(yield* watchers.list(agent), 1)
      })
    )
  })
}

it("resumes at the time that is still to come, else at the schedule's next", () => {
  const at = (text: string) => DateTime.toDateUtc(DateTime.unsafeMake(text))
  const now = at("2026-11-24T12:00:00Z")
  const later = at("2026-11-30T07:00:00Z")
  assert.deepStrictEqual(dueOnResume("0 7 * * 1", later, now), later)
  assert.deepStrictEqual(dueOnResume("0 7 * * 1", at("2026-11-02T07:00:00Z"), now), later)
  assert.isNull(dueOnResume(null, at("2026-11-02T07:00:00Z"), now))
})
