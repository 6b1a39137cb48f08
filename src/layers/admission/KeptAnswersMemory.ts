import { Clock, Duration, Effect, Layer, Redacted } from "effect"
import { answerAgain, type EarlierRequest, keptFor } from "../../domain/admission/KeptAnswer.ts"
import { IdempotencyKeyInUse } from "../../domain/Errors.ts"
import { KeptAnswers } from "../../services/admission/KeptAnswers.ts"

/** Answers in memory, by the clock of the fiber. */
export const KeptAnswersMemory = Layer.sync(KeptAnswers, () => {
  const kept = new Map<string, EarlierRequest & { readonly until: number }>()
  const underWay = new Set<string>()
  return KeptAnswers.of({
    once: ({ caller, fingerprint, key, operation }, work) => {
      const name = JSON.stringify([caller.name, operation, Redacted.value(key)])
      const begin = Effect.suspend(() => {
        if (underWay.has(name)) return new IdempotencyKeyInUse()
        underWay.add(name)
        return Effect.void
      })
      const end = () => Effect.sync(() => underWay.delete(name))
      const doOnce = Effect.gen(function* () {
        const earlier = kept.get(name)
        const isKept = earlier !== undefined && earlier.until > (yield* Clock.currentTimeMillis)
        const again = yield* answerAgain(isKept ? earlier : undefined, fingerprint)
        if (again !== undefined) return { answer: again, isRepeated: true }
        const answer = yield* work
        kept.set(name, { fingerprint, answer, until: (yield* Clock.currentTimeMillis) + Duration.toMillis(keptFor) })
        return { answer, isRepeated: false }
      })
      return Effect.acquireUseRelease(begin, () => doOnce, end)
    }
  })
})
