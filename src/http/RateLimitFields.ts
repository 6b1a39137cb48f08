import { HttpApp, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Duration, Effect } from "effect"
import type { RateLimitExceeded } from "../domain/Errors.ts"
import { RateLimiter, type RateLimitStatus } from "../services/RateLimiter.ts"

const seconds = (duration: Duration.Duration) => Math.ceil(Duration.toSeconds(duration))

const policyField = ({ limit, policy, window }: Pick<RateLimitStatus, "limit" | "policy" | "window">) =>
  `"${policy}";q=${limit};w=${seconds(window)}`

const statusField = ({ policy, remaining, resetAfter }: Pick<RateLimitStatus, "policy" | "remaining" | "resetAfter">) =>
  `"${policy}";r=${remaining};t=${seconds(resetAfter)}`

const spent = ({ limit, policy, retryAfter, window }: RateLimitExceeded) => ({
  limit,
  policy: policy as RateLimitStatus["policy"],
  window,
  remaining: 0,
  resetAfter: retryAfter
})

/**
 * Puts `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11) on the answer to whatever the effect
 * spends, also where it fails afterwards.
 */
export const withRateLimitFields = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const report = (status: RateLimitStatus) =>
      HttpApp.appendPreResponseHandler((_request, response) =>
        Effect.succeed(
          HttpServerResponse.setHeaders(response, {
            "ratelimit-policy": policyField(status),
            ratelimit: statusField(status)
          })
        )
      ).pipe(Effect.provideService(HttpServerRequest.HttpServerRequest, request))
    return Effect.updateService(effect, RateLimiter, (limiter) =>
      RateLimiter.of({
        take: (policy, key) =>
          limiter.take(policy, key).pipe(
            Effect.tap(report),
            Effect.tapError((error) => report(spent(error)))
          )
      })
    )
  })
