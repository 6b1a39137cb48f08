import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"

const logger = new URL("../../dist/src/layers/runtime/ConsoleLogger.js", import.meta.url)

/** Runs a program that logs as the service does, with its output going to a pipe: what that hears, by when, and how it ends. */
const running = (body: string) =>
  Effect.async<{ readonly lines: ReadonlyArray<string>; readonly code: number | null }>((resume) => {
    const program = `import { Effect } from "effect"
      import { ConsoleLogger } from "${logger}"
      const say = (log) => Effect.runSync(Effect.provide(log, logging))
      const logging = ConsoleLogger({ terminal: false, colors: false, error: false })
      ${body}`
    const cwd = fileURLToPath(new URL("../..", import.meta.url))
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { cwd })
    let out = ""
    child.stdout.on("data", (chunk) => {
      out += chunk
    })
    child.on("close", (code) => {
      const messages = out.split("\n").flatMap((line) => (line === "" ? [] : [String(JSON.parse(line).message)]))
      resume(Effect.succeed({ lines: messages, code }))
    })
  })

it.live("no line of the log is lost where the process ends at once, or by a fault that nobody catches", () =>
  Effect.gen(function* () {
    const two = `say(Effect.logInfo("first")); say(Effect.logInfo("second"));`
    assert.deepStrictEqual(yield* running(two), { lines: ["first", "second"], code: 0 })
    assert.deepStrictEqual(yield* running(`${two} process.exit(3)`), { lines: ["first", "second"], code: 3 })
    assert.deepStrictEqual(yield* running(`${two} throw new Error("x")`), { lines: ["first", "second"], code: 1 })
    assert.deepStrictEqual(yield* running(`${two} Promise.reject(new Error("x"))`), {
      lines: ["first", "second"],
      code: 1
    })
  })
)

it.live("a warning is written at once, after what was said before it, and the rest a moment later", () =>
  Effect.gen(function* () {
    const killed = `process.kill(process.pid, "SIGKILL")`
    const warned = yield* running(`say(Effect.logInfo("first")); say(Effect.logWarning("second")); ${killed}`)
    assert.deepStrictEqual(warned.lines, ["first", "second"])
    const waited = yield* running(`say(Effect.logInfo("first")); setTimeout(() => ${killed}, 500)`)
    assert.deepStrictEqual(waited.lines, ["first"])
  })
)
