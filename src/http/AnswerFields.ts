import { Cookies, HttpApp, HttpMiddleware, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Context, Effect, FiberRef } from "effect"
import { versionFieldFor } from "./ApiVersion.ts"
import { noteSpending, rateLimitFields } from "./admission/RateLimitFields.ts"
import { requestIdAmong } from "./Problem.ts"
import { cookiesAt, securityFieldsAt } from "./SecurityHeaders.ts"
import { ServerConfig } from "./ServerConfig.ts"

type Answered = HttpServerRequest.HttpServerRequest | ServerConfig

/**
 * Adds the header fields that every answer has, and `no-store` unless the answer itself says that it may be kept, which
 * only answers that are the same for everybody do. Cookies of a service with an HTTPS address are for that alone.
 */
export const withAnswerFields = HttpMiddleware.make(<E, R>(app: HttpApp.Default<E, R>) =>
  Effect.withFiberRuntime<HttpServerResponse.HttpServerResponse, E, Answered | R>((fiber) => {
    const request = Context.unsafeGet(fiber.currentContext, HttpServerRequest.HttpServerRequest)
    const { ownOrigins } = Context.unsafeGet(fiber.currentContext, ServerConfig)
    noteSpending(request)
    const requestId = requestIdAmong(fiber.getFiberRef(FiberRef.currentLogAnnotations))
    const withFields = (response: HttpServerResponse.HttpServerResponse) => {
      const named = HttpServerResponse.setHeaders(response, {
        "cache-control": response.headers["cache-control"] ?? "no-store",
        ...securityFieldsAt(ownOrigins),
        ...versionFieldFor(request),
        ...rateLimitFields(request),
        "x-request-id": requestId
      })
      return Cookies.isEmpty(named.cookies)
        ? named
        : HttpServerResponse.replaceCookies(named, cookiesAt(ownOrigins, named.cookies))
    }
    return Effect.matchCauseEffect(app, {
      onSuccess: (response) => Effect.succeed(withFields(response)),
      // The server answers a request that is cut off by itself.
      onFailure: (cause) =>
        Effect.zipRight(
          HttpApp.appendPreResponseHandler((_request, response) => Effect.succeed(withFields(response))),
          Effect.failCause(cause)
        )
    })
  })
)
