import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { OrganizationId } from "../../../src/domain/Ids.ts"
import { checkNumber, IdentityId, LinkId } from "../../../src/domain/identity/Identity.ts"
import {
  decideLink,
  eventsOf,
  type LinkChanges,
  type LinkEvent,
  type LinkEventName
} from "../../../src/domain/identity/Link.ts"
import type { KnownIdentifier, KnownLink, LinkFacts } from "../../../src/domain/identity/LinkFacts.ts"
import { ownIdentifiers, ownIdentities } from "../../../src/domain/identity/OwnIdentities.ts"
import type { Identifier } from "../../../src/domain/identity/WaId.ts"

const now = 1_000_000
const [mine, theirs] = ["entity of Ada", "entity of Bob"]
const linkId = LinkId.make("link_1")
const organizationId = OrganizationId.make("org_1")

const phone = { namespace: "phone", identifier: "+447911123456" } as const
const lid = { namespace: "wa_lid", identifier: "185031603552434@lid" } as const
const sender = { platform: "whatsapp" as const, identifiers: [phone] }

const link = (more: Partial<KnownLink>): KnownLink => ({
  id: linkId,
  entityId: mine,
  platform: "whatsapp",
  origin: "typed",
  senderAgreed: false,
  personAgreed: more.origin !== "code",
  expiresAt: now + 1,
  closed: false,
  ...more
})
const known = (id: number, more: Partial<KnownIdentifier> = {}): KnownIdentifier => ({
  ...phone,
  id: IdentityId.make(String(id)),
  entityId: mine,
  linkId,
  state: "claimed",
  orphaned: false,
  ...more
})
const facts = (more: Partial<LinkFacts>): LinkFacts => ({
  now,
  nextLinkId: LinkId.make("link_new"),
  person: { entityId: mine, email: "ada@example.org" },
  links: [],
  identifiers: [],
  refusals: [],
  linkSender: more.links?.some(({ id }) => id === linkId) ? [phone] : [],
  ...more
})

const claims = (more: Partial<KnownLink>) => facts({ links: [link(more)], identifiers: [known(1)] })
const other = { namespace: "phone", identifier: "+447911999999" } as const
const unlinked = known(8, { ...other, linkId: null, state: "verified" })
const asked = { origin: "code" } as const
const agreed = { senderAgreed: true, personAgreed: true, closed: true } as const
const theirProof = known(9, { entityId: theirs, linkId: LinkId.make("link_9"), state: "verified" })

/** Where a link between Ada and a phone can be. */
const states = {
  "nothing known": facts({}),
  "claimed by typing": claims({}),
  declined: { ...claims({}), refusals: [phone] },
  "asked after a code": claims(asked),
  "confirmed before the sender answers": claims({ ...asked, personAgreed: true }),
  "waiting for confirmation": claims({ ...asked, senderAgreed: true }),
  verified: facts({ links: [link(agreed)], identifiers: [known(1, { state: "verified" })] }),
  displaced: facts({ links: [link(agreed)], identifiers: [known(1, { state: "displaced" }), theirProof] }),
  "a typed claim that expired": claims({ expiresAt: now }),
  "a code's question that expired": claims({ ...asked, expiresAt: now }),
  "taken back": facts({ links: [link({ closed: true })] }),
  "verified for another": facts({ identifiers: [theirProof] }),
  "verified for one whose entity is gone": facts({ identifiers: [{ ...theirProof, orphaned: true }] }),
  "no account": facts({ person: null, identifiers: [theirProof] })
} as const

/** What can happen to it. */
const events = {
  typed: { event: "typed", organizationId, sender },
  code: { event: "code", organizationId, sender },
  yes: { event: "answered", linkId, sender, yes: true },
  no: { event: "answered", linkId, sender, yes: false },
  confirmed: { event: "confirmed", id: IdentityId.make("1") },
  unlinked: { event: "unlinked", id: IdentityId.make("1") }
} as const

const written = ({ displaced, endedIdentities, endedLinks, forgiven, link, refused }: LinkChanges) => [
  ...(link === null
    ? []
    : [
        [
          link.verified && link.senderAgreed && link.personAgreed
            ? "verify"
            : link.id === "link_new"
              ? `open ${link.origin}`
              : "go on",
          ...(link.verified || !link.senderAgreed ? [] : ["sender agrees"]),
          ...(link.verified || !link.personAgreed || link.origin === "typed" ? [] : ["person agrees"])
        ].join(", ")
      ]),
  ...endedLinks.map((id) => `end ${id}`),
  ...endedIdentities.map((id) => `end identity ${id}`),
  ...displaced.map((id) => `displace ${id}`),
  ...(refused.length === 0 ? [] : ["refuse"]),
  ...(forgiven.length === 0 ? [] : ["forgive"])
]
/** The answer and what is written, or why it is refused, in words. */
const outcome = <Name extends LinkEventName>(known: LinkFacts, event: LinkEvent<Name>): string =>
  Either.match(
    Either.mapLeft(decideLink(known, event), ({ _tag }) => _tag),
    {
      onLeft: (tag) => tag,
      onRight: ({ answer, changes }) => {
        if (changes !== null) assert.isNotEmpty(written(changes))
        return [
          typeof answer !== "object" ? (answer ?? "done") : "state" in answer ? answer.state : "asked",
          ...(changes === null ? [] : written(changes))
        ].join("; ")
      }
    }
  )

