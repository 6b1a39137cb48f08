import { createHash } from "node:crypto"
import { HttpApiSchema, HttpServerResponse } from "@effect/platform"
import { type Context, Effect, Layer, Option, Schema } from "effect"
import { type Caller, IdempotencyKey } from "../domain/admission/KeptAnswer.ts"
import type { Credential } from "../services/account/Auth.ts"
import { KeptAnswers } from "../services/admission/KeptAnswers.ts"
import { RateLimiter } from "../services/admission/RateLimiter.ts"
import { Gateway } from "../services/identity/Gateway.ts"
import { askerOf } from "../services/publishing/AdmitPublisher.ts"
import { type AnswerOnce, Idempotent, type Repeatable } from "./admission/AdmissionApi.ts"
import { credentialOf } from "./admission/Caller.ts"
import { invalidRequest } from "./Body.ts"
import { readTarget } from "./Target.ts"

const header = "idempotency-key"

/** Who shows a credential, whichever kind it is, and by what name their budgets go. */
const callerOf = (credential: Credential) =>
  Effect.gen(function* () {
    const gateway = yield* Gateway
    if (yield* Effect.isSuccess(gateway.identify(credential))) {
      return { caller: { name: "gateway", userId: null, organizationId: null } satisfies Caller, budget: undefined }
    }
    const asker = yield* askerOf(credential)
    if (asker._tag === "Person") {
      const { userId } = asker
      return { caller: { name: `user ${userId}`, userId, organizationId: null } satisfies Caller, budget: userId }
    }
    const { id, organizationId } = asker.key
    const name = `key ${id}`
    return { caller: { name, userId: null, organizationId } satisfies Caller, budget: name }
  })

const readKey = (given: string) =>
  Effect.mapError(Schema.decode(IdempotencyKey)(given), () =>
    invalidRequest([{ path: [header], message: "must have 1 to 255 characters of ASCII" }])
  )

/** An answer as `HttpApi` would send it. */
const encoded = (success: Schema.Schema.Any) => {
  const encode = Schema.encode(success as Schema.Schema<unknown, unknown>)
  const status = HttpApiSchema.getStatusSuccess(success)
  return (answer: unknown) =>
    Effect.map(Effect.orDie(encode(answer)), (value) => ({
      status,
      contentType: "application/json",
      text: JSON.stringify(value)
    }))
}

/**
 * Answers a request that has an `Idempotency-Key` once. Whoever may not ask is refused as ever, by the work itself. What else the
 * request says (its body and its query, byte by byte) is compared where the key is sent again. Giving an answer again costs a read.
 */
const answerOnce: Effect.Effect<
  Context.Tag.Service<typeof AnswerOnce>,
  never,
  Effect.Effect.Context<ReturnType<typeof callerOf>> | KeptAnswers | RateLimiter
> = Effect.gen(function* () {
  const context = yield* Effect.context<Effect.Effect.Context<ReturnType<typeof callerOf>>>()
  const limiter = yield* RateLimiter
  const kept = yield* KeptAnswers
  return ({ bytes, request, success }: Repeatable, work) =>
    Effect.gen(function* () {
      const given = request.headers[header]
      if (given === undefined) return yield* work(bytes)
      const found = yield* Effect.option(Effect.provide(callerOf(credentialOf(request)), context))
      if (Option.isNone(found)) return yield* work(bytes)
      const { budget, caller } = found.value
      if (budget !== undefined) yield* limiter.take("read", budget)
      const key = yield* readKey(given)
      const { pathname, search } = yield* readTarget(request)
      const body = yield* bytes
      const { answer, isRepeated } = yield* kept.once(
        {
          caller,
          operation: `${request.method} ${pathname}`,
          key,
          fingerprint: createHash("sha256").update(search).update("\n").update(body).digest("hex")
        },
        Effect.flatMap(work(Effect.succeed(body)), encoded(success))
      )
      return HttpServerResponse.text(answer.text, {
        status: answer.status,
        contentType: answer.contentType,
        headers: isRepeated ? { "idempotent-replayed": "true" } : {}
      })
    })
})

export const IdempotentHttp = Layer.effect(Idempotent, Effect.map(answerOnce, Effect.succeed))
