import { HttpApp, HttpMiddleware, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
import { ServerConfig } from "./ServerConfig.ts"

/**
 * What every answer tells browsers: to take it for nothing else than it says it is, and to tell no other site where somebody
 * came from. Not `no-referrer`, under which a page's own forms are sent with `Origin: null`, as if from a foreign one.
 */
export const securityHeaders = { "x-content-type-options": "nosniff", "referrer-policy": "same-origin" }

/** A year, as for the preload lists; for this host alone, since others of its domain may be anybody's. */
const onlyHttps = { "strict-transport-security": "max-age=31536000" }

/**
 * Puts on every answer what browsers and caches are to heed: the security headers, HTTPS alone where the service is known by
 * it, and `no-store` unless the answer says that it may be kept, which only what is the same for everybody does.
 */
export const withSecurityHeaders = HttpMiddleware.make((app) =>
  Effect.flatMap(ServerConfig, ({ ownOrigins }) => {
    const isHttps = ownOrigins.some((origin) => origin.startsWith("https:"))
    const headers = { ...securityHeaders, ...(isHttps ? onlyHttps : {}) }
    return Effect.zipRight(
      HttpApp.appendPreResponseHandler((_request, response) =>
        Effect.succeed(
          HttpServerResponse.setHeaders(response, {
            "cache-control": response.headers["cache-control"] ?? "no-store",
            ...headers
          })
        )
      ),
      app
    )
  })
)
