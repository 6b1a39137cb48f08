import cluster, { type Worker } from "node:cluster"
import { Effect, Option, Schedule } from "effect"
import { AlreadyReported } from "./Output.ts"

const stopMessage = "stop"
const stopTimeout = "20 seconds"

/** Whether this process is one of several that a first one started. */
export const isWorker = cluster.isWorker

const ended = (worker: Worker) =>
  Effect.async<number>((resume) => {
    if (worker.isDead()) return resume(Effect.succeed(worker.process.exitCode ?? 1))
    worker.once("exit", (code) => resume(Effect.succeed(code ?? 1)))
  })

/** Ends a worker as SIGTERM would, by a message: where a terminal sent its signal to all, a second one would cut it short. */
const stop = (worker: Worker) =>
  Effect.gen(function* () {
    if (worker.isDead()) return
    yield* Effect.sync(() => {
      if (worker.isConnected()) worker.send(stopMessage)
    })
    const end = yield* ended(worker).pipe(Effect.interruptible, Effect.timeoutOption(stopTimeout))
    if (Option.isNone(end)) yield* Effect.sync(() => worker.process.kill("SIGKILL"))
  })

/** One worker, from its start to its end, or for as long as the scope is open; answers with its exit code. */
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

/** One worker, and another in its place whenever it ends. */
const keepOne = Effect.suspend(() => {
  let everServed = false
  const onListening = () => {
    everServed = true
  }
  return runWorker(onListening).pipe(
    Effect.tap((code) =>
      everServed
        ? Effect.logWarning("A worker has ended; another takes its place").pipe(Effect.annotateLogs({ code }))
        : // It has said why.
          new AlreadyReported()
    ),
    Effect.repeat(Schedule.spaced("500 millis")),
    Effect.zipRight(Effect.never)
  )
})

/** So many workers on one port, which node hands their connections in turn, until interrupted. */
export const keepWorkers = (count: number): Effect.Effect<never, AlreadyReported> =>
  Effect.zipRight(Effect.all(Effect.replicate(keepOne, count), { concurrency: "unbounded" }), Effect.never)

/**
 * In a worker: ends when the first process says so, or is gone. Where that goes while this one is stopping already, somebody
 * wants it to end at once.
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
