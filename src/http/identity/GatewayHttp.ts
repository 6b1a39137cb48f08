import { HttpApiBuilder } from "@effect/platform"
import {
  AnswerResult,
  ClaimAnswer,
  ClaimRequest,
  LookupAnswer,
  LookupRequest,
  SenderAnswer
} from "../../domain/identity/Identity.ts"
import { answerChallenge } from "../../services/identity/AnswerChallenge.ts"
import { lookUp } from "../../services/identity/LookUp.ts"
import { redeemCode } from "../../services/identity/RedeemCode.ts"
import { answer } from "../Answer.ts"
import { Api } from "../Api.ts"
import { credentialOf } from "../admission/Caller.ts"
import { withRateLimitFields } from "../admission/RateLimitFields.ts"
import { readJson } from "../Body.ts"

const claimed = answer(ClaimAnswer)
const answered = answer(AnswerResult)
const found = answer(LookupAnswer)

export const GatewayHttp = HttpApiBuilder.group(Api, "gateway", (handlers) =>
  handlers
    .handleRaw("claim", ({ request }) =>
      redeemCode({ credential: credentialOf(request), body: readJson(request, ClaimRequest) }).pipe(
        withRateLimitFields,
        claimed
      )
    )
    .handleRaw("answer", ({ path, request }) =>
      answerChallenge({
        credential: credentialOf(request),
        pendingId: path.id,
        body: readJson(request, SenderAnswer)
      }).pipe(withRateLimitFields, answered)
    )
    .handleRaw("lookup", ({ request }) =>
      lookUp({ credential: credentialOf(request), body: readJson(request, LookupRequest) }).pipe(found)
    )
)
