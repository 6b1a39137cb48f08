import { IncomingMessage } from "node:http"
import {
  HttpApiBuilder,
  HttpMiddleware,
  HttpServerError,
  HttpServerRequest,
  HttpServerResponse
} from "@effect/platform"
import { Cause, type Context, Effect, Option } from "effect"
import { type AnyRefusal, Internal, MethodNotAllowed, RouteNotFound, refusals, Unavailable } from "../domain/Errors.ts"
import { isUnavailable, sqlStateOf } from "../domain/Faults.ts"
import { Health } from "../services/runtime/Health.ts"
import { invalidRequest } from "./Body.ts"
import { problemMediaType, problemOf } from "./Problem.ts"
import { answerRefusalPage, wantsPage } from "./pages/ErrorPage.tsx"
import { methodsOf } from "./Routing.ts"
import { readTarget } from "./Target.ts"

/** What a request that no route takes is told: whether the path exists with other methods. */
const unrouted = (request: HttpServerRequest.HttpServerRequest) => {
  const allow = methodsOf(request)
  return allow.length === 0 || allow.includes(request.method) ? new RouteNotFound() : new MethodNotAllowed({ allow })
}

/** Hands on a request with its path and query alone, however its target was written; one that has none is refused. */
const withTarget = <A, E, R>(app: Effect.Effect<A, E, R>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.flatMap(readTarget(request), ({ pathname, search }) => {
      const url = `${pathname}${search}`
      return url === request.url
        ? app
        : Effect.provideService(app, HttpServerRequest.HttpServerRequest, request.modify({ url }))
    })
  )

/** Whether that one of a request's header lines, of which every other is a name, is the name of a host. */
const isHost = (text: string, at: number) => at % 2 === 0 && text.length === 4 && text.toLowerCase() === "host"

/** HTTP/1.1 wants to be told one host (RFC 9112, 3.2), in the characters of one (RFC 3986, 3.2.2). */
const withHost = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ source }) => {
  if (!(source instanceof IncomingMessage) || source.httpVersion !== "1.1") return Effect.void
  const { host } = source.headers
  const wrong =
    host === undefined
      ? "is missing"
      : source.rawHeaders.filter(isHost).length > 1 || !/^[\w.~%!$&'()*+,;=:[\]-]*$/.test(host)
        ? "must be one host"
        : undefined
  return wrong === undefined ? Effect.void : invalidRequest([{ path: ["host"], message: wrong }])
})

const isRefusal = (error: unknown): error is AnyRefusal => refusals.some((refusal) => error instanceof refusal)

/** Tells in one line that the database refused, and lets whoever asks for the service's health know. */
const unavailable = (error: unknown, { noteFault }: Context.Tag.Service<typeof Health>) =>
  noteFault(error).pipe(
    Effect.zipRight(Effect.logWarning("The database can't do this now")),
    Effect.annotateLogs({ code: sqlStateOf(error) ?? "no connection" }),
    Effect.as(new Unavailable())
  )

/** What an answer failed with that a caller can act on. A defect is none of these, not even one of their classes. */
const refused = (cause: Cause.Cause<unknown>): Option.Option<AnyRefusal> =>
  Option.flatMap(Cause.failureOption(cause), (error) =>
    error instanceof HttpServerError.RouteNotFound
      ? Option.some(unrouted(error.request))
      : Option.liftPredicate(isRefusal)(error)
  )

/**
 * The refusal a failed answer amounts to. Whatever is none of ours is a fault, and says nothing from inside; also an
 * `HttpApiDecodeError`, since requests are decoded by us, and what is left to fail so is an answer that its schema can't write.
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

/** Answers whatever a route fails with as a problem. A client that has gone is not answered. */
export const Refusals = HttpApiBuilder.middleware(
  Effect.map(Health, (health) =>
    HttpMiddleware.make((app) =>
      Effect.catchAllCause(Effect.zipRight(withHost, withTarget(app)), (cause) =>
        Cause.isInterruptedOnly(cause)
          ? Effect.failCause(Cause.stripFailures(cause))
          : Effect.flatMap(refusalOf(cause, health), respond)
      )
    )
  )
)
