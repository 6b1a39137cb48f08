import { Effect, Fiber, Layer, Logger, Option, Runtime, Scope } from "effect"
import { type Settings, settings } from "../layers/runtime/Settings.ts"
import { version } from "../Package.ts"
import { DatabaseUrlFrom } from "./Database.ts"
import { isWorker } from "./Workers.ts"

/**
 * Logs node's own warnings by name and code, instead of printing them on the standard error: one may quote whatever
 * node was given to read.
 */
const LogWarnings = Layer.scopedDiscard(
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime<never>()
    const log = ({ name, ...warning }: Error & { readonly code?: string }) =>
      Runtime.runFork(runtime)(
        Effect.logWarning("Node warns; start it with NODE_OPTIONS=--trace-warnings elsewhere to see of what").pipe(
          Effect.annotateLogs({ warning: name, code: warning.code ?? "none" })
        )
      )
    const before = process.rawListeners("warning")
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        process.removeAllListeners("warning")
        process.on("warning", log)
      }),
      () =>
        Effect.sync(() => {
          process.off("warning", log)
          for (const listener of before) process.on("warning", listener as (warning: Error) => void)
        })
    )
  })
)

/**
 * Sends telemetry while the scope is open, if there is an endpoint; otherwise no spans are made, since nothing would
 * collect them.
 */
const telemetryIn = (scope: Scope.Scope, { otlpEndpoint }: Settings) =>
  Option.match(otlpEndpoint, {
    onNone: () => Layer.buildWithScope(Layer.setTracerEnabled(false), scope),
    onSome: (endpoint) =>
      Effect.flatMap(
        Effect.promise(() => import("../layers/runtime/TelemetryLive.ts")),
        ({ TelemetryLive }) => Layer.buildWithScope(TelemetryLive({ endpoint, version }), scope)
      )
  })

/**
 * Telemetry and the database's address. Telemetry starts first, so that it records what the database does, and is
 * closed before the embedded database stops, so that its last data does not wait for the shutdown of Postgres.
 */
const TelemetryAndDatabase = (given: Settings) =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const telemetry = yield* Scope.make()
      const close = Effect.addFinalizer((exit) => Scope.close(telemetry, exit))
      yield* close
      yield* telemetryIn(telemetry, given)
      const database = yield* Layer.build(DatabaseUrlFrom(given))
      if (!isWorker && Option.isNone(given.databaseUrl)) yield* Effect.logInfo(`Postgres runs in ${given.dataDir}`)
      yield* close
      return database
    })
  )

/** Serves as the settings say. */
export const serve = Effect.gen(function* () {
  const given = yield* settings
  // Loaded while Postgres starts, which takes as long.
  const service = yield* Effect.fork(Effect.promise(() => import("./Service.ts")))
  const folders = isWorker
    ? Option.none()
    : yield* Effect.transposeMapOption(given.publish, (names) =>
        Effect.flatMap(Fiber.join(service), ({ readFolders }) => readFolders(names))
      )
  yield* Fiber.join(service).pipe(
    Effect.flatMap(({ serveOn }) => serveOn(given, folders)),
    Effect.provide(
      TelemetryAndDatabase(given).pipe(
        Layer.provideMerge(LogWarnings),
        Layer.provideMerge(Logger.minimumLogLevel(given.logLevel))
      )
    )
  )
})
