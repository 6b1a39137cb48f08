import { HttpApiBuilder, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Context, Effect, Schema } from "effect"
import { RouteNotFound } from "../domain/Errors.ts"
import { BoundedText, findUncleanText, Name } from "../domain/Text.ts"
import type { Auth } from "../services/Auth.ts"
import { AuthRoutes } from "../services/AuthRoutes.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import { decode, invalidRequest, parseJson, readBytes, saysJson } from "./Body.ts"
import { clientAddress, isBearer, limiterKey, refuseForeignOrigin } from "./Caller.ts"
import { withRateLimitFields } from "./RateLimitFields.ts"
import type { ServerConfig } from "./ServerConfig.ts"
import { readTarget } from "./Target.ts"

// What better-auth has routes for; the platform's Request can't even hold some of the others.
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

const attempts = /^\/api\/auth\/sign-(up|in)\//

// What better-auth leaves open: it takes names and addresses of any length, and the database does not.
const AccountFields = Schema.Struct({
  name: Schema.optionalWith(Name, { exact: true }),
  email: Schema.optionalWith(BoundedText(1, 254), { exact: true }),
  image: Schema.optionalWith(Schema.NullOr(BoundedText(0, 2048)), { exact: true })
})

const checkBody = (request: HttpServerRequest.HttpServerRequest, bytes: Uint8Array) =>
  Effect.gen(function* () {
    if (bytes.byteLength === 0) return
    if (!saysJson(request))
      return yield* invalidRequest([{ path: ["content-type"], message: "send the body as application/json" }])
    const value = yield* parseJson(bytes)
    yield* decode(AccountFields)(value)
  })

const checkUrl = (url: URL) =>
  findUncleanText([...url.searchParams, url.pathname.replaceAll("%00", "\u0000")]) === undefined
    ? Effect.void
    : invalidRequest([{ path: ["url"], message: "must hold no NUL character and no lone surrogate" }])

// A bearer token counts alone, here as everywhere: what passes the check on origins is what better-auth goes by.
const passedOn = ({ headers }: HttpServerRequest.HttpServerRequest) =>
  Object.entries(headers).filter(
    ([name]) => name !== "content-length" && name !== "host" && !(name === "cookie" && isBearer(headers))
  )

/**
 * Hands a request to better-auth: after the rule on foreign origins and the limiter, with a body that was read within its
 * limit and holds only clean text.
 */
const handle = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const routes = yield* AuthRoutes
  const limiter = yield* RateLimiter
  const address = yield* clientAddress(request)
  const url = yield* readTarget(request)
  if (!methods.has(request.method)) return yield* new RouteNotFound()
  yield* refuseForeignOrigin(request)
  if (request.method === "POST" && attempts.test(url.pathname)) yield* limiter.take("auth", limiterKey(address))
  const bytes = yield* readBytes(request)
  yield* checkUrl(url)
  yield* checkBody(request, bytes)
  const response = yield* routes.handle(
    new Request(url, {
      method: request.method,
      headers: passedOn(request),
      ...(bytes.byteLength === 0 || request.method === "GET" || request.method === "HEAD" ? {} : { body: bytes })
    }),
    address
  )
  if (response.status === 404 && response.body === null) return yield* new RouteNotFound()
  return HttpServerResponse.fromWeb(response)
}).pipe(withRateLimitFields)

/** The routes of better-auth, as they are, behind our limiter and our rules for bodies. */
export const AuthHttp = HttpApiBuilder.Router.use((router) =>
  Effect.flatMap(Effect.context<Auth | AuthRoutes | RateLimiter | ServerConfig>(), (context) =>
    router.all(
      "/api/auth/*",
      Effect.mapInputContext(handle, (request) => Context.merge(context, request))
    )
  )
)
