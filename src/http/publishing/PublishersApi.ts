import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { ApiKeyList, ApiKeysQuery, KeyRequest, NewApiKey } from "../../domain/account/ApiKey.ts"
import {
  InvalidRequest,
  InvitationNotFound,
  KeyNotFound,
  LastOwner,
  LimitReached,
  MemberNotFound,
  NotPermitted,
  PublisherNotFound,
  Unauthenticated
} from "../../domain/Errors.ts"
import {
  InvitationList,
  InvitationRequest,
  InvitationsQuery,
  Joined,
  JoinRequest,
  MemberList,
  MembersQuery,
  NewInvitation,
  PublisherList,
  PublishersQuery,
  RoleRequest
} from "../../domain/publishing/Publisher.ts"
import { Idempotent, Limited, OwnOrigin } from "../admission/AdmissionApi.ts"
import { inPath, signedIn, unreadable } from "../Contract.ts"
import { problem } from "../Problem.ts"

/** Why a caller has no access to a publisher, in the order of refusal. */
export const publisherRefusals = Schema.Union(
  problem(Unauthenticated),
  problem(PublisherNotFound),
  problem(NotPermitted)
)

const publisherPath = Schema.Struct({ slug: inPath.publisher })

/** Publishers, who belongs to them, and their keys. */
export class PublishersApi extends HttpApiGroup.make("publishers")
  .add(
    HttpApiEndpoint.get("list", "/api/publishers")
      .setUrlParams(PublishersQuery)
      .addSuccess(PublisherList)
      .addError(Schema.Union(problem(Unauthenticated), problem(InvalidRequest)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "listPublishers",
          summary: "The publishers that the caller belongs to",
          description:
            "By slug, in pages. A publisher is made by whoever runs the service: agent-install publisher create.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.get("members", "/api/publishers/:slug/members")
      .setPath(publisherPath)
      .setUrlParams(MembersQuery)
      .addSuccess(MemberList)
      .addError(publisherRefusals)
      .addError(problem(InvalidRequest))
      .annotateContext(
        OpenApi.annotations({
          identifier: "listMembers",
          summary: "Who belongs to a publisher",
          description: "Members by name, in pages, with their roles.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.get("invitations", "/api/publishers/:slug/invitations")
      .setPath(publisherPath)
      .setUrlParams(InvitationsQuery)
      .addSuccess(InvitationList)
      .addError(publisherRefusals)
      .addError(problem(InvalidRequest))
      .annotateContext(
        OpenApi.annotations({
          identifier: "listInvitations",
          summary: "Who is invited to a publisher",
          description: "The invitations that are still good, by address, in pages; without their tokens.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.post("invite", "/api/publishers/:slug/invitations")
      .setPath(publisherPath)
      .setPayload(InvitationRequest)
      .addSuccess(NewInvitation)
      .addError(publisherRefusals)
      .addError(unreadable)
      .addError(problem(LimitReached))
      .annotateContext(
        OpenApi.annotations({
          identifier: "inviteMember",
          summary: "Invite somebody to a publisher",
          description:
            "For owners. The answer has what the invited person is given, once: they send it to POST /api/publishers/join, signed in with the account of that address. It is good for seven days; another for the same address ends it.",
          transform: signedIn
        })
      )
      .middleware(Idempotent)
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.del("withdrawInvitation", "/api/publishers/:slug/invitations/:id")
      .setPath(Schema.Struct({ slug: inPath.publisher, id: inPath.invitation }))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(publisherRefusals)
      .addError(problem(InvitationNotFound))
      .annotateContext(
        OpenApi.annotations({
          identifier: "withdrawInvitation",
          summary: "Take an invitation back",
          description: "For owners.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.post("join", "/api/publishers/join")
      .setPayload(JoinRequest)
      .addSuccess(Joined)
      .addError(problem(Unauthenticated))
      .addError(unreadable)
      .addError(problem(InvitationNotFound))
      .annotateContext(
        OpenApi.annotations({
          identifier: "joinPublisher",
          summary: "Take an invitation to a publisher",
          description: "Signed in with the account of the address that was invited.",
          transform: signedIn
        })
      )
      .middleware(Idempotent)
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.put("setRole", "/api/publishers/:slug/members/:userId")
      .setPath(Schema.Struct({ slug: inPath.publisher, userId: inPath.member }))
      .setPayload(RoleRequest)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(publisherRefusals)
      .addError(unreadable)
      .addError(Schema.Union(problem(MemberNotFound), problem(LastOwner)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "setMemberRole",
          summary: "Give a member another role",
          description: "For owners: owner, admin or member. The only owner stays one.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.del("removeMember", "/api/publishers/:slug/members/:userId")
      .setPath(Schema.Struct({ slug: inPath.publisher, userId: inPath.member }))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(publisherRefusals)
      .addError(Schema.Union(problem(MemberNotFound), problem(LastOwner)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "removeMember",
          summary: "Take a member out of a publisher",
          description: "For owners; everybody may take themselves out. The only owner stays.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.get("keys", "/api/publishers/:slug/keys")
      .setPath(publisherPath)
      .setUrlParams(ApiKeysQuery)
      .addSuccess(ApiKeyList)
      .addError(publisherRefusals)
      .addError(problem(InvalidRequest))
      .annotateContext(
        OpenApi.annotations({
          identifier: "listKeys",
          summary: "The keys of a publisher",
          description: "For owners and admins: the newest first, in pages, each by how it begins.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.post("createKey", "/api/publishers/:slug/keys")
      .setPath(publisherPath)
      .setPayload(KeyRequest)
      .addSuccess(NewApiKey)
      .addError(publisherRefusals)
      .addError(unreadable)
      .addError(problem(LimitReached))
      .annotateContext(
        OpenApi.annotations({
          identifier: "createKey",
          summary: "Make a key of a publisher",
          description:
            "For owners and admins. The answer has the key, which is kept as a hash and shown to nobody again. It is sent as authorization: Bearer, opens this publisher alone, and has budgets of its own.",
          transform: signedIn
        })
      )
      .middleware(Idempotent)
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.del("deleteKey", "/api/publishers/:slug/keys/:id")
      .setPath(Schema.Struct({ slug: inPath.publisher, id: inPath.key }))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(publisherRefusals)
      .addError(problem(KeyNotFound))
      .annotateContext(
        OpenApi.annotations({
          identifier: "deleteKey",
          summary: "End a key of a publisher",
          description: "For owners and admins. It opens nothing from then on.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .annotate(OpenApi.Description, "Publishers: who belongs to them, and the keys of their programs") {}
