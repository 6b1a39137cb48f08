import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import {
  ForeignOrigin,
  IdentityNotFound,
  IdentityTaken,
  InvalidPhone,
  NoMember,
  NoPersonalOrg,
  NotGateway,
  NotOrgAdmin,
  PendingNotFound,
  RateLimitExceeded,
  Unauthenticated,
  UnknownTemplateSlug
} from "../../domain/Errors.ts"
import {
  AnswerResult,
  ClaimAnswer,
  ClaimedPhone,
  ClaimRequest,
  LookupAnswer,
  LookupRequest,
  OwnIdentities,
  OwnIdentity,
  PhoneRequest,
  SenderAnswer,
  TokenAnswer
} from "../../domain/identity/Identity.ts"
import { PlanRequest } from "../../domain/installation/Install.ts"
import { gateway, signedIn, templateRefusals, unreadable } from "../Contract.ts"
import { problem } from "../Problem.ts"

const id = Schema.Struct({ id: Schema.String })

const changes = Schema.Union(
  problem(ForeignOrigin),
  problem(Unauthenticated),
  problem(RateLimitExceeded),
  problem(NoPersonalOrg)
)

/** A person's own identities, and codes to prove them by. */
export class IdentitiesApi extends HttpApiGroup.make("identities")
  .add(
    HttpApiEndpoint.get("list", "/api/identities")
      .addSuccess(OwnIdentities)
      .addError(Schema.Union(problem(Unauthenticated), problem(RateLimitExceeded), problem(NoPersonalOrg)))
      .annotateContext(
        OpenApi.annotations({
          summary: "List the caller's identities",
          description: "Those of chat platforms, masked, with where they stand. What others claim is not told.",
          transform: signedIn
        })
      )
  )
  .add(
    HttpApiEndpoint.post("phone", "/api/identities/phone")
      .setPayload(PhoneRequest)
      .addSuccess(ClaimedPhone)
      .addError(changes)
      .addError(unreadable)
      .addError(Schema.Union(problem(InvalidPhone), problem(NoMember), problem(IdentityTaken)))
      .annotateContext(
        OpenApi.annotations({
          summary: "Claim a phone",
          description:
            "It is verified once somebody says yes from it; after a no from it, state is declined. An earlier claim of another number ends.",
          transform: signedIn
        })
      )
  )
  .add(
    HttpApiEndpoint.post("confirm", "/api/identities/:id/confirm")
      .setPath(id)
      .addSuccess(OwnIdentity)
      .addError(changes)
      .addError(problem(IdentityNotFound))
      .annotateContext(
        OpenApi.annotations({
          summary: "Confirm the sender of a code",
          description:
            "For an identity in confirm_session: the caller says that the masked sender is theirs. Changes nothing where nothing waits for it.",
          transform: signedIn
        })
      )
  )
  .add(
    HttpApiEndpoint.del("unlink", "/api/identities/:id")
      .setPath(id)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(changes)
      .addError(problem(IdentityNotFound))
      .annotateContext(
        OpenApi.annotations({
          summary: "End an identity",
          description: "With all that was claimed or proved together with it. A pending one is declined by it.",
          transform: signedIn
        })
      )
  )
  .add(
    HttpApiEndpoint.post("token", "/api/install/token")
      .setPayload(PlanRequest)
      .addSuccess(TokenAnswer)
      .addError(changes)
      .addError(unreadable)
      .addError(Schema.Union(problem(UnknownTemplateSlug), templateRefusals, problem(NotOrgAdmin)))
      .annotateContext(
        OpenApi.annotations({
          summary: "Make a code to send",
          description:
            "A message with it installs the template and links the chat it is sent from, once the sender says yes. It works once, for 15 minutes; one a person and template.",
          transform: signedIn
        })
      )
  )
  .annotate(OpenApi.Description, "The caller's identities on chat platforms") {}

/** What the chat gateway asks and hands on. */
export class GatewayApi extends HttpApiGroup.make("gateway")
  .add(
    HttpApiEndpoint.post("claim", "/api/install/claim")
      .setPayload(ClaimRequest)
      .addSuccess(ClaimAnswer)
      .addError(problem(NotGateway))
      .addError(unreadable)
      .addError(problem(RateLimitExceeded))
      .annotateContext(
        OpenApi.annotations({
          summary: "Hand on a message with a code",
          description: "Uses the code up and says what to send back.",
          transform: gateway
        })
      )
  )
  .add(
    HttpApiEndpoint.post("answer", "/api/identities/pending/:id/answer")
      .setPath(id)
      .setPayload(SenderAnswer)
      .addSuccess(AnswerResult)
      .addError(problem(NotGateway))
      .addError(unreadable)
      .addError(problem(RateLimitExceeded))
      .addError(problem(PendingNotFound))
      .annotateContext(
        OpenApi.annotations({
          summary: "Hand on a sender's yes or no",
          description: "From the very sender the question went to. A yes said again changes nothing.",
          transform: gateway
        })
      )
  )
  .add(
    HttpApiEndpoint.post("lookup", "/api/identities/lookup")
      .setPayload(LookupRequest)
      .addSuccess(LookupAnswer)
      .addError(problem(NotGateway))
      .addError(unreadable)
      .annotateContext(
        OpenApi.annotations({
          summary: "Say whose identifiers are",
          description:
            "For each, in order: where its messages go; or, where one account claims it, the question to put to the sender; or null.",
          transform: gateway
        })
      )
  )
  .annotate(OpenApi.Description, "For the chat gateway, by its own bearer token") {}
