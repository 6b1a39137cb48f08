import { join } from "node:path"
import { FileSystem, HttpServer, type Path } from "@effect/platform"
import { Duration, Effect, Layer, Option } from "effect"
import { PublishRefused } from "../domain/catalog/Template.ts"
import { Slug } from "../domain/Ids.ts"
import { NodeServerLive } from "../http/NodeServer.ts"
import { HttpLive } from "../http/Server.ts"
import { ServerConfig } from "../http/ServerConfig.ts"
import type { Settings } from "../layers/runtime/Settings.ts"
import { root } from "../Package.ts"
import { publishTemplate } from "../services/catalog/PublishTemplate.ts"
import { TemplateCatalog } from "../services/catalog/TemplateCatalog.ts"
import type { TemplateMirror } from "../services/installation/TemplateMirror.ts"
import type { Transactor } from "../services/runtime/Transactor.ts"
import { AppFrom, RolloutRunnerFrom, ServicesFrom } from "./Application.ts"
import { isWorker, keepWorkers, stopRequested } from "./Workers.ts"

/* The service over HTTP, and the templates that it publishes at its start. */

/** Reads a template's folder. The code for that is loaded only then: most starts have nothing to read. */
const readTemplate = (folder: string) =>
  Effect.flatMap(
    Effect.promise(() => import("../layers/catalog/TemplateFiles.ts")),
    (files) => files.readTemplate(folder)
  )

/** The slug of the template that comes with the program. */
export const bundled = Slug.make("personal-finance")

/**
 * Publishes the bundled template unless it is published already: somebody may have published a version of their own.
 */
export const publishBundled = Effect.gen(function* () {
  const catalog = yield* TemplateCatalog
  const known = yield* Effect.option(catalog.manifest(bundled))
  if (Option.isSome(known)) return
  const { locate, template } = yield* readTemplate(join(root, "templates", bundled))
  const { revision } = yield* Effect.mapError(catalog.publish(template), locate)
  yield* Effect.logInfo(`Published the bundled template ${template.slug}, revision ${revision}`)
}).pipe(
  Effect.catchTag("PublishRefused", ({ message }) =>
    Effect.logWarning(`The bundled template was not published: ${message}`)
  )
)

const refusePublish = (message: string) => new PublishRefused({ issues: [{ where: "", path: [], message }] })

/** Reads the folders that PUBLISH names; if one is wrong, nothing starts. */
export const readFolders = (folders: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const read = yield* Effect.forEach(folders, (folder) =>
      Effect.gen(function* () {
        const found = yield* Effect.option(fs.stat(folder))
        if (!Option.exists(found, ({ type }) => type === "Directory")) {
          return yield* refusePublish(`PUBLISH must name folders of templates: ${folder} is none`)
        }
        return { folder, ...(yield* readTemplate(folder)) }
      })
    )
    for (const [at, { folder, template }] of read.entries()) {
      const earlier = read.slice(0, at).find((other) => other.template.slug === template.slug)
      if (earlier !== undefined) {
        return yield* refusePublish(
          `PUBLISH names the template ${template.slug} twice: ${earlier.folder} and ${folder}`
        )
      }
    }
    return read
  })

type Folders = Effect.Effect.Success<ReturnType<typeof readFolders>>

/**
 * Publishes the folders that are new or changed. If one withdraws many rows, it is left to a person who agrees to that.
 */
const publishFolders = (folders: Folders) =>
  Effect.forEach(
    folders,
    ({ folder, locate, template }) =>
      publishTemplate(template, false).pipe(
        Effect.flatMap(({ published: { changed, revision } }) =>
          Effect.logInfo(
            changed
              ? `Published ${template.slug}, revision ${revision}`
              : `${template.slug} is published already, as revision ${revision}`
          )
        ),
        Effect.catchTags({
          PublishRefused: locate,
          WithdrawalNotAgreed: ({ message }) =>
            Effect.logWarning(
              `${template.slug} stays as it was published last. ${message} To publish it: agent-install template publish ${folder} --yes`
            )
        })
      ),
    { discard: true }
  )

const sayWhereEmpty = Effect.gen(function* () {
  const catalog = yield* TemplateCatalog
  const published = yield* catalog.list
  if (published.length > 0) return
  yield* Effect.logWarning(
    "No template is published, so there is nothing to install: set PUBLISH to a template's folder (templates/personal-finance is one), or run agent-install template publish DIR"
  )
})

/**
 * Publishes what can be installed: the folders in the settings or, with the embedded database, the bundled template.
 */
const publishAtStart = (
  { databaseUrl }: Settings,
  folders: Option.Option<Folders>
): Effect.Effect<
  void,
  PublishRefused,
  FileSystem.FileSystem | Path.Path | TemplateCatalog | TemplateMirror | Transactor
> =>
  Option.match(folders, {
    onSome: publishFolders,
    onNone: () => (Option.isNone(databaseUrl) ? publishBundled : sayWhereEmpty)
  })

/** The whole service, which listens on `port` (0 for a free one) of the settings' host once `publish` is done. */
export const ServiceLive = <E, R>(given: Settings, port: number, publish: Effect.Effect<void, E, R>) =>
  RolloutRunnerFrom.pipe(
    Layer.provideMerge(HttpLive),
    Layer.provideMerge(
      NodeServerLive({ port, host: given.host }, { keepAliveTimeout: Duration.toMillis(given.keepAlive) })
    ),
    Layer.provide(Layer.effectDiscard(publish)),
    Layer.provide(Layer.succeed(ServerConfig, { ownOrigins: given.ownOrigins, trustedProxies: given.trustedProxies })),
    Layer.provide(AppFrom(given))
  )

// Built last, so released first: before the server stops listening.
const SayStopping = Layer.scopedDiscard(
  Effect.addFinalizer(() => Effect.logInfo("Stopping: running requests have ten seconds to end"))
)

/** One process that serves until it is interrupted or, in a worker, asked to stop. */
const serveHere = <E, R>(given: Settings, publish: Effect.Effect<void, E, R>) => {
  const serving = SayStopping.pipe(
    Layer.provide(HttpServer.withLogAddress(ServiceLive(given, given.port, publish))),
    Layer.launch,
    Effect.onInterrupt(() => Effect.logInfo("Stopped"))
  )
  return isWorker ? Effect.raceFirst(serving, stopRequested) : serving
}

/** The first of several processes: it prepares database, schema and templates, and supervises the workers. */
const serveByWorkers = <E, R>(given: Settings, publish: Effect.Effect<void, E, R>) =>
  Effect.gen(function* () {
    yield* Effect.provide(publish, ServicesFrom(given))
    return yield* keepWorkers(given.workers)
  })

/** Serves until interrupted or asked to stop, after publishing. */
export const serveOn = (given: Settings, folders: Option.Option<Folders>) => {
  const publish = isWorker ? Effect.void : publishAtStart(given, folders)
  return Effect.if(given.workers > 1 && !isWorker, {
    onTrue: () => serveByWorkers(given, publish),
    onFalse: () => serveHere(given, publish)
  })
}
