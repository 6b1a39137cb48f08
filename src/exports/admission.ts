/** How often somebody may try, and what is answered again where they repeat themselves. */
export { type SpendResult, spend } from "../domain/admission/Budget.ts"
export { type Caller, KeptAnswer, type RepeatableRequest } from "../domain/admission/KeptAnswer.ts"
export { IdempotencyKeyInUse, IdempotencyKeyReused, RateLimitExceeded } from "../domain/Errors.ts"
export { admit } from "../services/admission/Admission.ts"
export { type GivenAnswer, KeptAnswers } from "../services/admission/KeptAnswers.ts"
export {
  type RateLimit,
  RateLimiter,
  type RateLimitPolicy,
  type RateLimitStatus,
  type RateLimits
} from "../services/admission/RateLimiter.ts"
