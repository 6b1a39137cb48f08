import cluster, { type Worker } from "node:cluster"
import { Effect, Option, Schedule } from "effect"
import { AlreadyReported } from "./Output.ts"

const stopMessage = "stop"
const stopTimeout = "20 seconds"

/** Whether this process is a worker of a first one. */
export const isWorker = cluster.isWorker

const ended = (worker: Worker) =>
  Effect.async<number>((resume) => {
    if (worker.isDead()) return resume(Effect.succeed(worker.process.exitCode ?? 1))
    worker.once("exit", (code) => resume(Effect.succeed(code ?? 1)))
  })

/**
 * Ends a worker as SIGTERM would, by a message: a terminal sends its signal to all processes, and a second one would
 * cut the shutdown short.
 */
const stop = (worker: Worker) =>
  Effect.gen(function* () {
    if (worker.isDead()) return
    yield* Effect.sync(() => {
      if (worker.isConnected()) worker.send(stopMessage)
    })
    const end = yield* ended(worker).pipe(Effect.interruptible, Effect.timeoutOption(stopTimeout))
    if (Option.isNone(end)) yield* Effect.sync(() => worker.process.kill("SIGKILL"))
  })

/** Runs one worker until it ends or the scope is closed; returns its exit code. */
const runWorker = (onListening: () => void) =>
  Effect.gen(function* () {
    const worker = yield* Effect.acquireRelease(
      Effect.sync(() => cluster.fork()),
      stop
    )
    worker.once("listening", onListening)
    yield* Effect.logInfo("A worker starts").pipe(Effect.annotateLogs({ pid: worker.process.pid }))
    return yield* ended(worker)
  }).pipe(Effect.scoped)

/** Runs one worker, and starts another whenever it ends. */
const keepOne = Effect.suspend(() => {
  let everServed = false
  const onListening = () => {
    everServed = true
  }
  return runWorker(onListening).pipe(
    Effect.tap((code) =>
      everServed
        ? Effect.logWarning("A worker has ended; another takes its place").pipe(Effect.annotateLogs({ code }))
        : // It has printed the reason.
          new AlreadyReported()
    ),
    Effect.repeat(Schedule.spaced("500 millis")),
    Effect.zipRight(Effect.never)
  )
})

/** Runs this many workers on one port, among which node distributes connections, until interrupted. */
export const keepWorkers = (count: number): Effect.Effect<never, AlreadyReported> =>
  Effect.zipRight(Effect.all(Effect.replicate(keepOne, count), { concurrency: "unbounded" }), Effect.never)

/**
 * In a worker: ends when the first process asks it to, or has ended. If that happens while this worker is already
 * stopping, somebody wants it to end at once.
 */
export const stopRequested = Effect.async<void>((resume) => {
  let stopping = false
  const begin = () => {
    stopping = true
    resume(Effect.void)
  }
  process.on("message", (message) => {
    if (message === stopMessage) begin()
  })
  process.on("disconnect", () => (stopping ? process.exit(1) : begin()))
})
