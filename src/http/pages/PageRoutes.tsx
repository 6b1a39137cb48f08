import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "@effect/platform"
import { Effect, Option, Redacted } from "effect"
import { type AnyRefusal, RouteNotFound, type Unauthenticated } from "../../domain/Errors.ts"
import { reservedSlugs } from "../../domain/Slug.ts"
import { findUncleanText } from "../../domain/Text.ts"
import { Auth, type Credential } from "../../services/account/Auth.ts"
import { AuthRoutes } from "../../services/account/AuthRoutes.ts"
import { beginSession } from "../account/BeginSession.ts"
import { GoOnPage } from "../account/GoOnPage.tsx"
import { readTarget } from "../Target.ts"
import { answerPage, seeOther, withCookies } from "./AnswerPage.ts"
import type { Visitor } from "./Layout.tsx"
import type { PagePath } from "./PagePaths.ts"
import { type FormProblem, readForm, refuseForeignForm } from "./ReadForm.ts"

/** A request for a page. */
export interface Visit {
  readonly request: HttpServerRequest.HttpServerRequest
  /** The requested path, to come back to. */
  readonly path: `/${string}`
  /** A parameter of the path, by its name. */
  readonly part: (name: string) => string
  readonly query: URLSearchParams
  /** The session, for the workflows that the page uses. */
  readonly credential: Credential
  /** Who is signed in; undefined if nobody is. */
  readonly visitor: Visitor | undefined
}

/** A request with a form. */
export interface FormVisit extends Visit {
  readonly form: URLSearchParams
}

/** A path and its handler. */
export interface PageRoute<R> {
  readonly method: "GET" | "POST"
  readonly path: `/${string}`
  readonly answer: Effect.Effect<HttpServerResponse.HttpServerResponse, AnyRefusal, R>
}

type Answer<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

/** The parts of a visit. The cookies, if there are any, begin or prolong a session. */
interface Arrival {
  readonly visit: Visit
  readonly cookies: ReadonlyArray<string>
}

const arrive = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { sessionCookie } = yield* Auth
  const routes = yield* AuthRoutes
  const parts = yield* HttpRouter.params
  const { pathname, search, searchParams } = yield* readTarget(request)
  // No organization has a reserved name, and nothing under /api is a page.
  if (reservedSlugs.has(parts.organization ?? "") || findUncleanText(parts) !== undefined) {
    return yield* new RouteNotFound()
  }
  const { cookie } = request.headers
  const session =
    cookie !== undefined && request.cookies[sessionCookie] !== undefined
      ? yield* routes.session(Redacted.make(cookie))
      : Option.none()
  const visit: Visit = {
    request,
    path: `${pathname as `/${string}`}${search}`,
    part: (name) => parts[name] ?? "",
    query: searchParams,
    credential: Option.isSome(session) && cookie !== undefined ? { cookie: Redacted.make(cookie) } : {},
    visitor: Option.getOrUndefined(Option.map(session, ({ visitor }) => visitor))
  }
  return { visit, cookies: Option.isSome(session) ? session.value.cookies : [] } satisfies Arrival
})

const signInFor = ({ path }: Visit) => seeOther(`/sign-in?next=${encodeURIComponent(path)}`)

/** A page. If it needs a session and there is none, it leads to the sign-in, and from there back. */
export const page = <R,>(path: PagePath<"GET">, show: (visit: Visit) => Answer<AnyRefusal, R>) => ({
  method: "GET" as const,
  path,
  answer: Effect.flatMap(arrive, ({ cookies, visit }) =>
    show(visit).pipe(
      Effect.catchTag("Unauthenticated", () => Effect.succeed(signInFor(visit))),
      Effect.map(withCookies(cookies))
    )
  )
})

/** How the page of a form is drawn again, with what was typed and what is wrong with it. */
export type Redraw<R> = (
  visit: FormVisit,
  problems: ReadonlyArray<FormProblem>,
  status: 401 | 422
) => Answer<AnyRefusal, R>

/** Asks for e-mail address and password, keeps all that was typed, and then goes on with the form. */
const signInAndGoOn: Redraw<HttpServerRequest.HttpServerRequest> = ({ form, path }, problems, status) =>
  answerPage(<GoOnPage action={path} typed={form} problems={problems} />, {
    status,
    ...(status === 401 ? { headers: { "www-authenticate": 'Bearer realm="agent-install"' } } : {})
  })

/**
 * A form. It has to be sent from one of the service's own pages. If it has a password to sign up or in with (`sign`), a
 * session is begun first. If it needs a session and that has ended, the form is drawn again with everything that was
 * typed.
 */
export const form = <R, R2 = never>(
  path: PagePath<"POST">,
  act: (visit: FormVisit) => Answer<AnyRefusal, R>,
  redraw: Redraw<R2 | HttpServerRequest.HttpServerRequest> = signInAndGoOn
) => ({
  method: "POST" as const,
  path,
  answer: Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    yield* refuseForeignForm(request)
    const { cookies, visit } = yield* arrive
    const sent: FormVisit = { ...visit, form: yield* readForm(request) }
    const begun = sent.form.has("sign") ? yield* beginSession(sent) : undefined
    if (begun !== undefined && "problems" in begun) {
      return yield* Effect.map(redraw(sent, begun.problems, 422), withCookies(cookies))
    }
    const ended = (_: Unauthenticated) => redraw(sent, [], 401)
    return yield* act(begun === undefined ? sent : { ...sent, ...begun.as }).pipe(
      Effect.catchTag("Unauthenticated", ended),
      Effect.map(withCookies(begun?.cookies ?? cookies))
    )
  })
})
