import { gzipSync } from "node:zlib"
import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { openApi } from "../../../src/http/Api.ts"
import { type Ask, afterAllAnswers, isProblem, ownOrigin, Running, TestServer } from "../server.ts"

let people = 0

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("POST /api/install", (it) => {
  const signUp = Effect.flatMap(Running, (running) => running.signUp(`Person ${++people}`))
  const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))
  const install = (headers: Record<string, string>, body: unknown = { slug: "helper" }) =>
    ask("/api/install", { headers, body })
  const count = (query: string) =>
    Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.orDie(sql.unsafe(query))).pipe(
      Effect.map((rows) => Number(Object.values(rows[0] ?? {})[0]))
    )

  it.effect("answers with the agent, the organization and the counts, new or not", () =>
    Effect.gen(function* () {
      const { bearer, cookie } = yield* signUp
      const first = yield* install({ authorization: bearer }, { slug: "helper", whatsapp_phone: "07911 123456" })
      assert.strictEqual(first.status, 200, first.text)
      const { agentId, organizationId } = first.body
      assert.match(agentId, /^agent_/)
      assert.match(organizationId, /^org_/)
      const answer = {
        agentId,
        organizationId,
        organizationSlug: `person-${people}`,
        created: true,
        revision: 1,
        mirrored: { entity_types: 1, entity_relationship_types: 1, watchers: 1, event_classifiers: 1 },
        redirectTo: `/person-${people}/agents/${agentId}`
      }
      const whatsapp = { phone: "+447911123456", waJid: "447911123456@s.whatsapp.net", verified: false }
      assert.deepStrictEqual(first.body, { ...answer, whatsapp })
      const again = yield* install({ cookie })
      assert.deepStrictEqual(again.body, { ...answer, created: false })
    })
  )

  it.effect("answers 12 at once with one agent", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      const answers = yield* Effect.all(
        Array.from({ length: 12 }, () => install({ authorization: bearer })),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        answers.map(() => 200)
      )
      assert.strictEqual(new Set(answers.map(({ body }) => body.agentId)).size, 1)
      assert.strictEqual(answers.filter(({ body }) => body.created).length, 1)
    })
  )

  it.effect("reports a phone that can't be linked, and installs all the same", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      const answer = yield* install({ authorization: bearer }, { slug: "helper", whatsapp_phone: "call me" })
      assert.deepStrictEqual(
        [answer.status, answer.body.whatsappError, answer.body.whatsapp],
        [200, "invalid_phone", undefined]
      )
      for (const whatsapp_phone of [null, "", "  "]) {
        const { body } = yield* install({ authorization: bearer }, { slug: "helper", whatsapp_phone })
        assert.deepStrictEqual([body.whatsappError, body.whatsapp], [undefined, undefined])
      }
    })
  )

  it.effect("says that a phone is not linked where linking fails, and installs all the same", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { bearer } = yield* signUp
      yield* sql`CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''broken''; END'`
      yield* sql`CREATE TRIGGER broken BEFORE INSERT ON identity_links FOR EACH ROW EXECUTE FUNCTION broken()`
      const { body, status, text } = yield* install(
        { authorization: bearer },
        { slug: "helper", whatsapp_phone: "07911 123457" }
      ).pipe(Effect.ensuring(Effect.orDie(sql`DROP FUNCTION broken CASCADE`)))
      assert.deepStrictEqual([status, body.whatsappError, body.whatsapp], [200, "unavailable", undefined], text)
      assert.isTrue(body.created)
      const again = yield* install({ authorization: bearer }, { slug: "helper", whatsapp_phone: "07911 123457" })
      assert.deepStrictEqual([again.body.created, again.body.whatsapp.verified], [false, false], again.text)
    })
  )

  it.effect("takes a name", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      const { body } = yield* install({ authorization: bearer }, { slug: "helper", name: "Mine 🦊" })
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql`SELECT name FROM agents WHERE id = ${body.agentId}`
      assert.deepStrictEqual(rows, [{ name: "Mine 🦊" }])
    })
  )

  it.effect("refuses a stranger before it reads the body, and says how to sign in", () =>
    Effect.gen(function* () {
      const large = "x".repeat(10_000_000)
      for (const body of [{ slug: "helper" }, "{", large]) {
        const answer = yield* install({}, body)
        isProblem(answer, 401, "unauthenticated")
        assert.match(String(answer.headers["www-authenticate"]), /^Bearer/)
        assert.isUndefined(answer.headers.ratelimit)
      }
    })
  )

  it.effect("refuses a cookie from another site, before anything else and at no cost", () =>
    Effect.gen(function* () {
      const { bearer, cookie } = yield* signUp
      const foreign: ReadonlyArray<Record<string, string>> = [
        { origin: "https://evil.example" },
        { origin: "null" },
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
        { origin: ownOrigin, "sec-fetch-site": "cross-site" }
      ]
      for (const headers of foreign) {
        isProblem(yield* install({ cookie, ...headers }, "{"), 403, "foreign_origin")
        isProblem(yield* install({ cookie, authorization: "Basic eA==", ...headers }, "{"), 403, "foreign_origin")
        assert.strictEqual((yield* install({ cookie, authorization: bearer, ...headers })).status, 200)
      }
      const own = yield* install({ cookie, origin: ownOrigin, "sec-fetch-site": "same-origin" })
      assert.strictEqual(own.status, 200)
      assert.strictEqual(own.headers.ratelimit?.slice(0, 14), '"install";r=14')
    })
  )

  it.effect("answers the twenty-first try in an hour with 429, whatever the body, and says when to come back", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      const tries = yield* Effect.all(
        Array.from({ length: 30 }, (_, at) =>
          install({ authorization: bearer }, at % 2 === 0 ? "{" : { slug: "nowhere" })
        ),
        { concurrency: 6 }
      )
      const refused = tries.filter(({ status }) => status === 429)
      assert.strictEqual(refused.length, 10)
      for (const answer of refused) {
        isProblem(answer, 429, "rate_limited")
        const seconds = Number(answer.headers["retry-after"])
        assert.isTrue(seconds > 3_500 && seconds <= 3_600)
        assert.strictEqual(answer.headers["ratelimit-policy"], '"install";q=20;w=3600')
        assert.strictEqual(answer.headers.ratelimit, `"install";r=0;t=${seconds}`)
      }
    })
  )

  it.effect("lets a try pass once the oldest has left the window", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      yield* Effect.replicateEffect(install({ authorization: bearer }), 20)
      const { headers } = yield* install({ authorization: bearer })
      const sql = yield* SqlClient.SqlClient
      const age = (seconds: number) =>
        sql`UPDATE rate_limits SET hits = (SELECT array_agg(hit - make_interval(secs => ${seconds}) ORDER BY hit) FROM unnest(hits) AS hit)`
      yield* age(Number(headers["retry-after"]) - 5)
      isProblem(yield* install({ authorization: bearer }), 429, "rate_limited")
      yield* age(5)
      assert.strictEqual((yield* install({ authorization: bearer })).status, 200)
    })
  )

  it.effect("refuses bodies that are too large, in one piece or in chunks, and the client sees the answer", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      const json = { authorization: bearer, "content-type": "application/json" }
      const large = JSON.stringify({ slug: "helper", name: "x".repeat(10_000_000) })
      const inOnePiece = yield* install({ ...json, "content-length": String(large.length) }, large)
      isProblem(inOnePiece, 413, "too_large")
      isProblem(yield* install({ ...json, "transfer-encoding": "chunked" }, large), 413, "too_large")
      assert.match(String(inOnePiece.headers.ratelimit), /^"install";r=19/)
      const padded = (bytes: number) => `{"slug":"helper"}`.padEnd(bytes)
      assert.strictEqual((yield* install(json, padded(64 * 1024))).status, 200)
      isProblem(yield* install(json, padded(64 * 1024 + 1)), 413, "too_large")
    })
  )

  it.effect("refuses a body that is encoded, in its turn, and says so; as it is, it is read", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      const json = { authorization: bearer, "content-type": "application/json" }
      const body = JSON.stringify({ slug: "helper" })
      for (const coding of ["gzip", "br", "GZIP", "identity, deflate", "aes128gcm", "x"]) {
        const encoded = coding.toLowerCase() === "gzip" ? gzipSync(body) : body
        const answer = yield* install({ ...json, "content-encoding": coding }, encoded)
        isProblem(answer, 415, "unsupported_media_type")
        assert.strictEqual(answer.headers["accept-encoding"], "identity")
        assert.match(String(answer.headers.ratelimit), /^"install";r=1\d/)
        isProblem(yield* install({ "content-encoding": coding }, encoded), 401, "unauthenticated")
      }
      isProblem(
        yield* install({ ...json, "content-encoding": "br" }, "x".repeat(100_000)),
        415,
        "unsupported_media_type"
      )
      isProblem(
        yield* install({ ...json, "transfer-encoding": "gzip, chunked" }, gzipSync(body)),
        415,
        "unsupported_media_type"
      )
      for (const coding of ["identity", "Identity", "", ", identity"]) {
        const answer = yield* install({ ...json, "content-encoding": coding }, body)
        assert.strictEqual(answer.status, 200, coding)
      }
    })
  )

  it.effect("refuses what is not the request it documents, and names each place", () =>
    Effect.gen(function* () {
      const json = "application/json"
      const cases: ReadonlyArray<readonly [body: unknown, places: ReadonlyArray<string>, type?: string]> = [
        ["{", [""]],
        ["", [""]],
        ["null", [""]],
        ["[]", [""]],
        ['"helper"', [""]],
        [new Uint8Array([0x7b, 0xff, 0x7d]), [""]],
        ["[".repeat(30_000), [""]],
        [`{"slug":"helper","a":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)},"name":7}`, [""]],
        ["slug=helper", ["content-type"], "application/x-www-form-urlencoded"],
        ['{"slug":"helper"}', ["content-type"], "text/plain"],
        ["{}", ["slug"]],
        ['{"slug":"helper","templateAgentId":"agent_1"}', ["templateAgentId"]],
        ['{"slug":7,"name":[],"whatsapp_phone":{},"country":1}', ["country", "name", "slug", "whatsapp_phone"]],
        ['{"slug":null}', ["slug"]],
        ['{"slug":""}', ["slug"]],
        ['{"slug":"helper","name":""}', ["name"]],
        ['{"slug":"helper","name":"   "}', ["name"]],
        [`{"slug":"helper","name":"${"x".repeat(10_000)}"}`, ["name"]],
        ['{"slug":"helper","name":"a\\u0000b"}', ["name"]],
        ['{"slug":"helper","name":"a\\ud800b"}', ["name"]],
        ['{"slug":"helper","deep":{"in":["\\u0000"]}}', ["deep.in.0"]],
        ['{"slug":"hel\\u0000per"}', ["slug"]]
      ]
      let { bearer } = yield* signUp
      for (const [at, [body, places, type = json]] of cases.entries()) {
        if (at % 15 === 14) bearer = (yield* signUp).bearer
        const answer = yield* install({ authorization: bearer, "content-type": type }, body)
        isProblem(answer, 400, "invalid_request")
        assert.deepStrictEqual(
          answer.body.issues.map(({ path }: { path: string }) => path).sort(),
          places,
          String(body).slice(0, 80)
        )
      }
    })
  )

  it.effect("says what was expected and not what was sent, in few words", () =>
    Effect.gen(function* () {
      const { ask } = yield* Running
      const { bearer } = yield* signUp
      const sent = "SENT".repeat(4_000)
      const cases: ReadonlyArray<readonly [body: unknown, message: RegExp]> = [
        ["null", /^Expected a JSON object$/],
        ["[]", /^Expected a JSON object$/],
        [`"${sent}"`, /^Expected a JSON object$/],
        [{ slug: [sent] }, /^slug: Expected string$/],
        [{ slug: sent }, /^slug: must have 1 to 200 characters, not only blanks$/],
        [{ slug: { a: sent }, templateAgentId: [sent] }, /^slug: Expected string; templateAgentId: Expected string$/],
        [{ slug: "helper", adopt: { a: sent } }, /^adopt: Expected a list$/],
        [
          { slug: "helper", adopt: [sent, {}] },
          /^adopt.0: Expected an object; adopt.1.kind: is missing; adopt.1.slug: is missing$/
        ],
        [{ slug: "helper", [`${sent}`]: "\u0000" }, /^(SENT){50}…: must hold no NUL character and no lone surrogate$/]
      ]
      for (const [body, message] of cases) {
        const answer = yield* ask("/api/install", {
          body,
          headers: { authorization: bearer, "content-type": "application/json" }
        })
        isProblem(answer, 400, "invalid_request")
        assert.match(answer.body.message, message)
        assert.isBelow(answer.text.length, 1_500)
      }
      const account = yield* ask("/api/auth/sign-up/email", { body: { name: [sent], email: {}, password: "x" } })
      assert.strictEqual(account.body.message, "name: Expected string; email: Expected string")
    })
  )

  it.effect("refuses, each in its turn: an unknown slug, no organization, an unknown template", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      const slug = `person-${people}`
      const sql = yield* SqlClient.SqlClient
      yield* sql`UPDATE organization SET visibility = 'public' WHERE slug = ${slug}`
      isProblem(yield* install({ authorization: bearer }, { slug: "nowhere" }), 404, "unknown_slug")
      isProblem(yield* install({ authorization: bearer }, { slug: "helper" }), 409, "no_personal_org")
      isProblem(yield* install({ authorization: bearer }, { templateAgentId: "agent_nowhere" }), 409, "no_personal_org")
      yield* sql`UPDATE organization SET visibility = 'private' WHERE slug = ${slug}`
      isProblem(
        yield* install({ authorization: bearer }, { templateAgentId: "agent_nowhere" }),
        400,
        "template_not_found"
      )
    })
  )

  it.effect("does not tell of another person's private agent", () =>
    Effect.gen(function* () {
      const [ada, eve] = [yield* signUp, yield* signUp]
      const { body } = yield* install({ authorization: ada.bearer })
      const theirs = yield* install({ authorization: eve.bearer }, { templateAgentId: body.agentId })
      const missing = yield* install({ authorization: eve.bearer }, { templateAgentId: "agent_nowhere" })
      isProblem(theirs, 400, "template_not_found")
      isProblem(missing, 400, "template_not_found")
      const { agentId } = body
      assert.strictEqual(theirs.body.detail.replace(agentId, ""), missing.body.detail.replace("agent_nowhere", ""))
      const own = yield* install({ authorization: ada.bearer }, { templateAgentId: agentId })
      isProblem(own, 400, "template_is_installed")
    })
  )

  it.effect("names every collision, and writes nothing", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      const slug = `person-${people}`
      const sql = yield* SqlClient.SqlClient
      for (const [table, taken] of [
        ["entity_types", "invoice"],
        ["watchers", "inbox"]
      ] as const) {
        yield* sql`INSERT INTO ${sql(table)} (organization_id, slug, name) SELECT id, ${taken}, 'Mine' FROM organization WHERE slug = ${slug}`
      }
      const before = yield* count("SELECT count(*) FROM entity_relationship_types")
      const answer = yield* install({ authorization: bearer })
      isProblem(answer, 400, "schema_collision")
      assert.deepStrictEqual(answer.body.collisions, [
        { kind: "entity_types", slug: "invoice", owner: slug, own: true, adoptable: true },
        { kind: "watchers", slug: "inbox", owner: slug, own: true, adoptable: true }
      ])
      assert.strictEqual(yield* count("SELECT count(*) FROM entity_relationship_types"), before)
    })
  )

  it.effect("plans an install on a budget of its own, and holds the install to the plan", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      const headers = { authorization: bearer }
      const plan = yield* ask("/api/install/plan", { headers, body: { slug: "helper" } })
      assert.strictEqual(plan.status, 200, plan.text)
      assert.deepStrictEqual(
        plan.body.rows.map(({ slug, verdict }: { slug: string; verdict: string }) => [slug, verdict]),
        [
          ["invoice", "create"],
          ["pays", "create"],
          ["inbox", "create"],
          ["topic", "create"]
        ]
      )
      assert.match(String(plan.headers["ratelimit-policy"]), /^"change";q=40;w=3600$/)
      for (const expectedPlan of ["another", "", "A".repeat(64), `${plan.body.planHash} `]) {
        const refused = yield* install(headers, { slug: "helper", expectedPlan })
        isProblem(refused, 400, "invalid_request")
        assert.deepStrictEqual(refused.body.issues, [
          { path: "expectedPlan", message: "Expected the planHash of a plan: 64 digits, 0 to 9 and a to f" }
        ])
      }
      const stale = yield* install(headers, { slug: "helper", expectedPlan: "0".repeat(64) })
      isProblem(stale, 409, "plan_stale")
      const held = yield* install(headers, { slug: "helper", expectedPlan: plan.body.planHash })
      assert.deepStrictEqual([held.status, held.body.created], [200, true])
      const refusals: ReadonlyArray<readonly [ask: Ask, status: number, code: string]> = [
        [{ body: { slug: "helper" } }, 401, "unauthenticated"],
        [{ headers, body: {} }, 400, "invalid_request"],
        [{ headers, body: { slug: "nowhere" } }, 404, "unknown_slug"],
        [{ headers, body: { templateAgentId: held.body.agentId } }, 400, "template_is_installed"]
      ]
      for (const [given, status, code] of refusals) isProblem(yield* ask("/api/install/plan", given), status, code)
    })
  )

  it.effect("refuses a template of the very organization, and one that is not public", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      const slug = `person-${people}`
      const sql = yield* SqlClient.SqlClient
      const agent = (organization: string, given: string) => sql`
        INSERT INTO agents (organization_id, name, slug, revision)
        SELECT id, 'T', ${given}, 1 FROM organization WHERE slug = ${organization} RETURNING id
      `
      const [own] = yield* agent(slug, `own-${people}`)
      isProblem(yield* install({ authorization: bearer }, { templateAgentId: own?.id }), 400, "self_install")
      yield* sql`INSERT INTO organization (name, slug) VALUES ('Club', 'club')`
      yield* sql`
        INSERT INTO member (organization_id, user_id)
        SELECT club.id, m.user_id FROM organization club, member m JOIN organization o ON o.id = m.organization_id
        WHERE club.slug = 'club' AND o.slug = ${slug}
      `
      const [club] = yield* agent("club", "club-template")
      isProblem(yield* install({ authorization: bearer }, { templateAgentId: club?.id }), 400, "template_not_public")
      const stranger = yield* signUp
      const hidden = yield* install({ authorization: stranger.bearer }, { templateAgentId: club?.id })
      isProblem(hidden, 400, "template_not_found")
    })
  )

  it.effect("answers a fault with 500, an id, and nothing from inside", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      const sql = yield* SqlClient.SqlClient
      yield* sql`ALTER TABLE mirror_ledger RENAME TO mirror_ledger_away`
      const answer = yield* install({ authorization: bearer })
      yield* sql`ALTER TABLE mirror_ledger_away RENAME TO mirror_ledger`
      isProblem(answer, 500, "internal")
      assert.notInclude(answer.text, "ledger")
      assert.strictEqual((yield* install({ authorization: bearer })).body.created, true)
    })
  )

  // All that the document promises, but for a database that is away.
  afterAllAnswers((statuses) => {
    const promised = Object.keys(openApi.paths["/api/install"]?.post?.responses ?? {}).map(Number)
    assert.sameMembers([...statuses("POST /api/install"), 503], promised)
  })
})
