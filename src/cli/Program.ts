// By module: the package's index loads the servers of a cluster.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { commandLine, exitCode } from "./CommandLine.ts"
import { isWorker } from "./Workers.ts"

// A service that is told to stop has done what it was to do; whoever presses Ctrl-C has cut something short.
let terminated = false
process.once("SIGTERM", () => {
  terminated = true
})

commandLine(process.argv).pipe(
  NodeRuntime.runMain({
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (exit, onExit) => {
      onExit(exitCode(exit, terminated))
      // The channel to the first process would keep a worker that was told to end.
      if (isWorker) process.exit(exitCode(exit, terminated))
    }
  })
)
