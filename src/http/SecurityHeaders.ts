import { HttpApp, HttpMiddleware, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
import { ServerConfig } from "./ServerConfig.ts"

/**
 * Header fields of every answer: browsers must not guess another content type, and must not send a referrer to other
 * sites. `no-referrer` would not do: under it a page's own forms are sent with `Origin: null`, as if from another site.
 */
export const securityHeaders = { "x-content-type-options": "nosniff", "referrer-policy": "same-origin" }

/** A year, as for the preload lists; for this host only, since others of its domain may belong to somebody else. */
const onlyHttps = { "strict-transport-security": "max-age=31536000" }

/**
 * Adds the header fields for browsers and caches to every answer: the security fields, `strict-transport-security` if
 * the service has an HTTPS address, and `no-store` unless the answer itself says that it may be kept, which only
 * answers that are the same for everybody do.
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
