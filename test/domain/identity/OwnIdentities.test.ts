import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import {
  checkNumber,
  IdentityId,
  IdentityState,
  LinkId,
  type OwnIdentity,
  orderOfIdentities
} from "../../../src/domain/identity/Identity.ts"
import type { KnownIdentifier, KnownLink } from "../../../src/domain/identity/LinkFacts.ts"
import {
  groupOf,
  linkShownAs,
  type OwnIdentifier,
  ownIdentifiers,
  ownIdentities,
  ownIdentity
} from "../../../src/domain/identity/OwnIdentities.ts"
import { pageOf } from "../../../src/domain/Page.ts"

const now = 1_000_000
const phone = { namespace: "phone", identifier: "+447911123456" } as const
const lid = { namespace: "wa_lid", identifier: "185031603552434@lid" } as const
const linkId = LinkId.make("link_1")

const own = (id: number, more: Partial<OwnIdentifier> = {}): OwnIdentifier => ({
  ...phone,
  id: IdentityId.make(String(id)),
  linkId,
  platform: "whatsapp",
  state: "claimed",
  origin: "code",
  ...more
})
const numbers = (rows: ReadonlyArray<{ readonly id: IdentityId }>) => rows.map(({ id }) => Number(id))

describe("an identifier, as its person sees it", () => {
  const factsOf = (
    link: Partial<KnownLink> | null,
    state: KnownIdentifier["state"],
    refusals: ReadonlyArray<typeof phone | typeof lid> = []
  ) => {
    const mine = { entityId: "1", id: IdentityId.make("7"), linkId: link && linkId, state, orphaned: false, ...phone }
    const known = { id: linkId, entityId: "1", platform: "whatsapp", origin: "typed", closed: false } as const
    return {
      now,
      nextLinkId: LinkId.make("link_new"),
      person: { entityId: "1", email: null },
      links: link === null ? [] : [{ ...known, senderAgreed: false, personAgreed: true, expiresAt: now + 1, ...link }],
      identifiers: [mine, { ...mine, id: IdentityId.make("8"), entityId: "2" }],
      refusals,
      linkSender: []
    }
  }

  it("is in the state to which its link has come, and not there once its claim has expired", () => {
    const [code, agreed, over] = [{ origin: "code" } as const, { senderAgreed: true }, { expiresAt: now }]
    const seen = (...facts: Parameters<typeof factsOf>) => ownIdentifiers(factsOf(...facts)).map(({ state }) => state)
    assert.deepStrictEqual(seen({}, "claimed"), ["claimed"])
    assert.deepStrictEqual(seen({}, "claimed", [lid]), ["claimed"])
    assert.deepStrictEqual(seen({}, "claimed", [phone]), ["declined"])
    assert.deepStrictEqual(seen(code, "claimed", [phone]), ["claimed"])
    assert.deepStrictEqual(seen(agreed, "claimed"), ["confirm_session"])
    assert.deepStrictEqual(seen(over, "claimed"), [])
    for (const state of ["verified", "displaced"] as const) {
      assert.deepStrictEqual(seen({ ...agreed, ...over, closed: true }, state), [state])
      assert.deepStrictEqual(seen(null, state), [state])
    }
  })

  it("is shown by its link, if it has one", () => {
    const shown = (link: Partial<KnownLink> | null) => linkShownAs(factsOf(link, "verified"), IdentityId.make("7"))
    assert.strictEqual(shown({}), linkId)
    assert.isNull(shown(null))
    assert.isNull(linkShownAs(factsOf({}, "verified"), IdentityId.make("8")))
  })
})

describe("an identity", () => {
  it("has the name that people recognize best, of two the older, in whatever order they come", () => {
    const names = [own(1, lid), own(2), own(10, { identifier: "+541123456789" })]
    FastCheck.assert(
      FastCheck.property(FastCheck.shuffledSubarray(names, { minLength: 3 }), ([first, ...more]) => {
        assert(first)
        assert.strictEqual(ownIdentity([first, ...more]).id, "2")
      })
    )
  })

  it("shows the check number of its link as long as its sender is asked", () => {
    const shown = IdentityState.literals.map((state) => [state, ownIdentity([own(1, { state })]).checkNumber])
    assert.deepStrictEqual(Object.fromEntries(shown), {
      claimed: checkNumber(linkId),
      declined: undefined,
      confirm_session: checkNumber(linkId),
      verified: undefined,
      displaced: undefined
    })
    assert.notProperty(ownIdentity([own(1, { linkId: null })]), "checkNumber")
  })
})

