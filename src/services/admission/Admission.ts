import { Effect } from "effect"
import type { RateLimitExceeded, Unauthenticated } from "../../domain/Errors.ts"
import type { UserId } from "../../domain/Ids.ts"
import { Auth, type Credential } from "../account/Auth.ts"
import { RateLimiter, type RateLimitPolicy } from "./RateLimiter.ts"

/** Who asks, with a try of their budget under that policy spent. */
export const admit: (
  policy: RateLimitPolicy,
  credential: Credential
) => Effect.Effect<UserId, Unauthenticated | RateLimitExceeded, Auth | RateLimiter> = Effect.fnUntraced(
  function* (policy, credential) {
    const auth = yield* Auth
    const limiter = yield* RateLimiter
    const { userId } = yield* auth.identify(credential)
    yield* limiter.take(policy, userId)
    return userId
  }
)
