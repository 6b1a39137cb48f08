import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Slug } from "../../../src/domain/Ids.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { Publishers } from "../../../src/services/publishing/Publishers.ts"
import { rollOut } from "../../../src/services/rollout/RollOut.ts"
import { RolloutWork } from "../../../src/services/rollout/RolloutWork.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { type Ask, isProblem, Running, TestServer } from "../server.ts"

let made = 0

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("roll-outs over HTTP", (it) => {
  const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))

  const person = Effect.gen(function* () {
    const { signUp } = yield* Running
    const name = `roller ${++made}`
    const { bearer } = yield* signUp(name)
    return { bearer, email: `${name.replaceAll(" ", ".")}@example.org` }
  })

  /** A publisher with a template at its second revision, a key for each scope, and somebody who has the first. */
  const acme = Effect.gen(function* () {
    const catalog = yield* TemplateCatalog
    const publishers = yield* Publishers
    const [owner, reader] = [yield* person, yield* person]
    const [slug, name] = [Slug.make(`rolling-${++made}`), `rolling-template-${made}`]
    yield* Effect.orDie(publishers.create(slug, owner.email))
    const publish = (said: string) =>
      catalog.publish(template(name, [definition("entity_types", "bill", { name: said })], { publisher: slug }))
    yield* publish("first")
    const installed = yield* ask("/api/install", { headers: { authorization: reader.bearer }, body: { slug: name } })
    assert.strictEqual(installed.status, 200, installed.text)
    yield* publish("second")
    const key = (scope: string) =>
      Effect.map(
        ask(`/api/publishers/${slug}/keys`, {
          headers: { authorization: owner.bearer },
          body: { name: scope, scopes: [scope] }
        }),
        ({ body }) => `Bearer ${body.key}`
      )
    const base = `/api/publishers/${slug}/templates/${name}/rollouts`
    const as = (authorization: string) => (path: string, body?: unknown, method?: string) =>
      ask(`${base}${path}`, {
        headers: { authorization },
        ...(body === undefined ? {} : { body }),
        ...(method === undefined ? {} : { method })
      })
    return {
      as,
      base,
      name,
      owner,
      reader,
      agentId: String(installed.body.agentId),
      publishing: yield* key("publish"),
      reading: yield* key("read")
    }
  })

  const work = Effect.gen(function* () {
    const { running } = yield* RolloutWork
    yield* Effect.forEach(yield* running, rollOut)
  })

  it.effect("are started, paused, resumed and followed with a key", () =>
    Effect.gen(function* () {
      const { agentId, as, publishing, reader, reading } = yield* acme
      const started = yield* as(publishing)("", { revision: 2, waves: [100] })
      assert.strictEqual(started.status, 200, started.text)
      const id = `/${started.body.rolloutId}`
      isProblem(yield* as(publishing)("", { revision: 2 }), 409, "rollout_runs")
      const paused = yield* as(publishing)(`${id}/pause`, undefined, "POST")
      assert.deepInclude(paused.body, { state: "paused", because: "asked", open: 1 })
      const resumed = yield* as(publishing)(`${id}/resume`, {})
      assert.deepInclude(resumed.body, { state: "running", stopAbove: 0.05 })
      const followed = yield* Effect.fork(as(reading)(`${id}/events`))
      yield* Effect.sleep("300 millis")
      yield* work
      const { headers, text } = yield* followed
      assert.strictEqual(headers["content-type"], "text/event-stream")
      const sent = text
        .split("\n\n")
        .filter((event) => event.startsWith("event: status"))
        .map((event) => JSON.parse(event.slice(event.indexOf("data: ") + 6)))
      assert.deepInclude(sent.at(-1), { state: "done", open: 0 })
      assert.strictEqual(sent.at(-1).outcomes.updated, 1)
      const seen = yield* as(reading)(id)
      assert.deepStrictEqual(seen.body, sent.at(-1))
      assert.deepStrictEqual((yield* as(reading)("")).body.rollouts, [seen.body])
      isProblem(yield* as(publishing)(`${id}/cancel`, undefined, "POST"), 409, "rollout_ended")

      const history = yield* ask(`/api/agents/${agentId}/history`, { headers: { authorization: reader.bearer } })
      assert.deepInclude(history.body.entries[0], { action: "rollout", revision: 2 })
      assert.strictEqual(history.body.entries[0].by.userId, null)
    })
  )

  it.effect("are for the publisher's own, by what they may", () =>
    Effect.gen(function* () {
      const { as, base, name, owner, publishing, reading } = yield* acme
      const other = yield* acme
      const stranger = yield* person
      const body = { revision: 2 }
      isProblem(yield* as(reading)("", body), 403, "not_permitted")
      isProblem(yield* as(stranger.bearer)("", body), 404, "publisher_not_found")
      isProblem(yield* as(other.publishing)("", body), 404, "publisher_not_found")
      isProblem(yield* ask(base), 401, "unauthenticated")
      const foreign = other.base.replace(other.name, name)
      isProblem(yield* ask(foreign, { headers: { authorization: other.publishing } }), 404, "unknown_slug")
      isProblem(yield* as(publishing)("", { revision: 7 }), 400, "no_such_revision")
      isProblem(yield* as(publishing)("", { revision: 2, waves: [50, 10, 100] }), 400, "invalid_request")
      isProblem(yield* as(publishing)("", { revision: 2, stopAbove: 2 }), 400, "invalid_request")
      isProblem(yield* as(reading)("/rollout_none"), 404, "rollout_not_found")
      isProblem(yield* as(publishing)("/rollout_none/resume", {}), 404, "rollout_not_found")
      const started = yield* as(owner.bearer)("", body)
      assert.strictEqual(started.status, 200, started.text)
      const id = `/${started.body.rolloutId}`
      isProblem(yield* as(reading)(`${id}/pause`, undefined, "POST"), 403, "not_permitted")
      const cancelled = yield* as(owner.bearer)(`${id}/cancel`, undefined, "POST")
      assert.strictEqual(cancelled.body.state, "cancelled")
    })
  )

  it.effect("leave out an agent whose owner says so", () =>
    Effect.gen(function* () {
      const { agentId, as, publishing, reader } = yield* acme
      const set = (updates: string, authorization = reader.bearer) =>
        ask(`/api/agents/${agentId}/updates`, { method: "PUT", headers: { authorization }, body: { updates } })
      const manual = yield* set("manual")
      assert.deepInclude(manual.body, { agentId, updates: "manual", offered: null })
      isProblem(yield* set("sometimes"), 400, "invalid_request")
      isProblem(yield* set("manual", (yield* person).bearer), 404, "agent_not_found")
      const { body } = yield* as(publishing)("", { revision: 2, waves: [100] })
      yield* work
      const done = yield* as(publishing)(`/${body.rolloutId}`)
      assert.strictEqual(done.body.outcomes.manual, 1)
      const seen = yield* ask(`/api/agents/${agentId}`, { headers: { authorization: reader.bearer } })
      assert.deepInclude(seen.body, { updates: "manual", offered: 2, revision: 1 })
      assert.strictEqual((yield* set("automatic")).body.updates, "automatic")
    })
  )
})
