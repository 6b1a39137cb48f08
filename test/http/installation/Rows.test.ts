import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { openApi } from "../../../src/http/Api.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { oneOfEach, template } from "../../fixtures/templates.ts"
import { type Ask, afterAllAnswers, isProblem, Running, TestServer } from "../server.ts"

let people = 0

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("/api/agents/{id}/rows", (it) => {
  const installed = (slug = "helper", mode = "copy") =>
    Effect.gen(function* () {
      const { ask, signUp } = yield* Running
      const { bearer, cookie } = yield* signUp(`Row ${++people}`)
      const headers = { authorization: bearer }
      const { body } = yield* ask("/api/install", { headers, body: { slug, mode } })
      const agent = `/api/agents/${body.agentId}`
      const type = `${agent}/rows/entity_types/invoice`
      const customize = (changes: unknown, given: Ask["headers"] = headers, path = type) =>
        ask(`${path}/customize`, { headers: given ?? {}, body: changes })
      const remove = (given: Ask["headers"] = headers, path = type) =>
        ask(path, { method: "DELETE", headers: given ?? {} })
      const get = (path = type, given: Ask["headers"] = headers) => ask(path, { headers: given ?? {} })
      return { agent, cookie, customize, get, headers, organizationId: String(body.organizationId), remove, type }
    })

  it.effect("are changed and deleted alike, whether they are copies or referred to", () =>
    Effect.gen(function* () {
      const { ask } = yield* Running
      const catalog = yield* TemplateCatalog
      yield* Effect.orDie(catalog.publish(template("either", oneOfEach, { modes: ["copy", "reference"] })))
      const seen: Array<unknown> = []
      for (const mode of ["copy", "reference"]) {
        const { agent, customize, get, headers, remove } = yield* installed("either", mode)
        const answers = [
          yield* get(),
          yield* customize({ name: "Bill", content: { color: null, metadata_schema: { type: "object" } } }),
          yield* customize({ content: { prompt: "Look\ntwice" } }, headers, `${agent}/rows/watchers/inbox`),
          yield* get(),
          yield* remove(headers, `${agent}/rows/event_classifiers/topic`),
          yield* get(`${agent}/rows/event_classifiers/topic`),
          yield* customize({ content: { schedule: "1 2 3" } }, headers, `${agent}/rows/watchers/inbox`),
          yield* customize({ content: { metadata_schema: { type: "objekt" } } }),
          yield* customize({ content: { prompt: "Look" } }),
          yield* customize({ nam: "Bill" }),
          yield* ask(`${agent}/plan`, { headers })
        ]
        seen.push(
          answers.map(({ body, status }) => [
            status,
            { ...body, instance: "", organizationId: "", message: "", detail: "" }
          ])
        )
        assert.deepStrictEqual(
          answers.map(({ status }) => status),
          [200, 200, 200, 200, 204, 404, 400, 400, 400, 400, 200]
        )
        assert.deepInclude(answers[1]?.body, { name: "Bill", customized: true })
        assert.deepStrictEqual(
          answers.slice(6, 10).map(({ body }) => body.issues[0].path),
          ["content.schedule", "content.metadata_schema.type", "content.prompt", "nam"]
        )
      }
      assert.deepStrictEqual(seen[0], seen[1])
    })
  )

  it.effect("are their person's alone, within a budget", () =>
    Effect.gen(function* () {
      const { ask } = yield* Running
      const sql = yield* SqlClient.SqlClient
      const [owner, other] = [yield* installed(), yield* installed()]
      const nothing = owner.type.replace("invoice", "nothing")
      const each = (given: Ask["headers"], path = owner.type) =>
        Effect.all([owner.get(path, given), owner.customize({ name: "Bill" }, given, path), owner.remove(given, path)])
      for (const answer of yield* each({})) isProblem(answer, 401, "unauthenticated")
      for (const answer of yield* each(other.headers)) isProblem(answer, 404, "agent_not_found")
      for (const answer of yield* each(owner.headers, nothing)) isProblem(answer, 404, "row_not_found")
      const [, ...foreign] = yield* each({ cookie: owner.cookie, origin: "https://evil.example" })
      for (const answer of foreign) isProblem(answer, 403, "foreign_origin")
      isProblem(yield* owner.customize({ description: "x".repeat(70_000) }), 413, "too_large")
      const compressed = yield* ask(`${owner.type}/customize`, {
        headers: { ...owner.headers, "content-encoding": "gzip" },
        body: {}
      })
      isProblem(compressed, 415, "unsupported_media_type")
      yield* sql`UPDATE member SET role = 'member' WHERE organization_id = ${owner.organizationId}`
      const [read, ...changes] = yield* each(owner.headers)
      assert.strictEqual(read?.status, 200)
      for (const answer of changes) isProblem(answer, 400, "not_org_admin")
      assert.strictEqual((yield* other.remove()).status, 204)
      for (let at = 0; at < 40; at++) yield* other.remove()
      isProblem(yield* other.remove(), 429, "rate_limited")
      isProblem(yield* other.customize({ name: "Bill" }), 429, "rate_limited")
      for (let at = 0; at < 100; at++) yield* other.get()
      isProblem(yield* other.get(), 429, "rate_limited")
    })
  )

  // All that the document promises, but for faults.
  afterAllAnswers((statuses) => {
    for (const [path, methods] of Object.entries(openApi.paths).filter(([path]) => path.includes("/rows/"))) {
      for (const [method, { responses }] of Object.entries(methods as Record<string, { readonly responses: object }>)) {
        const name = `${method.toUpperCase()} ${path}`
        assert.sameMembers([...statuses(name), 500, 503], Object.keys(responses).map(Number), name)
      }
    }
  })
})
