import { assert, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { openApi } from "../../src/http/Api.ts"
import { authPaths } from "../../src/http/account/AuthPaths.ts"
import { securityFieldsAt } from "../../src/http/SecurityHeaders.ts"
import { Running, TestServer } from "./server.ts"

/** What is the same for everybody, and may be kept and asked about again. */
const kept = ["/openapi.json", "/docs", "/docs/errors", "/api/install/manifest/helper"]

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("every answer", (it) => {
  it.effect("says how browsers are to take it, and is kept by nobody unless it is the same for everybody", () =>
    Effect.gen(function* () {
      const { ask, signUp } = yield* Running
      const { cookie } = yield* signUp("header reader")
      const documented = Object.entries(openApi.paths).flatMap(([path, operations]) =>
        Object.keys(operations).map((method) => ({
          method: method.toUpperCase(),
          path: path.replace("{slug}", "helper").replace(/\{\w+\}/g, "x")
        }))
      )
      const asked = [
        ...documented,
        ...authPaths.toReversed(),
        { method: "GET", path: "/nowhere" },
        { method: "DELETE", path: "/api/install" },
        { method: "GET", path: "/api/auth/error?error=x" }
      ]
      const statuses = new Set<number>()
      for (const { method, path } of asked) {
        const given = { method, headers: { cookie }, ...(method === "POST" ? { body: {} } : {}) }
        const { headers, status } = yield* ask(path, given)
        statuses.add(status)
        const what = `${method} ${path} ${status}`
        assert.strictEqual(headers["x-content-type-options"], "nosniff", what)
        assert.strictEqual(headers["referrer-policy"], "same-origin", what)
        assert.isUndefined(headers["strict-transport-security"], what)
        assert.strictEqual(headers["cache-control"], kept.includes(path) ? "public, no-cache" : "no-store", what)
      }
      assert.includeMembers([...statuses], [200, 400, 401, 404, 405])
    })
  )

  it.effect("says so too where it answers what is no request", () =>
    Effect.gen(function* () {
      const { say } = yield* Running
      const heard = yield* say("nonsense\r\n\r\n")
      assert.match(heard, /^HTTP\/1.1 400 /)
      for (const line of [
        "x-content-type-options: nosniff",
        "referrer-policy: same-origin",
        "cache-control: no-store"
      ]) {
        assert.include(heard, `${line}\r\n`)
      }
    })
  )
})

it("HTTPS alone is asked for where the service is known by it", () => {
  const transportOf = (...ownOrigins: ReadonlyArray<string>) =>
    securityFieldsAt(ownOrigins)["strict-transport-security"]
  assert.strictEqual(transportOf("https://install.example.org"), "max-age=31536000")
  assert.isUndefined(transportOf("http://localhost:3000", "http://127.0.0.1:3000"))
})
