import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Option, Record, Schema } from "effect"
import { Manifest } from "../domain/catalog/Template.ts"
import {
  AgentNotFound,
  ForeignOrigin,
  Internal,
  InvalidRequest,
  NoPersonalOrg,
  NoSuchRevision,
  NoSuchRow,
  NotOrgAdmin,
  PlanStale,
  RateLimitExceeded,
  SchemaCollision,
  Unauthenticated,
  Unavailable,
  UnknownTemplateSlug
} from "../domain/Errors.ts"
import { AgentList, AgentOverview, ResyncAnswer, ResyncRequest } from "../domain/installation/Agent.ts"
import { History } from "../domain/installation/History.ts"
import { InstallAnswer, InstallRequest, PlanRequest } from "../domain/installation/Install.ts"
import { Plan, Uninstalled, UninstallPlan } from "../domain/installation/Plan.ts"
import { authPaths } from "./account/AuthPaths.ts"
import { signedIn, templateRefusals, unreadable } from "./Contract.ts"
import { complete } from "./documents/Document.ts"
import { GatewayApi, IdentitiesApi } from "./identity/IdentitiesApi.ts"
import { WatchersApi } from "./installation/WatchersApi.ts"
import { problem, problemMediaType } from "./Problem.ts"

/** Why a template is not for this caller to install, or even to plan, in the order of refusal. */
const notForCaller = Schema.Union(
  problem(ForeignOrigin),
  problem(Unauthenticated),
  problem(RateLimitExceeded),
  unreadable,
  problem(UnknownTemplateSlug),
  problem(NoPersonalOrg),
  templateRefusals,
  problem(NotOrgAdmin)
)

/** Installing, and what can be installed. */
export class InstallApi extends HttpApiGroup.make("install")
  .add(
    HttpApiEndpoint.post("install", "/api/install")
      .setPayload(InstallRequest)
      .addSuccess(InstallAnswer)
      .addError(notForCaller)
      .addError(problem(NoSuchRow))
      .addError(problem(SchemaCollision))
      .addError(problem(PlanStale))
      .annotateContext(
        OpenApi.annotations({
          summary: "Install a template",
          description:
            "Puts the template's agent and definitions into the caller's own organization, or brings an installed one up to the newest revision. Repeating it is safe.",
          transform: signedIn
        })
      )
  )
  .add(
    HttpApiEndpoint.post("plan", "/api/install/plan")
      .setPayload(PlanRequest)
      .addSuccess(Plan)
      .addError(notForCaller)
      .annotateContext(
        OpenApi.annotations({
          summary: "Say what an install would do",
          description:
            "Judges every row and changes nothing. An install with this plan's hash as expectedPlan does exactly this.",
          transform: signedIn
        })
      )
  )
  .add(
    HttpApiEndpoint.get("manifest", "/api/install/manifest/:slug")
      .setPath(Schema.Struct({ slug: Schema.String }))
      .addSuccess(Manifest)
      .addSuccess(HttpApiSchema.Empty(304))
      .addError(problem(UnknownTemplateSlug))
      .annotateContext(
        OpenApi.annotations({
          summary: "What an install brings",
          description: "Public. The answer has an ETag; asked again with If-None-Match, an unchanged one is 304."
        })
      )
  )
  .annotate(OpenApi.Description, "Installing template agents, and what can be installed") {}

const HealthAnswer = Schema.Struct({ status: Schema.Literal("ok") }).annotations({ identifier: "HealthAnswer" })

/** Whoever reads is refused for these. */
const reads = Schema.Union(problem(Unauthenticated), problem(RateLimitExceeded))

/** What is refused whatever is asked of an installed agent. */
const agentRefusals = Schema.Union(
  problem(Unauthenticated),
  problem(RateLimitExceeded),
  problem(AgentNotFound),
  problem(NotOrgAdmin)
)

/** What a resync, or its plan, can be refused for besides. */
const resyncRefusals = Schema.Union(templateRefusals, problem(NoSuchRevision))

const agentPath = Schema.Struct({ id: Schema.String })

/** A parameter after the question mark, as it is documented. What it may be is decided once it is known who asks. */
const query = (description: string) =>
  Schema.optionalWith(
    Schema.Union(Schema.String, Schema.Array(Schema.String)).annotations({ jsonSchema: { type: "string" } }),
    { exact: true }
  ).annotations({ description })

