import { join } from "node:path"
import { Command } from "@effect/cli"
import { HttpServer } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Logger, Option } from "effect"
import { makeNodeServer } from "../http/NodeServer.ts"
import { HttpLive } from "../http/Server.ts"
import { ServerConfig } from "../http/ServerConfig.ts"
import { AppLive } from "../layers/AppLive.ts"
import { type Settings, settings } from "../layers/Settings.ts"
import { TelemetryLive } from "../layers/TelemetryLive.ts"
import { readTemplate } from "../layers/TemplateFiles.ts"
import { TemplateCatalog } from "../services/TemplateCatalog.ts"
import { root, version } from "./Package.ts"

/**
 * With a database of its own the service has something to install from the first start. A template that is there stays as it
 * is: it may be somebody's own version by now.
 */
const publishBundled = Effect.gen(function* () {
  const catalog = yield* TemplateCatalog
  const template = yield* readTemplate(join(root, "templates", "personal-finance"))
  const known = yield* Effect.option(catalog.manifest(template.slug))
  if (Option.isSome(known)) return
  const { revision } = yield* catalog.publish(template)
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
    Layer.provideMerge(NodeHttpServer.layer(makeNodeServer, { port, host: given.host })),
    Layer.provide(Option.isNone(given.databaseUrl) ? Layer.effectDiscard(publishBundled) : Layer.empty),
    Layer.provide(Layer.succeed(ServerConfig, { ownOrigins: given.ownOrigins, trustedProxies: given.trustedProxies })),
    Layer.provide(AppLive(given))
  )

export const serve = Command.make("serve", {}, () =>
  Effect.flatMap(settings, (given) =>
    SayStopping.pipe(
      Layer.provide(HttpServer.withLogAddress(ServiceLive(given, given.port))),
      Layer.launch,
      Effect.onInterrupt(() => Effect.logInfo("Stopped")),
      Effect.provide(
        TelemetryLive({ endpoint: given.otlpEndpoint, version }).pipe(
          Layer.provideMerge(Logger.minimumLogLevel(given.logLevel))
        )
      )
    )
  )
).pipe(
  Command.withDescription(
    "Serve the HTTP interface until SIGINT or SIGTERM. Without DATABASE_URL it runs a Postgres of its own in DATA_DIR, with a template to install. Example: PORT=8080 agent-install serve"
  )
)
