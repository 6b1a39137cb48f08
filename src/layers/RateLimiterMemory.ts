import { Clock, Duration, Effect, Either, Layer } from "effect"
import { RateLimitExceeded } from "../domain/Errors.ts"
import { RateLimiter, type RateLimits } from "../services/RateLimiter.ts"
import { World } from "./World.ts"

/** Budgets as sliding logs in the world, by the clock of the fiber. */
export const RateLimiterMemory = (limits: RateLimits) =>
  Layer.effect(
    RateLimiter,
    Effect.map(World, ({ change }) =>
      RateLimiter.of({
        take: (policy, key) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) =>
            change((state) => {
              const { limit, window } = limits[policy]
              const name = `${policy}:${key}`
              const recent = (state.hits[name] ?? []).filter((hit) => hit > now - Duration.toMillis(window))
              const resetAfter = (hits: ReadonlyArray<number>) =>
                Duration.millis((hits[Math.max(0, hits.length - limit)] ?? now) + Duration.toMillis(window) - now)
              if (recent.length >= limit) {
                return Either.left(new RateLimitExceeded({ policy, limit, window, retryAfter: resetAfter(recent) }))
              }
              const hits = [...recent, now]
              const status = { policy, limit, window, remaining: limit - hits.length, resetAfter: resetAfter(hits) }
              return Either.right([status, { ...state, hits: { ...state.hits, [name]: hits } }])
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
