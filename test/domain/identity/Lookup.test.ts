import { assert, describe, it } from "@effect/vitest"
import { OrganizationId, Slug, UserId } from "../../../src/domain/Ids.ts"
import { IdentityId, LinkId, promptOf } from "../../../src/domain/identity/Identity.ts"
import { decideLookup, type LookupFacts } from "../../../src/domain/identity/Lookup.ts"

type Claim = LookupFacts["claims"][number]

const owner: LookupFacts["owner"] = {
  userId: UserId.make("ada"),
  name: "Ada",
  email: "ada@example.org",
  organizationId: OrganizationId.make("org_1"),
  organizationSlug: Slug.make("ada"),
  memberEntityId: "1",
  agents: []
}
const claim = (id: number, more: Partial<Claim> = {}): Claim => ({
  id: IdentityId.make(String(id)),
  entityId: "1",
  linkId: LinkId.make(`link_${id}`),
  origin: "typed",
  senderAgreed: false,
  address: null,
  ...more
})
const proof = { id: IdentityId.make("9"), address: null, otherAddress: null }
const asked = { namespace: "wa_jid", identifier: "447911123456@s.whatsapp.net", address: "447911123456@c.us" }
const byPhone = { namespace: "phone", identifier: "+447911123456", address: "+447911123456" }

const decide = (claims: ReadonlyArray<Claim>, routeOnClaim = false) =>
  decideLookup(asked, { proof: null, claims, owner }, routeOnClaim).result
const kindOf = (result: ReturnType<typeof decide>) =>
  result === null ? "nobody" : result.verified ? "verified" : "organization" in result ? "routed" : "asked"
const askedAbout = (...claims: ReadonlyArray<Claim>) => {
  const result = decide(claims)
  return result !== null && "prompt" in result ? result.prompt : undefined
}

describe("decideLookup", () => {
  it("answers a person's claims with the question, rivals' as nobody's, and in full only where a typed one may route", () => {
    const code = { origin: "code" } as const
    const cases: ReadonlyArray<readonly [claims: ReadonlyArray<Claim>, asks: string, routes: string]> = [
      [[], "nobody", "nobody"],
      [[claim(1)], "asked", "routed"],
      [[claim(1, code)], "asked", "asked"],
      [[claim(1, code), claim(2)], "asked", "routed"],
      [[claim(1), claim(2, { entityId: "2" })], "nobody", "nobody"],
      [[claim(1, code), claim(2, { ...code, entityId: "2" })], "nobody", "nobody"]
    ]
    for (const [claims, asks, routes] of cases) {
      assert.deepStrictEqual([kindOf(decide(claims)), kindOf(decide(claims, true))], [asks, routes])
    }
  })

  it("asks about the link that waits for the person, then about a code's, then about the newest", () => {
    const code = { origin: "code" } as const
    const about = (id: number) => promptOf(owner.email, LinkId.make(`link_${id}`))
    assert.deepStrictEqual(askedAbout(claim(9), claim(1, code)), about(1))
    assert.deepStrictEqual(askedAbout(claim(9, code), claim(10, code)), about(10))
    assert.deepStrictEqual(askedAbout(claim(9, code), claim(1, { ...code, senderAgreed: true })), about(1))
  })

  it("answers a proof in full, to the address that was seen last, and keeps a newer one", () => {
    const cases = [
      { one: asked, known: proof, answerTo: asked.address, newAddress: asked.address },
      { one: asked, known: { ...proof, address: asked.address }, answerTo: asked.address, newAddress: null },
      { one: byPhone, known: { ...proof, address: "seen", otherAddress: "other" }, answerTo: "seen", newAddress: null },
      { one: byPhone, known: { ...proof, otherAddress: "other" }, answerTo: "other", newAddress: null },
      { one: byPhone, known: proof, answerTo: null, newAddress: null }
    ]
    for (const { answerTo, known, newAddress, one } of cases) {
      assert.deepStrictEqual(decideLookup(one, { proof: known, claims: [], owner }, false), {
        result: {
          verified: true,
          person: { userId: owner.userId, name: owner.name },
          organization: { id: owner.organizationId, slug: owner.organizationSlug },
          memberEntityId: owner.memberEntityId,
          agents: owner.agents,
          answerTo
        },
        newAddress
      })
    }
  })
})
