import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { errorGuide } from "../../src/domain/ErrorGuide.ts"
import { refusals } from "../../src/domain/Errors.ts"
import { openApi } from "../../src/http/Api.ts"
import type { Document } from "../../src/http/documents/Document.ts"
import { PgPool } from "../../src/layers/postgres/Database.ts"
import { TemplateCatalog } from "../../src/services/catalog/TemplateCatalog.ts"
import { definition, template } from "../fixtures/templates.ts"
import { type Ask, isProblem, Running, TestServer } from "./server.ts"

/** The subjects of the documents, each with a page. */
const subjects = (openApi as unknown as Document).tags.map(({ name }) => name)

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("the routes", (it) => {
  const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))

  it.effect("shows a manifest to anybody, and says nothing twice", () =>
    Effect.gen(function* () {
      const first = yield* ask("/api/install/manifest/helper")
      assert.strictEqual(first.status, 200)
      assert.deepStrictEqual(Object.keys(first.body), [
        "slug",
        "name",
        "description",
        "botPhone",
        "templateAgentId",
        "revision",
        "deprecated",
        "rows"
      ])
      assert.deepStrictEqual(first.body.rows.watchers, [{ slug: "inbox", name: "inbox", description: "What inbox is" }])
      const etag = String(first.headers.etag)
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const again = yield* ask("/api/install/manifest/helper", { headers: { "if-none-match": known } })
        assert.deepStrictEqual([again.status, again.text, again.headers.etag], [304, "", etag])
      }
      assert.strictEqual(
        (yield* ask("/api/install/manifest/helper", { headers: { "if-none-match": '"other"' } })).status,
        200
      )
      const catalog = yield* TemplateCatalog
      yield* catalog.publish(template("helper", [definition("entity_types", "invoice")]))
      const changed = yield* ask("/api/install/manifest/helper", { headers: { "if-none-match": etag } })
      assert.deepStrictEqual([changed.status, changed.body.revision], [200, 2])
    })
  )

  it.effect("answers for a private template just as for none", () =>
    Effect.gen(function* () {
      const catalog = yield* TemplateCatalog
      const sql = yield* SqlClient.SqlClient
      yield* catalog.publish(template("secret", []))
      yield* sql`UPDATE organization SET visibility = 'private' WHERE slug = 'secret-publisher'`
      const [hidden, missing] = [yield* ask("/api/install/manifest/secret"), yield* ask("/api/install/manifest/nobody")]
      assert.deepStrictEqual([hidden.status, hidden.body.error], [404, "unknown_slug"])
      const plain = (text: string) => text.replace(/urn:uuid:[^"]+/, "").replaceAll(/secret|nobody/g, "")
      assert.strictEqual(plain(hidden.text), plain(missing.text))
      const nul = yield* ask("/api/install/manifest/%00")
      assert.deepStrictEqual([nul.status, nul.body.error], [404, "unknown_slug"])
    })
  )

  it.effect("is live and ready", () =>
    Effect.gen(function* () {
      for (const path of ["/health/live", "/health/ready"]) {
        const { body, status } = yield* ask(path)
        assert.deepStrictEqual([status, body], [200, { status: "ok" }])
      }
      const sql = yield* SqlClient.SqlClient
      yield* sql`ALTER TABLE effect_sql_migrations RENAME TO away`
      const away = yield* ask("/health/ready")
      yield* sql`ALTER TABLE away RENAME TO effect_sql_migrations`
      assert.deepStrictEqual([away.status, away.body.error, away.headers["retry-after"]], [503, "unavailable", "2"])
    })
  )

  it.effect("says what there is not, and which methods a path takes", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [method: string, path: string, status: number, allow?: string]> = [
        ["GET", "/nothing", 404],
        ["GET", "/api/nothing", 404],
        ["POST", "/", 405, "GET, HEAD"],
        ["POST", "/api/install/manifest", 404],
        ["GET", "/api/install", 405, "POST"],
        ["DELETE", "/api/install", 405, "POST"],
        ["POST", "/api/install/manifest/helper", 405, "GET, HEAD"],
        ["POST", "/openapi.json", 405, "GET, HEAD"],
        ["PUT", "/health/live", 405, "GET, HEAD"]
      ]
      for (const [method, path, status, allow] of cases) {
        const answer = yield* ask(path, { method })
        const code = status === 404 ? "not_found" : "method_not_allowed"
        assert.deepStrictEqual([path, answer.status, answer.body.error], [path, status, code])
        assert.strictEqual(answer.headers.allow, allow)
      }
      assert.strictEqual((yield* ask("/health/live", { method: "HEAD" })).status, 200)
    })
  )

  it.effect("reads a target alike wherever it is read, however it is written", () =>
    Effect.gen(function* () {
      const { say } = yield* Running
      const answered = (line: string) =>
        Effect.map(say(`${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`), (heard) => {
          const [head = "", body = ""] = heard.split("\r\n\r\n")
          return { status: Number(head.split(" ")[1]), body: body.startsWith("{") ? JSON.parse(body) : {} }
        })
      const paths: ReadonlyArray<readonly [method: string, path: string, status: number]> = [
        ["GET", "/health/live", 200],
        ["GET", "/api/auth/get-session", 200],
        ["GET", "/api/install/manifest/helper", 200],
        ["GET", "/api/agents/x/history?limit=1", 401],
        ["POST", "/api/install", 401],
        ["GET", "/api/install", 405],
        ["GET", "/nothing", 404]
      ]
      for (const [method, path, status] of paths) {
        const first = path.charAt(1)
        for (const target of [
          path,
          `http://127.0.0.1:3000${path}`,
          `HTTPS://Any.Host${path}`,
          `http://[::1]:1${path}`,
          `/a/..${path}`,
          `/%2e${path}`,
          path.replace(first, `%${first.charCodeAt(0).toString(16)}`)
        ]) {
          assert.strictEqual((yield* answered(`${method} ${target}`)).status, status, target)
        }
        // A path is one path: not the same in capitals, with more slashes, or with something behind a semicolon.
        for (const target of [path.replace(first, first.toUpperCase()), `/${path}`, path.replace(/(?=\?|$)/, ";a")]) {
          const { status: other } = yield* answered(`${method} ${target}`)
          assert.strictEqual(
            other,
            target.includes("manifest/helper;") || target.includes("agents/") ? other : 404,
            target
          )
        }
      }
      const wrong = [
        ...[
          "http://[/api/auth/ok",
          "http://a:99999/api/auth/ok",
          "http:///api/auth/ok",
          "http://u:p@x/api/auth/ok",
          "*"
        ],
        ...["ftp://x/health/live", "/api/auth/ok#x", "/health/live#", "/api\\auth/ok"],
        ...["/api/auth/%", "/api/install/manifest/%E0%A4%A", "/health/live?a=%zz", "/api/auth/ok?a=%ff"]
      ]
      for (const target of wrong) {
        for (const method of ["GET", "POST"]) {
          const { body, status } = yield* answered(`${method} ${target}`)
          assert.deepStrictEqual([status, body.error, body.issues?.[0]?.path], [400, "invalid_request", "url"], target)
        }
      }
      assert.strictEqual((yield* answered("OPTIONS *")).status, 404)
    })
  )

  it.effect("answers in HTTP/1.1 who asks for another protocol, and who ends their side of the connection", () =>
    Effect.gen(function* () {
      const { say } = yield* Running
      const body = JSON.stringify({ name: "Ada", email: "upgraded@example.org", password: "a long password" })
      const request = (...headers: ReadonlyArray<string>) =>
        [
          "POST /api/auth/sign-up/email HTTP/1.1",
          "Host: service",
          "Content-Type: application/json",
          `Content-Length: ${body.length}`,
          ...headers,
          "",
          body
        ].join("\r\n")
      const upgrading = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"]
      assert.match(yield* say(request(...upgrading)), /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(yield* say(request()), /^HTTP\/1\.1 422 /)
    })
  )

  it.effect("serves the OpenAPI document", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* ask("/openapi.json")).body, JSON.parse(JSON.stringify(openApi)))
    })
  )

  it.effect("serves it and the errors as pages that need nothing from elsewhere", () =>
    Effect.gen(function* () {
      for (const path of ["/docs", "/docs/errors", ...subjects.map((name) => `/docs/${name}`)]) {
        const { headers, status, text } = yield* ask(path)
        assert.strictEqual(status, 200)
        assert.notMatch(text, /(src|href)="(?!#|\/(?!\/))|@import|url\(|<style| style=|<script>/)
        const policy = String(headers["content-security-policy"])
        assert.match(policy, /^default-src 'none'; style-src 'self'; script-src 'self';/)
        assert.notInclude(policy, "unsafe")
        const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
        assert.strictEqual(new Set(ids).size, ids.length)
        const anchors = [...text.matchAll(/href="#([^"]+)"/g)].map(([, anchor]) => anchor)
        assert.includeMembers(ids, anchors)
        const again = yield* ask(path, { headers: { "if-none-match": String(headers.etag) } })
        assert.deepStrictEqual([again.status, again.text], [304, ""])
      }
    })
  )

  it.effect("has every error where the type of its problems points, and every operation in the page", () =>
    Effect.gen(function* () {
      const errors = (yield* ask("/docs/errors")).text
      for (const { _tag, code, title } of refusals) {
        assert.include(errors, `<section id="${code}" class="part">`)
        assert.include(errors, title)
        assert.include(
          errors.replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">"),
          errorGuide[_tag].remedy
        )
      }
      const { body } = yield* ask("/api/install", { body: {} })
      assert.strictEqual(body.type, "/docs/errors#unauthenticated")
      const docs = (yield* ask("/docs")).text
      const pages = yield* Effect.forEach(subjects, (name) => Effect.map(ask(`/docs/${name}`), ({ text }) => text))
      for (const [path, methods] of Object.entries((openApi as unknown as Document).paths)) {
        for (const [method, { operationId }] of Object.entries(methods)) {
          assert.include(docs, `<span class="method">${method.toUpperCase()}</span> <code>${path}</code>`)
          assert.lengthOf(
            pages.filter((page) => page.includes(`<section id="${operationId}" class="part">`)),
            1,
            operationId
          )
        }
      }
      isProblem(yield* ask("/docs/nothing"), 404, "not_found")
    })
  )
})

