import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ownFolder } from "../machine.ts"
import { execute, serve } from "./processes.ts"

const minutes = { timeout: 300_000 }

describe("the command line", () => {
  it.scopedLive(
    "writes no colours into a pipe, and names a command that was probably meant",
    () =>
      Effect.gen(function* () {
        for (const args of [["--help"], ["template", "--help"], ["template", "publish", "/nonexistent"]]) {
          const { err, out } = yield* execute(args)
          assert.notInclude(out + err, "\u001b", args.join(" "))
        }
        const { code, err } = yield* execute(["template", "pubish"])
        assert.deepStrictEqual(
          [code, err],
          [2, 'agent-install template has no command "pubish"; did you mean "publish"?\n']
        )
      }),
    minutes
  )

  it.scopedLive(
    "ends with 130 on Ctrl-C, and with 0 when it is told to stop",
    () =>
      Effect.gen(function* () {
        const DATA_DIR = yield* ownFolder
        for (const [signal, code] of [
          ["SIGINT", 130],
          ["SIGTERM", 0]
        ] as const) {
          const { child, exited, ready } = yield* serve({ DATA_DIR })
          yield* ready
          child.kill(signal)
          assert.strictEqual(yield* exited, code)
        }
      }),
    minutes
  )

  it.scopedLive(
    "ends quietly where nobody reads what it writes, and a service goes on",
    () =>
      Effect.gen(function* () {
        const DATA_DIR = yield* ownFolder
        const { child, exited, origin, ready } = yield* serve({ DATA_DIR })
        child.stdout.destroy()
        child.stderr.destroy()
        yield* ready
        const { code, err } = yield* execute(["demo", "--url", origin], {}, { isRead: false })
        assert.deepStrictEqual([code, err], [130, ""])
        child.kill("SIGTERM")
        assert.strictEqual(yield* exited, 0)
      }),
    minutes
  )
})
