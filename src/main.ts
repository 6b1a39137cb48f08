#!/usr/bin/env node
import { NodeRuntime } from "@effect/platform-node"
import { commandLine, exitCode } from "./cli/CommandLine.ts"
import { isWorker } from "./cli/Workers.ts"

commandLine(process.argv).pipe(
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
