import { SqlError } from "@effect/sql/SqlError"
import { assert, it } from "@effect/vitest"
import { Cause, Effect, Logger } from "effect"
import { withCleanCauses } from "../../../src/layers/runtime/ConsoleLogger.ts"

const marker = "what somebody sent"
const fault = new SqlError({
  message: "Failed to execute statement",
  cause: Object.assign(new Error(`invalid input syntax for type bigint: "${marker}"`), {
    code: "22P02",
    detail: marker
  })
})

it.effect("a log line tells of a fault without what it quotes, however the fault is logged", () =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const keep = (line: string) => {
      lines.push(line)
    }
    const loggers = [Logger.jsonLogger, Logger.logfmtLogger].map((logger) => Logger.map(withCleanCauses(logger), keep))
    for (const logger of loggers) {
      yield* Effect.all([
        Effect.logError("It failed", fault),
        Effect.logError("It failed", Cause.fail(fault)),
        Effect.logError("It failed", Cause.parallel(Cause.die(fault), Cause.fail(new Error("x", { cause: fault }))))
      ]).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
    }
    assert.strictEqual(lines.length, 6)
    for (const line of lines) {
      assert.include(line, "It failed")
      assert.include(line, "Failed to execute statement")
      assert.include(line, "data exception 22P02")
      assert.notInclude(line, marker)
    }
    assert.include(lines[0], '"message":"It failed"')
  }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
)
