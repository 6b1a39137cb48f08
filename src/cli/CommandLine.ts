import { Command, ValidationError } from "@effect/cli"
import { NodeContext } from "@effect/platform-node"
import { Cause, Console, Effect, Exit, Option } from "effect"
import { settings } from "../layers/runtime/Settings.ts"
import { ConsoleLogger } from "../layers/runtime/TelemetryLive.ts"
import { demo } from "./Demo.ts"
import { doctor, Unwell } from "./Doctor.ts"
import { databaseNamed, explain } from "./Explain.ts"
import { migrate } from "./Migrate.ts"
import { version } from "./Package.ts"
import { serve } from "./Serve.ts"
import { template } from "./Template.ts"
import { WorkerFailed } from "./Workers.ts"

const cli = Command.make("agent-install").pipe(
  Command.withDescription(
    "Installs published template agents into a person's own organization. Begin with: agent-install demo. Every variable is in the README; agent-install doctor checks them. Exit codes: 0 done, 1 not done (the last line says why), 2 the command line could not be read. Completion: source <(agent-install --completions bash)"
  ),
  Command.withSubcommands([serve, migrate, template, demo, doctor])
)

// These have said themselves what is wrong.
const hasSpoken = (error: unknown) =>
  ValidationError.isValidationError(error) || error instanceof Unwell || error instanceof WorkerFailed

const report = (cause: Cause.Cause<unknown>) =>
  Effect.gen(function* () {
    if (Cause.isInterruptedOnly(cause)) return
    const error = Cause.squash(cause)
    if (hasSpoken(error)) return
    const given = yield* Effect.option(settings)
    yield* Option.match(explain(error, databaseNamed(given)), {
      onNone: () => Effect.logFatal("agent-install met a fault", cause),
      onSome: (line) => Console.error(line)
    })
  })

/** What the process ends with: 0 done, 1 not done, 2 a command line that could not be read. */
export const exitCode = (exit: Exit.Exit<unknown, unknown>) => {
  if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return 0
  return ValidationError.isValidationError(Cause.squash(exit.cause)) ? 2 : 1
}

/**
 * Runs the command line that node was given, the first two words being node and the program. It says on the standard error what it
 * fails with; the standard output of a command is its answer, a server's is its log.
 */
export const commandLine = (argv: ReadonlyArray<string>) =>
  Command.run(cli, { name: "agent-install", version })(argv).pipe(
    Effect.tapErrorCause(report),
    Effect.provide([NodeContext.layer, ConsoleLogger({ terminal: process.stdout.isTTY, error: argv[2] !== "serve" })])
  )
