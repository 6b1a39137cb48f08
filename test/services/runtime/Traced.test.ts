import { assert, it } from "@effect/vitest"
import { Cause, Effect, Either, Exit, Option, Tracer } from "effect"
import { traced } from "../../../src/services/runtime/Traced.ts"

class Refused extends Error {
  readonly _tag = "Refused"
}

const halve = traced("halve")(function* (whole: number) {
  yield* Effect.void
  return whole % 2 === 0 ? whole / 2 : yield* Effect.fail(new Refused())
})
const halveTwice = traced("halveTwice")((whole: number) => Effect.flatMap(halve(whole), halve))
const sum = traced("sum")(
  function* (left: number, right: number) {
    return (yield* Effect.succeed(left)) + right
  },
  (added, left) => Effect.map(added, (all) => `${left} and more are ${all}`)
)
const broken = traced("broken")(function* () {
  yield* Effect.void
  return yield* Effect.die(new Error("no luck"))
})
const thrown = traced("thrown")((): Effect.Effect<void> => {
  throw new Error("no luck at all")
})
/** Whether there is a span around what runs. */
const spanned = traced("spanned")(() => Effect.map(Effect.serviceOption(Tracer.ParentSpan), Option.isSome))
const around = traced("around")(() => broken())

/** The names of the spans that are made. */
const spansOf = <A, E>(effect: Effect.Effect<A, E>, isEnabled: boolean) => {
  const names: Array<string> = []
  const tracer = Effect.map(Effect.tracer, (its) =>
    Tracer.make({
      ...its,
      context: (run, fiber) => its.context(run, fiber),
      span: (name, ...rest) => {
        names.push(name)
        return its.span(name, ...rest)
      }
    })
  )
  return Effect.flatMap(tracer, (given) => Effect.withTracer(Effect.exit(effect), given)).pipe(
    Effect.withTracerEnabled(isEnabled),
    Effect.map((exit) => ({ exit, names }))
  )
}

for (const isEnabled of [true, false]) {
  it.effect(
    `a traced function does the same ${isEnabled ? "in its spans" : "without a span where none is collected"}`,
    () =>
      Effect.gen(function* () {
        const { exit, names } = yield* spansOf(halveTwice(12), isEnabled)
        assert.deepStrictEqual(exit, Exit.succeed(3))
        assert.deepStrictEqual(names, isEnabled ? ["halveTwice", "halve", "halve"] : [])
        assert.deepStrictEqual((yield* spansOf(sum(1, 2), isEnabled)).exit, Exit.succeed("1 and more are 3"))
        const refused = yield* Effect.either(Effect.withTracerEnabled(halve(3), isEnabled))
        assert.instanceOf(Either.getOrNull(Either.flip(refused)), Refused)
        assert.strictEqual(yield* Effect.withTracerEnabled(spanned(), isEnabled), isEnabled)
        // It may run again.
        const again = halve(4)
        assert.deepStrictEqual(yield* Effect.all([again, again]), [2, 2])
      })
  )

  it.effect(`a fault says in which function it happened, ${isEnabled ? "with" : "without"} a tracer`, () =>
    Effect.gen(function* () {
      const said = (effect: Effect.Effect<unknown>) =>
        Effect.map(Effect.sandbox(effect).pipe(Effect.flip, Effect.withTracerEnabled(isEnabled)), (cause) =>
          Cause.pretty(cause as Cause.Cause<unknown>)
        )
      assert.match(yield* said(around()), /^Error: no luck\n[\s\S]*at broken/)
      assert.match(yield* said(thrown()), /^Error: no luck at all\n[\s\S]*at thrown/)
    })
  )
}
