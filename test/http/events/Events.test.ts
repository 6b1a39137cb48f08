import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { oneOfEach, template } from "../../fixtures/templates.ts"
import { gatewayToken, isProblem, Running, TestServer } from "../server.ts"

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("events over HTTP", (it) => {
  it.effect("are read after a number, by the gateway alone", () =>
    Effect.gen(function* () {
      const { ask, signUp } = yield* Running
      const catalog = yield* TemplateCatalog
      yield* catalog.publish(template("eventful", oneOfEach))
      const read = (query: string, token = gatewayToken) =>
        ask(`/api/events${query}`, { headers: { authorization: `Bearer ${token}` } })
      const before = yield* read("")
      assert.strictEqual(before.status, 200, before.text)
      const { bearer } = yield* signUp("Eventful")
      const { body } = yield* ask("/api/install", { headers: { authorization: bearer }, body: { slug: "eventful" } })
      const after = yield* read(`?after=${before.body.last}&wait=5`)
      assert.deepStrictEqual(after.body.events, [
        {
          number: before.body.last + 1,
          at: after.body.events[0].at,
          organizationId: body.organizationId,
          type: "agent.installed",
          data: {
            agentId: body.agentId,
            templateAgentId: after.body.events[0].data.templateAgentId,
            revision: 1,
            by: "person"
          }
        }
      ])
      assert.strictEqual(after.body.last, before.body.last + 1)
      assert.deepStrictEqual((yield* read(`?after=${after.body.last}`)).body, { events: [], last: after.body.last })
      isProblem(yield* read(`?after=${after.body.last + 1}`), 410, "events_gone")
      isProblem(yield* read("?after=-1"), 400, "invalid_request")
      isProblem(yield* read("?wait=31"), 400, "invalid_request")
      isProblem(yield* read("", "somebody else's"), 401, "not_gateway")
      isProblem(yield* read("?after=x", "somebody else's"), 401, "not_gateway")
    })
  )
})
