import { join } from "node:path"
import { Command } from "@effect/cli"
import { HttpServer } from "@effect/platform"
import { Effect, Layer, Logger, Option, Scope } from "effect"
import { NodeServerLive } from "../http/NodeServer.ts"
import { HttpLive } from "../http/Server.ts"
import { ServerConfig } from "../http/ServerConfig.ts"
import { AppLive, DatabaseLive, DatabaseUrlLive, ServicesLive } from "../layers/AppLive.ts"
import { type Settings, settings } from "../layers/Settings.ts"
import { TelemetryLive } from "../layers/TelemetryLive.ts"
import { readTemplate } from "../layers/TemplateFiles.ts"
import { TemplateCatalog } from "../services/TemplateCatalog.ts"
import { root, version } from "./Package.ts"
import { isWorker, keepWorkers, told } from "./Workers.ts"

/**
 * With a database of its own the service has something to install from the first start. A template that is there stays as it
 * is: it may be somebody's own version by now.
 */
const publishBundled = Effect.gen(function* () {
  const catalog = yield* TemplateCatalog
  const { locate, template } = yield* readTemplate(join(root, "templates", "personal-finance"))
  const known = yield* Effect.option(catalog.manifest(template.slug))
  if (Option.isSome(known)) return
  const { revision } = yield* Effect.mapError(catalog.publish(template), locate)
  yield* Effect.logInfo(`Published the bundled template ${template.slug}, revision ${revision}`)
}).pipe(
  Effect.catchTag("PublishRefused", ({ message }) =>
    Effect.logWarning(`The bundled template was not published: ${message}`)
  )
)

// Built last, so released first: before the server stops to listen.
const SayStopping = Layer.scopedDiscard(
  Effect.addFinalizer(() => Effect.logInfo("Stopping: running requests have ten seconds to end"))
)

/** The whole service, listening at `port` (0 for any that is free) of the settings' host. */
export const ServiceLive = (given: Settings, port: number) =>
  HttpLive.pipe(
    Layer.provideMerge(NodeServerLive({ port, host: given.host })),
    Layer.provide(Option.isNone(given.databaseUrl) ? Layer.effectDiscard(publishBundled) : Layer.empty),
    Layer.provide(Layer.succeed(ServerConfig, { ownOrigins: given.ownOrigins, trustedProxies: given.trustedProxies })),
    Layer.provide(AppLive(given))
  )

/**
 * Telemetry and the database's address. Telemetry is there first, to be told of what the database does, and is closed before
 * the embedded one stops: what it still has to send waits for no shutdown of Postgres.
 */
const GroundLive = (given: Settings) =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const telemetry = yield* Scope.make()
      const close = Effect.addFinalizer((exit) => Scope.close(telemetry, exit))
      yield* close
      yield* Layer.buildWithScope(TelemetryLive({ endpoint: given.otlpEndpoint, version }), telemetry)
      const database = yield* Layer.build(DatabaseUrlLive(given))
      yield* close
      return database
    })
  )

/** One process that serves, until interrupted or, in a worker, told to end. */
const serveHere = (given: Settings) => {
  const serving = SayStopping.pipe(
    Layer.provide(HttpServer.withLogAddress(ServiceLive(given, given.port))),
    Layer.launch,
    Effect.onInterrupt(() => Effect.logInfo("Stopped"))
  )
  return isWorker ? Effect.raceFirst(serving, told) : serving
}

/** The first of several processes: it has the embedded Postgres and the schema ready, and looks after those that serve. */
const serveByWorkers = (given: Settings) =>
  Effect.gen(function* () {
    const ready = Option.isNone(given.databaseUrl) ? publishBundled : Effect.void
    yield* Effect.provide(ready, ServicesLive(given).pipe(Layer.provide(DatabaseLive(given))))
    return yield* keepWorkers(given.workers)
  })

export const serve = Command.make("serve", {}, () =>
  Effect.flatMap(settings, (given) =>
    Effect.if(given.workers > 1 && !isWorker, {
      onTrue: () => serveByWorkers(given),
      onFalse: () => serveHere(given)
    }).pipe(Effect.provide(GroundLive(given).pipe(Layer.provideMerge(Logger.minimumLogLevel(given.logLevel)))))
  )
).pipe(
  Command.withDescription(
    "Serve the HTTP interface until SIGINT or SIGTERM; a second one ends it at once. Without DATABASE_URL it runs a Postgres of its own in DATA_DIR, with a template to install. WORKERS says how many processes share the port. Example: PORT=8080 agent-install serve"
  )
)
