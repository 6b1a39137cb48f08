import cluster, { type Worker } from "node:cluster"
import { Effect, FiberSet, Option } from "effect"
import { HasReported } from "./Output.ts"

const stopMessage = "stop"
const patience = "20 seconds"

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
    const end = yield* ended(worker).pipe(Effect.interruptible, Effect.timeoutOption(patience))
    if (Option.isNone(end)) yield* Effect.sync(() => worker.process.kill("SIGKILL"))
  })

/** One worker, and another in its place whenever it ends, until interrupted; each stops with the scope it runs in. */
const keepOne = Effect.gen(function* () {
  let everServed = false
  while (true) {
    const code = yield* Effect.scoped(
      Effect.gen(function* () {
        const worker = yield* Effect.acquireRelease(
          Effect.sync(() => cluster.fork()),
          stop
        )
        const { pid } = worker.process
        yield* Effect.sync(() => {
          worker.once("listening", () => {
            everServed = true
          })
        })
        yield* Effect.logInfo("A worker starts").pipe(Effect.annotateLogs({ pid }))
        return yield* ended(worker)
      })
    )
    // It has said why.
    if (!everServed) return yield* new HasReported()
    yield* Effect.logWarning("A worker has ended; another takes its place").pipe(Effect.annotateLogs({ code }))
    yield* Effect.sleep("500 millis")
  }
})

/** So many workers on one port, which node hands their connections in turn, until interrupted. */
export const keepWorkers = (count: number): Effect.Effect<never, HasReported> =>
  Effect.scoped(
    Effect.gen(function* () {
      const fibers = yield* FiberSet.make<never, HasReported>()
      for (let at = 0; at < count; at++) yield* FiberSet.run(fibers, keepOne)
      yield* FiberSet.join(fibers)
      return yield* Effect.never
    })
  )

/**
 * In a worker: ends when the first process says so, or is gone. Where that goes while this one is stopping already, somebody
 * wants it to end at once.
 */
export const told = Effect.async<void>((resume) => {
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
