import { stripVTControlCharacters } from "node:util"
import { Command, ValidationError } from "@effect/cli"
// Imported by its module: the package's index loads the cluster servers.
import * as NodeContext from "@effect/platform-node/NodeContext"
import { Cause, Console, Effect, Exit, Option } from "effect"
import { ConsoleLogger } from "../layers/runtime/ConsoleLogger.ts"
import { version } from "../Package.ts"
import { agentInstall } from "./Commands.ts"
import { askedHelp, usageLines } from "./Help.ts"
import { AlreadyReported } from "./Output.ts"

/** Whether a stream is a terminal with colours, and colours are not disabled. */
const hasColors = (stream: NodeJS.WriteStream) => stream.isTTY && stream.hasColors()

/** The console without colours if the stream has none: the library always writes them. */
const withPlainText = (console: Console.Console): Console.Console => {
  const plain = (stream: NodeJS.WriteStream, write: Console.Console["log"]) =>
    hasColors(stream)
      ? write
      : (...args: ReadonlyArray<unknown>) =>
          write(...args.map((arg) => (typeof arg === "string" ? stripVTControlCharacters(arg) : arg)))
  return { ...console, log: plain(process.stdout, console.log), error: plain(process.stderr, console.error) }
}

/** The failure of a command; none if it was only interrupted. */
const failureOf = (cause: Cause.Cause<unknown>): Option.Option<unknown> =>
  Option.orElse(Cause.failureOption(cause), () => Cause.dieOption(cause))

const report = (cause: Cause.Cause<unknown>, args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const failure = failureOf(cause)
    if (Option.isNone(failure)) return
    const error = failure.value
    if (error instanceof AlreadyReported) return
    if (ValidationError.isValidationError(error)) {
      const usage = usageLines(args)
      return usage === undefined ? undefined : yield* Console.error(usage)
    }
    const { explainWith } = yield* Effect.promise(() => import("./Explain.ts"))
    yield* Option.match(yield* explainWith(error), {
      onNone: () => Effect.logFatal("agent-install met a fault", cause),
      onSome: (line) => Console.error(line)
    })
  })

/**
 * The exit code of the process: 0 done, 1 not done, 2 an invalid command line, 130 interrupted by Ctrl-C. A service
 * that was asked to stop (`terminated`) is done.
 */
export const exitCode = (exit: Exit.Exit<unknown, unknown>, terminated = false): number => {
  if (Exit.isSuccess(exit)) return 0
  return Option.match(failureOf(exit.cause), {
    onNone: () => (terminated ? 0 : 130),
    onSome: (error) => (ValidationError.isValidationError(error) ? 2 : 1)
  })
}

/**
 * Runs the command line that node was given; its first two words are node and the program. Failures go to the standard
 * error. The standard output of a command is its answer, that of a server is its log.
 */
export const commandLine = (argv: ReadonlyArray<string>) => {
  const log = argv[2] === "serve" ? process.stdout : process.stderr
  const args = argv.slice(2)
  const help = askedHelp(args)
  const program =
    help === undefined ? Command.run(agentInstall, { name: "agent-install", version })(argv) : Console.log(help)
  return program.pipe(
    Effect.tapErrorCause((cause) => report(cause, args)),
    Effect.provide([
      NodeContext.layer,
      ConsoleLogger({ terminal: log.isTTY, colors: hasColors(log), error: log === process.stderr })
    ]),
    (program) => Console.consoleWith((console) => Effect.withConsole(program, withPlainText(console)))
  )
}
