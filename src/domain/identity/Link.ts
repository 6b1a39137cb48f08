import { Array as Arr, Duration } from "effect"
import type { IdentityId, IdentityState, OwnIdentity } from "./Identity.ts"
import { checkNumber, maskIdentifier, mostIdentities, PendingId } from "./Identity.ts"
import { type Namespace, type Platform, rankOf } from "./Platform.ts"
import type { Identifier } from "./WaId.ts"

/** How long a question that a code put waits for an answer. */
export const pendingFor = Duration.hours(1)

/** How long a number that was typed waits for its sender, from when it was typed last. */
export const claimFor = Duration.days(30)

/**
 * Whether identifiers are of the sender that is known by others: they share one, and in no namespace do they name somebody
 * else.
 */
export const isSameSender = (known: ReadonlyArray<Identifier>, shown: ReadonlyArray<Identifier>): boolean => {
  const shares = (namespace: string) =>
    known.some(
      (one) =>
        one.namespace === namespace &&
        shown.some((other) => other.namespace === namespace && other.identifier === one.identifier)
    )
  const both = new Set(
    known.map(({ namespace }) => namespace).filter((namespace) => shown.some((other) => other.namespace === namespace))
  )
  return both.size > 0 && [...both].every(shares)
}

/** An identifier of one of the person's links, as it stands; `linkId` is null where it came without. */
export interface Standing {
  readonly id: IdentityId
  readonly platform: Platform
  readonly namespace: Namespace
  readonly identifier: string
  readonly state: IdentityState
  readonly linkId: string | null
}

/** Whether what is in that state has still to be proved. */
export const isUnproved = (state: IdentityState): boolean => state !== "verified" && state !== "displaced"

/** What a person is shown of the identifiers of a link that are in one state: the one that names the sender best. */
export const ownIdentity = (rows: ReadonlyArray<Standing>): OwnIdentity => {
  const [first] = rows.toSorted(
    (a, b) => rankOf(a.namespace) - rankOf(b.namespace) || a.id.length - b.id.length || (a.id < b.id ? -1 : 1)
  )
  if (first === undefined) throw new RangeError("a link has at least one identifier")
  const { id, identifier, linkId, namespace, platform, state } = first
  return {
    id,
    platform,
    namespace,
    identifier: maskIdentifier(identifier),
    state,
    ...(linkId !== null && isUnproved(state) && state !== "declined"
      ? { checkNumber: checkNumber(PendingId.make(linkId)) }
      : {})
  }
}

/** A sender has no more identifiers than this: one of each namespace, and an Argentine number's other form. */
export const mostIdentifiers = 6

/**
 * What a person is shown of all their identifiers, the oldest first: each link and state once. Of very many, the newest; what
 * somebody else has proved since gives way first.
 */
export const ownIdentities = (rows: ReadonlyArray<Standing>): ReadonlyArray<OwnIdentity> => {
  const all = Object.values(Arr.groupBy(rows, ({ id, linkId, state }) => `${linkId ?? id} ${state}`)).map(ownIdentity)
  const standing = all.filter(({ state }) => state !== "displaced")
  const displaced = all.filter(({ state }) => state === "displaced")
  const shown = new Set([
    ...standing.slice(-mostIdentities),
    ...Arr.takeRight(displaced, Math.max(0, mostIdentities - standing.length))
  ])
  return all.filter((one) => shown.has(one))
}

/** The identifiers that stand and go with the one of that id: those of its link in its state. */
export const standingWith = <A extends Standing>(rows: ReadonlyArray<A>, id: IdentityId): ReadonlyArray<A> => {
  const found = rows.find((row) => row.id === id)
  return rows.filter(
    (row) =>
      row === found ||
      (found !== undefined && found.linkId !== null && row.linkId === found.linkId && row.state === found.state)
  )
}