/** The caller's installed agents. */
export class AgentsApi extends HttpApiGroup.make("agents")
  .add(
    HttpApiEndpoint.get("list", "/api/agents")
      .setUrlParams(
        Schema.Struct({
          before: query("The next of the page before: agents older than that."),
          limit: query("How many agents, 1 to 100; 100 if absent. A page may hold fewer, and still have a next.")
        })
      )
      .addSuccess(AgentList)
      .addError(Schema.Union(reads, problem(InvalidRequest)))
      .annotateContext(
        OpenApi.annotations({
          summary: "The caller's installed agents",
          description:
            "The newest first, each with its template, the revisions, and how many of its rows have which verdict.",
          transform: signedIn
        })
      )
  )
  .add(
    HttpApiEndpoint.get("view", "/api/agents/:id")
      .setPath(agentPath)
      .addSuccess(AgentOverview)
      .addError(Schema.Union(reads, problem(AgentNotFound)))
      .annotateContext(OpenApi.annotations({ summary: "One installed agent", transform: signedIn }))
  )
  .add(
    HttpApiEndpoint.get("history", "/api/agents/:id/history")
      .setPath(agentPath)
      .setUrlParams(
        Schema.Struct({
          before: query("The next of the page before: entries older than that."),
          limit: query("How many entries, 1 to 100; 20 if absent. A page may hold fewer, and still have a next."),
          rows: query(
            "How much of each row is told: changed (as if absent), the fields that differ; whole, all of them."
          )
        })
      )
      .addSuccess(History)
      .addError(Schema.Union(reads, problem(InvalidRequest), problem(AgentNotFound)))
      .annotateContext(
        OpenApi.annotations({
          summary: "What was done to an agent's rows",
          description:
            "Installs, resyncs and uninstalls of its template in the organization, newest first: who, when, which revision, and each row before and after. A page ends where its rows would be more than 1 MiB; an entry that is more by itself leaves contents out (omitted).",
          transform: signedIn
        })
      )
  )
  .add(
    HttpApiEndpoint.get("planResync", "/api/agents/:id/plan")
      .setPath(agentPath)
      .setUrlParams(
        Schema.Struct({
          revision: query("The revision to plan for: a number, or newest. Absent: the one a resync would go to.")
        })
      )
      .addSuccess(Plan)
      .addError(problem(InvalidRequest))
      .addError(agentRefusals)
      .addError(resyncRefusals)
      .annotateContext(
        OpenApi.annotations({
          summary: "Say what a resync would do",
          description:
            "Judges every row and changes nothing. A resync with this plan's hash as expectedPlan does exactly this.",
          transform: signedIn
        })
      )
  )
  .add(
    HttpApiEndpoint.post("resync", "/api/agents/:id/resync")
      .setPath(agentPath)
      .setPayload(ResyncRequest)
      .addSuccess(ResyncAnswer)
      .addError(Schema.Union(problem(ForeignOrigin), unreadable))
      .addError(agentRefusals)
      .addError(resyncRefusals)
      .addError(problem(NoSuchRow))
      .addError(problem(SchemaCollision))
      .addError(problem(PlanStale))
      .annotateContext(
        OpenApi.annotations({
          summary: "Bring an installed agent up to date",
          description:
            "Goes to the newest revision, or to the one that is named, and stays there until told otherwise. All or nothing; repeating it is safe.",
          transform: signedIn
        })
      )
  )
  .add(
    HttpApiEndpoint.get("planUninstall", "/api/agents/:id/uninstall-plan")
      .setPath(agentPath)
      .addSuccess(UninstallPlan)
      .addError(agentRefusals)
      .annotateContext(
        OpenApi.annotations({
          summary: "Say what an uninstall would do",
          description: "Names the rows that would go and those that would stay; changes nothing.",
          transform: signedIn
        })
      )
  )
  .add(
    HttpApiEndpoint.del("uninstall", "/api/agents/:id")
      .setPath(agentPath)
      .setUrlParams(
        Schema.Struct({
          expectedPlan: query("The planHash of an uninstall plan: do exactly that, or answer 409 plan_stale.")
        })
      )
      .addSuccess(Uninstalled)
      .addError(Schema.Union(problem(ForeignOrigin), problem(InvalidRequest)))
      .addError(agentRefusals)
      .addError(problem(PlanStale))
      .annotateContext(
        OpenApi.annotations({
          summary: "Take an installed agent away",
          description:
            "With its rows that are unchanged and unused. What is changed, adopted or in use stays and is seen, and a later install finds it again.",
          transform: signedIn
        })
      )
  )
  .annotate(OpenApi.Description, "Installed agents: seeing them, bringing them up to date, taking them away") {}

/** For load balancers and orchestrators. */
export class HealthApi extends HttpApiGroup.make("health")
  .add(
    HttpApiEndpoint.get("live", "/health/live")
      .addSuccess(HealthAnswer)
      .annotate(OpenApi.Summary, "Whether the process runs")
  )
  .add(
    HttpApiEndpoint.get("ready", "/health/ready")
      .addSuccess(HealthAnswer)
      .annotate(OpenApi.Summary, "Whether the database answers and its migrations are done")
  )
  .annotate(OpenApi.Description, "Whether the service runs and can serve") {}

