import { Array as Arr, Option, Order } from "effect"
import {
  checkNumber,
  type IdentityId,
  type IdentityState,
  type LinkId,
  maskIdentifier,
  maxIdentities,
  type OwnIdentity
} from "./Identity.ts"
import { byAge, type KnownLink, type LinkFacts, linkOf, ofPerson, precedence, stateOf } from "./LinkFacts.ts"
import { type Namespace, type Platform, platformOf, rankOf } from "./Platform.ts"
import { isOneOf } from "./Sender.ts"

/** An identifier of a person, in the state that they see; `linkId` is null if it came without a link. */
export interface OwnIdentifier {
  readonly id: IdentityId
  readonly platform: Platform
  readonly namespace: Namespace
  readonly identifier: string
  readonly state: IdentityState
  readonly linkId: LinkId | null
  readonly origin: KnownLink["origin"] | null
}

/** The maximum number of identifiers of a sender: one of each namespace, and the other form of an Argentine number. */
export const maxIdentifiers = 6

/** Whether an identifier in this state still has to be proved. */
export const isUnproved = (state: IdentityState): boolean => state !== "verified" && state !== "displaced"

/** All identifiers that a person sees, without expired claims. */
export const ownIdentifiers = (facts: LinkFacts): ReadonlyArray<OwnIdentifier> =>
  ofPerson(facts).flatMap((one): ReadonlyArray<OwnIdentifier> => {
    const link = linkOf(facts, one)
    if (one.state === "claimed" && (link?.expiresAt ?? 0) <= facts.now) return []
    const { id, identifier, linkId, namespace } = one
    const [platform, state] = [platformOf(namespace), stateOf(facts, one)]
    return [{ id, platform, namespace, identifier, state, linkId, origin: link?.origin ?? null }]
  })

type Group = Arr.NonEmptyReadonlyArray<OwnIdentifier>

/** The link of a code that came from the number of this typed claim: the sender is asked about that one instead. */
const askedInstead = (all: ReadonlyArray<OwnIdentifier>, typed: Group): LinkId | null => {
  const codes = all.filter((one) => one.origin === "code" && isUnproved(one.state) && isOneOf(typed)(one))
  const [first] = Arr.sortWith(codes, (one) => ({ ...one, senderAgreed: one.state === "confirm_session" }), precedence)
  return first?.linkId ?? null
}

/**
 * Groups identifiers that are shown and ended together: those of a link in the same state, and, after those of a code
 * that still waits, the claim of the number that it came from.
 */
const groupsOf = (all: ReadonlyArray<OwnIdentifier>): ReadonlyArray<Group> => {
  const groups = Object.values(Arr.groupBy(all, ({ id, linkId, state }) => `${linkId ?? id} ${state}`))
  const joined = Arr.filterMap(groups, (group) =>
    group[0].origin === "typed" && isUnproved(group[0].state)
      ? Option.map(Option.fromNullable(askedInstead(all, group)), (linkId) => ({ group, linkId }))
      : Option.none()
  )
  return groups
    .filter((group) => joined.every((one) => one.group !== group))
    .map((group) => {
      const ofCode = joined.filter(({ linkId }) => linkId === group[0].linkId)
      return Arr.appendAll(
        group,
        ofCode.flatMap((one) => one.group)
      )
    })
}

/** The group of the identifier with this id; undefined if there is no such identifier. */
export const groupOf = (all: ReadonlyArray<OwnIdentifier>, id: IdentityId): Group | undefined =>
  groupsOf(all).find((group) => group.some((one) => one.id === id))

/** The identifiers of the link by which a group is shown. */
export const leadOf = ([first, ...more]: Group): Group => [
  first,
  ...more.filter(({ linkId }) => linkId === first.linkId)
]

/** The link by which an identity of the person is shown; null if it has none. */
export const linkShownAs = (facts: LinkFacts, id: IdentityId): LinkId | null =>
  groupOf(ownIdentifiers(facts), id)?.[0].linkId ?? null

const byRank = Order.mapInput(Order.number, ({ namespace }: OwnIdentifier) => rankOf(namespace))
const byName = Order.combine(byRank, byAge)

/** A group as its person sees it: the identifier that names the sender best. */
export const ownIdentity = (group: Group): OwnIdentity => {
  const { id, identifier, linkId, namespace, platform, state } = Arr.min(leadOf(group), byName)
  return {
    id,
    platform,
    namespace,
    identifier: maskIdentifier(identifier),
    state,
    ...(linkId !== null && isUnproved(state) && state !== "declined" ? { checkNumber: checkNumber(linkId) } : {})
  }
}

/**
 * All identifiers as their person sees them, oldest first. If there are too many, the newest are kept, and those that
 * somebody else has proved since are dropped first.
 */
export const ownIdentities = (all: ReadonlyArray<OwnIdentifier>): ReadonlyArray<OwnIdentity> => {
  const [current, displaced] = Arr.partition(
    groupsOf(all).map(ownIdentity).toSorted(byAge),
    ({ state }) => state === "displaced"
  )
  return [
    ...current.slice(-maxIdentities),
    ...Arr.takeRight(displaced, Math.max(0, maxIdentities - current.length))
  ].toSorted(byAge)
}
