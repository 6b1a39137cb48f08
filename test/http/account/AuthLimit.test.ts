import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Running, TestServer } from "../server.ts"

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })(
  "the limit before sign-up and sign-in",
  (it) => {
    const signIn = (headers: Record<string, string> = {}) =>
      Effect.flatMap(Running, (running) =>
        running.ask("/api/auth/sign-in/email", {
          body: { email: "nobody@example.org", password: "a wrong password" },
          headers
        })
      )
    const left = (headers: Record<string, string> = {}) =>
      Effect.map(signIn(headers), (answer) => Number(/r=(\d+)/.exec(String(answer.headers.ratelimit))?.[1]))

    it.effect("counts by the peer's address, whatever the request says of itself", () =>
      Effect.gen(function* () {
        const first = yield* left()
        assert.strictEqual(yield* left({ "x-forwarded-for": "203.0.113.7" }), first - 1)
        assert.strictEqual(
          yield* left({ "x-agent-install-client": "203.0.113.8", forwarded: "for=203.0.113.9" }),
          first - 2
        )
      })
    )
  }
)
