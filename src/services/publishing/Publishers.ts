import { Context, type Effect, type Redacted } from "effect"
import type { InvitationNotFound, LastOwner, LimitReached, MemberNotFound } from "../../domain/Errors.ts"
import type { OrganizationId, Slug, UserId } from "../../domain/Ids.ts"
import type { PublisherFacts } from "../../domain/publishing/MayPublish.ts"
import type {
  CreatedPublisher,
  InvitationRequest,
  NewInvitation,
  OwnPublisher,
  Role,
  Team
} from "../../domain/publishing/Publisher.ts"
import type { NoSuchAccount, NotAPublisher } from "./CreatePublisherErrors.ts"

/** Publishers and who belongs to them. Whether somebody may is asked before (`admitPublisher`). */
export class Publishers extends Context.Tag("agent-install/Publishers")<
  Publishers,
  {
    /**
     * Makes the publisher of that slug, or finds it, and makes the account with that address an owner of it. For whoever runs
     * the service.
     */
    readonly create: (slug: Slug, email: string) => Effect.Effect<CreatedPublisher, NoSuchAccount | NotAPublisher>
    /** What the organization of that slug is, a person's own aside, and what the person is in it; null: nobody. */
    readonly facts: (slug: string, userId: UserId | null) => Effect.Effect<PublisherFacts>
    /** The publishers that a person belongs to, by slug. */
    readonly list: (userId: UserId) => Effect.Effect<ReadonlyArray<OwnPublisher>>
    /** Who belongs to a publisher, by name, and who is invited, by address. */
    readonly members: (organizationId: OrganizationId) => Effect.Effect<Team>
    /** Gives a member another role, or (null) takes them out. The last owner stays, also where several go at once. */
    readonly change: (
      organizationId: OrganizationId,
      userId: UserId,
      role: Role | null
    ) => Effect.Effect<void, MemberNotFound | LastOwner>
    /** Invites whoever has an account with that address; an open invitation of it ends. */
    readonly invite: (
      organizationId: OrganizationId,
      request: InvitationRequest
    ) => Effect.Effect<NewInvitation, LimitReached>
    /** Takes an invitation back. */
    readonly withdraw: (organizationId: OrganizationId, id: string) => Effect.Effect<void, InvitationNotFound>
    /** What an invitation of the person is to. */
    readonly invited: (
      userId: UserId,
      token: Redacted.Redacted<string>
    ) => Effect.Effect<OwnPublisher, InvitationNotFound>
    /** Takes an invitation: whoever has it and the account it is for belongs to the publisher from then on, in that role. */
    readonly join: (userId: UserId, token: Redacted.Redacted<string>) => Effect.Effect<OwnPublisher, InvitationNotFound>
  }
>() {}