const OpenApiDocument = Schema.Struct({ openapi: Schema.String }).annotations({
  identifier: "OpenApiDocument",
  description: "An OpenAPI 3.1 document"
})

const Page = HttpApiSchema.Text({ contentType: "text/html" }).annotations({ identifier: "Page" })

const cachedPage = "The answer has an ETag; asked again with If-None-Match, an unchanged one is 304."

/** What the service says of itself. */
export class DocumentsApi extends HttpApiGroup.make("documents")
  .add(
    HttpApiEndpoint.get("openapi", "/openapi.json")
      .addSuccess(OpenApiDocument)
      .addSuccess(HttpApiSchema.Empty(304))
      .annotateContext(OpenApi.annotations({ summary: "This document", description: cachedPage }))
  )
  .add(
    HttpApiEndpoint.get("docs", "/docs")
      .addSuccess(Page)
      .addSuccess(HttpApiSchema.Empty(304))
      .annotateContext(OpenApi.annotations({ summary: "This document as a page to read", description: cachedPage }))
  )
  .add(
    HttpApiEndpoint.get("errors", "/docs/errors")
      .addSuccess(Page)
      .addSuccess(HttpApiSchema.Empty(304))
      .annotateContext(
        OpenApi.annotations({ summary: "Every error, when it comes and what to do about it", description: cachedPage })
      )
  )
  .annotate(OpenApi.Description, "What the service says of itself") {}

/** The parts of an OpenAPI document that are finished here. */
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
}
interface Operation {
  readonly responses: Readonly<Record<string, Answer>>
}
interface Answer {
  readonly description: string
  readonly content?: Readonly<Record<string, { readonly schema: Problems }>>
}
interface Problems {
  readonly $ref?: string
  readonly anyOf?: ReadonlyArray<{ readonly $ref?: string }>
}

// HttpApi documents its own error for requests it decodes, which here goes out as InvalidRequest, and calls several errors
// of one status plain JSON. On the wire every refusal is a problem, so the document says that, and drops what is none.
const asProblems = ({ content = {}, description }: Answer): Option.Option<Answer> => {
  const schemas = Object.values(content).map(({ schema }) => schema)
  const anyOf = schemas
    .flatMap((schema): ReadonlyArray<Problems> => schema.anyOf ?? [schema])
    .filter(({ $ref }) => $ref !== "#/components/schemas/HttpApiDecodeError")
  const [only] = anyOf
  if (only === undefined) return Option.none()
  return Option.some({
    description: anyOf.length === 1 ? description : "Refused; error says why",
    content: { [problemMediaType]: { schema: anyOf.length === 1 ? only : { anyOf } } }
  })
}

const withProblems = (operation: Operation): Operation => ({
  ...operation,
  responses: Record.filterMap(operation.responses, (answer, status) =>
    Number(status) < 400 ? Option.some(answer) : asProblems(answer)
  )
})

const finish = (document: Record<string, unknown>): Record<string, unknown> => {
  const { components, paths } = document as unknown as Document
  const { HttpApiDecodeError: _, Issue: __, PropertyKey: ___, ...schemas } = components.schemas
  return {
    ...document,
    paths: Record.map(paths, Record.map(withProblems)),
    components: {
      ...components,
      schemas,
      securitySchemes: {
        session: {
          type: "apiKey",
          in: "cookie",
          name: "better-auth.session_token",
          description: "The cookie that a sign-in sets; its name begins with __Secure- where BASE_URL is https."
        },
        bearer: { type: "http", scheme: "bearer", description: "The token of the set-auth-token header of a sign-in." },
        gateway: { type: "http", scheme: "bearer", description: "The service's GATEWAY_TOKEN." }
      }
    }
  }
}

/** The HTTP interface, without a server: for handlers, derived clients and the OpenAPI document. */
export class Api extends HttpApi.make("agent-install")
  .add(InstallApi)
  .add(AgentsApi)
  .add(WatchersApi)
  .add(IdentitiesApi)
  .add(GatewayApi)
  .add(HealthApi)
  .add(DocumentsApi)
  .addError(problem(Internal))
  .addError(problem(Unavailable))
  .annotateContext(
    OpenApi.annotations({
      title: "agent-install",
      version: "0.1.0",
      description: `Installs published template agents into a person's own organization. Accounts and sessions are kept by better-auth, whose documentation of these routes is its own: ${authPaths.map(({ method, path }) => `${method} ${path}`).join(", ")}. It has no other here. Every refusal is application/problem+json; /docs/errors explains each.`,
      license: { name: "MIT", url: "https://spdx.org/licenses/MIT.html" },
      transform: (document) => complete(finish(document))
    })
  ) {}

/** The OpenAPI 3.1 document of the API. */
export const openApi = OpenApi.fromApi(Api, { additionalPropertiesStrategy: "allow" })
