import {
  type HttpApi,
  HttpApiBuilder,
  type HttpApiEndpoint,
  type HttpApiGroup,
  type HttpServerRequest,
  type HttpServerResponse
} from "@effect/platform"
import { Context, Data, Effect, type Layer, Option, Record, type Schema, type Scope } from "effect"
import type { InvalidRequest, ReadError } from "../domain/Errors.ts"
import type { Credential } from "../services/account/Auth.ts"
import { credentialOf } from "./admission/Caller.ts"
import { bodyReader, LargeBody, queryReader } from "./Body.ts"
import { answerCached, Cached } from "./Cached.ts"

type Endpoint = HttpApiEndpoint.HttpApiEndpoint.AnyWithProps

/**
 * What a handler is given: who asks, the parameters of the path, and how to read the body or the query of the endpoint. Those two
 * are effects, since they are refused only once it is known who asks and that they may.
 */
export type Asked<E extends HttpApiEndpoint.HttpApiEndpoint.Any> = { readonly credential: Credential } & ([
  HttpApiEndpoint.HttpApiEndpoint.PathParsed<E>
] extends [never]
  ? unknown
  : { readonly path: HttpApiEndpoint.HttpApiEndpoint.PathParsed<E> }) &
  ([HttpApiEndpoint.HttpApiEndpoint.Payload<E>] extends [never]
    ? unknown
    : { readonly body: Effect.Effect<HttpApiEndpoint.HttpApiEndpoint.Payload<E>, ReadError> }) &
  ([HttpApiEndpoint.HttpApiEndpoint.UrlParams<E>] extends [never]
    ? unknown
    : { readonly query: Effect.Effect<HttpApiEndpoint.HttpApiEndpoint.UrlParams<E>, InvalidRequest> })

/** What an endpoint declares, written as it is read rather than held as a value. */
export class Streamed<out A> extends Data.Class<{ readonly response: HttpServerResponse.HttpServerResponse }> {
  /** What this is the text of: for the compiler alone. */
  declare readonly of: A
}

type Value<A> = Extract<A, object | string>

/** What a handler answers: the value its endpoint declares, kept with a tag where the endpoint declares 304 besides. */
export type Answer<A> = undefined extends A ? ([Value<A>] extends [never] ? A : Cached<Value<A>>) : A | Streamed<A>

/** Answers an endpoint, with what that declares, and fails with nothing that neither it nor the API declares. */
export type Handler<E extends HttpApiEndpoint.HttpApiEndpoint.Any, ApiError, R> = (
  asked: Asked<E>
) => Effect.Effect<
  Answer<HttpApiEndpoint.HttpApiEndpoint.Success<E>>,
  HttpApiEndpoint.HttpApiEndpoint.Error<E> | ApiError,
  R
>

/** A handler for each endpoint, by its name. */
export type Handlers<Endpoints extends HttpApiEndpoint.HttpApiEndpoint.Any, ApiError> = {
  readonly [E in Endpoints as HttpApiEndpoint.HttpApiEndpoint.Name<E>]: Handler<E, ApiError, unknown>
}

/** What the handlers of a group need, and its endpoints' middleware. */
type Needed<Endpoints extends HttpApiEndpoint.HttpApiEndpoint.Any, H> = {
  [Name in keyof H & string]: H[Name] extends (...asked: never) => Effect.Effect<unknown, unknown, infer R>
    ? HttpApiEndpoint.HttpApiEndpoint.ExcludeProvided<
        Endpoints,
        Name,
        R | HttpApiEndpoint.HttpApiEndpoint.ContextWithName<Endpoints, Name>
      >
    : never
}[keyof H & string]

/** A group as it looks from inside, where the types of its endpoints have done their work. */
type Served = HttpApiGroup.HttpApiGroup<string, Endpoint, unknown, never>
type Implemented = Readonly<Record<string, (asked: unknown) => Effect.Effect<never>>>

const toRaw = (endpoint: Endpoint, handler: Implemented[string]) => {
  const read = <A>(schema: Option.Option<Schema.Schema.All>, reader: (schema: Schema.Schema<unknown>) => A) =>
    Option.getOrUndefined(Option.map(schema as Option.Option<Schema.Schema<unknown>>, reader))
  const limits = Option.getOrUndefined(Context.getOption(endpoint.annotations, LargeBody))
  const hasBoth = Option.isSome(endpoint.payloadSchema) && Option.isSome(endpoint.urlParamsSchema)
  const body = read(endpoint.payloadSchema, (schema) => bodyReader(schema, limits, hasBoth))
  const query = read(endpoint.urlParamsSchema, (schema) => queryReader(schema, hasBoth))
  return ({ path, request }: { readonly path?: unknown; readonly request: HttpServerRequest.HttpServerRequest }) =>
    Effect.map(
      handler({
        // Made where it is asked for: not every endpoint looks at who asks.
        get credential() {
          return credentialOf(request)
        },
        path,
        body: body?.(request),
        query: query?.(request)
      }),
      (answer: unknown) =>
        answer instanceof Cached
          ? answerCached(request, answer)
          : answer instanceof Streamed
            ? answer.response
            : (answer as never)
    )
}

/**
 * Implements a group of the API: a handler for each of its endpoints, typed by it.
 *
 * `HttpApiBuilder` reads queries and bodies before it calls a handler; bodies without a limit, as forms too, and as the last of
 * members that stand twice. Here who asks and whether they may is told before what is wrong with what they sent; and the
 * programs under `src/services` tell it, which a caller who composes them has without HTTP as well. So they are handed the effect
 * that reads, and run it behind the limiter. What HTTP alone knows comes before them, as middleware that endpoints declare
 * (`OwnOrigin`, `Limited`). `HttpApiSecurity` would not do: it goes on to the next scheme where one is refused, and here a bearer
 * token counts alone.
 */
export const group = <
  Id extends string,
  Groups extends HttpApiGroup.HttpApiGroup.Any,
  ApiError,
  ApiR,
  const Name extends HttpApiGroup.HttpApiGroup.Name<Groups>,
  const H extends Handlers<HttpApiGroup.HttpApiGroup.EndpointsWithName<Groups, Name>, ApiError>
>(
  api: HttpApi.HttpApi<Id, Groups, ApiError, ApiR>,
  name: Name,
  handlers: H
): Layer.Layer<
  HttpApiGroup.ApiGroup<Id, Name>,
  never,
  Exclude<Needed<HttpApiGroup.HttpApiGroup.EndpointsWithName<Groups, Name>, H>, Scope.Scope>
> => {
  const all = api as unknown as HttpApi.HttpApi<Id, Served>
  const implemented = handlers as unknown as Implemented
  const given = all.groups[name] as Served
  // HttpApiBuilder would read the queries itself, which it leaves to no handler.
  const unread = Record.map(given.endpoints, (endpoint) =>
    Object.create(endpoint, { urlParamsSchema: { value: Option.none() } })
  )
  const groups = { [name]: Object.create(given, { endpoints: { value: unread } }) }
  const served: typeof all = Object.create(all, { groups: { value: groups } })
  return HttpApiBuilder.group(served, name as string, (builder) =>
    Record.reduce(given.endpoints, builder as HttpApiBuilder.Handlers<unknown, never, never>, (built, endpoint, name) =>
      built.handleRaw(name as never, toRaw(endpoint, implemented[name] as never))
    )
  )
}
