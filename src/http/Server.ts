import { randomUUID } from "node:crypto"
import {
  Etag,
  FileSystem,
  HttpApiBuilder,
  type HttpApp,
  HttpMiddleware,
  HttpPlatform,
  HttpRouter,
  HttpServer,
  HttpServerError,
  HttpServerRequest,
  type HttpServerResponse,
  HttpTraceContext,
  Path
} from "@effect/platform"
import { Clock, Context, Duration, Effect, Exit, FiberRef, flow, HashMap, Layer, LogLevel, Option, Scope } from "effect"
import { RateLimiter } from "../services/admission/RateLimiter.ts"
import { labelsOf, requestDuration } from "../services/runtime/Metrics.ts"
import { withAnswerFields } from "./AnswerFields.ts"
import { Api } from "./Api.ts"
import { AccountHttp } from "./account/AccountHttp.ts"
import { AuthHttp } from "./account/AuthHttp.ts"
import { AdmissionHttp } from "./admission/AdmissionHttp.ts"
import { NotedLimiter } from "./admission/RateLimitFields.ts"
import { TemplatesHttp } from "./catalog/TemplatesHttp.ts"
import { DocumentsHttp } from "./documents/DocumentsHttp.ts"
import { EventsHttp } from "./events/EventsHttp.ts"
import { IdempotentHttp } from "./Idempotency.ts"
import { GatewayHttp } from "./identity/GatewayHttp.ts"
import { IdentitiesHttp } from "./identity/IdentitiesHttp.ts"
import { AgentsHttp } from "./installation/AgentsHttp.ts"
import { InstallHttp } from "./installation/InstallHttp.ts"
import { RowsHttp } from "./installation/RowsHttp.ts"
import { WatchersHttp } from "./installation/WatchersHttp.ts"
import { showJsonAsPage } from "./pages/JsonPage.tsx"
import { PagesHttp } from "./pages/PagesHttp.ts"
import { PublishersHttp } from "./publishing/PublishersHttp.ts"
import { RevisionsHttp } from "./publishing/RevisionsHttp.ts"
import { Refusals } from "./Refusals.ts"
import { routeOf } from "./Routing.ts"
import { RolloutsHttp } from "./rollout/RolloutsHttp.ts"
import { HealthHttp } from "./runtime/HealthHttp.ts"
import { ServerConfig } from "./ServerConfig.ts"

const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

/** Adds annotations to the log lines of this fiber. A request has a fiber of its own, so they are never removed. */
const logWith = (annotations: Readonly<Record<string, string | number>>) =>
  FiberRef.update(FiberRef.currentLogAnnotations, (all) =>
    Object.entries(annotations).reduce((more, [name, value]) => HashMap.set(more, name, value), all)
  )

/** Puts a span around the answer. */
const spanning = (request: HttpServerRequest.HttpServerRequest, attributes: Readonly<Record<string, string>>) =>
  Effect.withSpan(`${attributes["http.request.method"]} ${attributes["http.route"]}`, {
    kind: "server",
    attributes,
    captureStackTrace: false,
    parent: Option.getOrUndefined(HttpTraceContext.fromHeaders(request.headers))
  })

/**
 * Gives a request its id (in its log lines, span, problem body and answer), and logs that it was answered. Only method and
 * route are logged, since a URL or a header may hold private data.
 */
