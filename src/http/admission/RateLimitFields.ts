import { HttpApp, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Duration, Effect } from "effect"
import type { RateLimitExceeded } from "../../domain/Errors.ts"
import { RateLimiter, type RateLimitStatus } from "../../services/admission/RateLimiter.ts"

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
 * spends, a member for each budget, also where it fails afterwards. A try that was given back is not told.
 */
export const withRateLimitFields = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const told = new Map<string, RateLimitStatus>()
    const report = HttpApp.appendPreResponseHandler((_request, response) => {
      const all = [...told.values()]
      return Effect.succeed(
        all.length === 0
          ? response
          : HttpServerResponse.setHeaders(response, {
              "ratelimit-policy": all.map(policyField).join(", "),
              ratelimit: all.map(statusField).join(", ")
            })
      )
    }).pipe(Effect.provideService(HttpServerRequest.HttpServerRequest, request))
    const note = (status: RateLimitStatus) => Effect.sync(() => told.set(status.policy, status))
    return Effect.zipRight(
      report,
      Effect.updateService(effect, RateLimiter, (limiter) =>
        RateLimiter.of({
          take: (policy, key) =>
            limiter.take(policy, key).pipe(
              Effect.tap(note),
              Effect.tapError((error) => note(spent(error)))
            ),
          giveBack: (policy, key) =>
            Effect.zipRight(
              Effect.sync(() => told.delete(policy)),
              limiter.giveBack(policy, key)
            )
        })
      )
    )
  })
