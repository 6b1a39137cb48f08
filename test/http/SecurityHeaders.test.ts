import { BlockList } from "node:net"
import { Cookies, HttpServer } from "@effect/platform"
import { assert, it, layer } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { openApi } from "../../src/http/Api.ts"
import { authPaths } from "../../src/http/account/AuthPaths.ts"
import { NodeServerLive } from "../../src/http/NodeServer.ts"
import { cookiesAt, securityFieldsAt } from "../../src/http/SecurityHeaders.ts"
import { HttpLive } from "../../src/http/Server.ts"
import { ServerConfig } from "../../src/http/ServerConfig.ts"
import { AppLive } from "../../src/layers/AppLive.ts"
import { PgTest } from "../pg.ts"
import { appOptions } from "../worlds.ts"
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

it("cookies are sent back by HTTPS alone where the service is known by it", () => {
  const cookies = Cookies.fromIterable([
    Cookies.unsafeMakeCookie("made", "key a+b/c=", { httpOnly: true, sameSite: "strict", path: "/publish" })
  ])
  const set = "made=key%20a%2Bb%2Fc%3D; Path=/publish; HttpOnly; "
  const sent = (origin: string) => Cookies.toSetCookieHeaders(cookiesAt([origin], cookies))
  assert.deepStrictEqual(sent("https://install.example.org"), [`${set}Secure; SameSite=Strict`])
  assert.deepStrictEqual(sent("http://localhost:3000"), [`${set}SameSite=Strict`])
})

const Https = HttpLive.pipe(
  Layer.provideMerge(NodeServerLive({ port: 0, host: "127.0.0.1" })),
  Layer.provide(AppLive(appOptions).pipe(Layer.provide(PgTest), Layer.orDie)),
  Layer.provide(
    Layer.succeed(ServerConfig, { ownOrigins: ["https://install.example.org"], trustedProxies: new BlockList() })
  ),
  Layer.provide(Logger.remove(Logger.defaultLogger))
)

const signUpAt = (url: string) =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", origin: "https://install.example.org" },
    body: JSON.stringify({ name: "Ada", email: "ada@example.org", password: "a long password" })
  })

layer(Https, { timeout: "60 seconds", excludeTestServices: true })("a service with an HTTPS address", (it) => {
  it.effect("sets cookies that are for that alone", () =>
    Effect.gen(function* () {
      const { address } = yield* HttpServer.HttpServer
      const url = `http://127.0.0.1:${address._tag === "TcpAddress" ? address.port : 0}/api/auth/sign-up/email`
      const answer = yield* Effect.promise(() => signUpAt(url))
      assert.strictEqual(answer.headers.get("strict-transport-security"), "max-age=31536000")
      const cookies = answer.headers.getSetCookie()
      assert.isNotEmpty(cookies)
      for (const cookie of cookies) assert.include(cookie, "; Secure")
    })
  )
})