describe("what is shown as one", () => {
  const [typed, code, other] = ["link_typed", "link_code", "link_other"].map((id) => LinkId.make(id))
  const number = (state: IdentityState, id = 1) => own(id, { linkId: typed ?? null, origin: "typed", state })
  const ofCode = (id: number, more: Partial<OwnIdentifier> = {}) => own(id, { linkId: code ?? null, ...more })
  const groups = (...all: ReadonlyArray<OwnIdentifier>) =>
    all.map((one) => numbers(groupOf(all, one.id) ?? []).join(" "))

  it("are the identifiers of a link in one state, and each that has no link", () => {
    const displaced = own(3, { state: "displaced" })
    assert.deepStrictEqual(groups(own(1), own(2, lid), displaced), ["1 2", "1 2", "3"])
    assert.deepStrictEqual(groups(own(1, { linkId: null }), own(2, { linkId: null })), ["1", "2"])
    assert.isUndefined(groupOf([own(1)], IdentityId.make("2")))
  })

  it("are a code and the typed number it came from, of several codes that which waits for the person", () => {
    assert.deepStrictEqual(groups(number("claimed"), ofCode(2), ofCode(3, lid)), ["2 3 1", "2 3 1", "2 3 1"])
    assert.deepStrictEqual(groups(number("declined"), ofCode(2)), ["2 1", "2 1"])
    const agreed = ofCode(2, { state: "confirm_session" })
    const newer = own(3, { linkId: other ?? null })
    assert.deepStrictEqual(groups(number("claimed"), newer, agreed), ["2 1", "3", "2 1"])
  })

  it("are a code and a typed number no more where either is proved or of another number", () => {
    for (const state of ["verified", "displaced"] as const) {
      assert.deepStrictEqual(groups(number(state), ofCode(2)), ["1", "2"])
      assert.deepStrictEqual(groups(number("claimed"), ofCode(2, { state })), ["1", "2"])
    }
    assert.deepStrictEqual(groups(number("claimed"), ofCode(2, lid)), ["1", "2"])
    assert.deepStrictEqual(groups(number("claimed"), { ...number("claimed", 2), linkId: other ?? null }), ["1", "2"])
  })
})

describe("a person's identities", () => {
  const identifiers = (count: number, state: IdentityState, from: number) =>
    Array.from({ length: count }, (_, at) => own(from + at, { linkId: LinkId.make(`link_${from + at}`), state }))
  const shown = (rows: ReadonlyArray<OwnIdentifier>) => numbers(ownIdentities(rows))

  it("are all shown up to 200, the oldest first; beyond, the newest, and what is displaced after all else", () => {
    const few = [...identifiers(100, "displaced", 1), ...identifiers(100, "claimed", 101)]
    assert.deepStrictEqual(shown(few.toReversed()), numbers(few))
    const lost = shown([...identifiers(1, "verified", 1), ...identifiers(250, "displaced", 2)])
    assert.deepStrictEqual([lost.length, lost[0], lost[1], lost.at(-1)], [200, 1, 53, 251])
    const many = shown([...identifiers(250, "claimed", 1), ...identifiers(5, "displaced", 251)])
    assert.deepStrictEqual([many.length, many[0], many.at(-1)], [200, 51, 250])
  })

  it("are in pages the oldest first, and what is displaced after all else", () => {
    const all = ownIdentities([...identifiers(2, "displaced", 1), ...identifiers(3, "verified", 9)])
    const { items } = pageOf<OwnIdentity>(all, orderOfIdentities, { limit: 5 })
    assert.deepStrictEqual(numbers(items), [9, 10, 11, 1, 2])
  })
})
