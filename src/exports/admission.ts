/** How often somebody may try. */
export { type SpendResult, spend } from "../domain/admission/Budget.ts"
export { RateLimitExceeded } from "../domain/Errors.ts"
export { admit } from "../services/admission/Admission.ts"
export {
  type RateLimit,
  RateLimiter,
  type RateLimitPolicy,
  type RateLimitStatus,
  type RateLimits
} from "../services/admission/RateLimiter.ts"
