// Imported by its module: the package's index loads the cluster servers.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { commandLine, exitCode } from "./CommandLine.ts"
import { isWorker } from "./Workers.ts"

// A service that gets SIGTERM has done its work; Ctrl-C cuts it short.
let terminated = false
process.once("SIGTERM", () => {
  terminated = true
})

// Whoever read the output stopped (`| head`): a command ends as after Ctrl-C, a service goes on without its log.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error
    if (process.argv[2] !== "serve") process.emit("SIGINT")
  })
}

commandLine(process.argv).pipe(
  NodeRuntime.runMain({
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (exit, onExit) => {
      onExit(exitCode(exit, terminated))
      // The channel to the first process would keep a stopped worker alive.
      if (isWorker) process.exit(exitCode(exit, terminated))
    }
  })
)
