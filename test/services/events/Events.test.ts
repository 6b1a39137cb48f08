import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { OrganizationId } from "../../../src/domain/Ids.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { Events } from "../../../src/services/events/Events.ts"
import { readEvents } from "../../../src/services/events/ReadEvents.ts"
import { IdentityLinker } from "../../../src/services/identity/IdentityLinker.ts"
import { readSender } from "../../../src/services/identity/ReadSender.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { Transactor } from "../../../src/services/runtime/Transactor.ts"
import { definition, oneOfEach, template } from "../../fixtures/templates.ts"
import { credential, gatewayToken, inRealTime, newPerson, worlds } from "../../worlds.ts"

let templates = 0

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`Events (${label})`, (it) => {
    /** What has happened since, and only what did in that organization. */
    const begin = Effect.gen(function* () {
      const events = yield* Events
      const all = (after?: number): Effect.Effect<number> =>
        Effect.flatMap(
          Effect.orDie(events.read({ limit: 1_000, ...(after === undefined ? {} : { after }) })),
          (read) => (read.events.length === 0 ? Effect.succeed(read.last) : all(read.last))
        )
      const start = yield* all()
      const recorded = (organizationId: OrganizationId) =>
        Effect.map(Effect.orDie(events.read({ after: start, limit: 1_000 })), (read) =>
          read.events
            .filter((event) => event.organizationId === organizationId)
            .map(({ data, type }) => ("agentId" in data ? { type, ...data } : { type, platform: data.platform }))
        )
      return { events, start, recorded }
    })
    const published = Effect.gen(function* () {
      const catalog = yield* TemplateCatalog
      const slug = `events-${++templates}`
      const publish = (name: string) =>
        Effect.orDie(catalog.publish(template(slug, [...oneOfEach, definition("entity_types", "extra", { name })])))
      const { templateAgentId } = yield* publish("first")
      return { publish, templateAgentId }
    })

    it.effect("has installs, updates and uninstalls, and nothing of what changed nothing", () =>
      Effect.gen(function* () {
        const mirror = yield* TemplateMirror
        const { recorded } = yield* begin
        const { publish, templateAgentId } = yield* published
        // Twice, for the first of a process goes the long way and the second takes the short cut.
        for (const { organization, userId } of [yield* newPerson(), yield* newPerson()]) {
          const organizationId = organization.id
          const request = { userId, organizationId, templateAgentId }
          const { agentId, revision } = yield* mirror.apply(request)
          yield* mirror.apply(request)
          yield* publish(`of ${organizationId}`)
          yield* mirror.apply(request)
          yield* mirror.uninstall({ ...request, agentId })
          const about = { agentId, templateAgentId, by: "person" }
          assert.deepStrictEqual(yield* recorded(organizationId), [
            { type: "agent.installed", ...about, revision },
            { type: "agent.updated", ...about, revision: revision + 1 },
            { type: "agent.uninstalled", ...about, revision: null }
          ] as never)
        }
      })
    )

    it.effect("has nothing of a step that failed", () =>
      Effect.gen(function* () {
        const mirror = yield* TemplateMirror
        const transactor = yield* Transactor
        const { recorded } = yield* begin
        const { templateAgentId } = yield* published
        const { organization, userId } = yield* newPerson()
        const request = { userId, organizationId: organization.id, templateAgentId }
        yield* Effect.flip(transactor.atomically(Effect.zipRight(mirror.apply(request), Effect.fail("no"))))
        assert.deepStrictEqual(yield* recorded(organization.id), [])
        yield* mirror.apply(request)
        assert.strictEqual((yield* recorded(organization.id)).length, 1)
      })
    )

    it.effect("has identities that are verified, displaced and ended, with no identifier", () =>
      Effect.gen(function* () {
        const linker = yield* IdentityLinker
        const { recorded } = yield* begin
        const digits = `4479118${10_000 + ++templates}`
        const sender = yield* Effect.orDie(
          readSender({ platform: "whatsapp", platformUserId: `${digits}@s.whatsapp.net`, alternateIds: [] })
        )
        const prove = ({ organization, userId }: Effect.Effect.Success<ReturnType<typeof newPerson>>) =>
          Effect.gen(function* () {
            const person = { userId, organizationId: organization.id }
            const opened = yield* linker.challenge({ ...person, sender })
            assert(opened !== "already_linked_here")
            yield* linker.answer({ linkId: opened.linkId, sender, yes: true })
            const [own] = yield* linker.list(person)
            assert(own !== undefined)
            yield* linker.confirm({ ...person, id: own.id })
            return { person, id: own.id }
          })
        const [first, second] = [yield* newPerson(), yield* newPerson()]
        yield* prove(first)
        const { id, person } = yield* prove(second)
        yield* linker.unlink({ ...person, id })
        assert.deepStrictEqual(yield* recorded(first.organization.id), [
          { type: "identity.verified", platform: "whatsapp" },
          { type: "identity.displaced", platform: "whatsapp" }
        ])
        assert.deepStrictEqual(yield* recorded(second.organization.id), [
          { type: "identity.verified", platform: "whatsapp" },
          { type: "identity.unlinked", platform: "whatsapp" }
        ])
      })
    )

    it.effect("reads page by page, without a gap, and refuses a number it never gave", () =>
      Effect.gen(function* () {
        const mirror = yield* TemplateMirror
        const { events, start } = yield* begin
        const { templateAgentId } = yield* published
        for (let at = 0; at < 3; at++) {
          const { organization, userId } = yield* newPerson()
          yield* mirror.apply({ userId, organizationId: organization.id, templateAgentId })
        }
        const first = yield* events.read({ after: start, limit: 2 })
        const second = yield* events.read({ after: first.last, limit: 2 })
        assert.deepStrictEqual(
          [...first.events, ...second.events].map(({ number }) => number),
          [start + 1, start + 2, start + 3]
        )
        assert.deepStrictEqual(yield* events.read({ after: second.last, limit: 2 }), {
          events: [],
          last: second.last
        })
        const gone = yield* Effect.flip(events.read({ after: second.last + 1, limit: 2 }))
        assert.strictEqual(gone._tag, "EventsGone")
        assert.strictEqual(gone.last, second.last)
      })
    )

    it.effect("answers at once where nothing is to be waited for", () =>
      Effect.gen(function* () {
        const { start } = yield* begin
        const gateway = credential({ bearer: `Bearer ${gatewayToken}` })
        const read = yield* readEvents(gateway, Effect.succeed({ after: start, limit: 10, wait: 0 }))
        assert.deepStrictEqual(read, { events: [], last: start })
      })
    )

    inRealTime(it)("waits for the first event, for the gateway alone", () =>
      Effect.gen(function* () {
        const mirror = yield* TemplateMirror
        const { start } = yield* begin
        const { templateAgentId } = yield* published
        const { organization, userId } = yield* newPerson()
        const as = (token: string) => credential({ bearer: `Bearer ${token}` })
        const query = Effect.succeed({ after: start, limit: 10, wait: 30 })
        const stranger = yield* Effect.flip(readEvents(as("a token of somebody else's making, and long"), query))
        assert.strictEqual(stranger._tag, "NotGateway")
        const [read] = yield* Effect.all(
          [
            readEvents(as(gatewayToken), query),
            Effect.delay(mirror.apply({ userId, organizationId: organization.id, templateAgentId }), "400 millis")
          ],
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          read.events.map(({ type }) => type),
          ["agent.installed"]
        )
      })
    )
  })
}
