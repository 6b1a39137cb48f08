import { Array as Arr, Option } from "effect"
import {
  checkNumber,
  type IdentityId,
  type IdentityState,
  type LinkId,
  maskIdentifier,
  maxIdentities,
  type OwnIdentity
} from "./Identity.ts"
import { type KnownLink, type LinkFacts, linkOf, ofPerson, precedence, stateOf } from "./LinkFacts.ts"
import { type Namespace, type Platform, platformOf, rankOf } from "./Platform.ts"
import { isOneOf } from "./Sender.ts"

/** An identifier of a person's, in the state that they see; `linkId` is null where it came without a link. */
export interface OwnIdentifier {
  readonly id: IdentityId
  readonly platform: Platform
  readonly namespace: Namespace
  readonly identifier: string
  readonly state: IdentityState
  readonly linkId: LinkId | null
  readonly origin: KnownLink["origin"] | null
}

/** A sender has no more identifiers than this: one of each namespace, and an Argentine number's other form. */
export const maxIdentifiers = 6

/** Whether what is in that state has still to be proved. */
export const isUnproved = (state: IdentityState): boolean => state !== "verified" && state !== "displaced"

/** All identifiers that a person sees: what is claimed and has expired is not among them. */
export const ownIdentifiers = (facts: LinkFacts): ReadonlyArray<OwnIdentifier> =>
  ofPerson(facts).flatMap((one): ReadonlyArray<OwnIdentifier> => {
    const platform = platformOf(one.namespace)
    const link = linkOf(facts, one)
    if (platform === undefined || (one.state === "claimed" && (link?.expiresAt ?? 0) <= facts.now)) return []
    const { id, identifier, linkId, namespace } = one
    return [{ id, platform, namespace, identifier, state: stateOf(facts, one), linkId, origin: link?.origin ?? null }]
  })

type Group = Arr.NonEmptyReadonlyArray<OwnIdentifier>

/** The link of a code that came from the number of this typed claim: the one that its sender is asked about. */
const askedInstead = (all: ReadonlyArray<OwnIdentifier>, typed: Group): LinkId | null => {
  const codes = all.filter((one) => one.origin === "code" && isUnproved(one.state) && isOneOf(typed)(one))
  const [first] = Arr.sortWith(codes, (one) => ({ ...one, senderAgreed: one.state === "confirm_session" }), precedence)
  return first?.linkId ?? null
}

/**
 * Identifiers, by what is shown and ended as one: those of a link that are in one state, and after those of a code that still
 * waits the claim of the number it came from.
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
      const [{ linkId, state }] = group
      return Arr.appendAll(
        group,
        isUnproved(state) ? joined.filter((one) => one.linkId === linkId).flatMap((one) => one.group) : []
      )
    })
}

/** The identifiers that are shown and ended together with the one of that id; none where there is no such one. */
export const groupOf = (all: ReadonlyArray<OwnIdentifier>, id: IdentityId): ReadonlyArray<OwnIdentifier> =>
  groupsOf(all).find((group) => group.some((one) => one.id === id)) ?? []

/** Of a group, the identifiers of the link that it is shown as. */
export const leadOf = (group: ReadonlyArray<OwnIdentifier>): ReadonlyArray<OwnIdentifier> =>
  group.filter(({ linkId }) => linkId === group[0]?.linkId)

/** The link that an identity of the person's is shown as; null where it has none. */
export const linkShownAs = (facts: LinkFacts, id: IdentityId): LinkId | null =>
  leadOf(groupOf(ownIdentifiers(facts), id))[0]?.linkId ?? null

const isOlder = (a: { readonly id: IdentityId }, b: { readonly id: IdentityId }) =>
  a.id.length - b.id.length || (a.id < b.id ? -1 : 1)

/** What a person is shown of a group: the identifier that names the sender best. */
export const ownIdentity = (group: ReadonlyArray<OwnIdentifier>): OwnIdentity => {
  const [best] = leadOf(group).toSorted((a, b) => rankOf(a.namespace) - rankOf(b.namespace) || isOlder(a, b))
  if (best === undefined) throw new RangeError("a group has at least one identifier")
  const { id, identifier, linkId, namespace, platform, state } = best
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
 * What a person is shown of all their identifiers, the oldest first. Of very many, the newest; what somebody else has proved
 * since gives way first.
 */
export const ownIdentities = (all: ReadonlyArray<OwnIdentifier>): ReadonlyArray<OwnIdentity> => {
  const [current, displaced] = Arr.partition(
    groupsOf(all).map(ownIdentity).toSorted(isOlder),
    ({ state }) => state === "displaced"
  )
  return [
    ...current.slice(-maxIdentities),
    ...Arr.takeRight(displaced, Math.max(0, maxIdentities - current.length))
  ].toSorted(isOlder)
}
