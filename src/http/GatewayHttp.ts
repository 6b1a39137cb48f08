import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
import {
  AnswerAnswer,
  ClaimAnswer,
  ClaimRequest,
  LookupAnswer,
  LookupRequest,
  SenderAnswer
} from "../domain/Identity.ts"
import { claimInstall } from "../services/ClaimInstall.ts"
import { answerPending, lookUp } from "../services/Senders.ts"
import { Api } from "./Api.ts"
import { readJson } from "./Body.ts"
import { credentialOf } from "./Caller.ts"
import { withRateLimitFields } from "./RateLimitFields.ts"

const claimed = HttpServerResponse.schemaJson(ClaimAnswer)
const answered = HttpServerResponse.schemaJson(AnswerAnswer)
const found = HttpServerResponse.schemaJson(LookupAnswer)

export const GatewayHttp = HttpApiBuilder.group(Api, "gateway", (handlers) =>
  handlers
    .handleRaw("claim", ({ request }) =>
      claimInstall({ credential: credentialOf(request), body: readJson(request, ClaimRequest) }).pipe(
        withRateLimitFields,
        Effect.flatMap((answer) => Effect.orDie(claimed(answer)))
      )
    )
    .handleRaw("answer", ({ path, request }) =>
      answerPending({
        credential: credentialOf(request),
        pendingId: path.id,
        body: readJson(request, SenderAnswer)
      }).pipe(
        withRateLimitFields,
        Effect.flatMap((answer) => Effect.orDie(answered(answer)))
      )
    )
    .handleRaw("lookup", ({ request }) =>
      lookUp({ credential: credentialOf(request), body: readJson(request, LookupRequest) }).pipe(
        Effect.flatMap((answer) => Effect.orDie(found(answer)))
      )
    )
)