const changesOf = <Name extends LinkEventName>(known: LinkFacts, event: LinkEvent<Name>) => {
  const decision = decideLink(known, event)
  assert(Either.isRight(decision) && decision.right.changes !== null, JSON.stringify(decision))
  return decision.right.changes
}

describe("decideLink", () => {
  const table: Record<keyof typeof states, Record<keyof typeof events, string>> = {
    "nothing known": {
      typed: "claimed; open typed",
      code: "asked; open code",
      yes: "PendingNotFound",
      no: "PendingNotFound",
      confirmed: "IdentityNotFound",
      unlinked: "IdentityNotFound"
    },
    "claimed by typing": {
      typed: "claimed; go on",
      code: "asked; open code",
      yes: "verified; verify",
      no: "declined; end link_1; refuse",
      confirmed: "claimed; go on",
      unlinked: "done; end link_1"
    },
    declined: {
      typed: "declined; go on",
      code: "asked; open code",
      yes: "verified; verify; forgive",
      no: "declined; end link_1; refuse",
      confirmed: "declined; go on",
      unlinked: "done; end link_1"
    },
    "asked after a code": {
      typed: "claimed; open typed",
      code: "asked; open code; end link_1",
      yes: "confirm_session; go on, sender agrees",
      no: "declined; end link_1; refuse",
      confirmed: "claimed; go on, person agrees",
      unlinked: "done; end link_1"
    },
    "confirmed before the sender answers": {
      typed: "claimed; open typed",
      code: "asked; open code; end link_1",
      yes: "verified; verify",
      no: "declined; end link_1; refuse",
      confirmed: "claimed; go on, person agrees",
      unlinked: "done; end link_1"
    },
    "waiting for confirmation": {
      typed: "claimed; open typed",
      code: "asked; open code; end link_1",
      yes: "confirm_session; go on, sender agrees",
      no: "declined; end link_1; refuse",
      confirmed: "verified; verify",
      unlinked: "done; end link_1"
    },
    verified: {
      typed: "verified",
      code: "already_linked_here",
      yes: "verified",
      no: "PendingNotFound",
      confirmed: "verified",
      unlinked: "done; end link_1"
    },
    displaced: {
      typed: "IdentityTaken",
      code: "asked; open code",
      yes: "PendingNotFound",
      no: "declined; refuse",
      confirmed: "displaced",
      unlinked: "done; end identity 1"
    },
    "a typed claim that expired": {
      typed: "claimed; open typed; end link_1",
      code: "asked; open code",
      yes: "PendingNotFound",
      no: "declined; end link_1; refuse",
      confirmed: "IdentityNotFound",
      unlinked: "IdentityNotFound"
    },
    "a code's question that expired": {
      typed: "claimed; open typed",
      code: "asked; open code; end link_1",
      yes: "PendingNotFound",
      no: "declined; end link_1; refuse",
      confirmed: "IdentityNotFound",
      unlinked: "IdentityNotFound"
    },
    "taken back": {
      typed: "claimed; open typed",
      code: "asked; open code",
      yes: "PendingNotFound",
      no: "declined; refuse",
      confirmed: "IdentityNotFound",
      unlinked: "IdentityNotFound"
    },
    "verified for another": {
      typed: "IdentityTaken",
      code: "asked; open code",
      yes: "PendingNotFound",
      no: "PendingNotFound",
      confirmed: "IdentityNotFound",
      unlinked: "IdentityNotFound"
    },
    "verified for one whose entity is gone": {
      typed: "claimed; open typed",
      code: "asked; open code",
      yes: "PendingNotFound",
      no: "PendingNotFound",
      confirmed: "IdentityNotFound",
      unlinked: "IdentityNotFound"
    },
    "no account": {
      typed: "NoMember",
      code: "NoMember",
      yes: "PendingNotFound",
      no: "PendingNotFound",
      confirmed: "IdentityNotFound",
      unlinked: "IdentityNotFound"
    }
  }
  for (const [state, expected] of Object.entries(table) as ReadonlyArray<
    [keyof typeof states, (typeof table)["declined"]]
  >) {
    it(`says what each event does where it is: ${state}`, () => {
      const outcomes = Object.entries(events).map(([name, event]) => [name, outcome(states[state], event)])
      assert.deepStrictEqual(Object.fromEntries(outcomes), expected)
    })
  }

  it("displaces whoever had what is proved, ends the person's own older one, and every question about it", () => {
    const [old, question] = [LinkId.make("link_old"), LinkId.make("link_question")]
    const changes = changesOf(
      facts({
        links: [link({ ...agreed, id: old }), link({}), link({ ...asked, id: question, entityId: theirs })],
        identifiers: [
          known(1),
          known(2, { ...other, linkId: old, state: "verified" }),
          known(3, { linkId: null, state: "verified" }),
          known(4, { linkId: LinkId.make("link_lost"), state: "displaced" }),
          known(5, { linkId: question, entityId: theirs }),
          known(6, { ...other, linkId: LinkId.make("link_other"), entityId: theirs }),
          known(7, { ...other, linkId: LinkId.make("link_typed") }),
          known(8, { ...lid, linkId: null, state: "verified" }),
          theirProof
        ]
      }),
      events.yes
    )
    assert.deepStrictEqual(written(changes), [
      "verify",
      "end link_question",
      "end link_old",
      "end identity 3",
      "end identity 4",
      "displace 9"
    ])
  })

  it("waits an hour for the answer to a code, and thirty days for that of a number, from when it was typed last", () => {
    const opened = { id: "link_new", platform: "whatsapp", senderAgreed: false, identifiers: [phone], verified: false }
    const [inHour, inMonth] = [now + 3_600_000, now + 30 * 24 * 3_600_000]
    const [typed, code] = [changesOf(facts({}), events.typed), decideLink(facts({}), events.code)]
    assert.deepEqual(typed.link as unknown, { ...opened, origin: "typed", personAgreed: true, expiresAt: inMonth })
    const again = changesOf(states["claimed by typing"], events.typed)
    assert.deepInclude(again.link, { id: linkId, identifiers: [], expiresAt: inMonth })
    assert(Either.isRight(code))
    assert.deepStrictEqual<unknown>(code.right.answer, { linkId: "link_new", email: "ada@example.org" })
    assert.deepEqual(code.right.changes?.link as unknown, {
      ...opened,
      origin: "code",
      personAgreed: false,
      expiresAt: inHour
    })
  })

  it("opens a link for a typed number in place of the person's own on that platform, and of no other", () => {
    const code = LinkId.make("link_code")
    const cases: ReadonlyArray<readonly [outcome: string, of: Partial<LinkFacts>]> = [
      ["claimed; open typed", { links: [link({ entityId: theirs })], identifiers: [known(1, { entityId: theirs })] }],
      ["claimed; open typed", { links: [link({ platform: "telegram" as never })], identifiers: [known(1)] }],
      [
        "claimed; open typed; end link_1",
        { links: [link({}), link({ ...asked, id: code })], identifiers: [known(1, other), known(2, { linkId: code })] }
      ],
      ["claimed; go on", { links: [link({})], identifiers: [known(1), unlinked] }]
    ]
    for (const [expected, of] of cases) assert.strictEqual(outcome(facts(of), events.typed), expected)
  })

  it("asks the sender of a code unless all that is shown of them is proved, in place of that sender's earlier code", () => {
    const another = facts({ links: [link(asked)], identifiers: [known(1, lid), unlinked] })
    assert.strictEqual(outcome(another, events.code), "asked; open code")
    const partly = facts({ identifiers: [known(1, { linkId: null, state: "verified" })] })
    const both = { ...events.code, sender: { ...sender, identifiers: [phone, lid] } }
    assert.strictEqual(outcome(partly, both), "asked; open code")
    assert.strictEqual(outcome(partly, events.code), "already_linked_here")
  })

  it("ends by a no what the sender was asked about, and nothing that is proved or another's", () => {
    const two = LinkId.make("link_2")
    const proved = known(3, { ...lid, linkId: null, state: "verified" })
    const asking = facts({
      links: [link({}), link({ id: two })],
      identifiers: [known(1), known(2, { ...other, linkId: two }), proved],
      linkSender: [phone, lid]
    })
    assert.strictEqual(outcome(asking, events.no), "declined; end link_1; refuse")
    const expired = facts({ links: [link({ expiresAt: now })], identifiers: [known(1), unlinked] })
    assert.strictEqual(outcome(expired, events.no), "declined; end link_1; refuse")
  })

  it("forgives by a yes the sender who says it, and no other", () => {
    assert.deepStrictEqual(changesOf({ ...claims({}), refusals: [phone, other] }, events.yes).forgiven, [phone])
  })

  it("leaves what is proved without a link as it is, whoever confirms it", () => {
    const proved = facts({ identifiers: [known(1, { linkId: null, state: "verified" })] })
    assert.strictEqual(outcome(proved, events.confirmed), "verified")
  })

  it("takes what else is shown of the sender into the link, in the form in which it was shown", () => {
    const shown: ReadonlyArray<Identifier> = [{ ...lid, address: lid.identifier }, phone]
    const yes = { ...events.yes, sender: { ...sender, identifiers: shown } }
    assert.deepStrictEqual(changesOf(states["asked after a code"], yes).link?.identifiers, shown)
    const partly = { ...events.yes, sender: { ...sender, identifiers: [phone] } }
    const both = facts({ links: [link({})], identifiers: [known(1), known(2, lid)], linkSender: [phone, lid] })
    assert.sameMembers(changesOf(both, partly).link?.identifiers.map(({ namespace }) => namespace) ?? [], [
      "phone",
      "wa_lid"
    ])
  })

  it("counts a number that was typed, or proved before, as the person's word, and nothing else", () => {
    const typed = LinkId.make("link_typed")
    const also = (other: Partial<KnownLink>, identifier: Partial<KnownIdentifier>) =>
      facts({
        links: [link(asked), link({ id: typed, ...other })],
        identifiers: [known(1), known(2, { linkId: typed, ...identifier })]
      })
    const outcomes = [
      also({}, {}),
      also(agreed, { state: "verified" }),
      also({ expiresAt: now }, {}),
      also(asked, {}),
      also({ entityId: theirs }, { entityId: theirs }),
      also(agreed, { state: "displaced" }),
      also({}, other),
      also({}, { ...other, linkId: null, state: "verified" })
    ].map((each) => outcome(each, events.yes).split(";")[0])
    assert.deepStrictEqual(outcomes, ["verified", "verified", ...Array.from({ length: 6 }, () => "confirm_session")])
  })

  it("hears nobody but the sender who was asked", () => {
    const elsewhere = { ...sender, platform: "telegram" as never }
    for (const from of [...[[lid], [other], []].map((identifiers) => ({ ...sender, identifiers })), elsewhere]) {
      for (const event of [events.yes, events.no]) {
        assert.strictEqual(outcome(states["claimed by typing"], { ...event, sender: from }), "PendingNotFound")
      }
    }
  })

  it("shows, confirms and ends a code and the typed number it came from as one", () => {
    const code = LinkId.make("link_code")
    const one = (senderAgreed: boolean) =>
      facts({
        links: [link({}), link({ ...asked, id: code, senderAgreed })],
        identifiers: [known(1), known(2, { linkId: code }), known(3, { ...lid, linkId: code })]
      })
    assert.deepStrictEqual(
      ownIdentities(ownIdentifiers(one(false))).map(({ checkNumber: number, id, state }) => [id, state, number]),
      [["2", "claimed", checkNumber(code)]]
    )
    assert.strictEqual(outcome(one(true), events.confirmed), "verified; verify; end link_1")
    assert.strictEqual(changesOf(one(true), events.confirmed).link?.id, code)
    assert.strictEqual(outcome(one(false), events.unlinked), "done; end link_code; end link_1")
    assert.strictEqual(
      outcome(one(false), { event: "unlinked", id: IdentityId.make("3") }),
      "done; end link_code; end link_1"
    )
  })
})

