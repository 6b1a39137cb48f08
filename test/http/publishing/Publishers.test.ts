import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Slug } from "../../../src/domain/Ids.ts"
import { Publishers } from "../../../src/services/publishing/Publishers.ts"
import { type Ask, afterAllAnswers, isProblem, ownOrigin, Running, TestServer } from "../server.ts"

let made = 0

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("publishers over HTTP", (it) => {
  const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))

  const person = Effect.gen(function* () {
    const { signUp } = yield* Running
    const name = `member ${++made}`
    const { bearer, cookie } = yield* signUp(name)
    return { bearer, cookie, email: `${name.replaceAll(" ", ".")}@example.org` }
  })

  const acme = Effect.gen(function* () {
    const owner = yield* person
    const publishers = yield* Publishers
    const slug = Slug.make(`acme-${++made}`)
    yield* Effect.orDie(publishers.create(slug, owner.email))
    const base = `/api/publishers/${slug}`
    const as = (bearer: string, path: string, given: Ask = {}) =>
      ask(`${base}${path}`, { ...given, headers: { authorization: bearer } })
    return { as, base, owner, slug }
  })

  it.effect("are listed to whoever belongs to them", () =>
    Effect.gen(function* () {
      const { owner, slug } = yield* acme
      const { body, status } = yield* ask("/api/publishers", { headers: { authorization: owner.bearer } })
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(
        body.publishers.map(({ name, role, slug }: Record<string, string>) => ({ name, role, slug })),
        [{ name: slug, role: "owner", slug }]
      )
      isProblem(yield* ask("/api/publishers"), 401, "unauthenticated")
    })
  )

  it.effect("have keys, shown once, which open this publisher alone and make no others", () =>
    Effect.gen(function* () {
      const { as, owner } = yield* acme
      const other = yield* acme
      const made = yield* as(owner.bearer, "/keys", { body: { name: "CI", scopes: ["read"] } })
      assert.strictEqual(made.status, 200, made.text)
      const { id, key } = made.body
      const listed = yield* as(owner.bearer, "/keys")
      assert.deepStrictEqual(
        listed.body.keys.map((one: { id: string }) => one.id),
        [id]
      )
      assert.notInclude(listed.text, key)
      const bearer = `Bearer ${key}`
      isProblem(yield* as(bearer, "/keys"), 403, "not_permitted")
      isProblem(yield* as(bearer, "/members"), 403, "not_permitted")
      isProblem(yield* other.as(bearer, "/members"), 404, "publisher_not_found")
      // It is no session: nothing of a person opens to it.
      isProblem(yield* ask("/api/agents", { headers: { authorization: bearer } }), 401, "unauthenticated")
      isProblem(yield* as(`${bearer}x`, "/members"), 401, "unauthenticated")
      isProblem(yield* other.as(other.owner.bearer, `/keys/${id}`, { method: "DELETE" }), 404, "key_not_found")
      assert.strictEqual((yield* as(owner.bearer, `/keys/${id}`, { method: "DELETE" })).status, 204)
      isProblem(yield* as(bearer, "/members"), 401, "unauthenticated")
    })
  )

  it.effect("say what is wrong with a key that is asked for, to who may ask alone", () =>
    Effect.gen(function* () {
      const { as, base, owner } = yield* acme
      const stranger = yield* person
      for (const body of [
        { name: "CI" },
        { name: "CI", scopes: [] },
        { name: "", scopes: ["read"] },
        { name: "CI", scopes: ["all"] }
      ]) {
        isProblem(yield* as(owner.bearer, "/keys", { body }), 400, "invalid_request")
        isProblem(yield* as(stranger.bearer, "/keys", { body }), 404, "publisher_not_found")
      }
      isProblem(
        yield* ask(`${base}/keys`, {
          body: { name: "CI", scopes: ["read"] },
          headers: { cookie: owner.cookie, origin: "https://elsewhere.example" }
        }),
        403,
        "foreign_origin"
      )
      const fromHere = yield* ask(`${base}/keys`, {
        body: { name: "CI", scopes: ["read"] },
        headers: { cookie: owner.cookie, origin: ownOrigin }
      })
      assert.strictEqual(fromHere.status, 200)
      assert.include(String(fromHere.headers.ratelimit), '"change"')
    })
  )

  it.effect("are joined by invitation, and left", () =>
    Effect.gen(function* () {
      const { as, owner, slug } = yield* acme
      const guest = yield* person
      const { id: userId } = (yield* ask("/api/auth/get-session", { headers: { authorization: guest.bearer } })).body
        .user
      isProblem(
        yield* as(owner.bearer, "/invitations", { body: { email: guest.email, role: "boss" } }),
        400,
        "invalid_request"
      )
      const invited = yield* as(owner.bearer, "/invitations", { body: { email: guest.email, role: "member" } })
      assert.strictEqual(invited.status, 200, invited.text)
      const members = yield* as(owner.bearer, "/members")
      const invitations = yield* as(owner.bearer, "/invitations")
      assert.notInclude(invitations.text, invited.body.token)
      assert.deepStrictEqual([members.body.members.length, invitations.body.invitations[0].email], [1, guest.email])
      const join = (token: string) =>
        ask("/api/publishers/join", { body: { token }, headers: { authorization: guest.bearer } })
      isProblem(yield* join("nothing"), 404, "invitation_not_found")
      const joined = yield* join(invited.body.token)
      assert.deepStrictEqual([joined.status, joined.body.slug, joined.body.role], [200, slug, "member"])

      isProblem(
        yield* as(guest.bearer, "/invitations", { body: { email: "x@example.org", role: "owner" } }),
        403,
        "not_permitted"
      )
      isProblem(
        yield* as(guest.bearer, `/members/${userId}`, { method: "PUT", body: { role: "owner" } }),
        403,
        "not_permitted"
      )
      const promoted = yield* as(owner.bearer, `/members/${userId}`, { method: "PUT", body: { role: "admin" } })
      assert.strictEqual(promoted.status, 204)
      assert.strictEqual((yield* as(guest.bearer, "/keys")).status, 200)
      isProblem(
        yield* as(owner.bearer, "/members/nobody", { method: "PUT", body: { role: "admin" } }),
        404,
        "member_not_found"
      )
      assert.strictEqual((yield* as(guest.bearer, `/members/${userId}`, { method: "DELETE" })).status, 204)
      isProblem(yield* as(guest.bearer, "/members"), 404, "publisher_not_found")

      const other = yield* as(owner.bearer, "/invitations", { body: { email: guest.email, role: "member" } })
      const taken = yield* as(owner.bearer, `/invitations/${other.body.id}`, { method: "DELETE" })
      assert.strictEqual(taken.status, 204)
      isProblem(
        yield* as(owner.bearer, `/invitations/${other.body.id}`, { method: "DELETE" }),
        404,
        "invitation_not_found"
      )
      isProblem(yield* join(other.body.token), 404, "invitation_not_found")
    })
  )

  it.effect("keep their only owner", () =>
    Effect.gen(function* () {
      const { as, owner } = yield* acme
      const { id } = (yield* ask("/api/auth/get-session", { headers: { authorization: owner.bearer } })).body.user
      isProblem(yield* as(owner.bearer, `/members/${id}`, { method: "DELETE" }), 409, "last_owner")
      isProblem(
        yield* as(owner.bearer, `/members/${id}`, { method: "PUT", body: { role: "member" } }),
        409,
        "last_owner"
      )
    })
  )

  afterAllAnswers((statuses) => {
    assert.deepStrictEqual(statuses("POST /api/publishers/{slug}/keys"), [200, 400, 403, 404])
  })
})
