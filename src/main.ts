#!/usr/bin/env node
import { Command, ValidationError } from "@effect/cli"
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Cause, Console, Effect, Exit, Option } from "effect"
import { demo } from "./cli/Demo.ts"
import { doctor, Unwell } from "./cli/Doctor.ts"
import { databaseNamed, explain } from "./cli/Explain.ts"
import { migrate } from "./cli/Migrate.ts"
import { version } from "./cli/Package.ts"
import { serve } from "./cli/Serve.ts"
import { template } from "./cli/Template.ts"
import { isWorker, WorkerFailed } from "./cli/Workers.ts"
import { settings } from "./layers/runtime/Settings.ts"
import { ConsoleLogger } from "./layers/runtime/TelemetryLive.ts"

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

const exitCode = (exit: Exit.Exit<unknown, unknown>) => {
  if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return 0
  return ValidationError.isValidationError(Cause.squash(exit.cause)) ? 2 : 1
}

// The standard output of a command is its answer; a server's is its log.
const serves = process.argv[2] === "serve"

Command.run(cli, { name: "agent-install", version })(process.argv).pipe(
  Effect.tapErrorCause(report),
  Effect.provide([NodeContext.layer, ConsoleLogger({ terminal: process.stdout.isTTY, error: !serves })]),
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
