import { IncomingMessage } from "node:http"
import {
  HttpApiBuilder,
  HttpMiddleware,
  HttpServerError,
  HttpServerRequest,
  HttpServerResponse
} from "@effect/platform"
import { Cause, type Context, Effect, Either, Option } from "effect"
import {
  type AnyRefusal,
  Internal,
  type InvalidRequest,
  MethodNotAllowed,
  RouteNotFound,
  refusals,
  Unavailable
} from "../domain/Errors.ts"
import { isUnavailable, sqlStateOf } from "../domain/Faults.ts"
import { Health } from "../services/runtime/Health.ts"
import { invalidRequest } from "./Body.ts"
import { problemMediaType, problemOf } from "./Problem.ts"
import { answerRefusalPage, wantsPage } from "./pages/ErrorPage.tsx"
import { methodsOf } from "./Routing.ts"
import { readTarget } from "./Target.ts"

/** The refusal of a request that no route handles: 404, or 405 if the path exists with other methods. */
const unrouted = (request: HttpServerRequest.HttpServerRequest) => {
  const allow = methodsOf(request)
  return allow.length === 0 || allow.includes(request.method) ? new RouteNotFound() : new MethodNotAllowed({ allow })
}

/** Whether the entry at this position of the raw header lines (names and values in turn) is the name `Host`. */
const isHost = (text: string, at: number) => at % 2 === 0 && text.length === 4 && text.toLowerCase() === "host"

/** What is wrong with the host: HTTP/1.1 requires exactly one `Host` (RFC 9112, 3.2), as RFC 3986, 3.2.2 writes it. */
const wrongHost = ({ source }: HttpServerRequest.HttpServerRequest): string | undefined => {
  if (!(source instanceof IncomingMessage) || source.httpVersion !== "1.1") return undefined
  const { host } = source.headers
  if (host === undefined) return "is missing"
  return source.rawHeaders.filter(isHost).length > 1 || !/^[\w.~%!$&'()*+,;=:[\]-]*$/.test(host)
    ? "must be one host"
    : undefined
}

/**
 * Passes a request on with only its path and query, however its target was written. Refuses a request without a target
 * or a host.
 */
const withTarget = <A, E, R>(app: Effect.Effect<A, E, R>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request): Effect.Effect<A, E | InvalidRequest, R> => {
    const wrong = wrongHost(request)
    if (wrong !== undefined) return invalidRequest([{ path: ["host"], message: wrong }])
    const target = readTarget(request)
    if (Either.isLeft(target)) return target.left
    const url = `${target.right.pathname}${target.right.search}`
    return url === request.url
      ? app
      : Effect.provideService(app, HttpServerRequest.HttpServerRequest, request.modify({ url }))
  })

const isRefusal = (error: unknown): error is AnyRefusal => refusals.some((refusal) => error instanceof refusal)

/** Logs in one line that the database refused, and passes it on to the service's health. */
const unavailable = (error: unknown, { noteFault }: Context.Tag.Service<typeof Health>) =>
  noteFault(error).pipe(
    Effect.zipRight(Effect.logWarning("The database can't do this now")),
    Effect.annotateLogs({ code: sqlStateOf(error) ?? "no connection" }),
    Effect.as(new Unavailable())
  )

/** The refusal in a failed answer, if there is one. A defect is never a refusal, even if it is of such a class. */
const refused = (cause: Cause.Cause<unknown>): Option.Option<AnyRefusal> =>
  Option.flatMap(Cause.failureOption(cause), (error) =>
    error instanceof HttpServerError.RouteNotFound
      ? Option.some(unrouted(error.request))
      : Option.liftPredicate(isRefusal)(error)
  )

/**
 * The refusal that a failed answer amounts to. Anything else is a fault, which reveals nothing of its cause. So is an
 * `HttpApiDecodeError`: requests are decoded by this code, so it can only be an answer that its schema can't encode.
 */
const refusalOf = (
  cause: Cause.Cause<unknown>,
  health: Context.Tag.Service<typeof Health>
): Effect.Effect<AnyRefusal> =>
  Option.match(refused(cause), {
    onSome: (refusal) =>
      Effect.as(
        Effect.when(Effect.logError("A refused request met a fault", cause), () => Cause.isDie(cause)),
        refusal
      ),
    onNone: () => {
      const fault = Cause.squash(cause)
      return isUnavailable(fault)
        ? unavailable(fault, health)
        : Effect.as(Effect.logError("A request met a fault", cause), new Internal())
    }
  })

const headersOf = (refusal: AnyRefusal): Record<string, string> => {
  switch (refusal._tag) {
    case "Unauthenticated":
    case "NotGateway":
      return { "www-authenticate": 'Bearer realm="agent-install"' }
    case "RateLimitExceeded":
    case "Unavailable":
    case "IdempotencyKeyInUse":
      return { "retry-after": String(refusal.retryAfterSeconds) }
    case "UnsupportedMediaType":
      return { "accept-encoding": "identity" }
    case "MethodNotAllowed":
      return { allow: refusal.allow.join(", ") }
    default:
      return {}
  }
}

/** The one place where a refusal becomes an answer: a page for a person at a browser, a problem for a program. */
const respond = (refusal: AnyRefusal) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    wantsPage(request) ? answerRefusalPage(refusal, headersOf(refusal)) : respondProblem(refusal)
  )

const respondProblem = (refusal: AnyRefusal) =>
  Effect.flatMap(problemOf(refusal), (body) =>
    Effect.orDie(
      HttpServerResponse.json(body, {
        status: body.status,
        contentType: problemMediaType,
        headers: headersOf(refusal)
      })
    )
  )

/** Answers every failure of a route with a problem. A client that has disconnected gets no answer. */
export const Refusals = HttpApiBuilder.middleware(
  Effect.map(Health, (health) =>
    HttpMiddleware.make((app) =>
      Effect.catchAllCause(withTarget(app), (cause) =>
        Cause.isInterruptedOnly(cause)
          ? Effect.failCause(Cause.stripFailures(cause))
          : Effect.flatMap(refusalOf(cause, health), respond)
      )
    )
  )
)
