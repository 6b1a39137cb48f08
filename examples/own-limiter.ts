import { RateLimitExceeded, RateLimiter, type RateLimits, spend } from "agent-install/admission"
import { Clock, Duration, Effect, Layer } from "effect"

/* Budgets in a map of the process in place of Postgres: enough where one process serves. */

/** Keeps the times of the tries that passed; `spend` decides whether another may. */
export const OwnLimiter = (limits: RateLimits) =>
  Layer.sync(RateLimiter, () => {
    const tries = new Map<string, ReadonlyArray<number>>()
    return RateLimiter.of({
      take: (policy, key) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          const { limit, window } = limits[policy]
          const name = `${policy} ${key}`
          const { allowed, hits, resetAfter } = spend(tries.get(name) ?? [], now, limit, Duration.toMillis(window))
          const after = Duration.millis(resetAfter)
          if (!allowed) return yield* new RateLimitExceeded({ policy, limit, window, retryAfter: after })
          tries.set(name, hits)
          return { policy, limit, window, remaining: limit - hits.length, resetAfter: after }
        }),
      giveBack: (policy, key) =>
        Effect.sync(() => {
          const name = `${policy} ${key}`
          tries.set(name, (tries.get(name) ?? []).slice(0, -1))
        })
    })
  })
