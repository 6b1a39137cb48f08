import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { PersonalOrgs } from "../../../src/services/account/PersonalOrgs.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { oneOfEach, template } from "../../fixtures/templates.ts"
import { type Answer, type Ask, afterAllAnswers, gatewayToken, Running, TestServer } from "../server.ts"

let people = 0
let numbers = 0
const newDigits = () => `4479116${String(10_000 + numbers++)}`
const jid = (digits: string) => `${digits}@s.whatsapp.net`

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("identities over HTTP", (it) => {
  const signUp = Effect.flatMap(Running, (running) => running.signUp(`Linker ${++people}`))
  const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))
  const asGateway = (path: string, body: unknown) =>
    ask(path, { headers: { authorization: `Bearer ${gatewayToken}` }, body })
  const as = (bearer: string) => (path: string, body?: unknown, method?: string) =>
    ask(path, {
      headers: { authorization: bearer },
      ...(body === undefined ? {} : { body }),
      ...(method === undefined ? {} : { method })
    })
  const whatsapp = (platformUserId: string, rest: object = {}) => ({ platform: "whatsapp", platformUserId, ...rest })
  const answer = (pendingId: string, sender: string, yes: boolean) =>
    asGateway(`/api/identities/pending/${pendingId}/answer`, whatsapp(sender, { yes }))
  const lookup = (...identifiers: ReadonlyArray<string>) =>
    Effect.map(
      asGateway("/api/identities/lookup", {
        identities: identifiers.map((identifier) => ({ namespace: "wa_jid", identifier }))
      }),
      ({ body, status, text }) => {
        assert.strictEqual(status, 200, text)
        return body.identities
      }
    )
  const is = ({ body, headers, status, text }: Answer, expected: number, code: string) => {
    assert.deepStrictEqual([status, body?.error], [expected, code], text)
    assert.strictEqual(headers["content-type"], "application/problem+json")
  }

  it.effect("links a typed phone once its sender says yes, and unlinks it", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      const [me, digits] = [as(bearer), newDigits()]
      const typed = yield* me("/api/identities/phone", { phone: `0${digits.slice(2)}`, country: "gb" })
      assert.deepStrictEqual(typed.body, { phone: `+${digits}`, waJid: jid(digits), verified: false, state: "claimed" })
      assert.match(String(typed.headers["ratelimit-policy"]), /^"change"/)
      const [asked] = yield* lookup(jid(digits))
      assert.deepStrictEqual(Object.keys(asked), ["verified", "prompt"])
      const said = yield* answer(asked.prompt.pendingId, `${digits}:4@s.whatsapp.net`, true)
      assert.strictEqual(said.body.status, "verified")
      const [found] = yield* lookup(jid(digits))
      assert.strictEqual(found.verified, true)
      assert.strictEqual(found.person.name, `Linker ${people}`)
      const { body, headers } = yield* me("/api/identities")
      assert.strictEqual(headers["cache-control"], "no-store")
      const [{ id, ...own }] = body.identities
      assert.deepStrictEqual([body.identities.length, own], [
        1,
        { platform: "whatsapp", namespace: "phone", identifier: `+44•••${digits.slice(-3)}`, state: "verified" }
      ] as never)
      const ended = yield* me(`/api/identities/${id}`, undefined, "DELETE")
      assert.strictEqual(ended.status, 204)
      is(yield* me(`/api/identities/${id}`, undefined, "DELETE"), 404, "identity_not_found")
      assert.deepStrictEqual(yield* lookup(jid(digits)), [null])
    })
  )

  it.effect("says of a number whose sender said no that it is declined, typed again or given with an install", () =>
    Effect.gen(function* () {
      const catalog = yield* TemplateCatalog
      yield* catalog.publish(template("declinable", oneOfEach))
      const { bearer } = yield* signUp
      const [me, digits] = [as(bearer), newDigits()]
      const install = () => me("/api/install", { slug: "declinable", whatsapp_phone: `+${digits}` })
      const first = yield* install()
      assert.deepStrictEqual(first.body.whatsapp, { phone: `+${digits}`, waJid: jid(digits), verified: false })
      const [asked] = yield* lookup(jid(digits))
      assert.strictEqual((yield* answer(asked.prompt.pendingId, jid(digits), false)).body.status, "declined")
      const typed = yield* me("/api/identities/phone", { phone: `+${digits}` })
      const declined = { phone: `+${digits}`, waJid: jid(digits), verified: false, state: "declined" }
      assert.deepStrictEqual([typed.status, typed.body], [200, declined])
      assert.deepStrictEqual((yield* me("/api/identities/phone", { phone: `+${digits}` })).body, declined)
      const again = yield* install()
      assert.deepStrictEqual(
        [again.status, again.body.whatsappError, again.body.whatsapp],
        [200, "declined", undefined],
        again.text
      )
      assert.strictEqual((yield* me("/api/identities")).body.identities[0].state, "declined")
    })
  )

  it.effect("installs and links by a code, with the sender's yes and the person's confirmation", () =>
    Effect.gen(function* () {
      const catalog = yield* TemplateCatalog
      yield* catalog.publish(template("reachable", oneOfEach, { botPhone: "+15550001111" as never }))
      const { bearer } = yield* signUp
      const [me, digits] = [as(bearer), newDigits()]
      const made = yield* me("/api/install/token", { slug: "reachable" })
      assert.strictEqual(made.status, 200, made.text)
      assert.strictEqual(made.body.link, `https://wa.me/15550001111?text=Link%20this%20chat%3A%20${made.body.token}`)
      assert.match(String(made.headers["ratelimit-policy"]), /^"install"/)
      const claim = (sender: string) =>
        asGateway("/api/install/claim", whatsapp(sender, { message: `Link this chat: ${made.body.token}` }))
      const claimed = yield* claim(jid(digits))
      assert.deepStrictEqual([claimed.status, claimed.body.status], [200, "confirm_sender"], claimed.text)
      assert.include(claimed.body.text, `l•••${people}@example.org`)
      assert.strictEqual((yield* claim(jid(digits))).body.status, "token_used")
      assert.strictEqual((yield* answer(claimed.body.pendingId, jid(digits), true)).body.status, "confirm_session")
      assert.isFalse((yield* lookup(jid(digits)))[0].verified)
      const [{ checkNumber, ...own }] = (yield* me("/api/identities")).body.identities
      assert.strictEqual(own.state, "confirm_session")
      assert.include(claimed.body.text, ` ${checkNumber} `)
      const confirmed = yield* me(`/api/identities/${own.id}/confirm`, undefined, "POST")
      assert.deepStrictEqual(confirmed.body, { ...own, state: "verified" })
      const [found] = yield* lookup(jid(digits))
      assert.strictEqual(found.agents.length, 1)
      const sql = yield* SqlClient.SqlClient
      const kept = yield* sql`SELECT * FROM install_tokens`
      assert.notInclude(JSON.stringify(kept), made.body.token)
    })
  )

  it.effect("refuses whoever is not the gateway, alike, and reads nothing of what they send", () =>
    Effect.gen(function* () {
      const { bearer } = yield* signUp
      const routes = ["/api/install/claim", "/api/identities/pending/link_x/answer", "/api/identities/lookup"]
      for (const path of routes) {
        for (const authorization of [
          undefined,
          "Bearer wrong",
          bearer,
          `Basic ${gatewayToken}`,
          `Bearer ${gatewayToken}x`
        ]) {
          const answered = yield* ask(path, {
            headers: authorization === undefined ? {} : { authorization },
            body: "{"
          })
          is(answered, 401, "not_gateway")
          assert.match(String(answered.headers["www-authenticate"]), /^Bearer/)
          assert.notInclude(answered.text, gatewayToken)
        }
      }
    })
  )

  it.effect("refuses what is not as documented, names the place, and repeats no identifier", () =>
    Effect.gen(function* () {
      const bodies: ReadonlyArray<readonly [path: string, body: unknown, places: ReadonlyArray<string>]> = [
        ["/api/install/claim", {}, ["message", "platform", "platformUserId"]],
        ["/api/install/claim", { message: "x", ...whatsapp("447911000000") }, ["platformUserId"]],
        ["/api/install/claim", { message: "x", platform: "smoke", platformUserId: "x" }, ["platform"]],
        ["/api/identities/pending/link_x/answer", whatsapp("447911000000@g.us", { yes: "yes" }), ["yes"]],
        [
          "/api/install/claim",
          { message: 447911000000, ...whatsapp("x", { alternateIds: "447911000000" }) },
          ["message", "alternateIds"]
        ],
        ["/api/identities/lookup", { identities: [] }, ["identities"]],
        [
          "/api/identities/lookup",
          { identities: Array.from({ length: 501 }, () => ({ namespace: "phone", identifier: "+447911000000" })) },
          ["identities"]
        ],
        [
          "/api/identities/lookup",
          { identities: [{ namespace: "shoe", identifier: "447911000000" }] },
          ["identities.0.namespace"]
        ]
      ]
      for (const [path, body, places] of bodies) {
        const refused = yield* asGateway(path, body)
        is(refused, 400, "invalid_request")
        assert.notMatch(refused.text, /readonly/i)
        assert.deepStrictEqual(
          refused.body.issues.map((issue: { path: string }) => issue.path),
          places
        )
        assert.notInclude(refused.text, "447911000000")
      }
    })
  )

  it.effect("answers for a person's own identities with what is theirs", () =>
    Effect.gen(function* () {
      const { bearer, cookie } = yield* signUp
      const me = as(bearer)
      is(yield* ask("/api/identities"), 401, "unauthenticated")
      is(yield* ask("/api/identities/phone", { body: {} }), 401, "unauthenticated")
      is(yield* ask("/api/install/token", { body: {} }), 401, "unauthenticated")
      is(yield* me("/api/identities/phone", { phone: "call me" }), 400, "invalid_phone")
      is(yield* me("/api/identities/phone", { phone: "" }), 400, "invalid_request")
      is(yield* me("/api/identities/phone", "x".repeat(70_000)), 413, "too_large")
      is(yield* me("/api/install/token", { slug: "nothing" }), 404, "unknown_slug")
      is(yield* me("/api/install/token", { templateAgentId: "agent_none" }), 400, "template_not_found")
      is(yield* me("/api/identities/1/confirm", undefined, "POST"), 404, "identity_not_found")
      is(yield* me("/api/identities/%00/confirm", undefined, "POST"), 404, "identity_not_found")
      is(
        yield* ask("/api/identities/%00", { method: "DELETE", headers: { authorization: bearer } }),
        404,
        "identity_not_found"
      )
      is(
        yield* ask("/api/identities/phone", { headers: { cookie, origin: "https://evil.example" }, body: {} }),
        403,
        "foreign_origin"
      )
      const digits = newDigits()
      yield* me("/api/identities/phone", { phone: `+${digits}` })
      const [asked] = yield* lookup(jid(digits))
      yield* answer(asked.prompt.pendingId, jid(digits), true)
      const other = as((yield* signUp).bearer)
      is(yield* other("/api/identities/phone", { phone: `+${digits}` }), 409, "already_linked")
      const abroad = yield* other("/api/identities/phone", { phone: "(415) 555-2671", country: " us " })
      assert.strictEqual(abroad.body.phone, "+14155552671")
      const [{ id }] = (yield* me("/api/identities")).body.identities
      is(yield* other(`/api/identities/${id}`, undefined, "DELETE"), 404, "identity_not_found")
      for (const pending of ["link_unknown", "%00"]) {
        is(yield* answer(pending, jid(digits), true), 404, "pending_not_found")
      }
    })
  )

  it.effect("lets a sender try a few codes an hour, and no more", () =>
    Effect.gen(function* () {
      const guess = (sender: string) => asGateway("/api/install/claim", whatsapp(sender, { message: "a".repeat(32) }))
      const guesser = jid(newDigits())
      const tries = yield* Effect.replicateEffect(guess(guesser), 9)
      assert.deepStrictEqual(
        tries.map(({ body, status }) => [status, body.status]),
        [...Array.from({ length: 8 }, () => [200, "token_invalid"]), [429, 429]]
      )
      assert.isAbove(Number(tries.at(-1)?.headers["retry-after"]), 0)
      assert.strictEqual((yield* guess(guesser.replace("@", ":7@"))).status, 429)
      assert.strictEqual((yield* guess(jid(newDigits()))).status, 200)
      const other = jid(newDigits())
      const beside = (at: number) =>
        asGateway(
          "/api/install/claim",
          whatsapp(`18503160000${at}@lid`, { message: "a".repeat(32), alternateIds: [other] })
        )
      for (let at = 0; at < 8; at++) assert.strictEqual((yield* beside(at)).status, 200)
      assert.deepStrictEqual([(yield* beside(8)).status, (yield* guess(other)).status], [429, 429])
    })
  )

  it.effect("bounds what is listed, looked up and taken, and keeps what stands in sight of what is lost", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { bearer } = yield* signUp
      const [me, digits] = [as(bearer), newDigits()]
      yield* me("/api/identities/phone", { phone: `+${digits}` })
      const [asked] = yield* lookup(jid(digits))
      yield* answer(asked.prompt.pendingId, jid(digits), true)
      const [{ memberEntityId, organization }] = yield* lookup(jid(digits))
      yield* sql`
        WITH links AS (
          INSERT INTO identity_links (id, organization_id, entity_id, platform, origin, sender_agreed_at, person_agreed_at, closed_at)
          SELECT 'link_lost_' || n, ${organization.id}, ${memberEntityId}::bigint, 'whatsapp', 'typed', now(), now(), now()
          FROM generate_series(1, 1300) AS n RETURNING id
        )
        INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier, state, link_id)
        SELECT ${organization.id}, ${memberEntityId}::bigint, 'wa_lid', replace(id, 'link_lost_', '7000') || '@lid', 'claimed', id
        FROM links
      `
      yield* sql`UPDATE entity_identities SET state = 'displaced' WHERE link_id LIKE 'link_lost_%'`
      yield* sql`
        INSERT INTO agents (id, organization_id, name, owner_user_id)
        SELECT 'agent_many_' || n, ${organization.id}, 'Many', (SELECT user_id FROM member WHERE organization_id = ${organization.id})
        FROM generate_series(1, 150) AS n
      `
      const { body } = yield* me("/api/identities")
      const rest = yield* me(`/api/identities?after=${body.next}`)
      assert.deepStrictEqual([body.identities.length, rest.body.identities.length, rest.body.next], [100, 100, null])
      assert.deepInclude(body.identities[0], { namespace: "phone", state: "verified" })
      const listed: ReadonlyArray<{ readonly state: string }> = [...body.identities, ...rest.body.identities]
      assert.strictEqual(listed.filter(({ state }) => state === "displaced").length, 199)
      const [found] = yield* lookup(jid(digits))
      assert.strictEqual(found.agents.length, 100)
      const message = (length: number) =>
        asGateway("/api/install/claim", whatsapp(jid(newDigits()), { message: "é".repeat(length) }))
      is(yield* message(4_097), 400, "invalid_request")
      assert.strictEqual((yield* message(4_096)).body.status, "token_invalid")
    })
  )

  it.effect("gives a number back to the person whose member entity was deleted and made anew", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const personalOrgs = yield* PersonalOrgs
      const { bearer } = yield* signUp
      const [me, digits] = [as(bearer), newDigits()]
      const prove = Effect.gen(function* () {
        const typed = yield* me("/api/identities/phone", { phone: `+${digits}` })
        assert.strictEqual(typed.body.verified, false, typed.text)
        const [asked] = yield* lookup(jid(digits))
        assert.strictEqual((yield* answer(asked.prompt.pendingId, jid(digits), true)).body.status, "verified")
        return (yield* lookup(jid(digits)))[0]
      })
      const before = yield* prove
      yield* sql`UPDATE entities SET deleted_at = now() WHERE id = ${before.memberEntityId}`
      assert.deepStrictEqual(yield* lookup(jid(digits)), [null])
      const { body } = yield* me("/api/install/token", { slug: "helper" })
      const claimed = yield* asGateway("/api/install/claim", whatsapp(jid(digits), { message: body.token }))
      assert.deepStrictEqual([claimed.status, claimed.body.status], [200, "no_personal_org"])
      const installed = yield* me("/api/install", { slug: "helper", whatsapp_phone: `+${digits}` })
      assert.deepStrictEqual([installed.body.created, installed.body.whatsappError], [true, "no_member"])
      yield* personalOrgs.ensure(before.person.userId)
      const after = yield* prove
      assert.strictEqual(after.person.userId, before.person.userId)
      assert.notStrictEqual(after.memberEntityId, before.memberEntityId)
    })
  )

  it.effect("looks up 500 at once as it does one", () =>
    Effect.gen(function* () {
      const identifiers = Array.from({ length: 500 }, newDigits).map(jid)
      const found = yield* lookup(...identifiers)
      assert.deepStrictEqual(found, identifiers.map(() => null) as never)
    })
  )

  // In every way that is documented.
  afterAllAnswers((statuses) => {
    assert.deepStrictEqual(statuses("POST /api/install/claim"), [200, 400, 401, 429])
    assert.deepStrictEqual(statuses("POST /api/identities/pending/{id}/answer"), [200, 400, 401, 404])
    assert.deepStrictEqual(statuses("POST /api/identities/lookup"), [200, 400, 401])
    assert.deepStrictEqual(statuses("GET /api/identities"), [200, 401])
    assert.deepStrictEqual(statuses("DELETE /api/identities/{id}"), [204, 404])
  })
})
