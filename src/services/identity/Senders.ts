import { Effect, Schema } from "effect"
import { type NotGateway, PendingNotFound, type RateLimitExceeded, type ReadError } from "../../domain/Errors.ts"
import {
  type AnswerOutcome,
  answerTexts,
  type LookupAnswer,
  type LookupRequest,
  PendingId,
  type SenderAnswer
} from "../../domain/identity/Identity.ts"
import { senderKey } from "../../domain/identity/Platform.ts"
import type { Credential } from "../account/Auth.ts"
import { RateLimiter } from "../admission/RateLimiter.ts"
import { Gateway } from "./Gateway.ts"
import { IdentityLinker } from "./IdentityLinker.ts"
import { readSender } from "./Sender.ts"

/** A request of the gateway: what it shows, and how to read the rest once it may. */
export interface GatewayCall<A, R> {
  readonly credential: Credential
  readonly body: Effect.Effect<A, ReadError, R>
}

/** A sender's YES or NO, as the gateway hands it on. */
export interface AnswerCall<R> extends GatewayCall<SenderAnswer, R> {
  readonly pendingId: string
}

/** Takes what a sender says to the question that named an account to them. */
export const answerPending: <R>(
  call: AnswerCall<R>
) => Effect.Effect<
  { readonly status: AnswerOutcome; readonly text: string },
  NotGateway | ReadError | RateLimitExceeded | PendingNotFound,
  Gateway | RateLimiter | IdentityLinker | R
> = Effect.fn("answerPending")(function* ({ body, credential, pendingId }) {
  const gateway = yield* Gateway
  const limiter = yield* RateLimiter
  const identities = yield* IdentityLinker

  yield* gateway.identify(credential)
  const request = yield* body
  const sender = yield* readSender(request)
  yield* limiter.take("sender", senderKey(sender.platform, sender.identifiers))
  if (!Schema.is(PendingId)(pendingId)) return yield* new PendingNotFound()
  const status = yield* identities.answer({ pendingId, sender, yes: request.yes })
  return { status, text: answerTexts[status] }
})

/** Says whose identifiers are, and where their messages go. */
export const lookUp: <R>(
  call: GatewayCall<LookupRequest, R>
) => Effect.Effect<LookupAnswer, NotGateway | ReadError, Gateway | IdentityLinker | R> = Effect.fn("lookUp")(
  function* ({ body, credential }) {
    const gateway = yield* Gateway
    const identities = yield* IdentityLinker

    yield* gateway.identify(credential)
    return { identities: yield* identities.lookup(yield* body) }
  }
)
