import type { Effect } from "effect"
import type { ApiKey, KeyRequest, NewApiKey } from "../../domain/account/ApiKey.ts"
import type {
  InvitationNotFound,
  KeyNotFound,
  LastOwner,
  LimitReached,
  MemberNotFound,
  PublisherError,
  RateLimitExceeded,
  ReadError,
  Unauthenticated
} from "../../domain/Errors.ts"
import { UserId } from "../../domain/Ids.ts"
import type {
  InvitationRequest,
  JoinRequest,
  NewInvitation,
  OwnPublisher,
  RoleRequest,
  Team
} from "../../domain/publishing/Publisher.ts"
import { ApiKeys } from "../account/ApiKeys.ts"
import type { Auth, Credential } from "../account/Auth.ts"
import { admit } from "../admission/Admission.ts"
import type { RateLimiter } from "../admission/RateLimiter.ts"
import { traced } from "../runtime/Traced.ts"
import { admitPublisher, type PublisherCall, type PublisherDoor } from "./AdmitPublisher.ts"
import { Publishers } from "./Publishers.ts"

/* Who belongs to a publisher, and which keys it has. */

/** What is asked of a publisher, with a body that is read once it is known that the caller may. */
export interface PublisherBody<A, R> extends PublisherCall {
  readonly body: Effect.Effect<A, ReadError, R>
}

/** The publishers that whoever asks belongs to. */
export const listPublishers: (
  credential: Credential
) => Effect.Effect<ReadonlyArray<OwnPublisher>, Unauthenticated | RateLimitExceeded, Auth | RateLimiter | Publishers> =
  traced("listPublishers")(function* (credential) {
    const publishers = yield* Publishers
    return yield* publishers.list(yield* admit("read", credential))
  })

/** The keys of a publisher. */
export const listKeys: (call: PublisherCall) => Effect.Effect<ReadonlyArray<ApiKey>, PublisherError, PublisherDoor> =
  traced("listKeys")(function* (call) {
    const keys = yield* ApiKeys
    const { publisher } = yield* admitPublisher("keys", call, "read")
    return yield* keys.list(publisher.id)
  })

/** Makes a key of a publisher. */
export const createKey: <R>(
  call: PublisherBody<KeyRequest, R>
) => Effect.Effect<NewApiKey, PublisherError | ReadError | LimitReached, PublisherDoor | R> = traced("createKey")(
  function* (call) {
    const keys = yield* ApiKeys
    const { publisher } = yield* admitPublisher("keys", call)
    return yield* keys.create(publisher.id, yield* call.body)
  }
)

/** Ends a key of a publisher. */
export const deleteKey: (
  call: PublisherCall,
  id: string
) => Effect.Effect<void, PublisherError | KeyNotFound, PublisherDoor> = traced("deleteKey")(function* (call, id) {
  const keys = yield* ApiKeys
  const { publisher } = yield* admitPublisher("keys", call)
  return yield* keys.delete(publisher.id, id)
})

/** Who belongs to a publisher, and who is invited. */
export const listMembers: (call: PublisherCall) => Effect.Effect<Team, PublisherError, PublisherDoor> = traced(
  "listMembers"
)(function* (call) {
  const publishers = yield* Publishers
  const { publisher } = yield* admitPublisher("team", call)
  return yield* publishers.members(publisher.id)
})

/** Invites somebody to a publisher. */
export const inviteMember: <R>(
  call: PublisherBody<InvitationRequest, R>
) => Effect.Effect<NewInvitation, PublisherError | ReadError | LimitReached, PublisherDoor | R> = traced(
  "inviteMember"
)(function* (call) {
  const publishers = yield* Publishers
  const { publisher } = yield* admitPublisher("members", call)
  return yield* publishers.invite(publisher.id, yield* call.body)
})

/** Takes an invitation back. */
export const withdrawInvitation: (
  call: PublisherCall,
  id: string
) => Effect.Effect<void, PublisherError | InvitationNotFound, PublisherDoor> = traced("withdrawInvitation")(
  function* (call, id) {
    const publishers = yield* Publishers
    const { publisher } = yield* admitPublisher("members", call)
    return yield* publishers.withdraw(publisher.id, id)
  }
)

/** Gives a member of a publisher another role. */
export const setRole: <R>(
  call: PublisherBody<RoleRequest, R>,
  userId: string
) => Effect.Effect<void, PublisherError | ReadError | MemberNotFound | LastOwner, PublisherDoor | R> = traced(
  "setRole"
)(function* (call, userId) {
  const publishers = yield* Publishers
  const { publisher } = yield* admitPublisher("members", call)
  const { role } = yield* call.body
  return yield* publishers.change(publisher.id, UserId.make(userId), role)
})

/** Takes a member out of a publisher. Everybody may take themselves out. */
export const removeMember: (
  call: PublisherCall,
  userId: string
) => Effect.Effect<void, PublisherError | MemberNotFound | LastOwner, PublisherDoor> = traced("removeMember")(
  function* (call, userId) {
    const publishers = yield* Publishers
    const { asker, may, publisher } = yield* admitPublisher("team", call, "change")
    const isSelf = asker._tag === "Person" && asker.userId === userId
    if (!isSelf) yield* may("members")
    return yield* publishers.change(publisher.id, UserId.make(userId), null)
  }
)

/** What an invitation is to, for the account it is for. */
export const viewInvitation: (
  credential: Credential,
  token: JoinRequest["token"]
) => Effect.Effect<
  OwnPublisher,
  Unauthenticated | RateLimitExceeded | InvitationNotFound,
  Auth | RateLimiter | Publishers
> = traced("viewInvitation")(function* (credential, token) {
  const publishers = yield* Publishers
  return yield* publishers.invited(yield* admit("read", credential), token)
})

/** Takes an invitation. */
export const joinPublisher: <R>(call: {
  readonly credential: Credential
  readonly body: Effect.Effect<JoinRequest, ReadError, R>
}) => Effect.Effect<
  OwnPublisher,
  Unauthenticated | RateLimitExceeded | ReadError | InvitationNotFound,
  Auth | RateLimiter | Publishers | R
> = traced("joinPublisher")(function* ({ body, credential }) {
  const publishers = yield* Publishers
  const userId = yield* admit("change", credential)
  const { token } = yield* body
  return yield* publishers.join(userId, token)
})
