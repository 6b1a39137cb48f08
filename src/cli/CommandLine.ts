import { stripVTControlCharacters } from "node:util"
import { Command, ValidationError } from "@effect/cli"
// By module: the package's index loads the servers of a cluster.
import * as NodeContext from "@effect/platform-node/NodeContext"
import { Cause, Console, Effect, Exit, Option } from "effect"
import { ConsoleLogger } from "../layers/runtime/ConsoleLogger.ts"
import { version } from "../Package.ts"
import { agentInstall } from "./Commands.ts"
import { AlreadyReported } from "./Output.ts"

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
    if (error instanceof AlreadyReported || ValidationError.isValidationError(error)) return
    const { explainWith } = yield* Effect.promise(() => import("./Explain.ts"))
    yield* Option.match(yield* explainWith(error), {
      onNone: () => Effect.logFatal("agent-install met a fault", cause),
      onSome: (line) => Console.error(line)
    })
  })

/**
 * What the process ends with: 0 done, 1 not done, 2 a command line that could not be read, 130 cut short by Ctrl-C. A service that is
 * told to stop (`terminated`) has done what it was to do.
 */
export const exitCode = (exit: Exit.Exit<unknown, unknown>, terminated = false): number => {
  if (Exit.isSuccess(exit)) return 0
  return Option.match(failureOf(exit.cause), {
    onNone: () => (terminated ? 0 : 130),
    onSome: (error) => (ValidationError.isValidationError(error) ? 2 : 1)
  })
}

/**
 * Runs the command line that node was given, the first two words being node and the program. It says on the standard error what it
 * fails with; the standard output of a command is its answer, a server's is its log.
 */
export const commandLine = (argv: ReadonlyArray<string>) => {
  const log = argv[2] === "serve" ? process.stdout : process.stderr
  return Command.run(agentInstall, { name: "agent-install", version })(argv).pipe(
    Effect.tapErrorCause(report),
    Effect.provide([
      NodeContext.layer,
      ConsoleLogger({ terminal: log.isTTY, colors: hasColors(log), error: log === process.stderr })
    ]),
    (program) => Console.consoleWith((console) => Effect.withConsole(program, withPlainText(console)))
  )
}
