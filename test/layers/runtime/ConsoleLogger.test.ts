import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Layer, Logger, LogLevel, Redacted } from "effect"
import { ConsoleLogger } from "../../../src/layers/runtime/ConsoleLogger.ts"

const toError = ConsoleLogger({ terminal: false, colors: false, error: true })

/** The lines that a program logs. */
const linesOf = (program: Effect.Effect<unknown>, logger: Layer.Layer<never>) =>
  Effect.gen(function* () {
    const lines: Array<Record<string, unknown>> = []
    const error = (line: unknown) => void lines.push(JSON.parse(String(line)))
    yield* Effect.consoleWith((console) =>
      program.pipe(
        Effect.provide(Layer.mergeAll(logger, Logger.minimumLogLevel(LogLevel.Info))),
        Effect.withConsole({ ...console, unsafe: { ...console.unsafe, error } })
      )
    )
    return lines
  })

const circular: { self?: unknown } = {}
circular.self = circular

const programs = {
  "a text": Effect.logInfo("Answered"),
  "several values": Effect.logInfo("one", 2, true, null, undefined, 3n),
  annotations: Effect.annotateLogs(Effect.logWarning("Answered"), { route: "/a", status: 200, none: null }),
  "a span": Effect.withLogSpan(Effect.logInfo("Answered"), "waited"),
  objects: Effect.annotateLogs(Effect.logInfo("one", { a: [1] }), { list: [{ b: 1 }] }),
  "a cause": Effect.logError("It failed", Cause.fail("no")),
  "an object that holds itself": Effect.logInfo("one", { circular })
}

describe("the console's log", () => {
  for (const [name, program] of Object.entries(programs)) {
    it.effect(`says ${name} as Effect's own logger for JSON does`, () =>
      Effect.gen(function* () {
        const expected = Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.jsonLogger))
        const ours = yield* linesOf(program, toError)
        assert.strictEqual(ours.length, 1)
        const { fiberId: _, ...said } = ours[0] ?? {}
        const [{ fiberId, ...other } = {}] = yield* linesOf(program, expected)
        assert.deepStrictEqual(said, other)
      })
    )
  }

  it.effect("shows nothing that is redacted, however deep", () =>
    Effect.gen(function* () {
      const secret = Redacted.make("the secret")
      const lines = yield* linesOf(Effect.annotateLogs(Effect.logInfo("one", { secret }), { also: secret }), toError)
      assert.notInclude(JSON.stringify(lines), "the secret")
      assert.include(JSON.stringify(lines), "redacted")
    })
  )
})
