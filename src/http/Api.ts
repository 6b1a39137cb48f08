import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Option, Record, Schema } from "effect"
import {
  ForeignOrigin,
  Internal,
  InvalidRequest,
  NoPersonalOrg,
  NotOrgAdmin,
  PlanStale,
  RateLimitExceeded,
  SchemaCollision,
  SelfInstall,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic,
  TooLarge,
  Unauthenticated,
  Unavailable,
  UnknownTemplateSlug
} from "../domain/Errors.ts"
import { InstallAnswer, InstallRequest, PlanRequest } from "../domain/Install.ts"
import { Plan } from "../domain/Plan.ts"
import { Manifest } from "../domain/Template.ts"
import { GatewayApi, IdentitiesApi } from "./IdentitiesApi.ts"
import { problem, problemMediaType } from "./Problem.ts"

/** Why a template is not for this caller to install, or even to plan, in the order of refusal. */
const notForCaller = Schema.Union(
  problem(ForeignOrigin),
  problem(Unauthenticated),
  problem(RateLimitExceeded),
  problem(TooLarge),
  problem(InvalidRequest),
  problem(UnknownTemplateSlug),
  problem(NoPersonalOrg),
  problem(TemplateNotFound),
  problem(TemplateIsInstalled),
  problem(SelfInstall),
  problem(TemplateNotPublic),
  problem(NotOrgAdmin)
)

const signedIn = (operation: object) => ({ ...operation, security: [{ session: [] }, { bearer: [] }] })

/** Installing, and what can be installed. */
export class InstallApi extends HttpApiGroup.make("install")
  .add(
    HttpApiEndpoint.post("install", "/api/install")
      .setPayload(InstallRequest)
      .addSuccess(InstallAnswer)
      .addError(notForCaller)
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

const HealthAnswer = Schema.Struct({ status: Schema.Literal("ok") })

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
        session: { type: "apiKey", in: "cookie", name: "better-auth.session_token" },
        bearer: { type: "http", scheme: "bearer", description: "The token of the set-auth-token header of a sign-in" },
        gateway: { type: "http", scheme: "bearer", description: "The service's GATEWAY_TOKEN" }
      }
    }
  }
}

/** The HTTP interface, without a server: for handlers, derived clients and the OpenAPI document. */
export class Api extends HttpApi.make("agent-install")
  .add(InstallApi)
  .add(IdentitiesApi)
  .add(GatewayApi)
  .add(HealthApi)
  .addError(problem(Internal))
  .addError(problem(Unavailable))
  .annotateContext(
    OpenApi.annotations({
      title: "agent-install",
      version: "0.1.0",
      description: "Installs published template agents into a person's own organization.",
      license: { name: "MIT" },
      transform: finish
    })
  ) {}

/** The OpenAPI 3.1 document of the API. */
export const openApi = OpenApi.fromApi(Api, { additionalPropertiesStrategy: "allow" })