let people = 0

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("the routes of better-auth", (it) => {
  const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))
  const account = (rest: Record<string, unknown> = {}) => ({
    name: "Ada",
    email: `ada-${++people}@example.org`,
    password: "a long password",
    ...rest
  })
  const signUp = (body: unknown, headers?: Record<string, string>) =>
    ask("/api/auth/sign-up/email", { body, ...(headers === undefined ? {} : { headers }) })

  it.effect("sign a person up, in, and out", () =>
    Effect.gen(function* () {
      const given = account()
      const up = yield* signUp(given)
      assert.strictEqual(up.status, 200)
      const cookie = String(up.headers["set-cookie"]).split(";")[0] ?? ""
      const session = yield* ask("/api/auth/get-session", { headers: { cookie } })
      assert.strictEqual(session.body.user.email, given.email)
      const out = yield* ask("/api/auth/sign-out", {
        method: "POST",
        headers: { cookie, origin: "http://127.0.0.1:3000" }
      })
      assert.strictEqual(out.status, 200)
      assert.strictEqual((yield* ask("/api/install", { body: {}, headers: { cookie } })).status, 401)
      const back = yield* ask("/api/auth/sign-in/email", { body: { email: given.email, password: given.password } })
      assert.strictEqual(back.status, 200)
    })
  )

  it.effect("take a sign-up from a program that says only how it fetches", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* signUp(account(), { "sec-fetch-mode": "cors" })).status, 200)
    })
  )

  it.effect("refuse a session cookie that comes from another site, and no other request", () =>
    Effect.gen(function* () {
      const own = "http://127.0.0.1:3000"
      const evil = "https://evil.example"
      const up = yield* signUp(account())
      const cookie = String(up.headers["set-cookie"]).split(";")[0] ?? ""
      const signOut = (headers: Record<string, string>) => ask("/api/auth/sign-out", { method: "POST", headers })
      const refused: ReadonlyArray<Record<string, string>> = [
        { origin: evil },
        { origin: "null" },
        { origin: own, "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" }
      ]
      for (const headers of refused) {
        const answer = yield* signOut({ cookie, ...headers })
        assert.deepStrictEqual(
          [answer.status, answer.headers["content-type"], answer.body.error],
          [403, "application/problem+json", "foreign_origin"],
          JSON.stringify(headers)
        )
      }
      const session = (headers: Record<string, string>) => ask("/api/auth/get-session", { headers })
      assert.isNotNull((yield* session({ cookie, origin: evil })).body)
      // A bearer token passes from anywhere, but counts alone: one that is nothing does not let the cookie in.
      assert.strictEqual((yield* signOut({ cookie, origin: evil, authorization: "Bearer nothing" })).status, 200)
      assert.isNotNull((yield* session({ cookie })).body)
      assert.strictEqual((yield* signOut({ cookie, origin: own, "sec-fetch-site": "same-origin" })).status, 200)
      assert.isNull((yield* session({ cookie })).body)
    })
  )

  it.effect("redirect to nowhere but the service's own address", () =>
    Effect.gen(function* () {
      const answer = yield* signUp(account({ callbackURL: "https://evil.example/" }))
      assert.deepStrictEqual([answer.status, answer.body.code], [403, "INVALID_CALLBACK_URL"])
      assert.strictEqual((yield* signUp(account({ callbackURL: "/welcome" }))).status, 200)
    })
  )

  it.effect("answer a fault within as a problem, also where better-auth would call it done", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const up = yield* signUp(account())
      const headers = { authorization: `Bearer ${up.headers["set-auth-token"]}` }
      yield* sql`ALTER TABLE session RENAME TO session_away`
      const out = yield* ask("/api/auth/sign-out", { method: "POST", headers })
      const session = yield* ask("/api/auth/get-session", { headers })
      yield* sql`ALTER TABLE session_away RENAME TO session`
      for (const answer of [out, session]) {
        assert.deepStrictEqual(
          [answer.status, answer.headers["content-type"], answer.body?.error],
          [500, "application/problem+json", "internal"]
        )
      }
    })
  )

  it.effect("answer 503 where the pool has no connection to give in time", () =>
    Effect.gen(function* () {
      const pool = yield* PgPool
      const up = yield* signUp(account())
      const held = yield* Effect.promise(() => Promise.all(Array.from({ length: 20 }, () => pool.connect())))
      const asked = yield* Effect.fork(
        ask("/api/auth/sign-out", {
          method: "POST",
          headers: { authorization: `Bearer ${up.headers["set-auth-token"]}` }
        })
      )
      const others = yield* Effect.fork(
        Effect.forEach(["/api/install/manifest/helper", "/health/ready"], (path) => Effect.timed(ask(path)), {
          concurrency: "unbounded"
        })
      )
      // All have waited their five seconds, and a moment more; whatever is asked of the database afterwards is answered.
      const answers = yield* Fiber.join(others)
      yield* Effect.sleep("500 millis")
      for (const client of held) client.release()
      for (const [taken, { body, headers, status }] of answers) {
        assert.deepStrictEqual([status, body?.error, headers["retry-after"]], [503, "unavailable", "2"])
        assert.isBelow(Duration.toSeconds(taken), 10)
      }
      const answer = yield* Fiber.join(asked)
      assert.deepStrictEqual(
        [answer.status, answer.body?.error, answer.headers["retry-after"]],
        [503, "unavailable", "2"]
      )
    })
  )

  it.effect("refuse what the database could not hold, with nothing written", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const users = Effect.map(sql`SELECT count(*)::int AS count FROM "user"`, ([row]) => row)
      const before = yield* users
      const bodies: ReadonlyArray<readonly [body: unknown, path: string]> = [
        [account({ name: "a\u0000b" }), "name"],
        [account({ name: "a\nb" }), "name"],
        [account({ name: "a\u202eb" }), "name"],
        [account({ name: "" }), "name"],
        [account({ name: "x".repeat(10_000) }), "name"],
        [account({ email: `${"x".repeat(5_000)}@example.org` }), "email"],
        [account({ password: "a long\u0000password" }), "password"],
        [account({ image: { url: "\u0000" } }), "image.url"],
        ['{"name":"a\\ud800b","email":"a@example.org","password":"a long password"}', "name"],
        ["{", ""],
        ["null", ""],
        ["[]", ""]
      ]
      for (const [body, path] of bodies) {
        const answer = yield* ask("/api/auth/sign-up/email", { body, headers: { "content-type": "application/json" } })
        assert.deepStrictEqual(
          [answer.status, answer.body.error],
          [400, "invalid_request"],
          JSON.stringify(body).slice(0, 60)
        )
        assert.strictEqual(answer.body.issues[0].path, path)
      }
      const form = yield* ask("/api/auth/sign-up/email", {
        body: "name=a%00b&email=a%40example.org&password=a+long+password",
        headers: { "content-type": "application/x-www-form-urlencoded" }
      })
      assert.deepStrictEqual([form.status, form.body.error], [400, "invalid_request"])
      const deep = `{"email":${"[".repeat(20_000)}${"]".repeat(20_000)},"password":"a long password"}`
      for (const path of ["sign-up/email", "sign-in/email"]) {
        const headers = { "content-type": "application/json" }
        const answer = yield* ask(`/api/auth/${path}`, { body: deep, headers })
        assert.deepStrictEqual([answer.status, answer.body.error], [400, "invalid_request"])
      }
      const read = yield* ask("/api/auth/get-session", { method: "GET", body: {} })
      assert.isBelow(read.status, 500)
      assert.strictEqual((yield* ask("/api/auth/get-session", { method: "TRACE" })).status, 405)
      const url = yield* ask("/api/auth/get-session?token=%00")
      assert.deepStrictEqual([url.status, url.body.error], [400, "invalid_request"])
      assert.deepStrictEqual(yield* users, before)
    })
  )

  it.effect("refuse a body that is too large, and the client sees the answer", () =>
    Effect.gen(function* () {
      const answer = yield* signUp(account({ name: "x".repeat(10_000_000) }))
      assert.deepStrictEqual([answer.status, answer.body.error], [413, "too_large"])
    })
  )

  it.effect("refuse a body that is encoded, or says something twice, and take one that is as it is", () =>
    Effect.gen(function* () {
      const encoded = yield* signUp(account(), { "content-encoding": "gzip" })
      assert.deepStrictEqual([encoded.status, encoded.body.error], [415, "unsupported_media_type"])
      assert.strictEqual(encoded.headers["accept-encoding"], "identity")
      assert.strictEqual((yield* signUp(account(), { "content-encoding": "identity" })).status, 200)
      const session = yield* ask("/api/auth/get-session", { headers: { "content-encoding": "gzip" } })
      assert.strictEqual(session.status, 200)
      const twice = yield* ask("/api/auth/sign-in/email", {
        headers: { "content-type": "application/json" },
        body: '{"email":"a@example.org","password":"a long password","email":"b@example.org"}'
      })
      assert.deepStrictEqual(
        [twice.status, twice.body.issues],
        [400, [{ path: "email", message: "is given more than once" }]]
      )
      // What is better-auth's own to know is passed on.
      assert.strictEqual((yield* signUp(account({ rememberMe: true }))).status, 200)
    })
  )

  it.effect("keep the account where what comes after it fails, and the next sign-in mends that", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const given = account({ name: "Mended Later" })
      yield* sql`ALTER TABLE member RENAME TO member_away`
      const up = yield* signUp(given)
      yield* sql`ALTER TABLE member_away RENAME TO member`
      assert.strictEqual(up.status, 200)
      const install = (token: unknown) =>
        ask("/api/install", { body: { slug: "helper" }, headers: { authorization: `Bearer ${token}` } })
      assert.strictEqual((yield* install(up.headers["set-auth-token"])).body.error, "no_personal_org")
      const back = yield* ask("/api/auth/sign-in/email", { body: { email: given.email, password: given.password } })
      assert.strictEqual((yield* install(back.headers["set-auth-token"])).body.organizationSlug, "mended-later")
    })
  )

  it.effect(
    "take thirty sign-ups at once, each with an organization of its own",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const answers = yield* Effect.forEach(
          Array.from({ length: 30 }, () => account({ name: "One Of Many" })),
          (given) => signUp(given),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual([...new Set(answers.map(({ status }) => status))], [200])
        const made = yield* sql`SELECT count(*)::int AS count FROM organization WHERE name = 'One Of Many'`
        assert.deepStrictEqual(made, [{ count: 30 }])
      }),
    120_000
  )

  it.effect("keep a name that is taken by another person's account", () =>
    Effect.gen(function* () {
      const given = account()
      yield* signUp(given)
      assert.strictEqual((yield* signUp(given)).status, 422)
    })
  )
})
