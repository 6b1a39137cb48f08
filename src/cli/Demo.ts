import { randomBytes } from "node:crypto"
import { FetchHttpClient, FileSystem, HttpApiClient, HttpClient, HttpClientRequest, HttpServer } from "@effect/platform"
import { ConfigProvider, Console, Duration, Effect, Layer, Logger, LogLevel, Option } from "effect"
import type { Mode } from "../domain/catalog/Mode.ts"
import { countVerdicts } from "../domain/installation/Plan.ts"
import { Api } from "../http/Api.ts"
import { settings } from "../layers/runtime/Settings.ts"
import { DatabaseUrlFrom } from "./Database.ts"
import { type AsJson, CommandFailed, type Row, table } from "./Output.ts"
import { bundled, publishBundled, ServiceLive } from "./Service.ts"

/**
 * A temporary service of the demo: in a folder that is removed with the scope, with default settings, on a free port.
 */
const ownService = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const dataDir = yield* fs.makeTempDirectoryScoped({ prefix: "agent-install-demo-" })
  // If root runs this, Postgres runs as another user, who needs access to the folder.
  yield* fs.chmod(dataDir, 0o755)
  const given = yield* settings.pipe(
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["DATA_DIR", dataDir]])))
  )
  const service = yield* Layer.build(
    ServiceLive(given, 0, publishBundled).pipe(Layer.provide(DatabaseUrlFrom(given)))
  ).pipe(Logger.withMinimumLogLevel(LogLevel.Warning))
  return yield* Effect.provide(
    HttpServer.addressFormattedWith((address) => Effect.succeed(address)),
    service
  )
})

const failed = (doing: string) => (error: unknown) =>
  new CommandFailed({ message: `${doing}: ${error instanceof Error ? error.message : String(error)}` })

/** Signs a new person up; returns the session's token. */
const signUp = (base: string, person: { readonly name: string; readonly email: string; readonly password: string }) =>
  HttpClientRequest.post(`${base}/api/auth/sign-up/email`).pipe(
    HttpClientRequest.bodyUnsafeJson(person),
    HttpClient.execute,
    Effect.flatMap((response) => {
      const token = response.headers["set-auth-token"]
      return token === undefined
        ? new CommandFailed({ message: `Sign-up was answered with status ${response.status} and no session` })
        : Effect.succeed(token)
    }),
    Effect.catchTag("RequestError", "ResponseError", (error) => failed(`No service answers at ${base}`)(error))
  )

const shown = 12

interface Demo extends AsJson {
  /** A running service; if none, the demo starts its own. */
  readonly url: Option.Option<string>
}

/** Shows what the service does, step by step. */
export const demo = ({ json, url }: Demo) =>
  Effect.gen(function* () {
    const steps: Array<{ readonly step: string; readonly request: string; readonly result: unknown }> = []
    const step = (title: string, request: string, result: unknown, text: string) => {
      steps.push({ step: title, request, result })
      return json ? Effect.void : Console.log(`\n${steps.length}. ${title}\n   ${request}\n\n${text}`)
    }

    if (Option.isNone(url)) yield* Effect.logInfo("Starting a service of the demo's own, which takes a few seconds")
    const base = Option.isSome(url) ? url.value.replace(/\/+$/, "") : yield* ownService

    const newPerson = (name: string) => ({
      name,
      email: `demo-${randomBytes(4).toString("hex")}@example.org`,
      password: randomBytes(12).toString("base64url")
    })
    const person = newPerson("Ada Lovelace")
    const token = yield* signUp(base, person)
    yield* step("Sign up", "POST /api/auth/sign-up/email", { email: person.email }, table([{ email: person.email }]))

    const clientOf = (token: string) =>
      HttpApiClient.make(Api, {
        baseUrl: base,
        transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(token))
      })
    const client = yield* clientOf(token)
    const request = { payload: { slug: bundled } }
    const plan = yield* Effect.mapError(
      client.install.plan({ ...request, urlParams: {} }),
      failed("The plan was refused")
    )
    yield* step(
      "See what an install would do",
      "POST /api/install/plan",
      countVerdicts(plan.rows),
      table(countVerdicts(plan.rows))
    )

    const install = Effect.mapError(client.install.install(request), failed("The install was refused"))
    const first = yield* install
    const { agentId, created, organizationSlug, revision } = first
    const row = { organization: organizationSlug, agent: agentId, created, revision }
    yield* step("Install", "POST /api/install", first, table([row]))

    const second = yield* install
    yield* step(
      "Install again: the same agent",
      "POST /api/install",
      second,
      table([{ ...row, agent: second.agentId, created: second.created }])
    )

    const after = yield* Effect.mapError(
      client.install.plan({ ...request, urlParams: {} }),
      failed("The plan was refused")
    )
    const rows = after.rows.map(({ kind, name, slug, verdict }): Row => ({ kind, slug, name, verdict }))
    const more = rows.length > shown ? `\n… and ${rows.length - shown} more` : ""
    yield* step(
      "The rows that stand now",
      "POST /api/install/plan",
      rows,
      `${table(rows.slice(0, shown))}${more}\n\n${table(countVerdicts(after.rows))}`
    )

    const { template } = yield* Effect.mapError(
      client.agents.view({ path: { id: agentId } }),
      failed("The agent was not shown")
    )
    const inMode = (mode: Mode) =>
      Effect.gen(function* () {
        const other = yield* clientOf(yield* signUp(base, newPerson("Grace Hopper")))
        const [took, { agentId }] = yield* Effect.timed(other.install.install({ payload: { slug: bundled, mode } }))
        const seen = (yield* other.agents.planResync({ path: { id: agentId }, urlParams: {} })).rows
        const kind = "entity_types" as const
        const slug = seen.find((row) => row.kind === kind)?.slug ?? ""
        yield* other.rows.customize({ path: { id: agentId, kind, slug }, payload: { name: "Mine" } })
        const changed = (yield* other.agents.planResync({ path: { id: agentId }, urlParams: {} })).rows
        return {
          mode,
          milliseconds: Math.round(Duration.toMillis(took)),
          rows: seen.length,
          customized: changed.filter(({ verdict }) => verdict === "customized").length,
          unchanged: changed.filter(({ verdict }) => verdict === "unchanged").length
        }
      }).pipe(Effect.mapError(failed(`It was not installed by ${mode}`)))
    const bothModes = yield* Effect.forEach(template.modes.length > 1 ? template.modes : [], inMode)
    if (bothModes.length > 0) {
      const title = "By copy and by reference: others install it and change a row, and see the same"
      yield* step(
        title,
        "POST /api/install, POST /api/agents/:id/rows/:kind/:slug/customize",
        bothModes,
        table(bothModes)
      )
    }
    if (json) yield* Console.log(JSON.stringify({ url: base, steps }, null, 2))
    else if (Option.isNone(url)) yield* Console.log("\nDone. The service and its data are gone again.")
    else yield* Console.log(`\nDone. The account ${person.email} and what it installed stay at ${base}.`)
  }).pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer))
