import { Order, Schema } from "effect"
import { IdentityId, type IdentityState, LinkId } from "./Identity.ts"
import { Namespace, Platform } from "./Platform.ts"
import { isOneOf } from "./Sender.ts"

const SenderIdentifier = Schema.Struct({ namespace: Schema.String, identifier: Schema.String })

/** A link; times are milliseconds since 1970. */
export const KnownLink = Schema.Struct({
  id: LinkId,
  entityId: Schema.String,
  platform: Platform,
  origin: Schema.Literal("typed", "code"),
  senderAgreed: Schema.Boolean,
  personAgreed: Schema.Boolean,
  expiresAt: Schema.Number,
  /** Verified, or ended. */
  closed: Schema.Boolean
})
export type KnownLink = typeof KnownLink.Type

/** An identifier of somebody: it belongs to a link, or `linkId` is null. */
export const KnownIdentifier = Schema.Struct({
  id: IdentityId,
  entityId: Schema.String,
  linkId: Schema.NullOr(LinkId),
  namespace: Namespace,
  identifier: Schema.String,
  state: Schema.Literal("claimed", "verified", "displaced"),
  /** Whether the entity that it stands for is deleted. */
  orphaned: Schema.Boolean
})
export type KnownIdentifier = typeof KnownIdentifier.Type

/**
 * The facts from which an event of a person's links is decided. About the person: every identifier that may still
 * matter. About others: what is verified about the sender and, if a link may be verified, what is claimed.
 */
export const LinkFacts = Schema.Struct({
  now: Schema.Number,
  /** The id that a link gets if one is opened. */
  nextLinkId: LinkId,
  /** The entity that stands for the person, and the address of their account; null if there is none. */
  person: Schema.NullOr(Schema.Struct({ entityId: Schema.String, email: Schema.NullOr(Schema.String) })),
  links: Schema.Array(KnownLink),
  identifiers: Schema.Array(KnownIdentifier),
  /** The identifiers by which senders have refused to be linked to this person. */
  refusals: Schema.Array(SenderIdentifier),
  /** Every identifier by which the sender of the link was ever known. */
  linkSender: Schema.Array(SenderIdentifier)
})
export type LinkFacts = typeof LinkFacts.Type

/** Whether a link waits for an agreement: it is neither verified, nor ended, nor expired. */
export const isWaiting = (link: Pick<KnownLink, "closed" | "expiresAt">, now: number): boolean =>
  !link.closed && link.expiresAt > now

/** Whether a sender is asked about a claim: one that was only typed is not asked about again after a no. */
export const isAsked = (origin: KnownLink["origin"], refused: boolean): boolean => origin === "code" || !refused

/** The identifiers of the person. */
export const ofPerson = ({ identifiers, person }: LinkFacts): ReadonlyArray<KnownIdentifier> =>
  identifiers.filter(({ entityId }) => entityId === person?.entityId)

/** The link of an identifier. */
export const linkOf = ({ links }: LinkFacts, { linkId }: Pick<KnownIdentifier, "linkId">): KnownLink | undefined =>
  links.find(({ id }) => id === linkId)

/** The state of an identifier, as its person sees it. */
export const stateOf = (facts: LinkFacts, identifier: KnownIdentifier): IdentityState => {
  const link = linkOf(facts, identifier)
  if (identifier.state !== "claimed" || link === undefined) return identifier.state
  if (link.senderAgreed) return "confirm_session"
  return isAsked(link.origin, isOneOf(facts.refusals)(identifier)) ? "claimed" : "declined"
}

/** Identities are numbered as they come. */
export const byAge: Order.Order<{ readonly id: IdentityId }> = Order.mapInput(Order.bigint, ({ id }) => BigInt(id))

/**
 * Which of the links between one person and one sender takes precedence, both in the question to the sender and in the
 * person's list: one that waits for the person, then one of a code, then the newest.
 */
export const precedence: Order.Order<{
  readonly senderAgreed: boolean
  readonly origin: KnownLink["origin"] | null
  readonly id: IdentityId
}> = Order.combineAll([
  Order.mapInput(Order.boolean, ({ senderAgreed }) => !senderAgreed),
  Order.mapInput(Order.boolean, ({ origin }) => origin !== "code"),
  Order.reverse(byAge)
])
