import { HttpApiBuilder } from "@effect/platform"
import {
  AnswerAnswer,
  ClaimAnswer,
  ClaimRequest,
  LookupAnswer,
  LookupRequest,
  SenderAnswer
} from "../../domain/identity/Identity.ts"
import { claimInstall } from "../../services/identity/ClaimInstall.ts"
import { answerPending, lookUp } from "../../services/identity/Senders.ts"
import { answer } from "../Answer.ts"
import { Api } from "../Api.ts"
import { credentialOf } from "../admission/Caller.ts"
import { withRateLimitFields } from "../admission/RateLimitFields.ts"
import { readJson } from "../Body.ts"

const claimed = answer(ClaimAnswer)
const answered = answer(AnswerAnswer)
const found = answer(LookupAnswer)

export const GatewayHttp = HttpApiBuilder.group(Api, "gateway", (handlers) =>
  handlers
    .handleRaw("claim", ({ request }) =>
      claimInstall({ credential: credentialOf(request), body: readJson(request, ClaimRequest) }).pipe(
        withRateLimitFields,
        claimed
      )
    )
    .handleRaw("answer", ({ path, request }) =>
      answerPending({
        credential: credentialOf(request),
        pendingId: path.id,
        body: readJson(request, SenderAnswer)
      }).pipe(withRateLimitFields, answered)
    )
    .handleRaw("lookup", ({ request }) =>
      lookUp({ credential: credentialOf(request), body: readJson(request, LookupRequest) }).pipe(found)
    )
)
