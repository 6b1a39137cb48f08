import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { openApi } from "../../../src/http/Api.ts"
import { afterAllAnswers, isProblem, Running, TestServer } from "../server.ts"

let people = 0

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("/api/agents/{id}/watchers", (it) => {
  const installed = Effect.gen(function* () {
    const { ask, signUp } = yield* Running
    const { bearer, cookie } = yield* signUp(`Watcher ${++people}`)
    const headers = { authorization: bearer }
    const { body } = yield* ask("/api/install", { headers, body: { slug: "helper" } })
    const path = `/api/agents/${body.agentId}/watchers`
    const set = (change: string, given: Readonly<Record<string, string>> = headers, slug = "inbox") =>
      ask(`${path}/${slug}/${change}`, { method: "POST", headers: given })
    return { cookie, headers, organizationId: String(body.organizationId), path, set }
  })

  it.effect("are paused and resumed, each as often as one likes", () =>
    Effect.gen(function* () {
      const { ask } = yield* Running
      const { headers, path, set } = yield* installed
      const before = yield* ask(path, { headers })
      assert.deepInclude(before.body.watchers[0], { slug: "inbox", schedule: "0 7 * * 1", pausedAt: null })
      assert.isString(before.body.watchers[0].nextRunAt)
      isProblem(yield* ask(`${path}?limit=none`, { headers }), 400, "invalid_request")
      const paused = yield* set("pause")
      assert.isString(paused.body.pausedAt)
      assert.isNull(paused.body.nextRunAt)
      assert.deepStrictEqual((yield* set("pause")).body, paused.body)
      assert.deepStrictEqual((yield* set("resume")).body, before.body.watchers[0])
      assert.deepStrictEqual((yield* set("resume")).body, before.body.watchers[0])
    })
  )

  it.effect("are their person's alone, within a budget", () =>
    Effect.gen(function* () {
      const { ask } = yield* Running
      const sql = yield* SqlClient.SqlClient
      const [owner, other] = [yield* installed, yield* installed]
      isProblem(yield* ask(owner.path), 401, "unauthenticated")
      isProblem(yield* ask(owner.path, { headers: other.headers }), 404, "agent_not_found")
      for (const change of ["pause", "resume"]) {
        isProblem(yield* owner.set(change, {}), 401, "unauthenticated")
        isProblem(yield* owner.set(change, other.headers), 404, "agent_not_found")
        isProblem(yield* owner.set(change, owner.headers, "nothing"), 404, "watcher_not_found")
        const foreign = { cookie: owner.cookie, origin: "https://evil.example" }
        isProblem(yield* owner.set(change, foreign), 403, "foreign_origin")
      }
      const role = (role: string) =>
        sql`UPDATE member SET role = ${role} WHERE organization_id = ${owner.organizationId}`
      yield* role("member")
      for (const change of ["pause", "resume"]) isProblem(yield* owner.set(change), 400, "not_org_admin")
      assert.strictEqual((yield* ask(owner.path, { headers: owner.headers })).status, 200)
      for (let at = 0; at < 40; at++) yield* other.set("pause")
      for (const change of ["pause", "resume"]) isProblem(yield* other.set(change), 429, "rate_limited")
      for (let at = 0; at < 100; at++) yield* ask(other.path, { headers: other.headers })
      isProblem(yield* ask(other.path, { headers: other.headers }), 429, "rate_limited")
    })
  )

  // All that the document promises, but for faults.
  afterAllAnswers((statuses) => {
    for (const [path, methods] of Object.entries(openApi.paths).filter(([path]) => path.includes("/watchers"))) {
      for (const [method, { responses }] of Object.entries(methods as Record<string, { readonly responses: object }>)) {
        const name = `${method.toUpperCase()} ${path}`
        assert.sameMembers([...statuses(name), 500, 503], Object.keys(responses).map(Number), name)
      }
    }
  })
})
