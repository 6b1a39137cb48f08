import { FetchHttpClient, HttpServer } from "@effect/platform"
import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { makeClient, withIdempotencyKey } from "agent-install/client"
import { Effect } from "effect"
import { Slug } from "../../src/domain/Ids.ts"
import { openApi } from "../../src/http/Api.ts"
import type { Document } from "../../src/http/documents/Document.ts"
import { Publishers } from "../../src/services/publishing/Publishers.ts"
import { type Answer, type Ask, afterAllAnswers, gatewayToken, isProblem, Running, TestServer } from "./server.ts"

let made = 0

/** The operations that take an `Idempotency-Key`. */
const takers = Object.entries((openApi as unknown as Document).paths).flatMap(([path, methods]) =>
  Object.entries(methods).flatMap(([method, { parameters = [] }]) =>
    parameters.some(({ name }) => name === "Idempotency-Key") ? [`${method.toUpperCase()} ${path}`] : []
  )
)

layer(TestServer, { timeout: "120 seconds", excludeTestServices: true })("a request with an Idempotency-Key", (it) => {
  const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))

  const person = Effect.gen(function* () {
    const { signUp } = yield* Running
    const name = `again ${++made}`
    return { ...(yield* signUp(name)), email: `${name.replaceAll(" ", ".")}@example.org` }
  })

  /** A publisher with a template that somebody has installed, and requests of its owner. */
  const acme = Effect.gen(function* () {
    const owner = yield* person
    const publishers = yield* Publishers
    const [slug, template] = [Slug.make(`again-${++made}`), `again-template-${made}`]
    yield* Effect.orDie(publishers.create(slug, owner.email))
    const base = `/api/publishers/${slug}`
    const post = (key: string, path: string, body: unknown, authorization = owner.bearer) =>
      ask(`${base}${path}`, { body, headers: { authorization, "idempotency-key": key } })
    const entity = { version: 1, type: "entity", slug: "bill", name: "Bill" }
    const revision = (name: string) => ({
      template: { version: 1, slug: template, name, publisher: slug },
      definitions: [entity]
    })
    return { base, owner, post, revision, template, templatePath: `/templates/${template}` }
  })

  const sameAgain = (first: Answer, again: Answer) => {
    assert.strictEqual(first.status, 200, first.text)
    assert.isUndefined(first.headers["idempotent-replayed"])
    assert.deepStrictEqual(
      [again.status, again.text, again.headers["content-type"], again.headers["idempotent-replayed"]],
      [200, first.text, first.headers["content-type"], "true"]
    )
    assert.notStrictEqual(again.headers["x-request-id"], first.headers["x-request-id"])
  }

  it.effect("makes one key of a publisher, which the answer shows again", () =>
    Effect.gen(function* () {
      const { base, owner, post } = yield* acme
      const body = { name: "CI", scopes: ["read"] }
      const first = yield* post("one", "/keys", body)
      sameAgain(first, yield* post("one", "/keys", body))
      const headers = { authorization: owner.bearer }
      assert.lengthOf((yield* ask(`${base}/keys`, { headers })).body.keys, 1)
      isProblem(yield* post("one", "/keys", { name: "Other", scopes: ["read"] }), 422, "idempotency_key_reused")
      assert.notStrictEqual((yield* post("two", "/keys", body)).body.key, first.body.key)
      // What is kept says nothing to who reads the table.
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql`SELECT digest, fingerprint, answer FROM kept_answers`
      assert.isNotEmpty(rows)
      const held = rows.flatMap((row) =>
        Object.values(row).map((one) => Buffer.from(one as Uint8Array).toString("latin1"))
      )
      for (const secret of [first.body.key, first.body.id, "application/json"]) assert.notInclude(held.join(), secret)
    })
  )

  it.effect("is the caller's own: nobody else is answered by it, nor whoever may not ask any more", () =>
    Effect.gen(function* () {
      const { base, owner, post } = yield* acme
      const other = yield* acme
      const body = { name: "CI", scopes: ["publish"] }
      const first = yield* post("shared", "/keys", body)
      isProblem(yield* post("shared", "/keys", body, other.owner.bearer), 404, "publisher_not_found")
      isProblem(yield* post("shared", "/keys", body, "Bearer nobody"), 401, "unauthenticated")
      isProblem(yield* post("shared", "/keys", body, `Bearer ${first.body.key}`), 403, "not_permitted")
      yield* ask("/api/auth/sign-out", { method: "POST", headers: { authorization: owner.bearer } })
      isProblem(yield* post("shared", "/keys", body), 401, "unauthenticated")
      assert.isString(base)
    })
  )

  it.effect("does what it asks once, however many send it at a time", () =>
    Effect.gen(function* () {
      const { base, owner, post } = yield* acme
      const body = { email: "guest@example.org", role: "member" }
      const answers = yield* Effect.all(
        Array.from({ length: 8 }, () => post("at once", "/invitations", body)),
        { concurrency: "unbounded" }
      )
      const given = new Set<string>()
      for (const answer of answers) {
        if (answer.status === 200) given.add(answer.text)
        else {
          isProblem(answer, 409, "idempotency_key_in_use")
          assert.strictEqual(answer.headers["retry-after"], "1")
        }
      }
      assert.strictEqual(given.size, 1)
      const again = yield* post("at once", "/invitations", body)
      assert.isTrue(given.has(again.text))
      const headers = { authorization: owner.bearer }
      const { invitations } = (yield* ask(`${base}/invitations`, { headers })).body
      assert.deepStrictEqual(
        invitations.map(({ id }: { id: string }) => id),
        [again.body.id]
      )
    })
  )

  it.effect("that is refused may be sent again, and has spent the budget that it spends", () =>
    Effect.gen(function* () {
      const { post } = yield* acme
      const guest = yield* person
      const join = (token: string) =>
        ask("/api/publishers/join", {
          body: { token },
          headers: { authorization: guest.bearer, "idempotency-key": "joining" }
        })
      const spent = (answer: Answer) => /"change";r=(\d+)/.exec(String(answer.headers.ratelimit))?.[1]
      const [wrong, wrongAgain] = [yield* join("no such token"), yield* join("no such token")]
      isProblem(wrong, 404, "invitation_not_found")
      isProblem(wrongAgain, 404, "invitation_not_found")
      assert.deepStrictEqual([spent(wrong), spent(wrongAgain)], ["39", "38"])
      const { body } = yield* post("guest", "/invitations", { email: guest.email, role: "member" })
      const joined = yield* join(body.token)
      const again = yield* join(body.token)
      sameAgain(joined, again)
      // An answer that is given again costs a read.
      assert.deepStrictEqual([spent(joined), spent(again)], ["37", undefined])
      assert.match(String(again.headers.ratelimit), /"read"/)
    })
  )

  it.effect("publishes and rolls out once", () =>
    Effect.gen(function* () {
      const { owner, post, revision, template, templatePath } = yield* acme
      const revisions = `${templatePath}/revisions`
      const first = yield* post("publish", revisions, revision("First"))
      sameAgain(first, yield* post("publish", revisions, revision("First")))
      assert.strictEqual(first.body.changed, true)
      isProblem(yield* post("publish", `${revisions}?dryRun=true`, revision("First")), 422, "idempotency_key_reused")
      isProblem(yield* post("bad", revisions, { template: {}, definitions: [] }), 400, "template_refused")
      const install = { body: { slug: template }, headers: { authorization: owner.bearer } }
      assert.strictEqual((yield* ask("/api/install", install)).status, 200)
      yield* post("publish more", revisions, revision("Second"))

      const rollouts = `${templatePath}/rollouts`
      const started = yield* post("start", rollouts, { revision: 2 })
      sameAgain(started, yield* post("start", rollouts, { revision: 2 }))
      isProblem(yield* post("start another", rollouts, { revision: 2 }), 409, "rollout_runs")
      isProblem(yield* post("start none", rollouts, { revision: 9 }), 400, "no_such_revision")
      const resume = `${rollouts}/${started.body.rolloutId}/resume`
      sameAgain(yield* post("resume", resume, {}), yield* post("resume", resume, {}))
    })
  )

  it.effect("is redeemed once as a code, which is made once", () =>
    Effect.gen(function* () {
      const { bearer } = yield* person
      const makeCode = ask("/api/install/token", {
        body: { slug: "helper" },
        headers: { authorization: bearer, "idempotency-key": "code" }
      })
      const code = yield* makeCode
      sameAgain(code, yield* makeCode)
      const asGateway = (key: string, path: string, body: unknown) =>
        ask(path, { body, headers: { authorization: `Bearer ${gatewayToken}`, "idempotency-key": key } })
      const sender = { platform: "whatsapp", platformUserId: "447911700001@s.whatsapp.net" }
      const redeem = asGateway("claim", "/api/install/claim", { ...sender, message: code.body.token })
      const redeemed = yield* redeem
      assert.strictEqual(redeemed.body.status, "confirm_sender", redeemed.text)
      sameAgain(redeemed, yield* redeem)
      const answer = asGateway("answer", `/api/identities/pending/${redeemed.body.pendingId}/answer`, {
        ...sender,
        yes: true
      })
      sameAgain(yield* answer, yield* answer)
      const nobody = { body: {}, headers: { authorization: "Bearer no", "idempotency-key": "claim" } }
      isProblem(yield* ask("/api/install/claim", nobody), 401, "not_gateway")
    })
  )

  it.effect("is refused where the key says nothing or too much, once it is known who asks", () =>
    Effect.gen(function* () {
      const { post } = yield* acme
      const body = { name: "CI", scopes: ["read"] }
      for (const key of ["", "k".repeat(256), "clé"]) {
        const refused = yield* post(key, "/keys", body)
        isProblem(refused, 400, "invalid_request")
        assert.deepStrictEqual(refused.body.issues[0].path, "idempotency-key")
        isProblem(yield* post(key, "/keys", body, "Bearer no"), 401, "unauthenticated")
      }
      assert.strictEqual((yield* post("k".repeat(255), "/keys", body)).status, 200)
      isProblem(yield* post("large", "/keys", "x".repeat(70_000)), 413, "too_large")
    })
  )

  it.effect("comes from the typed client for all that one effect posts", () =>
    Effect.gen(function* () {
      const { base, owner } = yield* acme
      const { address } = yield* HttpServer.HttpServer
      const port = address._tag === "TcpAddress" ? address.port : 0
      const client = yield* makeClient({
        baseUrl: `http://127.0.0.1:${port}`,
        token: owner.bearer.slice("Bearer ".length)
      })
      const path = { slug: base.slice("/api/publishers/".length) }
      const create = client.publishers.createKey({ path, payload: { name: "CI", scopes: ["read"] } })
      const keyed = create.pipe(withIdempotencyKey("by the client"))
      const [first, again] = [yield* keyed, yield* keyed]
      assert.deepStrictEqual(first, again)
      assert.notStrictEqual((yield* create).id, first.id)
      const refused = client.publishers
        .createKey({ path, payload: { name: "Other", scopes: ["read"] } })
        .pipe(withIdempotencyKey("by the client"), Effect.flip)
      assert.strictEqual((yield* refused)._tag, "IdempotencyKeyReused")
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  afterAllAnswers((statuses) => {
    assert.lengthOf(takers, 9)
    for (const name of takers) assert.include(statuses(name), 200, name)
  })
})
