import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { NotGateway, PendingNotFound } from "../../domain/Errors.ts"
import {
  AnswerResult,
  ClaimAnswer,
  ClaimRequest,
  LookupAnswer,
  LookupRequest,
  SenderAnswer
} from "../../domain/identity/Identity.ts"
import { Idempotent, Limited } from "../admission/AdmissionApi.ts"
import { gateway, inPath, unreadable } from "../Contract.ts"
import { problem } from "../Problem.ts"

/** The operations of the chat gateway. */
export class GatewayApi extends HttpApiGroup.make("gateway")
  .add(
    HttpApiEndpoint.post("claim", "/api/install/claim")
      .setPayload(ClaimRequest)
      .addSuccess(ClaimAnswer)
      .addError(problem(NotGateway))
      .addError(unreadable)
      .annotateContext(
        OpenApi.annotations({
          identifier: "redeemInstallCode",
          summary: "Hand on a message with a code",
          description: "Uses the code up and says what to send back.",
          transform: gateway
        })
      )
      .middleware(Idempotent)
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.post("answer", "/api/identities/pending/:id/answer")
      .setPath(Schema.Struct({ id: inPath.pending }))
      .setPayload(SenderAnswer)
      .addSuccess(AnswerResult)
      .addError(problem(NotGateway))
      .addError(unreadable)
      .addError(problem(PendingNotFound))
      .annotateContext(
        OpenApi.annotations({
          identifier: "answerForSender",
          summary: "Hand on a sender's yes or no",
          description: "From the very sender the question went to. A yes said again changes nothing.",
          transform: gateway
        })
      )
      .middleware(Idempotent)
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.post("lookup", "/api/identities/lookup")
      .setPayload(LookupRequest)
      .addSuccess(LookupAnswer)
      .addError(problem(NotGateway))
      .addError(unreadable)
      .annotateContext(
        OpenApi.annotations({
          identifier: "lookUpIdentities",
          summary: "Say whose identifiers are",
          description:
            "For each, in order: where its messages go; or, where one account claims it, the question to put to the sender; or null.",
          transform: gateway
        })
      )
  )
  .annotate(OpenApi.Description, "For the chat gateway, by its own bearer token") {}
