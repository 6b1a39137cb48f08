import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { nextOf } from "../../src/http/account/SessionPages.tsx"
import { type Answer, ownOrigin, Running, TestServer } from "./server.ts"

const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" }
const fromHere = { ...html, "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded" }

const isPage = ({ headers, status, text }: Answer, expected: number) => {
  assert.strictEqual(status, expected, text)
  assert.strictEqual(headers["content-type"], "text/html; charset=utf-8")
  const policy = String(headers["content-security-policy"])
  assert.match(policy, /^default-src 'none';/)
  assert.notInclude(policy, "unsafe")
  assert.strictEqual(headers["cache-control"], "no-store")
  assert.strictEqual(headers["x-frame-options"], "DENY")
  assert.notMatch(text, /<style| style=|<script>| on[a-z]+=|(href|src|action)="(?![/#?])/)
}

const formOf = (fields: Readonly<Record<string, string>>) => new URLSearchParams(fields).toString()

let people = 0
const newcomer = () => ({
  sign: "up",
  name: `Visitor ${++people}`,
  email: `visitor-${people}@example.org`,
  password: "a long password"
})

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("pages", (it) => {
  it.effect("answer browsers outside /api, and programs everywhere as before", () =>
    Effect.gen(function* () {
      const { ask } = yield* Running
      for (const [path, status] of [
        ["/", 200],
        ["/install/helper", 200],
        ["/sign-in", 200],
        ["/sign-up?next=/", 200],
        ["/openapi.json", 200],
        ["/health/live", 200],
        ["/health/ready?x", 200],
        ["/nowhere", 404],
        ["/install/nothing", 404],
        ["/assets/nothing.css", 404]
      ] as const) {
        isPage(yield* ask(path, { headers: html }), status)
      }
      for (const [path, method] of [
        ["/api/nowhere", "GET"],
        ["/api/agents/x", "GET"],
        ["/api/agents/x/update", "POST"],
        ["/docs/agents/x", "GET"]
      ] as const) {
        const program = yield* ask(path, { method, headers: path.startsWith("/api/") ? html : {} })
        assert.strictEqual(program.headers["content-type"], "application/problem+json", path)
        assert.isAtLeast(program.status, 400)
      }
      const shown = yield* ask("/health/live", { headers: html })
      assert.include(shown.text, "&quot;status&quot;: &quot;ok&quot;")
      assert.include((yield* ask("/openapi.json", { headers: html })).text, "&quot;openapi&quot;: &quot;3.1.0&quot;")
      isPage(yield* ask("/openapi.json", { headers: { ...html, "accept-encoding": "gzip" } }), 200)
      for (const accept of ["*/*", "application/json"]) {
        assert.strictEqual(
          (yield* ask("/health/live", { headers: { accept } })).headers["content-type"],
          "application/json"
        )
      }
      const refused = yield* ask("/", { method: "POST", headers: html })
      isPage(refused, 405)
      assert.strictEqual(refused.headers.allow, "GET, HEAD")
    })
  )

  it.effect("take forms from their own pages alone, with a session or without", () =>
    Effect.gen(function* () {
      const { ask } = yield* Running
      const send = (headers: Readonly<Record<string, string>>) =>
        ask("/sign-up", {
          body: formOf(newcomer()),
          headers: { ...html, "content-type": "application/x-www-form-urlencoded", ...headers }
        })
      for (const [headers, passes] of [
        [{ "sec-fetch-site": "same-origin" }, true],
        [{ "sec-fetch-site": "same-origin", origin: ownOrigin }, true],
        // As browsers send it from a page under `no-referrer`.
        [{ "sec-fetch-site": "same-origin", origin: "null" }, true],
        [{ origin: ownOrigin }, true],
        [{}, false],
        [{ origin: "null" }, false],
        [{ origin: "https://evil.example" }, false],
        [{ "sec-fetch-site": "same-site", origin: ownOrigin }, false],
        [{ "sec-fetch-site": "cross-site" }, false],
        [{ "sec-fetch-site": "same-origin", origin: "https://evil.example" }, false]
      ] as const) {
        const { status } = yield* send(headers)
        assert.strictEqual(status, passes ? 303 : 403, JSON.stringify(headers))
      }
      for (const [body, type, status] of [
        ["{}", "application/json", 400],
        [new Uint8Array([0x61, 0x3d, 0xff]), "application/x-www-form-urlencoded", 400],
        ["name=a%00b", "application/x-www-form-urlencoded", 400],
        [`name=${"x".repeat(70_000)}`, "application/x-www-form-urlencoded", 413]
      ] as const) {
        isPage(yield* ask("/sign-up", { body, headers: { ...fromHere, "content-type": type } }), status)
      }
    })
  )

  it.effect("spend the budgets of the routes they stand for", () =>
    Effect.gen(function* () {
      const { ask } = yield* Running
      const { email } = newcomer()
      const guess = ask("/sign-in", { body: formOf({ sign: "in", email, password: "a guess" }), headers: fromHere })
      for (let at = 0; at < 4; at++) isPage(yield* guess, 422)
      const refused = yield* guess
      isPage(refused, 429)
      assert.match(String(refused.headers["retry-after"]), /^\d+$/)
      assert.include(refused.text, "Try again in")
      const program = yield* ask("/api/auth/sign-in/email", { body: { email, password: "a guess" } })
      assert.strictEqual(program.status, 429)
    })
  )

  it.effect("lead back to nowhere but the service's own paths, and say only what is of the list", () =>
    Effect.gen(function* () {
      const { ask } = yield* Running
      for (const evil of [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "x"
      ]) {
        assert.strictEqual(nextOf(evil), "/agents", evil)
      }
      assert.strictEqual(nextOf("/install/helper?sign=in"), "/install/helper?sign=in")
      assert.strictEqual(nextOf("/a/../b"), "/b")
      const sent = yield* ask("/sign-up?next=//evil.example", { body: formOf(newcomer()), headers: fromHere })
      assert.strictEqual(sent.headers.location, "/agents?done=signed-up#done")
      const said = yield* ask("/?done=toString", { headers: html })
      assert.notInclude(said.text, 'id="done"')
      assert.include((yield* ask("/?done=signed-in", { headers: html })).text, "You are signed in.")
    })
  )

  it.effect("are small, compressed, and ask for files that are kept for a year", () =>
    Effect.gen(function* () {
      const { ask } = yield* Running
      const compressed = { ...html, "accept-encoding": "gzip, deflate, br" }
      const page = yield* ask("/install/helper", { headers: compressed })
      assert.strictEqual(page.headers["content-encoding"], "gzip")
      const plain = yield* ask("/install/helper", { headers: html })
      let bytes = Number(page.headers["content-length"])
      const files = [...plain.text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path = ""]) => path)
      assert.lengthOf(files, 3)
      for (const path of files) {
        const file = yield* ask(path, { headers: compressed })
        assert.strictEqual(file.status, 200)
        assert.strictEqual(file.headers["cache-control"], "public, max-age=31536000, immutable")
        assert.strictEqual(file.headers["content-encoding"], "br")
        bytes += Number(file.headers["content-length"])
      }
      assert.isBelow(bytes, 60_000)
    })
  )

  it.effect("prolong the session of somebody who uses nothing else", () =>
    Effect.gen(function* () {
      const { ask, signUp } = yield* Running
      const sql = yield* SqlClient.SqlClient
      const { cookie } = yield* signUp("page reader")
      const headers = { ...html, cookie }
      assert.isUndefined((yield* ask("/agents", { headers })).headers["set-cookie"])
      const age = sql`UPDATE session SET "expiresAt" = now() + interval '2 days', "updatedAt" = now() - interval '5 days'
        WHERE "userId" = (SELECT id FROM "user" WHERE name = 'page reader')`
      yield* age
      const page = yield* ask("/agents", { headers })
      isPage(page, 200)
      assert.match(String(page.headers["set-cookie"]), /session_token=.*Max-Age=604800/)
    })
  )

  it.effect("show an agent to its people alone, under the path of its organization", () =>
    Effect.gen(function* () {
      const { ask, signUp } = yield* Running
      const { bearer, cookie } = yield* signUp("page owner")
      const { body } = yield* ask("/api/install", { body: { slug: "helper" }, headers: { authorization: bearer } })
      const headers = { ...html, cookie }
      isPage(yield* ask(body.redirectTo, { headers }), 200)
      isPage(yield* ask(`/somebody-else/agents/${body.agentId}`, { headers }), 404)
      const stranger = { ...html, cookie: (yield* signUp("page stranger")).cookie }
      for (const path of [body.redirectTo, `${body.redirectTo}/update`, `${body.redirectTo}/uninstall`]) {
        isPage(yield* ask(path, { headers: stranger }), 404)
        const nobody = yield* ask(path, { headers: html })
        assert.deepStrictEqual(
          [nobody.status, nobody.headers.location],
          [303, `/sign-in?next=${encodeURIComponent(path)}`]
        )
      }
      // What a plan said has to be said again: nothing is done without.
      const form = { ...fromHere, cookie }
      isPage(yield* ask(`${body.redirectTo}/uninstall`, { body: "", headers: form }), 400)
      isPage(yield* ask(`${body.redirectTo}/update`, { body: "", headers: form }), 400)
      const watchers = yield* ask(`/api/agents/${body.agentId}/watchers`, { headers: { authorization: bearer } })
      assert.lengthOf(watchers.body.watchers, 1)
      const [{ slug }] = watchers.body.watchers
      const paused = yield* ask(`${body.redirectTo}/watchers/${slug}`, { body: "do=pause", headers: form })
      assert.strictEqual(paused.headers.location, `${body.redirectTo}?done=paused#done`)
      const resumed = yield* ask(`/api/agents/${body.agentId}/watchers/${slug}/resume`, {
        method: "POST",
        headers: { authorization: bearer }
      })
      assert.deepStrictEqual([resumed.status, resumed.body.pausedAt], [200, null])
      for (const deed of ["pause", "resume"]) {
        const unknown = yield* ask(`/api/agents/${body.agentId}/watchers/nothing/${deed}`, {
          method: "POST",
          headers: { authorization: bearer }
        })
        assert.deepStrictEqual([unknown.status, unknown.body.error], [404, "watcher_not_found"])
      }
    })
  )
})
