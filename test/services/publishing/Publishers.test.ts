import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { keyPrefix, mostKeys } from "../../../src/domain/account/ApiKey.ts"
import { Slug, type UserId } from "../../../src/domain/Ids.ts"
import type { Role } from "../../../src/domain/publishing/Publisher.ts"
import { Accounts } from "../../../src/services/account/Accounts.ts"
import { ApiKeys } from "../../../src/services/account/ApiKeys.ts"
import { Auth } from "../../../src/services/account/Auth.ts"
import { admitPublisher, askerOf } from "../../../src/services/publishing/AdmitPublisher.ts"
import {
  createKey,
  inviteMember,
  joinPublisher,
  removeMember,
  viewInvitation
} from "../../../src/services/publishing/ManagePublisher.ts"
import { Publishers } from "../../../src/services/publishing/Publishers.ts"
import { credential, Hands, inRealTime, password, worlds } from "../../worlds.ts"

let made = 0

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`Publishers (${label})`, (it) => {
    /** Somebody who is signed in. */
    const person = Effect.gen(function* () {
      const hands = yield* Hands
      const auth = yield* Auth
      const name = `publisher-${++made}`
      const session = credential({ bearer: (yield* hands.signUp(name)).bearer })
      const { userId } = yield* Effect.orDie(auth.identify(session))
      return { userId, session, email: `${name}@example.org`, name }
    })

    const acme = Effect.gen(function* () {
      const publishers = yield* Publishers
      const owner = yield* person
      const slug = Slug.make(`acme-${++made}`)
      const { created, publisher } = yield* Effect.orDie(publishers.create(slug, owner.email.toUpperCase()))
      assert.isTrue(created)
      return { publishers, owner, slug, organizationId: publisher.id }
    })

    const rolesOf = ({ organizationId, publishers }: Effect.Effect.Success<typeof acme>) =>
      Effect.map(publishers.members(organizationId), ({ members }) =>
        Object.fromEntries(members.map(({ role, userId }) => [userId, role]))
      )

    const bearerOf = (key: Redacted.Redacted<string>) => credential({ bearer: `Bearer ${Redacted.value(key)}` })

    it.effect("are made with an owner, and found again", () =>
      Effect.gen(function* () {
        const { organizationId, owner, publishers, slug } = yield* acme
        const second = yield* person
        const again = yield* publishers.create(slug, second.email)
        assert.deepStrictEqual([again.created, again.publisher.id], [false, organizationId])
        assert.deepStrictEqual(again.owner, { name: second.name, email: second.email, emailVerified: false })
        const { invitations, members } = yield* publishers.members(organizationId)
        assert.deepStrictEqual(
          members.map(({ email, name, role, userId }) => ({ email, name, role, userId })),
          [owner, second].map(({ email, name, userId }) => ({ email, name, role: "owner", userId }))
        )
        assert.deepStrictEqual(invitations, [])
        assert.deepStrictEqual(yield* publishers.list(owner.userId), [
          { id: organizationId, slug, name: slug, role: "owner" }
        ])
      })
    )

    it.effect("are made for accounts alone, and out of no private organization", () =>
      Effect.gen(function* () {
        const { owner, publishers, slug } = yield* acme
        const hands = yield* Hands
        const nobody = yield* Effect.flip(publishers.create(Slug.make(`new-${slug}`), "nobody@example.org"))
        assert.strictEqual(
          nobody.message,
          "Nobody has an account with the e-mail address nobody@example.org. Sign up with it first (/sign-up)."
        )
        assert.isNull((yield* publishers.facts(`new-${slug}`, null)).publisher)
        yield* hands.setVisibility(slug, "private")
        assert.strictEqual(
          (yield* Effect.flip(publishers.create(slug, owner.email))).message,
          `The organization "${slug}" is private, so it is no publisher. Choose another slug.`
        )
        assert.deepStrictEqual(yield* publishers.list(owner.userId), [])
        assert.strictEqual(
          (yield* Effect.flip(admitPublisher("read", { slug, credential: owner.session })))._tag,
          "PublisherNotFound"
        )
      })
    )

    it.effect("may have the slug of somebody's own organization, and give no right over that", () =>
      Effect.gen(function* () {
        const publishers = yield* Publishers
        const [ada, mallory] = [yield* person, yield* person]
        const slug = Slug.make(ada.name)
        yield* publishers.create(slug, mallory.email)
        const { publisher } = yield* publishers.facts(slug, ada.userId)
        assert.isTrue(publisher?.isPublic)
        const refused = yield* Effect.flip(admitPublisher("read", { slug, credential: ada.session }))
        assert.strictEqual(refused._tag, "PublisherNotFound")
        assert.strictEqual((yield* publishers.facts("no\u0000slug", ada.userId)).publisher, null)
      })
    )

    it.effect("let in by session and by key, each with a budget of its own", () =>
      Effect.gen(function* () {
        const { organizationId, owner, slug } = yield* acme
        const keys = yield* ApiKeys
        const { id, key } = yield* Effect.orDie(keys.create(organizationId, { name: "CI", scopes: ["read"] }))
        assert.isTrue(Redacted.value(key).startsWith(keyPrefix))
        const admitted = yield* admitPublisher("read", { slug, credential: bearerOf(key) })
        assert.deepStrictEqual(admitted.publisher, { id: organizationId, slug, name: slug })
        assert.deepStrictEqual(admitted.asker, { _tag: "Key", key: { id, organizationId, scopes: ["read"] } })
        const refused = yield* Effect.flip(admitPublisher("publish", { slug, credential: bearerOf(key) }))
        assert.strictEqual(refused._tag, "NotPermitted")
        // Three reads a minute.
        const read = (given: typeof owner.session) => admitPublisher("read", { slug, credential: given })
        yield* Effect.replicateEffect(read(bearerOf(key)), 2)
        assert.strictEqual((yield* Effect.flip(read(bearerOf(key))))._tag, "RateLimitExceeded")
        assert.strictEqual((yield* read(owner.session)).asker._tag, "Person")
        const other = yield* Effect.orDie(keys.create(organizationId, { name: "CI 2", scopes: ["read"] }))
        yield* read(bearerOf(other.key))
      })
    )

    it.effect("know a key by its bearer scheme, however that is written, and by nothing else", () =>
      Effect.gen(function* () {
        const { organizationId } = yield* acme
        const keys = yield* ApiKeys
        const { id, key } = yield* Effect.orDie(keys.create(organizationId, { name: "CI", scopes: ["read"] }))
        const asked = (scheme: string) => askerOf(credential({ bearer: `${scheme}${Redacted.value(key)}` }))
        for (const scheme of ["Bearer ", "bEARER   "]) {
          assert.deepInclude(yield* asked(scheme), { _tag: "Key", key: { id, organizationId, scopes: ["read"] } })
        }
        for (const scheme of ["", "Basic ", "No Bearer "]) {
          assert.strictEqual((yield* Effect.flip(asked(scheme)))._tag, "Unauthenticated")
        }
      })
    )

    it.effect("have keys that are shown once, open one publisher, and end at once", () =>
      Effect.gen(function* () {
        const first = yield* acme
        const second = yield* acme
        const keys = yield* ApiKeys
        const auth = yield* Auth
        const call = { slug: first.slug, credential: first.owner.session }
        const body = Effect.succeed({ name: "CI", scopes: ["publish", "read"] as const })
        const { id, key } = yield* Effect.orDie(createKey({ ...call, body }))
        const listed = yield* keys.list(first.organizationId)
        assert.deepStrictEqual(
          listed.map(({ createdAt: _, ...one }) => one),
          [{ id, name: "CI", start: Redacted.value(key).slice(0, 8), scopes: ["publish", "read"], lastUsedAt: null }]
        )
        yield* admitPublisher("publish", { slug: first.slug, credential: bearerOf(key) })
        assert.isNotNull((yield* keys.list(first.organizationId))[0]?.lastUsedAt)
        const elsewhere = yield* Effect.flip(admitPublisher("read", { slug: second.slug, credential: bearerOf(key) }))
        assert.strictEqual(elsewhere._tag, "PublisherNotFound")
        // A key is no session.
        assert.strictEqual((yield* Effect.flip(auth.identify(bearerOf(key))))._tag, "Unauthenticated")
        const made = yield* Effect.flip(createKey({ slug: first.slug, credential: bearerOf(key), body }))
        assert.strictEqual(made._tag, "NotPermitted")

        assert.strictEqual((yield* Effect.flip(keys.delete(second.organizationId, id)))._tag, "KeyNotFound")
        yield* keys.delete(first.organizationId, id)
        assert.strictEqual((yield* Effect.flip(keys.delete(first.organizationId, id)))._tag, "KeyNotFound")
        const ended = yield* Effect.flip(admitPublisher("read", { slug: first.slug, credential: bearerOf(key) }))
        assert.strictEqual(ended._tag, "Unauthenticated")
        const never = Redacted.make(`${keyPrefix}${"x".repeat(64)}`)
        assert.strictEqual((yield* Effect.flip(keys.verify(never)))._tag, "Unauthenticated")
        assert.strictEqual(
          (yield* Effect.flip(keys.verify(Redacted.make(`${keyPrefix}\u0000`))))._tag,
          "Unauthenticated"
        )
      })
    )

    it.effect("have a hundred keys at most", () =>
      Effect.gen(function* () {
        const { organizationId } = yield* acme
        const keys = yield* ApiKeys
        const create = keys.create(organizationId, { name: "CI", scopes: ["read"] })
        yield* Effect.orDie(Effect.replicateEffect(create, mostKeys))
        assert.strictEqual((yield* Effect.flip(create))._tag, "LimitReached")
      })
    )

    it.effect("invite the account of an address, once, by what they alone are given", () =>
      Effect.gen(function* () {
        const world = yield* acme
        const { organizationId, owner, publishers, slug } = world
        const [charles, mallory] = [yield* person, yield* person]
        const invite = (role: Role) =>
          Effect.orDie(
            inviteMember({
              slug,
              credential: owner.session,
              body: Effect.succeed({ email: ` ${charles.email.toUpperCase()} `, role })
            })
          )
        const old = yield* invite("owner")
        const { id, token } = yield* invite("admin")
        assert.deepStrictEqual(
          (yield* publishers.members(organizationId)).invitations.map(({ expiresAt: _, ...one }) => one),
          [{ id, email: charles.email, role: "admin" }]
        )
        const join = (session: typeof owner.session, token: Redacted.Redacted<string>) =>
          joinPublisher({ credential: session, body: Effect.succeed({ token }) })
        for (const [session, given] of [
          [mallory.session, token],
          [charles.session, old.token],
          [charles.session, Redacted.make("nothing")]
        ] as const) {
          assert.strictEqual((yield* Effect.flip(join(session, given)))._tag, "InvitationNotFound")
        }
        assert.strictEqual((yield* Effect.flip(viewInvitation(mallory.session, token)))._tag, "InvitationNotFound")
        assert.deepStrictEqual(yield* viewInvitation(charles.session, token), {
          id: organizationId,
          slug,
          name: slug,
          role: "admin"
        })
        assert.strictEqual((yield* join(charles.session, token)).role, "admin")
        assert.strictEqual((yield* Effect.flip(join(charles.session, token)))._tag, "InvitationNotFound")
        assert.deepStrictEqual(yield* rolesOf(world), { [owner.userId]: "owner", [charles.userId]: "admin" })
        assert.deepStrictEqual((yield* publishers.members(organizationId)).invitations, [])

        const taken = yield* invite("member")
        yield* publishers.withdraw(organizationId, taken.id)
        assert.strictEqual(
          (yield* Effect.flip(publishers.withdraw(organizationId, taken.id)))._tag,
          "InvitationNotFound"
        )
        assert.strictEqual((yield* Effect.flip(join(charles.session, taken.token)))._tag, "InvitationNotFound")
      })
    )

    it.effect("are left by whoever wants to, and lose others by their owners alone", () =>
      Effect.gen(function* () {
        const world = yield* acme
        const { organizationId, owner, publishers, slug } = world
        const hands = yield* Hands
        const [admin, member] = [yield* person, yield* person]
        yield* hands.setRole(organizationId, admin.userId, "admin")
        yield* hands.setRole(organizationId, member.userId, "member")
        const remove = (by: typeof owner, whom: UserId) => removeMember({ slug, credential: by.session }, whom)
        assert.strictEqual((yield* Effect.flip(remove(admin, member.userId)))._tag, "NotPermitted")
        assert.strictEqual((yield* Effect.flip(remove(owner, owner.userId)))._tag, "LastOwner")
        yield* remove(member, member.userId)
        assert.strictEqual((yield* Effect.flip(remove(owner, member.userId)))._tag, "MemberNotFound")
        yield* publishers.change(organizationId, admin.userId, "owner")
        yield* remove(owner, owner.userId)
        assert.deepStrictEqual(yield* rolesOf(world), { [admin.userId]: "owner" })
        assert.strictEqual(
          (yield* Effect.flip(admitPublisher("read", { slug, credential: owner.session })))._tag,
          "PublisherNotFound"
        )
      })
    )

    inRealTime(it)("always have an owner, also where all leave at once", () =>
      Effect.gen(function* () {
        const world = yield* acme
        const { organizationId, owner, publishers } = world
        const hands = yield* Hands
        const others = yield* Effect.all([person, person, person])
        for (const { userId } of others) yield* hands.setRole(organizationId, userId, "owner")
        const left = yield* Effect.forEach(
          [owner, ...others],
          ({ userId }) => Effect.either(publishers.change(organizationId, userId, null)),
          { concurrency: "unbounded" }
        )
        assert.lengthOf(
          left.filter(({ _tag }) => _tag === "Right"),
          3
        )
        assert.deepStrictEqual(Object.values(yield* rolesOf(world)), ["owner"])
      })
    )

    it.effect("go with their only owner's account, keys and all", () =>
      Effect.gen(function* () {
        const { organizationId, owner, publishers, slug } = yield* acme
        const keys = yield* ApiKeys
        const accounts = yield* Accounts
        const { key } = yield* Effect.orDie(keys.create(organizationId, { name: "CI", scopes: ["read"] }))
        yield* Effect.orDie(publishers.invite(organizationId, { email: "somebody@example.org", role: "member" }))
        yield* accounts.delete(owner.userId, Redacted.make(password))
        assert.isNull((yield* publishers.facts(slug, null)).publisher)
        assert.strictEqual((yield* Effect.flip(keys.verify(key)))._tag, "Unauthenticated")
        assert.deepStrictEqual(yield* keys.list(organizationId), [])
        assert.deepStrictEqual(yield* publishers.members(organizationId), { members: [], invitations: [] })
      })
    )
  })
}
