import { Context, type Effect } from "effect"
import type { KeptAnswer, RepeatableRequest } from "../../domain/admission/KeptAnswer.ts"
import type { IdempotencyKeyInUse, IdempotencyKeyReused } from "../../domain/Errors.ts"

/** An answer, and whether it was given before. */
export interface GivenAnswer {
  readonly answer: KeptAnswer
  readonly isRepeated: boolean
}

/** Answers that are given again to whoever repeats a request. */
export class KeptAnswers extends Context.Tag("agent-install/KeptAnswers")<
  KeptAnswers,
  {
    /**
     * Does the work of a request and keeps its answer for a day, in which the same request gets that answer without any work being
     * done. Work that fails is forgotten, and may be tried again with the same key. While it is being done, a repetition is refused.
     */
    readonly once: <E, R>(
      request: RepeatableRequest,
      work: Effect.Effect<KeptAnswer, E, R>
    ) => Effect.Effect<GivenAnswer, E | IdempotencyKeyInUse | IdempotencyKeyReused, R>
  }
>() {}
