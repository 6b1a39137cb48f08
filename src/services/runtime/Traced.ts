import { Cause, Effect, FiberRef } from "effect"

type Body = (...given: ReadonlyArray<unknown>) => Effect.Effect<unknown> | Generator<never, unknown>
type Step = (effect: Effect.Effect<unknown>, ...given: ReadonlyArray<unknown>) => Effect.Effect<unknown>

/** Says in a fault where it happened, as a span around it does: in the log its stack then ends with that name. */
const locating = (name: string) => (effect: Effect.Effect<unknown>) =>
  Effect.catchAllCause(effect, (cause) =>
    Cause.isDieType(cause)
      ? Effect.withSpan(Effect.die(cause.defect), name, { captureStackTrace: false })
      : Effect.failCause(cause)
  )

/**
 * `Effect.fn` whose span is made only while a tracer is enabled. Without one `Effect.fn` makes at every call a span that
 * nobody collects, and an error for its stack, which costs more than most of the calls do; here only a fault gets one.
 */
export const traced = (name: string): Effect.fn.Gen & Effect.fn.NonGen => {
  const named = Effect.fn(name) as (body: Body, ...steps: ReadonlyArray<Step>) => Body
  const located = locating(name)
  const make = (body: Body, ...steps: ReadonlyArray<Step>) => {
    const spanned = named(body, ...steps)
    const plain = (...given: ReadonlyArray<unknown>) => {
      const begun = Effect.suspend(() => {
        const result = body(...given)
        return Effect.isEffect(result) ? result : Effect.gen(() => result)
      })
      return located(steps.reduce((effect, step) => step(effect, ...given), begun as Effect.Effect<unknown>))
    }
    return (...given: ReadonlyArray<unknown>) =>
      Effect.flatMap(FiberRef.get(FiberRef.currentTracerEnabled), (isTraced) =>
        isTraced ? (spanned(...given) as Effect.Effect<unknown>) : plain(...given)
      )
  }
  // It has the types of `Effect.fn`, which come from the body.
  return make as never
}
