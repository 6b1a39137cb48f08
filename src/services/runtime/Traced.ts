import { Cause, Effect, FiberRef, Utils } from "effect"

type Body = (...given: ReadonlyArray<unknown>) => Effect.Effect<unknown>
type Generating = (...given: ReadonlyArray<unknown>) => Generator<never, unknown>
type Step = (effect: Effect.Effect<unknown>, ...given: ReadonlyArray<unknown>) => Effect.Effect<unknown>

const isGenerating = (body: Body | Generating): body is Generating => Utils.isGeneratorFunction(body)

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
  const named = Effect.fn(name) as (body: Body | Generating, ...steps: ReadonlyArray<Step>) => Body
  const located = locating(name)
  const make = (body: Body | Generating, ...steps: ReadonlyArray<Step>) => {
    const spanned = named(body, ...steps)
    const begin: Body = isGenerating(body)
      ? (...given) => Effect.gen(() => body(...given))
      : (...given) => Effect.suspend(() => body(...given))
    const plain = (...given: ReadonlyArray<unknown>) =>
      located(steps.reduce((effect, step) => step(effect, ...given), begin(...given)))
    return (...given: ReadonlyArray<unknown>) =>
      Effect.withFiberRuntime<unknown>((fiber) =>
        fiber.getFiberRef(FiberRef.currentTracerEnabled) ? spanned(...given) : plain(...given)
      )
  }
  // It has the types of `Effect.fn`, which come from the body.
  return make as never
}
