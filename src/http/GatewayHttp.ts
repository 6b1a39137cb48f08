import { HttpApiBuilder } from "@effect/platform"
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
import { answer } from "./Answer.ts"
import { Api } from "./Api.ts"
import { readJson } from "./Body.ts"
import { credentialOf } from "./Caller.ts"
import { withRateLimitFields } from "./RateLimitFields.ts"

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
