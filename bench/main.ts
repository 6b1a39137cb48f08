import { join } from "node:path"
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Logger, LogLevel, type Redacted } from "effect"
import { readTemplate } from "../src/layers/catalog/TemplateFiles.ts"
import { TemplateCatalog } from "../src/services/catalog/TemplateCatalog.ts"
import { databaseOn, openPostgres } from "./database.ts"
import { benchBare } from "./http.ts"
import { benchHttp, benchInProcess } from "./install.ts"
import { benchLookup } from "./lookup.ts"
import { benchPages } from "./pages.ts"
import { benchPhones } from "./phones.ts"
import { benchResync } from "./resync.ts"
import { benchRollout } from "./rollout.ts"
import { Services } from "./server.ts"

/* `npm run bench`: what the service costs against the same work by hand, on an embedded Postgres. */

const program = (url: Redacted.Redacted<string>) =>
  Effect.gen(function* () {
    const { template } = yield* readTemplate(join(process.cwd(), "templates", "personal-finance"))
    yield* Effect.flatMap(TemplateCatalog, (catalog) => catalog.publish({ ...template, modes: ["copy", "reference"] }))
    yield* benchInProcess(template.slug)
    yield* benchHttp(template.slug)
    yield* benchResync
    yield* benchRollout
    yield* benchLookup
    yield* benchBare(url, template.slug)
    yield* benchPages(template.slug)
    yield* benchPhones
  })

const onPostgres = Effect.flatMap(openPostgres(), (url) =>
  Effect.provide(program(url), Services.pipe(Layer.provideMerge(databaseOn(url))))
)

Effect.scoped(onPostgres).pipe(
  Effect.provide([NodeContext.layer, Logger.minimumLogLevel(LogLevel.Warning)]),
  NodeRuntime.runMain
)
