import { HttpApi, type HttpServerRequest } from "@effect/platform"
import { Either } from "effect"
import { reservedSlugs } from "../domain/Slug.ts"
import { Api } from "./Api.ts"
import { authPaths, mailPaths } from "./account/AuthPaths.ts"
import { pagePaths } from "./pages/PagePaths.ts"
import { readTarget } from "./Target.ts"

interface Route {
  readonly method: string
  readonly path: string
  readonly pattern: RegExp
}

// No organization has the name of another path.
const organization = `(?!(?:${[...reservedSlugs].join("|")})/)[^/]+`

const routeAt = (method: string, path: string): Route => ({
  method,
  path,
  pattern: new RegExp(
    `^${path.replace(/:(?!organization\b)[^/]+/g, "[^/]+").replace(":organization", organization)}/?$`
  )
})

const routes: Array<Route> = [...authPaths, ...mailPaths, ...pagePaths].map(({ method, path }) => routeAt(method, path))
HttpApi.reflect(Api, {
  onGroup: () => {},
  onEndpoint: ({ endpoint: { method, path } }) => {
    routes.push(routeAt(method, path))
  }
})

/** The paths without parameters: they take precedence over a path with one, as in the router. */
const spelled = new Set(routes.map(({ path }) => path).filter((path) => !path.includes(":")))

/** The requested path; empty if the request line has none. */
const pathOf = (request: HttpServerRequest.HttpServerRequest): string =>
  Either.match(readTarget(request), { onLeft: () => "", onRight: ({ pathname }) => pathname })

/** The methods that a path accepts; none if the path does not exist. */
export const methodsOf = (request: HttpServerRequest.HttpServerRequest): ReadonlyArray<string> => {
  const path = pathOf(request)
  const methods = routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)
  return methods.includes("GET") ? [...methods, "HEAD"] : methods
}

/** The route of a request instead of its path: a path may hold a token or a phone number, a route does not. */
export const routeOf = (request: HttpServerRequest.HttpServerRequest): string => {
  const path = pathOf(request)
  if (spelled.has(path)) return path
  const found = routes.filter(({ pattern }) => pattern.test(path))
  return (found.find(({ method }) => method === request.method) ?? found[0])?.path ?? "none"
}
