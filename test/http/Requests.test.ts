import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { type Ask, gatewayToken, isProblem, Running, TestServer } from "./server.ts"

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("a request", (it) => {
  const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))

  let people = 0

  /** A person with the template installed. */
  const owner = Effect.gen(function* () {
    const { signUp } = yield* Running
    const { bearer } = yield* signUp(`Reader ${++people}`)
    const headers = { authorization: bearer }
    const { body } = yield* ask("/api/install", { headers, body: { slug: "helper" } })
    return { headers, agent: `/api/agents/${body.agentId}` }
  })

  it.effect("with a member that is not known is refused, and nothing is done", () =>
    Effect.gen(function* () {
      const { agent, headers } = yield* owner
      const gateway = { authorization: `Bearer ${gatewayToken}` }
      const sender = { platform: "whatsapp", platformUserId: "447911123456@s.whatsapp.net" }
      const cases: ReadonlyArray<readonly [path: string, ask: Ask, place: string]> = [
        ["/api/install", { headers, body: { slug: "helper", expected_plan: "x" } }, "expected_plan"],
        [
          "/api/install",
          { headers, body: { slug: "helper", adopt: [{ kind: "watchers", slugg: "a" }] } },
          "adopt.0.slugg"
        ],
        ["/api/install?expectedPlan=x", { headers, body: { slug: "helper" } }, "expectedPlan"],
        ["/api/install/plan", { headers, body: { slug: "helper", Name: "x" } }, "Name"],
        ["/api/install/token", { headers, body: { slug: "helper", template: "x" } }, "template"],
        ["/api/identities/phone", { headers, body: { phone: "07911 123456", contry: "GB" } }, "contry"],
        [`${agent}/resync`, { headers, body: { expected_plan: "x" } }, "expected_plan"],
        [`${agent}/resync?expectedPlan=x`, { headers, method: "POST" }, "expectedPlan"],
        [`${agent}/plan?revison=1`, { headers }, "revison"],
        [`${agent}/plan?revision=1&revision=2`, { headers }, "revision"],
        [`${agent}/history?limits=1`, { headers }, "limits"],
        [`${agent}/history?limit=1&limit=1`, { headers }, "limit"],
        [`${agent}/history?limit=`, { headers }, "limit"],
        [`${agent}?expected_plan=x`, { headers, method: "DELETE" }, "expected_plan"],
        [
          agent,
          { headers: { ...headers, "content-length": "20" }, method: "DELETE", body: '{"expectedPlan":"x"}' },
          ""
        ],
        ["/api/install/claim", { headers: gateway, body: { message: "x", ...sender, alternates: [] } }, "alternates"],
        [
          "/api/identities/pending/link_x/answer",
          { headers: gateway, body: { ...sender, yes: true, no: false } },
          "no"
        ],
        [
          "/api/identities/lookup",
          { headers: gateway, body: { identities: [{ namespace: "phone", identifier: "+447911123456", id: 1 }] } },
          "identities.0.id"
        ]
      ]
      for (const [path, given, place] of cases) {
        const answer = yield* ask(path, given)
        isProblem(answer, 400, "invalid_request")
        assert.strictEqual(answer.body.issues[0].path, place, path)
        const { authorization: _, ...stranger } = given.headers ?? {}
        assert.strictEqual((yield* ask(path, { ...given, headers: stranger })).status, 401, path)
      }
      const { body } = yield* ask(`${agent}/history`, { headers })
      assert.lengthOf(body.entries, 1)
      assert.strictEqual((yield* ask(`${agent}?`, { headers, method: "DELETE" })).status, 200)
    })
  )

  it.effect("with many is told of twenty, each in few words", () =>
    Effect.gen(function* () {
      const { headers } = yield* owner
      const many = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`${"x".repeat(150)}${at}`, at]))
      const answer = yield* ask("/api/install", { headers, body: { slug: "helper", ...many } })
      isProblem(answer, 400, "invalid_request")
      assert.lengthOf(answer.body.issues, 20)
      for (const { message, path } of answer.body.issues) assert.isBelow(message.length + path.length, 410)
    })
  )

  it.effect("that says something twice is refused, however it is written", () =>
    Effect.gen(function* () {
      const { headers } = yield* owner
      const json = { ...headers, "content-type": "application/json" }
      const cases: ReadonlyArray<readonly [body: string, place: string]> = [
        ['{"slug":"helper","slug":"other"}', "slug"],
        ['{"slug" : "helper","name":"a","sl\\u0075g":"helper"}', "slug"],
        [
          '{"slug":"helper","adopt":[{"kind":"watchers","slug":"a"},{"kind":"watchers","slug":"b","kind":"watchers"}]}',
          "adopt.1.kind"
        ],
        ['{"slug":"helper","name":"\\"name\\":","adopt":[],"name":"b"}', "name"],
        ['{"__proto__":1,"__proto__":2,"slug":"helper"}', "__proto__"]
      ]
      for (const [body, place] of cases) {
        const answer = yield* ask("/api/install", { headers: json, body })
        isProblem(answer, 400, "invalid_request")
        assert.deepStrictEqual(answer.body.issues, [{ path: place, message: "is given more than once" }], body)
      }
      const once = `{"slug":"helper","name":"\\"slug\\": {\\"slug\\": [","adopt":[],"revert":[]}`
      assert.strictEqual((yield* ask("/api/install", { headers: json, body: once })).status, 200)
    })
  )
})
