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
  "no account": facts({ person: null })
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
          link.verified ? "verify" : link.id === "link_new" ? `open ${link.origin}` : "go on",
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
      onRight: ({ answer, changes }) =>
        [
          typeof answer !== "object" ? (answer ?? "done") : "state" in answer ? answer.state : "asked",
          ...(changes === null ? [] : written(changes))
        ].join("; ")
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
        links: [link({}), link({ ...agreed, id: old }), link({ ...asked, id: question, entityId: theirs })],
        identifiers: [
          known(1),
          known(2, { linkId: old, identifier: "+447911999999", state: "verified" }),
          known(3, { linkId: null, state: "verified" }),
          known(4, { linkId: LinkId.make("link_lost"), state: "displaced" }),
          known(5, { linkId: question, entityId: theirs }),
          known(6, { linkId: LinkId.make("link_other"), identifier: "+447911999999", entityId: theirs }),
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
      also({}, { identifier: "+447911999999" })
    ].map((each) => outcome(each, events.yes).split(";")[0])
    assert.deepStrictEqual(outcomes, ["verified", "verified", ...Array.from({ length: 5 }, () => "confirm_session")])
  })

  it("hears nobody but the sender who was asked", () => {
    for (const identifiers of [[lid], [{ ...phone, identifier: "+447911999999" }], []]) {
      for (const event of [events.yes, events.no]) {
        const from = { ...event, sender: { ...sender, identifiers } }
        assert.strictEqual(outcome(states["claimed by typing"], from), "PendingNotFound")
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
    const both = { ...states.verified, identifiers: [known(1, verified), known(2, { ...lid, ...verified })] }
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
