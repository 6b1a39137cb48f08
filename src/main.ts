#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Args, Command, ValidationError } from "@effect/cli"
import { HttpServer, HttpServerError, Error as PlatformError } from "@effect/platform"
import { NodeContext, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { SqlError } from "@effect/sql/SqlError"
import { Cause, ConfigError, Console, Effect, Layer, Logger, Option } from "effect"
import { isDatabaseAway } from "./domain/Faults.ts"
import { PublishRefused } from "./domain/Template.ts"
import { makeNodeServer } from "./http/NodeServer.ts"
import { HttpLive } from "./http/Server.ts"
import { ServerConfig } from "./http/ServerConfig.ts"
import { AppLive, DatabaseLive, ServicesLive } from "./layers/AppLive.ts"
import { EmbeddedPostgresError } from "./layers/EmbeddedPostgres.ts"
import { describeConfigError, type Settings, settings } from "./layers/Settings.ts"
import { ConsoleLogger, TelemetryLive } from "./layers/TelemetryLive.ts"
import { readTemplate } from "./layers/TemplateFiles.ts"
import { TemplateCatalog } from "./services/TemplateCatalog.ts"

const packageRoot = (folder: string): string =>
  existsSync(join(folder, "package.json")) ? folder : packageRoot(dirname(folder))
const root = packageRoot(dirname(fileURLToPath(import.meta.url)))
const { version }: { version: string } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))

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

const ServerLive = (given: Settings) =>
  SayStopping.pipe(
    Layer.provide(HttpServer.withLogAddress(HttpLive)),
    Layer.provide(NodeHttpServer.layer(makeNodeServer, { port: given.port, host: given.host })),
    Layer.provide(Option.isNone(given.databaseUrl) ? Layer.effectDiscard(publishBundled) : Layer.empty),
    Layer.provide(Layer.succeed(ServerConfig, { ownOrigins: given.ownOrigins, trustedProxies: given.trustedProxies })),
    Layer.provide(AppLive(given))
  )

const serve = Command.make("serve", {}, () =>
  Effect.flatMap(settings, (given) =>
    Layer.launch(ServerLive(given)).pipe(
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
    "Serve the HTTP interface until SIGINT or SIGTERM. Without DATABASE_URL it runs a Postgres of its own in DATA_DIR, with a template to install."
  )
)

const folder = Args.directory({ name: "DIR", exists: "yes" }).pipe(
  Args.withDescription("The template's folder: template.yaml, and models/*.yaml with one definition a file.")
)

const publish = Command.make("publish", { folder }, ({ folder }) =>
  Effect.gen(function* () {
    const given = yield* settings
    // Read first: a folder that is wrong needs no database to say so.
    const read = yield* readTemplate(folder)
    const { changed, revision, templateAgentId } = yield* TemplateCatalog.pipe(
      Effect.flatMap((catalog) => catalog.publish(read)),
      Effect.provide(ServicesLive(given).pipe(Layer.provide(DatabaseLive(given))))
    )
    const { definitions, slug } = read
    yield* Console.log(
      changed
        ? `Published ${slug}, revision ${revision}: ${definitions.length} definitions (template agent ${templateAgentId}).`
        : `Nothing changed: ${slug} stays at revision ${revision} (template agent ${templateAgentId}).`
    )
  })
).pipe(Command.withDescription("Publish a template, or a new revision of it where something changed."))

const template = Command.make("template").pipe(
  Command.withDescription("What publishers do."),
  Command.withSubcommands([publish])
)

const cli = Command.make("agent-install").pipe(
  Command.withDescription("Installs published template agents into a person's own organization."),
  Command.withSubcommands([serve, template])
)

const causeOf = ({ cause }: { readonly cause?: unknown }) => (cause instanceof Error ? cause.message : String(cause))

/** What stopped the program, as a line for the person who started it. */
const explain = (error: unknown, database: string): Option.Option<string> => {
  if (ConfigError.isConfigError(error)) return Option.some(describeConfigError(error))
  if (error instanceof EmbeddedPostgresError || error instanceof PublishRefused) return Option.some(error.message)
  if (error instanceof SqlError && isDatabaseAway(error)) {
    return Option.some(`${database} can't be reached: ${causeOf(error)}`)
  }
  if (error instanceof HttpServerError.ServeError) {
    return Option.some(`Can't listen: ${causeOf(error)}. Set HOST and PORT to an address that is free.`)
  }
  if (PlatformError.isPlatformError(error)) return Option.some(`DATA_DIR can't be used: ${error.message}`)
  return Option.none()
}

const report = (cause: Cause.Cause<unknown>) =>
  Effect.gen(function* () {
    if (Cause.isInterruptedOnly(cause)) return
    const error = Cause.squash(cause)
    // The command line has printed its own complaint already.
    if (ValidationError.isValidationError(error)) return
    const given = yield* Effect.option(settings)
    const embedded = Option.exists(given, ({ databaseUrl }) => Option.isNone(databaseUrl))
    const database = embedded ? "The embedded Postgres in DATA_DIR" : "The database of DATABASE_URL"
    yield* Option.match(explain(error, database), {
      onNone: () => Effect.logFatal("agent-install met a fault", cause),
      onSome: (line) => Console.error(line)
    })
  })

Command.run(cli, { name: "agent-install", version })(process.argv).pipe(
  Effect.tapErrorCause(report),
  Effect.provide([NodeContext.layer, ConsoleLogger(process.stdout.isTTY)]),
  NodeRuntime.runMain({ disableErrorReporting: true, disablePrettyLogger: true })
)
