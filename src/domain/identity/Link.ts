import { Array as Arr, Duration, Either } from "effect"
import { IdentityNotFound, IdentityTaken, NoMember, PendingNotFound } from "../Errors.ts"
import type { EventContent } from "../events/Event.ts"
import type { OrganizationId } from "../Ids.ts"
import type { AnswerOutcome, ClaimedPhone, IdentityId, LinkId, OwnIdentity } from "./Identity.ts"
import {
  isAsked,
  isWaiting,
  type KnownIdentifier,
  type KnownLink,
  type LinkFacts,
  linkOf,
  ofPerson
} from "./LinkFacts.ts"
import { groupOf, leadOf, ownIdentifiers, ownIdentity } from "./OwnIdentities.ts"
import { platformOf } from "./Platform.ts"
import { isOneOf, isSameSender, type Sender } from "./Sender.ts"
import type { Identifier } from "./WaId.ts"

/*
 * A link is an agreement between a person and a sender: the person agrees by typing the number or confirming it in
 * their session, the sender by saying yes to the named account. This file decides, from the facts, what an event does
 * to links. The callers gather the facts and write the changes, under locks so that nothing changes in between.
 */

/** How long the question of a code can be answered. */
export const codeLinkLifetime = Duration.hours(1)

/** How long a number that was typed waits for its sender, counted from when it was last typed. */
export const typedLinkLifetime = Duration.days(30)

/** An open question: the id to answer it by, and the e-mail address of the account that it names. */
export interface Challenge {
  readonly linkId: LinkId
  readonly email: string
}

/** The events of links: the input of each, its answer, and how it can be refused. */
export interface LinkEvents {
  /** The person types a number. */
  readonly typed: {
    readonly says: { readonly organizationId: OrganizationId; readonly sender: Sender }
    readonly answer: ClaimedPhone["state"]
    readonly refusal: NoMember | IdentityTaken
  }
  /** The sender sends a code of the person's. */
  readonly code: {
    readonly says: { readonly organizationId: OrganizationId; readonly sender: Sender }
    readonly answer: Challenge | "already_linked_here"
    readonly refusal: NoMember
  }
  /** The sender says yes or no to the question of a link. */
  readonly answered: {
    readonly says: { readonly linkId: LinkId; readonly sender: Sender; readonly yes: boolean }
    readonly answer: AnswerOutcome
    readonly refusal: PendingNotFound
  }
  /** The person confirms the sender of a link. */
  readonly confirmed: {
    readonly says: { readonly id: IdentityId }
    readonly answer: OwnIdentity
    readonly refusal: IdentityNotFound
  }
  /** The person ends an identity. */
  readonly unlinked: {
    readonly says: { readonly id: IdentityId }
    readonly answer: undefined
    readonly refusal: IdentityNotFound
  }
}

export type LinkEventName = keyof LinkEvents
export type LinkEvent<Name extends LinkEventName> = {
  [N in Name]: { readonly event: N } & LinkEvents[N]["says"]
}[Name]

/** A link after an event, with the identifiers that it gets and those that were shown in another form. */
export interface LinkAfter extends Omit<KnownLink, "closed" | "entityId"> {
  readonly identifiers: ReadonlyArray<Identifier>
  /** Both have agreed: the link no longer waits, and its identifiers, all of which are listed, are verified. */
  readonly verified: boolean
}

/** The changes to write. */
export interface LinkChanges {
  /** The person's link that is opened or goes on. */
  readonly link: LinkAfter | null
  /** Links that end, each with all its identifiers except those that are displaced. */
  readonly endedLinks: ReadonlyArray<LinkId>
  readonly endedIdentities: ReadonlyArray<IdentityId>
  readonly displaced: ReadonlyArray<IdentityId>
  /** The identifiers by which the sender refuses to be linked to the person, and those that they no longer refuse. */
  readonly refused: ReadonlyArray<Identifier>
  readonly forgiven: ReadonlyArray<Identifier>
}

/** The answer to an event, and the changes to write; null if nothing changes. */
export interface LinkDecision<A> {
  readonly answer: A
  readonly changes: LinkChanges | null
}

type Rule<Name extends LinkEventName> = (
  facts: LinkFacts,
  says: LinkEvents[Name]["says"]
) => Either.Either<LinkDecision<LinkEvents[Name]["answer"]>, LinkEvents[Name]["refusal"]>

const decided = <A>(answer: A, changed: Partial<LinkChanges> = {}) => {
  const none = { link: null, endedLinks: [], endedIdentities: [], displaced: [], refused: [], forgiven: [] }
  const { link, ...lists }: LinkChanges = { ...none, ...changed }
  const isNothing = link === null && Object.values(lists).every((list) => list.length === 0)
  return Either.right({ answer, changes: isNothing ? null : { link, ...lists } })
}

