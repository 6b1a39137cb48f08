import { type Effect, Schema } from "effect"
import { type NotGateway, PendingNotFound, type RateLimitExceeded, type ReadError } from "../../domain/Errors.ts"
import { type AnswerResult, answerTexts, LinkId, type SenderAnswer } from "../../domain/identity/Identity.ts"
import { senderKey } from "../../domain/identity/Platform.ts"
import { RateLimiter } from "../admission/RateLimiter.ts"
import { traced } from "../runtime/Traced.ts"
import { Gateway, type GatewayCall } from "./Gateway.ts"
import { IdentityLinker } from "./IdentityLinker.ts"
import { readSender } from "./ReadSender.ts"

/** A sender's YES or NO, as the gateway hands it on. */
export interface AnswerCall<R> extends GatewayCall<SenderAnswer, R> {
  readonly pendingId: string
}

/** Takes what a sender says to the question that named an account to them. */
export const answerChallenge: <R>(
  call: AnswerCall<R>
) => Effect.Effect<
  AnswerResult,
  NotGateway | ReadError | RateLimitExceeded | PendingNotFound,
  Gateway | RateLimiter | IdentityLinker | R
> = traced("answerChallenge")(function* ({ body, credential, pendingId }) {
  const gateway = yield* Gateway
  const limiter = yield* RateLimiter
  const identities = yield* IdentityLinker

  yield* gateway.identify(credential)
  const request = yield* body
  const sender = yield* readSender(request)
  yield* limiter.take("sender", senderKey(sender.platform, sender.identifiers))
  if (!Schema.is(LinkId)(pendingId)) return yield* new PendingNotFound()
  const status = yield* identities.answer({ linkId: pendingId, sender, yes: request.yes })
  return { status, text: answerTexts[status] }
})
