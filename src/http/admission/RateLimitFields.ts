import { HttpServerRequest } from "@effect/platform"
import { Context, Duration, Effect, type Fiber, Layer, Option } from "effect"
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

/** What each request that is answered spent, by the budget. */
const spentBy = new WeakMap<object, Map<string, RateLimitStatus>>()

/** What stands for a request that is passed on with another URL as well: the server's own object. */
const keyOf = ({ source }: HttpServerRequest.HttpServerRequest): object => Object(source)

/** Begins to note what a request spends; anew where a server around this one has it answered again. */
export const noteSpending = (request: HttpServerRequest.HttpServerRequest): void => {
  spentBy.set(keyOf(request), new Map())
}

/** What the request of a fiber spent; undefined outside requests. */
const spentOf = (fiber: Fiber.RuntimeFiber<unknown, unknown>) => {
  const request = Context.getOption(fiber.currentContext, HttpServerRequest.HttpServerRequest)
  return Option.isSome(request) ? spentBy.get(keyOf(request.value)) : undefined
}

/** A limiter that notes with each request what it spent, even if the request fails afterwards, but not what was given back. */
const noting = (limiter: typeof RateLimiter.Service) =>
  RateLimiter.of({
    take: (policy, key) =>
      Effect.withFiberRuntime((fiber) =>
        Effect.mapBoth(limiter.take(policy, key), {
          onSuccess: (status) => {
            spentOf(fiber)?.set(policy, status)
            return status
          },
          onFailure: (refusal) => {
            spentOf(fiber)?.set(policy, spentStatus(refusal))
            return refusal
          }
        })
      ),
    giveBack: (policy, key) =>
      Effect.withFiberRuntime((fiber) => {
        spentOf(fiber)?.delete(policy)
        return limiter.giveBack(policy, key)
      })
  })

/** The limiter, of which `rateLimitFields` tell. */
export const NotedLimiter = Layer.effect(RateLimiter, Effect.map(RateLimiter, noting))

/**
 * The header fields `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11) of the answer to a request, with
 * a member for each budget that it spent.
 */
export const rateLimitFields = (request: HttpServerRequest.HttpServerRequest): Readonly<Record<string, string>> => {
  const spent = [...(spentBy.get(keyOf(request))?.values() ?? [])]
  return spent.length === 0
    ? {}
    : { "ratelimit-policy": spent.map(policyField).join(", "), ratelimit: spent.map(statusField).join(", ") }
}