const after = (link: KnownLink, changed: Partial<LinkAfter>): LinkAfter => ({
  ...link,
  identifiers: [],
  verified: false,
  ...changed
})

const linkIds = (identifiers: ReadonlyArray<Pick<KnownIdentifier, "linkId">>): ReadonlyArray<LinkId> => [
  ...new Set(identifiers.flatMap(({ linkId }) => linkId ?? []))
]

const isVerified = ({ state }: KnownIdentifier) => state === "verified"

const typed: Rule<"typed"> = (facts, { organizationId, sender: { identifiers, platform } }) => {
  const { links, nextLinkId, now, person } = facts
  if (person === null) return Either.left(new NoMember({ organizationId }))
  const isTyped = isOneOf(identifiers)
  const proofs = facts.identifiers.filter((one) => isTyped(one) && isVerified(one) && !one.orphaned)
  if (proofs.some(({ entityId }) => entityId !== person.entityId)) return Either.left(new IdentityTaken())

  const before = links.filter(
    (link) => link.entityId === person.entityId && link.platform === platform && link.origin === "typed" && !link.closed
  )
  const again = before.find(
    (link) => isWaiting(link, now) && facts.identifiers.some((one) => one.linkId === link.id && isTyped(one))
  )
  const expiresAt = now + Duration.toMillis(typedLinkLifetime)
  const fresh = { id: nextLinkId, platform, origin: "typed" as const, senderAgreed: false, personAgreed: true }
  const opened = proofs.length > 0 ? null : { ...fresh, expiresAt, identifiers, verified: false }
  const unproved = isAsked("typed", facts.refusals.some(isTyped)) ? "claimed" : "declined"
  return decided(proofs.length > 0 ? "verified" : unproved, {
    link: again === undefined ? opened : after(again, { expiresAt }),
    endedLinks: before.filter((link) => link !== again).map(({ id }) => id)
  })
}

const code: Rule<"code"> = (facts, { organizationId, sender: { identifiers, platform } }) => {
  const email = facts.person?.email ?? null
  if (email === null) return Either.left(new NoMember({ organizationId }))
  const mine = ofPerson(facts).filter(isOneOf(identifiers))
  if (mine.filter(isVerified).length === identifiers.length) return decided("already_linked_here")
  const earlier = mine.filter((one) => {
    const link = linkOf(facts, one)
    return link?.origin === "code" && !link.closed
  })
  const opened = { id: facts.nextLinkId, platform, origin: "code" as const, senderAgreed: false, personAgreed: false }
  const expiresAt = facts.now + Duration.toMillis(codeLinkLifetime)
  return decided<LinkEvents["code"]["answer"]>(
    { linkId: opened.id, email },
    { link: { ...opened, expiresAt, identifiers, verified: false }, endedLinks: linkIds(earlier) }
  )
}

const answered: Rule<"answered"> = (facts, { linkId, sender: { identifiers, platform }, yes }) => {
  const link = facts.links.find(({ id }) => id === linkId)
  if (link === undefined || link.platform !== platform || !isSameSender(facts.linkSender, identifiers)) {
    return Either.left(new PendingNotFound())
  }
  return (yes ? saidYes : saidNo)(facts, link, identifiers)
}

type Answered = (facts: LinkFacts, link: KnownLink, shown: ReadonlyArray<Identifier>) => ReturnType<Rule<"answered">>

/** A no also counts if the question was withdrawn or has expired meanwhile, unless its sender has said yes since. */
const saidNo: Answered = (facts, link, shown) => {
  const sender = [...facts.linkSender, ...shown]
  const mine = ofPerson(facts).filter(isOneOf(sender))
  if (!isWaiting(link, facts.now) && mine.some(isVerified)) return Either.left(new PendingNotFound())
  const claims = mine.filter((one) => linkOf(facts, one)?.closed === false)
  return decided<AnswerOutcome>("declined", { endedLinks: linkIds(claims), refused: sender })
}

/** A repeated yes changes nothing. A yes verifies if the person has typed or proved one of the sender's identifiers. */
const saidYes: Answered = (facts, link, shown) => {
  const own = facts.identifiers.filter((one) => one.linkId === link.id)
  if (!isWaiting(link, facts.now)) {
    return own.some(isVerified) ? decided<AnswerOutcome>("verified") : Either.left(new PendingNotFound())
  }
  const identifiers = [...shown, ...own.filter((one) => !isOneOf(shown)(one))]
  const isOfSender = isOneOf(identifiers)
  const isKnown = ofPerson(facts).some((one) => {
    const by = linkOf(facts, one)
    const isTyped = by?.origin === "typed" && isWaiting(by, facts.now)
    return isOfSender(one) && (isVerified(one) || isTyped)
  })
  const forgiven = facts.refusals.filter(isOfSender)
  return link.personAgreed || isKnown
    ? decided<AnswerOutcome>("verified", { ...proof(facts, link, identifiers), forgiven })
    : decided<AnswerOutcome>("confirm_session", {
        link: after(link, { senderAgreed: true, identifiers: shown }),
        forgiven
      })
}