const observeRequest = HttpMiddleware.make(<E, R>(app: HttpApp.Default<E, R>) =>
  Effect.withFiberRuntime<HttpServerResponse.HttpServerResponse, E, HttpServerRequest.HttpServerRequest | R>(
    (fiber) => {
      const request = Context.unsafeGet(fiber.currentContext, HttpServerRequest.HttpServerRequest)
      const clock = Context.get(fiber.currentDefaultServices, Clock.Clock)
      const isTraced = fiber.getFiberRef(FiberRef.currentTracerEnabled)
      const begun = clock.unsafeCurrentTimeNanos()
      const requestId = randomUUID()
      const route = routeOf(request)
      const asked = {
        "http.request.method": methods.has(request.method) ? request.method : "OTHER",
        "http.route": route
      }
      const end = (exit: Exit.Exit<HttpServerResponse.HttpServerResponse, E>) => {
        const took = Duration.nanos(clock.unsafeCurrentTimeNanos() - begun)
        const { status } = Exit.isSuccess(exit) ? exit.value : HttpServerError.exitResponse(exit)
        const answered = { ...asked, "http.response.status_code": status }
        requestDuration.unsafeUpdate(Duration.toSeconds(took), labelsOf(answered))
        // Monitors ask for the health all the time, so only a bad answer is logged at the normal level.
        const level = route.startsWith("/health/") && status < 400 ? LogLevel.Debug : LogLevel.Info
        // What a line would say costs more than to ask whether it is written.
        const isSaid = LogLevel.lessThanEqual(fiber.getFiberRef(FiberRef.currentMinimumLogLevel), level)
        const milliseconds = Math.round(Duration.toMillis(took))
        const said = isSaid
          ? Effect.zipRight(
              logWith({ ...answered, milliseconds }),
              Effect.zipRight(Effect.logWithLevel(level, "Answered"), exit)
            )
          : exit
        return isTraced ? Effect.zipRight(Effect.annotateCurrentSpan(answered), said) : said
      }
      const answer = Effect.flatMap(Effect.zipRight(logWith({ requestId }), Effect.exit(app)), end)
      // Without a tracer no span is looked for either: not to find one makes an error, with its stack.
      return isTraced ? spanning(request, { ...asked, requestId })(answer) : answer
    }
  )
)

/** The answers as they leave. */
const answering = flow(showJsonAsPage, withAnswerFields)

const withApi = flow(
  Layer.provide(HttpApiBuilder.api(Api)),
  Layer.provide([
    InstallHttp,
    TemplatesHttp,
    AgentsHttp,
    WatchersHttp,
    RowsHttp,
    AccountHttp,
    IdentitiesHttp,
    GatewayHttp,
    EventsHttp,
    PublishersHttp,
    RevisionsHttp,
    RolloutsHttp,
    HealthHttp,
    DocumentsHttp
  ]),
  Layer.provide([AdmissionHttp, IdempotentHttp]),
  Layer.provide(NotedLimiter),
  // Paths have one spelling (RFC 3986, 6.2.2.1), for the router and for all other code that reads them.
  Layer.provide(HttpRouter.setRouterConfig({ caseSensitive: true, ignoreDuplicateSlashes: false }))
)

/** What answering needs beside the services, which the handlers took when they were built. */
type Needed = HttpRouter.HttpRouter.DefaultServices | HttpServer.HttpServer | Scope.Scope | ServerConfig

/** Each request copies its context several times, so it has only what it needs. */
const withLittle = <A, E>(serve: Effect.Effect<A, E, Needed>) =>
  Effect.mapInputContext(
    serve,
    (all: Context.Context<Needed>): Context.Context<Needed> =>
      Context.pick(
        HttpServer.HttpServer,
        ServerConfig,
        HttpPlatform.HttpPlatform,
        Etag.Generator,
        FileSystem.FileSystem,
        Path.Path,
        Scope.Scope
      )(all)
  )

/** All routes of the service. It needs the services and a server. */
export const HttpLive = Layer.scopedDiscard(
  Effect.flatMap(HttpApiBuilder.httpApp, (app) => withLittle(HttpServer.serveEffect(answering(app), observeRequest)))
).pipe(
  Layer.provide([HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer]),
  Layer.provide([Refusals, AuthHttp, PagesHttp]),
  withApi,
  // The platform's own span would contain the URL and all header fields.
  HttpMiddleware.withTracerDisabledWhen(() => true)
)

/**
 * The routes under `/api`, the documents and the health of the service, without its pages (whose links begin at `/`),
 * for a larger server to mount under a prefix. Its routes and middleware are its own, even if that server also uses an
 * `HttpApi`.
 */
export class ApiApp extends Context.Tag("agent-install/ApiApp")<
  ApiApp,
  HttpApp.Default<never, HttpRouter.HttpRouter.DefaultServices>
>() {}

/** The app, built from the services. */
export const ApiAppLive = Layer.effect(
  ApiApp,
  Effect.zipWith(ServerConfig, HttpApiBuilder.httpApp, (config, app) =>
    // A server around it may have the plain limiter in its context, which would come first.
    Effect.mapInputContext(
      observeRequest(answering(app)),
      flow(Context.omit(RateLimiter), Context.add(ServerConfig, config))
    )
  )
).pipe(
  Layer.provide([HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer]),
  Layer.provide([Refusals, AuthHttp]),
  withApi,
  Layer.fresh
)
