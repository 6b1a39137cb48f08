import { Either } from "effect"
import type { VerifiedKey } from "../account/ApiKey.ts"
import { LastOwner, MemberNotFound, NotPermitted, PublisherNotFound } from "../Errors.ts"
import type { UserId } from "../Ids.ts"
import type { Permission, Publisher, Role } from "./Publisher.ts"

/** What is known of a publisher and of whoever asks something of it. */
export interface PublisherFacts {
  /** The organization of that slug, unless it is a person's own. */
  readonly publisher: (Publisher & { readonly isPublic: boolean }) | null
  /** What the person is in it; null where they don't belong to it, and for a key. */
  readonly role: Role | null
}

/** Who asks: a person by their session, or a program by a key. */
export type Asker =
  | { readonly _tag: "Person"; readonly userId: UserId }
  | { readonly _tag: "Key"; readonly key: VerifiedKey }

const roles: Readonly<Record<Permission, ReadonlyArray<Role>>> = {
  read: ["owner", "admin", "member"],
  publish: ["owner", "admin", "member"],
  withdraw: ["owner", "admin"],
  team: ["owner", "admin", "member"],
  keys: ["owner", "admin"],
  members: ["owner"]
}

const scopes: Readonly<Record<Permission, VerifiedKey["scopes"]>> = {
  read: ["read", "publish"],
  publish: ["publish"],
  withdraw: ["publish"],
  team: [],
  keys: [],
  members: []
}

/**
 * The publisher, where whoever asks may do that; else the first reason against it. To whoever does not belong to it, and to
 * another publisher's key, it is not there, as one that is private.
 */
export const mayDo = (
  permission: Permission,
  slug: string,
  { publisher, role }: PublisherFacts,
  asker: Asker
): Either.Either<Publisher, PublisherNotFound | NotPermitted> => {
  const belongs = asker._tag === "Key" ? asker.key.organizationId === publisher?.id : role !== null
  if (publisher === null || !publisher.isPublic || !belongs) return Either.left(new PublisherNotFound({ slug }))
  const allowed =
    asker._tag === "Key"
      ? scopes[permission].some((scope) => asker.key.scopes.includes(scope))
      : roles[permission].some((one) => one === role)
  const { id, name } = publisher
  return allowed
    ? Either.right({ id, slug: publisher.slug, name })
    : Either.left(new NotPermitted({ permission, byKey: asker._tag === "Key" }))
}

/** Whether somebody may see a publisher's templates, revisions, adoption and roll-outs. */
export const mayRead = (slug: string, facts: PublisherFacts, asker: Asker) => mayDo("read", slug, facts, asker)

/** Whether somebody may publish and roll out. */
export const mayPublish = (slug: string, facts: PublisherFacts, asker: Asker) => mayDo("publish", slug, facts, asker)

/** What is known of the members when one of them is to have another role, or none. */
export interface MembershipFacts {
  /** What the member is now; null where they are none. */
  readonly role: Role | null
  readonly owners: number
}

/** Whether a member may get that role (null: leave); a publisher always has an owner. */
export const mayChange = (
  { owners, role }: MembershipFacts,
  userId: string,
  wanted: Role | null
): Either.Either<void, MemberNotFound | LastOwner> => {
  if (role === null) return Either.left(new MemberNotFound({ userId }))
  return role === "owner" && wanted !== "owner" && owners <= 1 ? Either.left(new LastOwner()) : Either.right(undefined)
}

/** What somebody is who takes an invitation: what that says, but that a publisher keeps its only owner. */
export const joinedAs = ({ owners, role }: MembershipFacts, invited: Role): Role =>
  role === "owner" && owners <= 1 ? role : invited
