import { HttpApiMiddleware, type HttpServerRequest } from "@effect/platform"
import { Context, type Effect, Schema } from "effect"
import {
  ForeignOrigin,
  IdempotencyKeyInUse,
  IdempotencyKeyReused,
  RateLimitExceeded,
  type ReadError
} from "../../domain/Errors.ts"
import { problem } from "../Problem.ts"

/** For an endpoint that changes something: refuses a session cookie that was sent from a page of another site. */
export class OwnOrigin extends HttpApiMiddleware.Tag<OwnOrigin>()("agent-install/OwnOrigin", {
  failure: problem(ForeignOrigin)
}) {}

/** For an endpoint that spends a budget, and refuses who has none left. */
export class Limited extends HttpApiMiddleware.Tag<Limited>()("agent-install/Limited", {
  failure: problem(RateLimitExceeded)
}) {}

/** A request that may have an `Idempotency-Key`. */
export interface Repeatable {
  readonly request: HttpServerRequest.HttpServerRequest
  /** Its body, as it is sent. */
  readonly bytes: Effect.Effect<Uint8Array<ArrayBuffer>, ReadError>
  /** The schema of what is answered. */
  readonly success: Schema.Schema.Any
}

/** Does what a request asks, given its body. */
export type Work = (bytes: Repeatable["bytes"]) => Effect.Effect<unknown, unknown>

/** Does what a request asks, or gives the answer again that it had. */
export class AnswerOnce extends Context.Tag("agent-install/AnswerOnce")<
  AnswerOnce,
  (asked: Repeatable, work: Work) => Effect.Effect<unknown, unknown>
>() {}

/**
 * For an endpoint which does the same again where it is asked again: a request that has an `Idempotency-Key` is answered once, and
 * with that same answer for a day.
 */
export class Idempotent extends HttpApiMiddleware.Tag<Idempotent>()("agent-install/Idempotent", {
  failure: Schema.Union(problem(IdempotencyKeyInUse), problem(IdempotencyKeyReused)),
  provides: AnswerOnce
}) {}
