import { HttpApp, HttpMiddleware, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect, Either } from "effect"
import { readTarget } from "./Target.ts"

/** The day of the last change to the API that a client may have to follow, as `Agent-Install-Version` says it. */
export const apiVersion = "2026-11-29"

/** The name of the header field. */
export const versionHeader = "agent-install-version"

/** Says the version of the API in every answer under `/api`, whatever it is. */
export const withApiVersion = HttpMiddleware.make((app) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const isApi = Either.match(readTarget(request), {
      onLeft: () => false,
      onRight: ({ pathname }) => pathname.startsWith("/api/")
    })
    const say = HttpApp.appendPreResponseHandler((_request, response) =>
      Effect.succeed(HttpServerResponse.setHeader(response, versionHeader, apiVersion))
    )
    return isApi ? Effect.zipRight(say, app) : app
  })
)
