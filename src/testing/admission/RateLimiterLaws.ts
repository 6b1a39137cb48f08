import assert from "node:assert/strict"
import { Duration, Effect, Either } from "effect"
import { type RateLimit, RateLimiter, type RateLimitPolicy } from "../../services/admission/RateLimiter.ts"
import { type Law, law, type NeedsOf, newName } from "../Law.ts"

/** What the laws have to know of a limiter, and do to it. */
export interface RateLimiterHands<R> extends RateLimit {
  /** The policy that has this budget: small enough to be spent in a test. */
  readonly policy: RateLimitPolicy
  /** Another policy, with a budget of at least two tries. */
  readonly otherPolicy: RateLimitPolicy
  /** Lets time pass, by the clock that the limiter goes by. */
  readonly elapse: (time: Duration.Duration) => Effect.Effect<void, never, R>
}

const lawsWith = <R>({
  elapse,
  limit,
  otherPolicy,
  policy,
  window
}: RateLimiterHands<R>): ReadonlyArray<Law<RateLimiter | R>> => {
  const take = (key: string) => Effect.flatMap(RateLimiter, (limiter) => limiter.take(policy, key))
  return [
    law(
      "lets a key spend its budget, counts down, and says when the next try may pass",
      Effect.gen(function* () {
        const key = newName("key")
        const spent = yield* Effect.replicateEffect(take(key), limit)
        assert.deepEqual(
          spent.map(({ remaining }) => remaining),
          Array.from({ length: limit }, (_, at) => limit - 1 - at)
        )
        for (const status of spent) assert.deepEqual([status.policy, status.limit], [policy, limit])
        const { retryAfter } = yield* Effect.flip(take(key))
        assert(Duration.lessThanOrEqualTo(retryAfter, window), "a try that may pass later than the window is long")
        assert(Duration.greaterThan(retryAfter, Duration.zero), "a try that may pass at once, and was refused")
        yield* elapse(retryAfter)
        yield* take(key)
      })
    ),
    law(
      "lets exactly the budget pass of many at once",
      Effect.gen(function* () {
        const key = newName("key")
        const tries = yield* Effect.all(
          Array.from({ length: limit + 37 }, () => Effect.either(take(key))),
          { concurrency: "unbounded" }
        )
        assert.equal(tries.filter(Either.isRight).length, limit)
      })
    ),
    law(
      "counts the tries of many keys at once for each key",
      Effect.gen(function* () {
        const keys = Array.from({ length: 5 }, () => newName("key"))
        // So many tries of each: from none to one more than it has.
        const triesOf = (at: number) => Math.max(0, limit + 1 - at)
        const tries = keys.flatMap((key, at) => Array.from({ length: triesOf(at) }, () => key))
        const taken = yield* Effect.forEach(
          tries,
          (key) => Effect.map(Effect.either(take(key)), (one) => [key, one] as const),
          {
            concurrency: "unbounded"
          }
        )
        for (const [at, key] of keys.entries()) {
          const left = taken.flatMap(([of, one]) => (of === key && Either.isRight(one) ? [one.right.remaining] : []))
          const passed = Math.min(limit, triesOf(at))
          assert.deepEqual(
            left.sort((one, other) => other - one),
            Array.from({ length: passed }, (_, nth) => limit - 1 - nth)
          )
        }
      })
    ),
    law(
      "does not spend what it refuses: the window slides with the tries that passed",
      Effect.gen(function* () {
        const key = newName("key")
        yield* Effect.replicateEffect(take(key), limit)
        const first = yield* Effect.flip(take(key))
        yield* elapse(Duration.times(first.retryAfter, 0.5))
        const later = yield* Effect.flip(take(key))
        assert(Duration.lessThan(later.retryAfter, first.retryAfter), "a try that was refused counted")
      })
    ),
    law(
      "takes a try back that does not count, and no other key's",
      Effect.gen(function* () {
        const limiter = yield* RateLimiter
        const key = newName("key")
        yield* limiter.giveBack(policy, key)
        for (let at = 0; at < 2 * limit; at++) {
          assert.equal((yield* take(key)).remaining, limit - 1)
          yield* limiter.giveBack(policy, key)
        }
        yield* Effect.replicateEffect(take(key), limit)
        yield* limiter.giveBack(otherPolicy, key)
        yield* limiter.giveBack(policy, newName("key"))
        yield* Effect.flip(take(key))
      })
    ),
    law(
      "keeps keys and policies apart",
      Effect.gen(function* () {
        const key = newName("key")
        yield* Effect.replicateEffect(take(key), limit)
        yield* take(newName("key"))
        yield* Effect.flatMap(RateLimiter, (limiter) => limiter.take(otherPolicy, key))
      })
    )
  ]
}

/** What every `RateLimiter` promises. */
export const rateLimiterLaws = <Hands extends RateLimiterHands<unknown>>(hands: Hands) =>
  lawsWith(hands as RateLimiterHands<unknown> as RateLimiterHands<NeedsOf<Hands>>)
