import { HttpApp, HttpServerResponse } from "@effect/platform"
import { Duration, Effect } from "effect"
import type { RateLimitExceeded } from "../../domain/Errors.ts"
import { RateLimiter, type RateLimitStatus } from "../../services/admission/RateLimiter.ts"

const seconds = (duration: Duration.Duration) => Math.ceil(Duration.toSeconds(duration))

const policyField = ({ limit, policy, window }: Pick<RateLimitStatus, "limit" | "policy" | "window">) =>
  `"${policy}";q=${limit};w=${seconds(window)}`

const statusField = ({ policy, remaining, resetAfter }: Pick<RateLimitStatus, "policy" | "remaining" | "resetAfter">) =>
  `"${policy}";r=${remaining};t=${seconds(resetAfter)}`

const spentStatus = ({ limit, policy, retryAfter, window }: RateLimitExceeded) => ({
  limit,
  policy: policy as RateLimitStatus["policy"],
  window,
  remaining: 0,
  resetAfter: retryAfter
})

/**
 * The limiter for one request. It adds `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11) to
 * the answer: a member for each budget that was spent, even if the request fails afterwards. Tries that were given back
 * are left out.
 */
export const reportingLimiter = (limiter: typeof RateLimiter.Service) =>
  Effect.suspend(() => {
    const spent = new Map<string, RateLimitStatus>()
    const note = (status: RateLimitStatus) => Effect.sync(() => spent.set(status.policy, status))
    const telling = RateLimiter.of({
      take: (policy, key) =>
        limiter.take(policy, key).pipe(
          Effect.tap(note),
          Effect.tapError((error) => note(spentStatus(error)))
        ),
      giveBack: (policy, key) =>
        Effect.zipRight(
          Effect.sync(() => spent.delete(policy)),
          limiter.giveBack(policy, key)
        )
    })
    return Effect.as(
      HttpApp.appendPreResponseHandler((_request, response) => {
        const all = [...spent.values()]
        return Effect.succeed(
          all.length === 0
            ? response
            : HttpServerResponse.setHeaders(response, {
                "ratelimit-policy": all.map(policyField).join(", "),
                ratelimit: all.map(statusField).join(", ")
              })
        )
      }),
      telling
    )
  })
