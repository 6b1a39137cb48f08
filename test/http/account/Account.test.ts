import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { type Ask, isProblem, ownOrigin, Running, TestServer } from "../server.ts"

let people = 0
const password = "a long password"

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("the account over HTTP", (it) => {
  const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))
  const signedUp = Effect.gen(function* () {
    const running = yield* Running
    const name = `Account ${++people}`
    const { bearer, cookie } = yield* running.signUp(name)
    const me = (path: string, body?: unknown, method?: string) =>
      running.ask(path, {
        headers: { authorization: bearer },
        ...(body === undefined ? {} : { body }),
        ...(method === undefined ? {} : { method })
      })
    return { name, email: `${name.replaceAll(" ", ".").toLowerCase()}@example.org`, bearer, cookie, me }
  })

  it.effect("is shown with the sessions it has, of which all but one can be ended", () =>
    Effect.gen(function* () {
      const { email, me, name } = yield* signedUp
      const again = yield* ask("/api/auth/sign-in/email", {
        body: { email, password },
        headers: { "user-agent": "A browser" }
      })
      assert.strictEqual(again.status, 200)
      const { body, headers, status } = yield* me("/api/account")
      assert.strictEqual(status, 200)
      assert.strictEqual(headers["cache-control"], "no-store")
      assert.deepStrictEqual([body.name, body.email, body.emailVerified], [name, email, false])
      assert.deepStrictEqual(
        body.sessions.map(({ current, userAgent }: Record<string, unknown>) => [current, userAgent]),
        [
          [false, "A browser"],
          [true, null]
        ]
      )
      assert.notInclude(JSON.stringify(body), again.body.token)
      assert.strictEqual((yield* me("/api/auth/revoke-other-sessions", undefined, "POST")).status, 200)
      assert.strictEqual((yield* me("/api/account")).body.sessions.length, 1)
    })
  )

  it.effect("is downloaded as a file, whole and without what opens anything", () =>
    Effect.gen(function* () {
      const { bearer, email, me, name } = yield* signedUp
      const installed = yield* me("/api/install", { slug: "helper", whatsapp_phone: "07911 123456" })
      assert.strictEqual(installed.status, 200)
      const { body, headers, status, text } = yield* me("/api/account/export")
      assert.strictEqual(status, 200)
      assert.match(String(headers["content-disposition"]), /^attachment; filename="account-\d{4}-\d\d-\d\d[.]json"$/)
      assert.strictEqual(headers["cache-control"], "no-store")
      assert.match(String(headers["ratelimit-policy"]), /^"change"/)
      assert.deepStrictEqual(
        [body.tables.user.length, body.tables.user[0].name, body.tables.user[0].email],
        [1, name, email]
      )
      assert.strictEqual(body.tables.agents[0].id, installed.body.agentId)
      assert.includeMembers(Object.keys(body.tables), ["session", "member", "watchers", "mirror_ledger", "rate_limits"])
      assert.notInclude(text, bearer.replace(/^Bearer |[.].*$/g, ""))
    })
  )

  it.effect("is deleted for its password, with the cookie of the session", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { cookie, email, me } = yield* signedUp
      // What the wrong password of a sign-in leaves is found by the same digest as the limiter's.
      yield* ask("/api/auth/sign-in/email", { body: { email, password: "something else" } })
      const budgets = (yield* me("/api/account/export")).body.tables.rate_limits.map(({ key }: { key: string }) =>
        key.replace(/:.*/, "")
      )
      assert.deepStrictEqual(budgets.toSorted(), ["account", "change", "password"])
      const plan = yield* me("/api/account/deletion")
      assert.deepStrictEqual(
        [plan.status, plan.body.email, plan.body.organizations.length, plan.body.obstacles],
        [200, email, 1, []]
      )
      const wrong = yield* me("/api/account/delete", { password: "something else" })
      isProblem(wrong, 403, "wrong_password")
      const deleted = yield* ask("/api/account/delete", {
        headers: { cookie, origin: ownOrigin },
        body: { password }
      })
      assert.deepStrictEqual([deleted.status, deleted.text], [204, ""])
      assert.match(String(deleted.headers["set-cookie"]), /^better-auth.session_token=; Max-Age=0; Path=\/;/)
      isProblem(yield* me("/api/account"), 401, "unauthenticated")
      isProblem(yield* me("/api/account/delete", { password }), 401, "unauthenticated")
      assert.strictEqual((yield* ask("/api/auth/sign-in/email", { body: { email, password } })).status, 401)
      const left = yield* sql`SELECT FROM rate_limits WHERE key LIKE '%user %'`
      assert.deepStrictEqual(left, [])
    })
  )

  it.effect("is not deleted from another site, nor by a body that is not as documented", () =>
    Effect.gen(function* () {
      const { bearer, cookie, me } = yield* signedUp
      const foreign = { cookie, origin: "https://evil.example" }
      isProblem(yield* ask("/api/account/delete", { headers: foreign, body: { password } }), 403, "foreign_origin")
      for (const body of [{}, { password: 1 }, { password, force: true }, { password: "x".repeat(1_001) }]) {
        isProblem(yield* me("/api/account/delete", body), 400, "invalid_request")
      }
      const long = { authorization: bearer, "content-type": "application/json" }
      isProblem(
        yield* ask("/api/account/delete", { headers: long, body: " ".repeat(65_537), method: "POST" }),
        413,
        "too_large"
      )
      for (const path of ["/api/account", "/api/account/export", "/api/account/deletion"]) {
        isProblem(yield* ask(path), 401, "unauthenticated")
      }
      isProblem(yield* ask("/api/account/delete", { body: { password } }), 401, "unauthenticated")
      assert.strictEqual((yield* me("/api/account")).status, 200)
    })
  )

  it.effect("is not found out by guessing at its password, here or there", () =>
    Effect.gen(function* () {
      const { me } = yield* signedUp
      for (const at of [1, 2, 3]) {
        isProblem(yield* me("/api/account/delete", { password: `guess ${at}` }), 403, "wrong_password")
      }
      assert.strictEqual((yield* me("/api/auth/verify-password", { password: "guess 4" })).status, 400)
      const refused = yield* me("/api/account/delete", { password })
      isProblem(refused, 429, "rate_limited")
      assert.isDefined(refused.headers["retry-after"])
      assert.strictEqual((yield* me("/api/account")).status, 200)
    })
  )

  it.effect("is kept while others depend on an organization of it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const [ada, bob] = [yield* signedUp, yield* signedUp]
      yield* sql`
        INSERT INTO member (organization_id, user_id, role)
        SELECT o.id, u.id, 'owner' FROM organization o, "user" u WHERE o.slug = 'helper-publisher' AND u.email = ${ada.email}
      `
      assert.strictEqual((yield* bob.me("/api/install", { slug: "helper" })).status, 200)
      const { body } = yield* ada.me("/api/account/deletion")
      assert.strictEqual(body.obstacles[0].organizationSlug, "helper-publisher")
      isProblem(yield* ada.me("/api/account/delete", { password }), 409, "organization_in_use")
      assert.strictEqual((yield* ada.me("/api/account")).status, 200)
    })
  )
})
