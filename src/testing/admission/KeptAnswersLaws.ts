import assert from "node:assert/strict"
import { Deferred, Duration, Effect, Either, Fiber, Redacted, Ref } from "effect"
import type { KeptAnswer, RepeatableRequest } from "../../domain/admission/KeptAnswer.ts"
import type { UserId } from "../../domain/Ids.ts"
import { KeptAnswers } from "../../services/admission/KeptAnswers.ts"
import { type Law, law, type NeedsOf, newName } from "../Law.ts"

/** What the laws do to kept answers. */
export interface KeptAnswersHands<R> {
  /** A person who has an account. */
  readonly newPerson: Effect.Effect<{ readonly userId: UserId }, never, R>
  /** Lets time pass, by the clock that the answers are kept by. */
  readonly elapse: (time: Duration.Duration) => Effect.Effect<void, never, R>
}

const first = "11".repeat(32)
const other = "22".repeat(32)

/** Work that counts how often it was done, and says so in its answer. */
const counting = Effect.map(Ref.make(0), (count) => ({
  work: Effect.map(
    Ref.updateAndGet(count, (before) => before + 1),
    (times): KeptAnswer => ({ status: 200, contentType: "application/json", text: JSON.stringify({ times }) })
  ),
  times: Ref.get(count)
}))

const lawsWith = <R>({ elapse, newPerson }: KeptAnswersHands<R>): ReadonlyArray<Law<KeptAnswers | R>> => {
  const once = <E, R2>(request: RepeatableRequest, work: Effect.Effect<KeptAnswer, E, R2>) =>
    Effect.flatMap(KeptAnswers, (kept) => kept.once(request, work))
  const newRequest = Effect.map(
    newPerson,
    ({ userId }): RepeatableRequest => ({
      caller: { name: `user ${userId}`, userId, organizationId: null },
      operation: "POST /api/things",
      key: Redacted.make(newName("key")),
      fingerprint: first
    })
  )
  return [
    law(
      "does the work once, and gives its answer again to whoever repeats the request",
      Effect.gen(function* () {
        const { times, work } = yield* counting
        const request = yield* newRequest
        const given = yield* once(request, work)
        assert.equal(given.isRepeated, false)
        assert.deepEqual(given.answer, { status: 200, contentType: "application/json", text: '{"times":1}' })
        assert.deepEqual(yield* once(request, work), { ...given, isRepeated: true })
        assert.equal(yield* times, 1)
      })
    ),
    law(
      "keeps callers, operations and keys apart",
      Effect.gen(function* () {
        const { times, work } = yield* counting
        const [request, another] = yield* Effect.all([newRequest, newRequest])
        const requests = [
          request,
          { ...request, caller: another.caller },
          { ...request, operation: "POST /api/others" },
          { ...request, key: another.key }
        ]
        for (const one of requests) assert.equal((yield* once(one, work)).isRepeated, false)
        assert.equal(yield* times, 4)
      })
    ),
    law(
      "refuses a key that comes with another body, and does nothing for it",
      Effect.gen(function* () {
        const { times, work } = yield* counting
        const request = yield* newRequest
        yield* once(request, work)
        assert.equal((yield* Effect.flip(once({ ...request, fingerprint: other }, work)))._tag, "IdempotencyKeyReused")
        assert.equal((yield* once(request, work)).isRepeated, true)
        assert.equal(yield* times, 1)
      })
    ),
    law(
      "forgets what failed, died or was cut off, so that it can be tried again",
      Effect.gen(function* () {
        const { times, work } = yield* counting
        for (const end of [Effect.fail("no"), Effect.die("broken"), Effect.interrupt]) {
          const request = yield* newRequest
          const exit = yield* Effect.exit(once(request, Effect.zipRight(work, end)))
          assert.equal(exit._tag, "Failure")
          const again = yield* once({ ...request, fingerprint: other }, work)
          assert.equal(again.isRepeated, false)
        }
        assert.equal(yield* times, 6)
      })
    ),
    law(
      "passes a refusal on as it is",
      Effect.gen(function* () {
        const request = yield* newRequest
        assert.equal(yield* Effect.flip(once(request, Effect.fail("no" as const))), "no")
      })
    ),
    law(
      "refuses a repetition while the work is being done, and answers it afterwards",
      Effect.gen(function* () {
        const { times, work } = yield* counting
        const request = yield* newRequest
        const [begun, mayEnd] = yield* Effect.all([Deferred.make<void>(), Deferred.make<void>()])
        const slow = Deferred.succeed(begun, undefined).pipe(
          Effect.zipRight(Deferred.await(mayEnd)),
          Effect.zipRight(work)
        )
        const running = yield* Effect.fork(once(request, slow))
        yield* Deferred.await(begun)
        assert.equal((yield* Effect.flip(once(request, work)))._tag, "IdempotencyKeyInUse")
        yield* Deferred.succeed(mayEnd, undefined)
        const { answer } = yield* Fiber.join(running)
        assert.deepEqual(yield* once(request, work), { answer, isRepeated: true })
        assert.equal(yield* times, 1)
      })
    ),
    law(
      "does the work once for many that come at once",
      Effect.gen(function* () {
        const { times, work } = yield* counting
        const request = yield* newRequest
        const all = yield* Effect.all(
          Array.from({ length: 20 }, () => Effect.either(once(request, Effect.zipLeft(work, Effect.yieldNow())))),
          { concurrency: "unbounded" }
        )
        assert.equal(yield* times, 1)
        const answers = all.filter(Either.isRight).map(({ right }) => right.answer.text)
        assert.deepEqual([...new Set(answers)], ['{"times":1}'])
      })
    ),
    law(
      "keeps an answer for a day, and no longer",
      Effect.gen(function* () {
        const { work } = yield* counting
        const request = yield* newRequest
        yield* once(request, work)
        yield* elapse(Duration.hours(23))
        assert.equal((yield* once(request, work)).isRepeated, true)
        yield* elapse(Duration.hours(2))
        const later = yield* once({ ...request, fingerprint: other }, work)
        assert.deepEqual([later.isRepeated, later.answer.text], [false, '{"times":2}'])
        assert.equal((yield* once({ ...request, fingerprint: other }, work)).isRepeated, true)
      })
    )
  ]
}

/** What every `KeptAnswers` promises. */
export const keptAnswersLaws = <Hands extends KeptAnswersHands<unknown>>(hands: Hands) =>
  lawsWith(hands as KeptAnswersHands<unknown> as KeptAnswersHands<NeedsOf<Hands>>)