/**
 * Both have agreed: the identifiers belong to the person and to nobody else. Anybody else for whom they were verified
 * sees them displaced. The person's own earlier identifiers in those namespaces end, and so does every other question
 * about the sender, whichever account it is about.
 */
const proof = (
  { identifiers: known }: LinkFacts,
  link: KnownLink,
  identifiers: ReadonlyArray<Identifier>
): Partial<LinkChanges> => {
  const isProved = isOneOf(identifiers)
  const namespaces = new Set(identifiers.map(({ namespace }) => namespace))
  const others = known.filter(({ linkId }) => linkId !== link.id)
  const isMine = ({ entityId }: KnownIdentifier) => entityId === link.entityId
  const replaced = others.filter(
    (one) => isMine(one) && (isProved(one) || (isVerified(one) && namespaces.has(one.namespace)))
  )
  const questions = others.filter((one) => isProved(one) && one.state === "claimed")
  return {
    link: after(link, { senderAgreed: true, personAgreed: true, identifiers, verified: true }),
    endedLinks: linkIds([...questions, ...replaced.filter(({ state }) => state !== "displaced")]),
    endedIdentities: replaced
      .filter(({ linkId, state }) => linkId === null || state === "displaced")
      .map(({ id }) => id),
    displaced: others.filter((one) => isProved(one) && isVerified(one) && !isMine(one)).map(({ id }) => id)
  }
}

const confirmed: Rule<"confirmed"> = (facts, { id }) => {
  const group = groupOf(ownIdentifiers(facts), id)
  if (group === undefined) return Either.left(new IdentityNotFound())
  const lead = leadOf(group)
  const link = linkOf(facts, lead[0])
  if (link === undefined || !isWaiting(link, facts.now)) return decided(ownIdentity(group))
  if (!link.senderAgreed) return decided(ownIdentity(group), { link: after(link, { personAgreed: true }) })
  return decided(ownIdentity(Arr.map(lead, (one) => ({ ...one, state: "verified" }))), proof(facts, link, lead))
}

const unlinked: Rule<"unlinked"> = (facts, { id }) => {
  const group = groupOf(ownIdentifiers(facts), id)
  if (group === undefined) return Either.left(new IdentityNotFound())
  const endsAlone = ({ linkId, state }: (typeof group)[number]) => linkId === null || state === "displaced"
  return decided(undefined, {
    endedLinks: linkIds(group.filter((one) => !endsAlone(one))),
    endedIdentities: group.filter(endsAlone).map((one) => one.id)
  })
}

const rules: { readonly [Name in LinkEventName]: Rule<Name> } = { typed, code, answered, confirmed, unlinked }

/** Decides an event: the answer or the refusal, and the changes to write. Pure. */
export const decideLink = <Name extends LinkEventName>(
  facts: LinkFacts,
  event: LinkEvent<Name>
): ReturnType<Rule<Name>> => rules[event.event](facts, event)

/** An event, and whose identities it is of. */
export interface IdentityEvent {
  readonly entityId: string
  readonly event: Extract<EventContent, { type: `identity.${string}` }>
}

/** The events of the changes that a decision makes: what is verified, and what was and is no more. */
export const eventsOf = ({ identifiers, person }: LinkFacts, changes: LinkChanges): ReadonlyArray<IdentityEvent> => {
  const { displaced, endedIdentities, endedLinks, link } = changes
  const eachOnce = (
    type: IdentityEvent["event"]["type"],
    of: ReadonlyArray<KnownIdentifier>
  ): ReadonlyArray<IdentityEvent> => [
    ...new Map(
      of.map(({ entityId, id, linkId, namespace }) => [
        linkId ?? id,
        { entityId, event: { type, data: { linkId, platform: platformOf(namespace) } } }
      ])
    ).values()
  ]
  const isEnded = ({ id, linkId }: KnownIdentifier) =>
    endedIdentities.includes(id) || endedLinks.some((link) => link === linkId)
  return [
    ...eachOnce(
      "identity.unlinked",
      identifiers.filter((one) => isVerified(one) && isEnded(one))
    ),
    ...eachOnce(
      "identity.displaced",
      identifiers.filter(({ id }) => displaced.includes(id))
    ),
    ...(link?.verified === true && person !== null
      ? [
          {
            entityId: person.entityId,
            event: { type: "identity.verified" as const, data: { linkId: link.id, platform: link.platform } }
          }
        ]
      : [])
  ]
}
