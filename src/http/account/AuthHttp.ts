import { HttpApiBuilder, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Context, Effect, Schema } from "effect"
import { BoundedText, findUncleanText, Name } from "../../domain/Text.ts"
import { Auth } from "../../services/account/Auth.ts"
import { AuthRoutes } from "../../services/account/AuthRoutes.ts"
import { RateLimiter } from "../../services/admission/RateLimiter.ts"
import { clientAddress, credentialOf, isBearer, limiterKey, refuseForeignOrigin } from "../admission/Caller.ts"
import { decode, invalidRequest, parseJson, readBytes, saysJson } from "../Body.ts"
import type { ServerConfig } from "../ServerConfig.ts"
import { type AuthPath, authPaths, mailPaths } from "./AuthPaths.ts"
import { guardAccountPassword, guardOwnPassword, spendMailBudget } from "./PasswordBudgets.ts"

// better-auth accepts names and addresses of any length; the database does not.
const AccountFields = Schema.Struct({
  name: Schema.optionalWith(Name, { exact: true }),
  email: Schema.optionalWith(BoundedText(1, 254), { exact: true }),
  image: Schema.optionalWith(Schema.NullOr(BoundedText(0, 2048)), { exact: true })
})

const checkBody = (request: HttpServerRequest.HttpServerRequest, bytes: Uint8Array) =>
  Effect.gen(function* () {
    if (bytes.byteLength === 0) return {}
    if (!saysJson(request))
      return yield* invalidRequest([{ path: ["content-type"], message: "send the body as application/json" }])
    const value = yield* parseJson(bytes)
    return yield* decode(AccountFields)(value)
  })

const checkQuery = (query: string) =>
  findUncleanText([...new URLSearchParams(query)]) === undefined
    ? Effect.void
    : invalidRequest([{ path: ["url"], message: "must hold no NUL character and no lone surrogate" }])

// A bearer token counts alone, here as everywhere: better-auth gets only the credential that the check on origins saw.
const passedOn = ({ headers }: HttpServerRequest.HttpServerRequest) =>
  Object.entries(headers).filter(
    ([name]) => name !== "content-length" && name !== "host" && !(name === "cookie" && isBearer(headers))
  )

/**
 * Passes a request to better-auth, after the check on origins and the limiter, with a body that is within its limit and
 * clean.
 */
const handle = ({ method, path, tests }: AuthPath) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const auth = yield* Auth
    const routes = yield* AuthRoutes
    const limiter = yield* RateLimiter
    const address = yield* clientAddress(request)
    yield* (yield* refuseForeignOrigin)(request)
    if (tests !== undefined) yield* limiter.take("auth", limiterKey(address))
    const bytes = yield* readBytes(request)
    const query = request.url.split("?").slice(1).join("?")
    yield* checkQuery(query)
    const { email } = yield* checkBody(request, bytes)
    if (tests === "mail" && email !== undefined) yield* spendMailBudget(email)
    // Uses the path from the list: better-auth would decode escapes or a whole URL in the client's path again.
    const asked = new Request(new URL(`${path}?${query}`, "http://service"), {
      method,
      headers: passedOn(request),
      ...(bytes.byteLength === 0 || method === "GET" ? {} : { body: bytes })
    })
    const answered = routes.handle(asked, address)
    if (tests === "own") {
      const { userId } = yield* auth.identify(credentialOf(request))
      return yield* guardOwnPassword(userId, answered)
    }
    return yield* tests === "named" && email !== undefined ? guardAccountPassword(email, address, answered) : answered
  }).pipe(Effect.map(HttpServerResponse.fromWeb))

/** The routes of better-auth that the service offers, behind its limiter and its rules for bodies. */
export const AuthHttp = HttpApiBuilder.Router.use((router) =>
  Effect.flatMap(Effect.context<Auth | AuthRoutes | RateLimiter | ServerConfig>(), (context) => {
    const { isOffered, sendsMail } = Context.get(context, AuthRoutes)
    return Effect.forEach([...(isOffered ? authPaths : []), ...(sendsMail ? mailPaths : [])], (route) =>
      (route.method === "GET" ? router.get : router.post)(
        route.path,
        Effect.mapInputContext(handle(route), (request) => Context.merge(context, request))
      )
    )
  })
)
