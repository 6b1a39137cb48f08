import { randomUUID } from "node:crypto"
import { HttpApiBuilder, HttpApp, HttpMiddleware, HttpServerResponse } from "@effect/platform"
import { Effect, Layer } from "effect"
import { Api, openApi } from "./Api.ts"
import { AuthHttp } from "./AuthHttp.ts"
import { GatewayHttp } from "./GatewayHttp.ts"
import { HealthHttp } from "./HealthHttp.ts"
import { IdentitiesHttp } from "./IdentitiesHttp.ts"
import { InstallHttp } from "./InstallHttp.ts"
import { currentRequestId } from "./Problem.ts"
import { Refusals } from "./Refusals.ts"

const OpenApiHttp = HttpApiBuilder.Router.use((router) =>
  router.get("/openapi.json", Effect.succeed(HttpServerResponse.unsafeJson(openApi)))
)

/** Gives a request its id: on its log lines, its problem body and its answer. */
const identifyRequest = HttpMiddleware.make((app) =>
  Effect.suspend(() => {
    const requestId = randomUUID()
    const name = HttpApp.appendPreResponseHandler((_request, response) =>
      Effect.succeed(HttpServerResponse.setHeader(response, "x-request-id", requestId))
    )
    return Effect.zipRight(name, app).pipe(
      Effect.locally(currentRequestId, requestId),
      Effect.annotateLogs({ requestId })
    )
  })
)

/** All routes of the service; what runs it provides the services and a server. */
export const HttpLive = HttpApiBuilder.serve((app) => identifyRequest(HttpMiddleware.logger(app))).pipe(
  Layer.provide([Refusals, AuthHttp, OpenApiHttp]),
  Layer.provide(HttpApiBuilder.api(Api)),
  Layer.provide([InstallHttp, IdentitiesHttp, GatewayHttp, HealthHttp])
)