describe("eventsOf", () => {
  const told = (known: LinkFacts, event: LinkEvent<LinkEventName>) =>
    eventsOf(known, changesOf(known, event)).map(({ entityId, event: { data, type } }) => [type, entityId, data])
  const of = (id: string | null) => ({ linkId: id, platform: "whatsapp" })

  it("says whose proof stands from now on, and whose does no more", () => {
    const rival = { ...states["claimed by typing"], identifiers: [known(1), theirProof] }
    assert.deepStrictEqual(told(rival, events.yes), [
      ["identity.displaced", theirs, of("link_9")],
      ["identity.verified", mine, of(linkId)]
    ])
  })

  it("says once of a link that it ended, however many identifiers it had", () => {
    const verified = { state: "verified" } as const
    const another = known(3, { ...other, ...verified, linkId: LinkId.make("link_3") })
    const both = { ...states.verified, identifiers: [known(1, verified), known(2, { ...lid, ...verified }), another] }
    assert.deepStrictEqual(told(both, events.unlinked), [["identity.unlinked", mine, of(linkId)]])
    const alone = facts({
      identifiers: [known(1, { linkId: null, ...verified }), known(2, { linkId: null, ...lid, ...verified })]
    })
    assert.deepStrictEqual(told(alone, events.unlinked), [["identity.unlinked", mine, of(null)]])
  })

  it("says nothing of what was never proved", () => {
    assert.deepStrictEqual(told(states["claimed by typing"], events.unlinked), [])
    assert.deepStrictEqual(told(states["claimed by typing"], events.no), [])
    assert.deepStrictEqual(told(states.displaced, events.unlinked), [])
    assert.deepStrictEqual(told(states["asked after a code"], events.yes), [])
  })
})
