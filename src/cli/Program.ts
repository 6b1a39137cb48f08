import { stripVTControlCharacters } from "node:util"
import { Command, ValidationError } from "@effect/cli"
// By module: the package's index loads the servers of a cluster.
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Console, Effect, Exit, Option } from "effect"
import { ConsoleLogger } from "../layers/runtime/ConsoleLogger.ts"
import { agentInstall } from "./Commands.ts"
import { HasReported } from "./Output.ts"
import { version } from "./Package.ts"
import { isWorker } from "./Workers.ts"

/** Whether a stream is a terminal that shows colours, and nobody asked for none. */
const hasColors = (stream: NodeJS.WriteStream) => stream.isTTY && stream.hasColors()

/** The console, without colours where they would be noise: the library always writes them. */
const withPlainText = (console: Console.Console): Console.Console => {
  const plain = (stream: NodeJS.WriteStream, write: Console.Console["log"]) =>
    hasColors(stream)
      ? write
      : (...args: ReadonlyArray<unknown>) =>
          write(...args.map((arg) => (typeof arg === "string" ? stripVTControlCharacters(arg) : arg)))
  return { ...console, log: plain(process.stdout, console.log), error: plain(process.stderr, console.error) }
}

/** What a command failed with; none where it was only interrupted. */
const failureOf = (cause: Cause.Cause<unknown>): Option.Option<unknown> =>
  Option.orElse(Cause.failureOption(cause), () => Cause.dieOption(cause))

const report = (cause: Cause.Cause<unknown>) =>
  Effect.gen(function* () {
    const failure = failureOf(cause)
    if (Option.isNone(failure)) return
    const error = failure.value
    if (error instanceof HasReported || ValidationError.isValidationError(error)) return
    const { explainWith } = yield* Effect.promise(() => import("./Explain.ts"))
    yield* Option.match(yield* explainWith(error), {
      onNone: () => Effect.logFatal("agent-install met a fault", cause),
      onSome: (line) => Console.error(line)
    })
  })

// A service that is told to stop has done what it was to do; whoever presses Ctrl-C has cut something short.
let terminated = false
process.once("SIGTERM", () => {
  terminated = true
})

const exitCode = (exit: Exit.Exit<unknown, unknown>) => {
  if (Exit.isSuccess(exit)) return 0
  return Option.match(failureOf(exit.cause), {
    onNone: () => (terminated ? 0 : 130),
    onSome: (error) => (ValidationError.isValidationError(error) ? 2 : 1)
  })
}

// The standard output of a command is its answer; a server's is its log.
const [, , command] = process.argv
const log = command === "serve" ? process.stdout : process.stderr

Command.run(agentInstall, { name: "agent-install", version })(process.argv).pipe(
  Effect.tapErrorCause(report),
  Effect.provide([
    NodeContext.layer,
    ConsoleLogger({ terminal: log.isTTY, colors: hasColors(log), error: log === process.stderr })
  ]),
  (program) => Console.consoleWith((console) => Effect.withConsole(program, withPlainText(console))),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (exit, onExit) => {
      onExit(exitCode(exit))
      // The channel to the first process would keep a worker that was told to end.
      if (isWorker) process.exit(exitCode(exit))
    }
  })
)
