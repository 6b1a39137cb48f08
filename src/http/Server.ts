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
import { Duration, Effect, type Exit, flow, Layer, Metric, Option, Record } from "effect"
import { requestDuration } from "../services/runtime/Metrics.ts"
import { Api } from "./Api.ts"
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
import { Refusals } from "./Refusals.ts"
import { routeOf } from "./Routing.ts"
import { HealthHttp } from "./runtime/HealthHttp.ts"
import { withSecurityHeaders } from "./SecurityHeaders.ts"

const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

/**
 * Gives a request its id: on its log lines, its span, its problem body and its answer; and writes down that it was
 * answered. Of what was asked only method and route are told, since a URL or a header may hold what is nobody's business.
 */
const observeRequest = HttpMiddleware.make((app) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const requestId = randomUUID()
    const method = methods.has(request.method) ? request.method : "OTHER"
    const asked = { "http.request.method": method, "http.route": routeOf(request) }
    const name = HttpApp.appendPreResponseHandler((_request, response) =>
      Effect.succeed(HttpServerResponse.setHeader(response, "x-request-id", requestId))
    )
    const note = (exit: Exit.Exit<HttpServerResponse.HttpServerResponse, unknown>, took: Duration.Duration) => {
      const status = HttpServerError.exitResponse(exit).status
      const answered = { ...asked, "http.response.status_code": status }
      return Effect.annotateCurrentSpan(answered).pipe(
        Effect.zipRight(
          // Those who watch over the service ask all the time, and only a bad answer is news.
          (asked["http.route"].startsWith("/health/") && status < 400 ? Effect.logDebug : Effect.logInfo)(
            "Answered"
          ).pipe(Effect.annotateLogs({ ...answered, milliseconds: Math.round(Duration.toMillis(took)) }))
        ),
        Effect.zipRight(
          Effect.tagMetrics(Metric.update(requestDuration, Duration.toSeconds(took)), Record.map(answered, String))
        )
      )
    }
    return name.pipe(
      Effect.zipRight(Effect.exit(app)),
      Effect.timed,
      Effect.tap(([took, exit]) => note(exit, took)),
      Effect.flatMap(([, exit]) => exit),
      Effect.withSpan(`${method} ${asked["http.route"]}`, {
        kind: "server",
        attributes: { ...asked, requestId },
        captureStackTrace: false,
        parent: Option.getOrUndefined(HttpTraceContext.fromHeaders(request.headers))
      }),
      Effect.locally(currentRequestId, requestId),
      Effect.annotateLogs({ requestId })
    )
  })
)

/** All routes of the service; what runs it provides the services and a server. */
export const HttpLive = HttpApiBuilder.serve(flow(withSecurityHeaders, observeRequest)).pipe(
  Layer.provide([Refusals, AuthHttp, PagesHttp]),
  Layer.provide(HttpApiBuilder.api(Api)),
  Layer.provide([InstallHttp, AgentsHttp, WatchersHttp, IdentitiesHttp, GatewayHttp, HealthHttp, DocumentsHttp]),
  Layer.provide(AdmissionHttp),
  // Paths are spelled one way (RFC 3986, 6.2.2.1), for the router as for everything else that looks at them.
  Layer.provide(HttpRouter.setRouterConfig({ caseSensitive: true, ignoreDuplicateSlashes: false })),
  // The platform's own span would carry the URL and all headers.
  HttpMiddleware.withTracerDisabledWhen(() => true)
)
