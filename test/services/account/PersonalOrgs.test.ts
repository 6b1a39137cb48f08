import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { UserId } from "../../../src/domain/Ids.ts"
import { OrgResolver } from "../../../src/services/account/OrgResolver.ts"
import { PersonalOrgs } from "../../../src/services/account/PersonalOrgs.ts"
import { Hands, inRealTime, newPerson, worlds } from "../../worlds.ts"

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`PersonalOrgs (${label})`, (it) => {
    const ensure = (userId: UserId) => Effect.flatMap(PersonalOrgs, (personalOrgs) => personalOrgs.ensure(userId))
    const personalOrg = (userId: UserId) => Effect.flatMap(OrgResolver, (orgs) => orgs.personalOrg(userId))

    it.effect("gives a person an organization, and the identities they are known by", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const userId = yield* hands.account("Zoë Ångström-Müller", "zoe@example.org")
        yield* ensure(userId)
        const organization = yield* personalOrg(userId)
        assert.strictEqual(organization.slug, "zoe-angstrom-muller")
        const identities = yield* hands.identities(organization.id)
        assert.sameDeepMembers(
          identities.map(({ identifier, namespace, state }) => ({ identifier, namespace, state })),
          [
            { namespace: "auth_user_id", identifier: userId, state: "verified" },
            { namespace: "email", identifier: "zoe@example.org", state: "claimed" }
          ]
        )
      })
    )

    it.effect("serves a person whose name was taken before names were held to one line", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const userId = yield* hands.account("Old\nTimer\u202e", "old.timer@example.org")
        yield* ensure(userId)
        const { slug } = yield* personalOrg(userId)
        assert.deepStrictEqual([slug as string, yield* hands.organizationName(slug)], ["old-timer", "Old Timer "])
      })
    )

    inRealTime(it)("changes nothing when asked again, also many times at once", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const userId = yield* hands.account("Once Only", "once@example.org")
        yield* Effect.all(
          Array.from({ length: 12 }, () => ensure(userId)),
          { concurrency: "unbounded", discard: true }
        )
        const organization = yield* personalOrg(userId)
        assert.strictEqual((yield* hands.identities(organization.id)).length, 2)
      })
    )

    inRealTime(it)("numbers the slugs of people of one name who sign up at once", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const ids = yield* Effect.forEach(Array.from({ length: 20 }), (_, at) =>
          hands.account("John Smith", `john-${at}@example.org`)
        )
        yield* Effect.forEach(ids, ensure, { concurrency: "unbounded", discard: true })
        const slugs = yield* Effect.forEach(ids, (id) => Effect.map(personalOrg(id), ({ slug }) => slug as string))
        assert.sameMembers(slugs, ["john-smith", ...Array.from({ length: 19 }, (_, at) => `john-smith-${at + 2}`)])
      })
    )

    it.effect("falls back to the address, then to the id, where the name gives no slug that may be used", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const reserved = yield* hands.account("Admin", "tester.one@example.org")
        const foreign = yield* hands.account("李雷", "李雷@example.org")
        yield* ensure(reserved)
        yield* ensure(foreign)
        assert.strictEqual((yield* personalOrg(reserved)).slug, "tester-one")
        assert.match((yield* personalOrg(foreign)).slug, /^user-user/)
      })
    )

    it.effect("gives back the membership of an organization that has no owner left", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const { organization, userId } = yield* newPerson()
        yield* hands.leave(organization.id, userId)
        yield* ensure(userId)
        assert.strictEqual((yield* personalOrg(userId)).id, organization.id)
      })
    )

    it.effect("takes nobody's organization away from another owner", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const mine = yield* newPerson()
        const other = yield* newPerson()
        yield* hands.leave(mine.organization.id, mine.userId)
        yield* hands.setRole(mine.organization.id, other.userId, "owner")
        yield* ensure(mine.userId)
        assert.strictEqual((yield* Effect.flip(personalOrg(mine.userId)))._tag, "NoPersonalOrg")
      })
    )

    it.effect("leaves an address claimed for as long as it is verified for somebody else", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const email = (userId: UserId) =>
          Effect.gen(function* () {
            yield* ensure(userId)
            const identities = yield* hands.identities((yield* personalOrg(userId)).id)
            return identities
              .filter(({ namespace }) => namespace === "email")
              .map(({ identifier, state }) => `${identifier} ${state}`)
          })
        const before = yield* hands.account("Before", "shared@example.org")
        yield* hands.setEmail(before, "shared@example.org", true)
        assert.deepStrictEqual(yield* email(before), ["shared@example.org verified"])
        yield* hands.setEmail(before, "moved@example.org", true)
        const after = yield* hands.account("After", "shared@example.org")
        yield* hands.setEmail(after, "shared@example.org", true)
        assert.deepStrictEqual(yield* email(after), ["shared@example.org claimed"])
        assert.deepStrictEqual(yield* email(before), ["moved@example.org verified"])
        assert.deepStrictEqual(yield* email(after), ["shared@example.org verified"])
      })
    )

    it.effect("leaves an account alone that does not exist", () => ensure(UserId.make("nobody")))
  })
}
