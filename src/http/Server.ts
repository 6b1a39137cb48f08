import { randomUUID } from "node:crypto"
import {
  HttpApiBuilder,
  HttpApp,
  HttpMiddleware,
  HttpRouter,
  HttpServerError,
  HttpServerRequest,
  HttpServerResponse,
  HttpTraceContext
} from "@effect/platform"
import { Context, Duration, Effect, Exit, FiberRef, flow, HashMap, Layer, Metric, MetricLabel, Option } from "effect"
import { requestDuration } from "../services/runtime/Metrics.ts"
import { Api } from "./Api.ts"
import { AccountHttp } from "./account/AccountHttp.ts"
import { AuthHttp } from "./account/AuthHttp.ts"
import { AdmissionHttp } from "./admission/AdmissionHttp.ts"
import { DocumentsHttp } from "./documents/DocumentsHttp.ts"
import { GatewayHttp } from "./identity/GatewayHttp.ts"
import { IdentitiesHttp } from "./identity/IdentitiesHttp.ts"
import { AgentsHttp } from "./installation/AgentsHttp.ts"
import { InstallHttp } from "./installation/InstallHttp.ts"
import { WatchersHttp } from "./installation/WatchersHttp.ts"
import { currentRequestId } from "./Problem.ts"
import { PagesHttp } from "./pages/PagesHttp.ts"
import { PublishersHttp } from "./publishing/PublishersHttp.ts"
import { RevisionsHttp } from "./publishing/RevisionsHttp.ts"
import { Refusals } from "./Refusals.ts"
import { routeOf } from "./Routing.ts"
import { HealthHttp } from "./runtime/HealthHttp.ts"
import { withSecurityHeaders } from "./SecurityHeaders.ts"
import { ServerConfig } from "./ServerConfig.ts"

const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

// A metric for each method, route and status there is, found once: tagging one costs more than counting by it.
const durations = new Map<string, typeof requestDuration>()

const durationOf = (answered: Readonly<Record<string, string | number>>) => {
  const key = Object.values(answered).join(" ")
  const known = durations.get(key)
  if (known !== undefined) return known
  const tags = Object.entries(answered).map(([name, value]) => MetricLabel.make(name, String(value)))
  const duration = Metric.taggedWithLabels(requestDuration, tags)
  durations.set(key, duration)
  return duration
}

/** Has the log lines of this fiber say so from now on: a request has one to itself, so nothing need be taken back. */
const logWith = (annotations: Readonly<Record<string, string | number>>) =>
  FiberRef.update(FiberRef.currentLogAnnotations, (all) =>
    Object.entries(annotations).reduce((more, [name, value]) => HashMap.set(more, name, value), all)
  )

/** A span around the answer, where there is anybody to collect it. */
const spanning =
  (request: HttpServerRequest.HttpServerRequest, attributes: Readonly<Record<string, string>>) =>
  <A, E, R>(answer: Effect.Effect<A, E, R>) =>
    Effect.flatMap(FiberRef.get(FiberRef.currentTracerEnabled), (isEnabled) =>
      isEnabled
        ? Effect.withSpan(answer, `${attributes["http.request.method"]} ${attributes["http.route"]}`, {
            kind: "server",
            attributes,
            captureStackTrace: false,
            parent: Option.getOrUndefined(HttpTraceContext.fromHeaders(request.headers))
          })
        : answer
    )

/**
 * Gives a request its id: on its log lines, its span, its problem body and its answer; and writes down that it was
 * answered. Of what was asked only method and route are told, since a URL or a header may hold what is nobody's business.
 */
const observeRequest = HttpMiddleware.make((app) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const requestId = randomUUID()
    const route = routeOf(request)
    const asked = { "http.request.method": methods.has(request.method) ? request.method : "OTHER", "http.route": route }
    const name = HttpApp.appendPreResponseHandler((_request, response) =>
      Effect.succeed(HttpServerResponse.setHeader(response, "x-request-id", requestId))
    )
    const begin = Effect.zipRight(
      FiberRef.set(currentRequestId, requestId),
      Effect.zipRight(logWith({ requestId }), name)
    )
    const note = (exit: Exit.Exit<HttpServerResponse.HttpServerResponse, unknown>, took: Duration.Duration) => {
      const { status } = Exit.isSuccess(exit) ? exit.value : HttpServerError.exitResponse(exit)
      const answered = { ...asked, "http.response.status_code": status }
      durationOf(answered).unsafeUpdate(Duration.toSeconds(took), [])
      // Those who watch over the service ask all the time, and only a bad answer is news.
      const log = route.startsWith("/health/") && status < 400 ? Effect.logDebug : Effect.logInfo
      return Effect.annotateCurrentSpan(answered).pipe(
        Effect.zipRight(logWith({ ...answered, milliseconds: Math.round(Duration.toMillis(took)) })),
        Effect.zipRight(log("Answered"))
      )
    }
    return Effect.zipRight(begin, Effect.exit(app)).pipe(
      Effect.timed,
      Effect.flatMap(([took, exit]) => Effect.zipRight(note(exit, took), exit)),
      spanning(request, { ...asked, requestId })
    )
  })
)

const observed = flow(withSecurityHeaders, observeRequest)

/** Builds what the API answers with into a server or an app. */
const withApi = flow(
  Layer.provide(HttpApiBuilder.api(Api)),
  Layer.provide([
    InstallHttp,
    AgentsHttp,
    WatchersHttp,
    AccountHttp,
    IdentitiesHttp,
    GatewayHttp,
    PublishersHttp,
    RevisionsHttp,
    HealthHttp,
    DocumentsHttp
  ]),
  Layer.provide(AdmissionHttp),
  // Paths are spelled one way (RFC 3986, 6.2.2.1), for the router as for everything else that looks at them.
  Layer.provide(HttpRouter.setRouterConfig({ caseSensitive: true, ignoreDuplicateSlashes: false }))
)

/** All routes of the service; what runs it provides the services and a server. */
export const HttpLive = HttpApiBuilder.serve(observed).pipe(
  Layer.provide([Refusals, AuthHttp, PagesHttp]),
  withApi,
  // The platform's own span would carry the URL and all headers.
  HttpMiddleware.withTracerDisabledWhen(() => true)
)

/**
 * The routes under `/api`, the documents and the health of the service, without its pages (whose links begin at `/`), for a larger
 * server to mount under a prefix. Its routes and middleware are its own, also where that server is made of an `HttpApi` too.
 */
export class ApiApp extends Context.Tag("agent-install/ApiApp")<
  ApiApp,
  HttpApp.Default<never, HttpRouter.HttpRouter.DefaultServices>
>() {}

/** The app of the services it is provided with. */
export const ApiAppLive = Layer.effect(
  ApiApp,
  Effect.zipWith(ServerConfig, HttpApiBuilder.httpApp, (config, app) =>
    Effect.provideService(observed(app), ServerConfig, config)
  )
).pipe(
  Layer.provide([HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer]),
  Layer.provide([Refusals, AuthHttp]),
  withApi,
  Layer.fresh
)
