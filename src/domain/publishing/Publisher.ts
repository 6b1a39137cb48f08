import { DateTime, Redacted, Schema } from "effect"
import { exampleIds, OrganizationId, Slug, UserId } from "../Ids.ts"
import { listQuery, next, type PageKey } from "../Page.ts"
import { BoundedText } from "../Text.ts"

/** What a member may do: owners decide who belongs to the publisher, they and admins which keys there are, and all publish. */
export const Role = Schema.Literal("owner", "admin", "member")
export type Role = typeof Role.Type

/**
 * What is asked of a publisher: to see how its templates fare, to publish, to take back what is published, to see who belongs to it, to
 * make and end keys, to say who belongs to it.
 */
export const Permission = Schema.Literal("read", "publish", "withdraw", "team", "keys", "members")
export type Permission = typeof Permission.Type

/** A public organization whose templates others install. */
export interface Publisher {
  readonly id: OrganizationId
  readonly slug: Slug
  readonly name: string
}

/** A publisher, and what the caller is in it. */
export const OwnPublisher = Schema.Struct({
  id: OrganizationId,
  slug: Slug,
  name: Schema.String,
  role: Role.annotations({ description: "What the caller is in it." })
}).annotations({
  identifier: "OwnPublisher",
  description: "A publisher that the person belongs to, and the role they have there."
})
export type OwnPublisher = typeof OwnPublisher.Type

const exampleOwn: OwnPublisher = {
  id: exampleIds.organizationId,
  slug: Slug.make("acme"),
  name: "Acme",
  role: "owner"
}

/** What `GET /api/publishers` answers: by slug. */
export const PublisherList = Schema.Struct({ publishers: Schema.Array(OwnPublisher), next }).annotations({
  identifier: "PublisherList",
  description: "A page of the publishers that the person belongs to, by slug.",
  examples: [{ publishers: [exampleOwn], next: null }]
})

/** The parameters of that list. */
export const PublishersQuery = Schema.Struct(listQuery("publishers"))

/** What the list is in the order of. */
export const orderOfPublishers = ({ slug }: OwnPublisher): PageKey => [slug]

/** Somebody who belongs to a publisher. */
export const Member = Schema.Struct({
  userId: UserId,
  name: Schema.String,
  email: Schema.String,
  role: Role,
  since: Schema.DateTimeUtc
})
export type Member = typeof Member.Type

/** An invitation that nobody has taken yet. */
export const Invitation = Schema.Struct({
  id: Schema.String,
  email: Schema.String,
  role: Role,
  expiresAt: Schema.DateTimeUtc
})
export type Invitation = typeof Invitation.Type

/** How many members, and how many open invitations, a publisher has at most. */
export const mostMembers = 200

/** For how many days an invitation is good. */
export const invitationDays = 7

const later = DateTime.unsafeMake("2026-11-30T06:29:58Z")

/** Who belongs to a publisher, and who is invited. */
export interface Team {
  readonly members: ReadonlyArray<Member>
  readonly invitations: ReadonlyArray<Invitation>
}

/** What `GET /api/publishers/:slug/members` answers: who belongs to it, by name. */
export const MemberList = Schema.Struct({ members: Schema.Array(Member), next }).annotations({
  identifier: "MemberList",
  description: "A page of who belongs to a publisher, by name.",
  examples: [
    {
      members: [
        {
          userId: exampleIds.userId,
          name: "Ada Lovelace",
          email: "ada@example.org",
          role: "owner",
          since: DateTime.unsafeMake("2026-11-23T06:29:58Z")
        }
      ],
      next: null
    }
  ]
})

/** The parameters of that list. */
export const MembersQuery = Schema.Struct(listQuery("members"))

/** What the list is in the order of. */
export const orderOfMembers = ({ name, userId }: Member): PageKey => [name, userId]

/** What `GET /api/publishers/:slug/invitations` answers: who is invited, by address. */
export const InvitationList = Schema.Struct({ invitations: Schema.Array(Invitation), next }).annotations({
  identifier: "InvitationList",
  description: "A page of the invitations to a publisher that are still good, by address.",
  examples: [
    {
      invitations: [{ id: "invitation_6f1d", email: "charles@example.org", role: "member", expiresAt: later }],
      next: null
    }
  ]
})

/** The parameters of that list. */
export const InvitationsQuery = Schema.Struct(listQuery("invitations"))

/** What the list is in the order of. */
export const orderOfInvitations = ({ email }: Invitation): PageKey => [email]

/** The body of `POST /api/publishers/:slug/invitations`. */
export const InvitationRequest = Schema.Struct({
  email: BoundedText(1, 254).annotations({ description: "The address of the account that may take it." }),
  role: Role
}).annotations({
  identifier: "InvitationRequest",
  description: "Whom to invite, and as what.",
  examples: [{ email: "charles@example.org", role: "member" }]
})
export type InvitationRequest = typeof InvitationRequest.Type

/** What `POST /api/publishers/:slug/invitations` answers: what the invited person is given, which nobody is shown again. */
export const NewInvitation = Schema.Struct({
  id: Schema.String,
  token: Schema.Redacted(Schema.String),
  expiresAt: Schema.DateTimeUtc
}).annotations({
  identifier: "NewInvitation",
  description: "An invitation that was made, with its token, which is shown this once.",
  examples: [{ id: "invitation_6f1d", token: Redacted.make("jYk0v3m1q8sZ2dLxT5wQrA"), expiresAt: later }]
})
export type NewInvitation = typeof NewInvitation.Type

/** The body of `POST /api/publishers/join`. */
export const JoinRequest = Schema.Struct({ token: Schema.Redacted(BoundedText(1, 200)) }).annotations({
  identifier: "JoinRequest",
  description: "The token of an invitation.",
  examples: [{ token: Redacted.make("jYk0v3m1q8sZ2dLxT5wQrA") }]
})
export type JoinRequest = typeof JoinRequest.Type

/** What `POST /api/publishers/join` answers. */
export const Joined = OwnPublisher.annotations({
  identifier: "Joined",
  description: "The publisher that the person belongs to now.",
  examples: [{ ...exampleOwn, role: "member" }]
})

/** The body of `PUT /api/publishers/:slug/members/:userId`. */
export const RoleRequest = Schema.Struct({ role: Role }).annotations({
  identifier: "RoleRequest",
  description: "The role that the member is to have.",
  examples: [{ role: "admin" }]
})
export type RoleRequest = typeof RoleRequest.Type

/** What `agent-install publisher create` did. */
export interface CreatedPublisher {
  readonly publisher: Publisher
  readonly owner: { readonly name: string; readonly email: string; readonly emailVerified: boolean }
  /** Whether the publisher is new. */
  readonly created: boolean
}
