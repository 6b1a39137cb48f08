import { Clock, Duration, Effect, Either, Layer } from "effect"
import { spend } from "../../domain/admission/Budget.ts"
import { RateLimitExceeded } from "../../domain/Errors.ts"
import { RateLimiter, type RateLimits } from "../../services/admission/RateLimiter.ts"
import { MemoryStore } from "../memory/MemoryStore.ts"

/** Budgets as sliding logs in memory, by the clock of the fiber. */
export const RateLimiterMemory = (limits: RateLimits) =>
  Layer.effect(
    RateLimiter,
    Effect.map(MemoryStore, ({ change }) =>
      RateLimiter.of({
        take: (policy, key) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) =>
            change((state) => {
              const { limit, window } = limits[policy]
              const name = `${policy}:${key}`
              const { allowed, hits, resetAfter } = spend(state.hits[name] ?? [], now, limit, Duration.toMillis(window))
              const after = Duration.millis(resetAfter)
              return allowed
                ? Either.right([
                    { policy, limit, window, remaining: limit - hits.length, resetAfter: after },
                    { ...state, hits: { ...state.hits, [name]: hits } }
                  ])
                : Either.left(new RateLimitExceeded({ policy, limit, window, retryAfter: after }))
            })
          ),
        giveBack: (policy, key) =>
          change((state) => {
            const name = `${policy}:${key}`
            return Either.right([
              undefined,
              { ...state, hits: { ...state.hits, [name]: (state.hits[name] ?? []).slice(0, -1) } }
            ])
          })
      })
    )
  )
