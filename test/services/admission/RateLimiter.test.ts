import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Either } from "effect"
import { RateLimiter } from "../../../src/services/admission/RateLimiter.ts"
import { Hands, limits, worlds } from "../../worlds.ts"

let keys = 0

// One that all processes share, and one of each process.
const policies = ["install", "read"] as const
const cases = worlds.flatMap(([label, world]) => policies.map((policy) => ({ label, world, policy })))

for (const { label, policy, world } of cases) {
  layer(world, { timeout: "60 seconds" })(`RateLimiter (${label}, ${policy})`, (it) => {
    const { limit, window } = limits[policy]
    const elapse = (time: Duration.Duration) => Effect.flatMap(Hands, (hands) => hands.elapse(time))
    const take = (key: string) => Effect.flatMap(RateLimiter, (limiter) => limiter.take(policy, key))

    it.effect("lets a key spend its budget, counts down, and says when the next try may pass", () =>
      Effect.gen(function* () {
        const key = `key-${++keys}`
        const spent = yield* Effect.replicateEffect(take(key), limit)
        assert.deepStrictEqual(
          spent.map(({ remaining }) => remaining),
          [2, 1, 0]
        )
        const refusal = yield* Effect.flip(take(key))
        assert.isAtMost(Duration.toMillis(refusal.retryAfter), Duration.toMillis(window))
        assert.isAbove(Duration.toMillis(refusal.retryAfter), 0)
        yield* elapse(refusal.retryAfter)
        yield* take(key)
      })
    )

    it.effect("lets exactly the budget pass of many at once", () =>
      Effect.gen(function* () {
        const key = `key-${++keys}`
        const tries = yield* Effect.all(
          Array.from({ length: 40 }, () => Effect.either(take(key))),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(tries.filter(Either.isRight).length, limit)
      })
    )

    it.effect("does not spend what it refuses: the window slides with the tries that passed", () =>
      Effect.gen(function* () {
        const key = `key-${++keys}`
        yield* Effect.replicateEffect(take(key), limit)
        const first = yield* Effect.flip(take(key))
        yield* elapse(Duration.times(first.retryAfter, 0.5))
        const later = yield* Effect.flip(take(key))
        assert.isBelow(Duration.toMillis(later.retryAfter), Duration.toMillis(first.retryAfter))
      })
    )

    it.effect("takes a try back that does not count, and no other key's", () =>
      Effect.gen(function* () {
        const limiter = yield* RateLimiter
        const key = `key-${++keys}`
        yield* limiter.giveBack(policy, key)
        for (let at = 0; at < 2 * limit; at++) {
          assert.strictEqual((yield* take(key)).remaining, limit - 1)
          yield* limiter.giveBack(policy, key)
        }
        yield* Effect.replicateEffect(take(key), limit)
        yield* limiter.giveBack("auth", key)
        yield* limiter.giveBack(policy, `${key}-other`)
        yield* Effect.flip(take(key))
      })
    )

    it.effect("keeps keys and policies apart", () =>
      Effect.gen(function* () {
        const key = `key-${++keys}`
        yield* Effect.replicateEffect(take(key), limit)
        yield* take(`key-${++keys}`)
        yield* Effect.flatMap(RateLimiter, (limiter) => limiter.take("auth", key))
      })
    )
  })
}
