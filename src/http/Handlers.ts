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
import { AnswerOnce, Idempotent } from "./admission/AdmissionApi.ts"
import { credentialOf } from "./admission/Caller.ts"
import { bodyReader, LargeBody, queryReader, readBytes } from "./Body.ts"
import { answerCached, Cached } from "./Cached.ts"

type Endpoint = HttpApiEndpoint.HttpApiEndpoint.AnyWithProps

/**
 * What a handler gets: the credential, the parameters of the path, and how to read the body or the query of the
 * endpoint. The last two are effects, so that bad input is refused only after the caller is known and allowed.
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

/**
 * A response that says the value that an endpoint declares: one that is written as it is read instead of being held in memory,
 * or that has header fields of its own.
 */
export class Written<out A> extends Data.Class<{ readonly response: HttpServerResponse.HttpServerResponse }> {
  /** The type of the value, for the compiler only. */
  declare readonly of: A
}

type Value<A> = Extract<A, object | string>

/**
 * What a handler answers: the value that its endpoint declares, or, if the endpoint also declares 304, that value with
 * its tag.
 */
export type Answer<A> = [undefined extends A ? Value<A> : never] extends [never] ? A | Written<A> : Cached<Value<A>>

/** Handles an endpoint: answers with what it declares, and fails only with errors that it or the API declares. */
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

/** What the handlers of a group and the middleware of its endpoints require. */
type Needed<Endpoints extends HttpApiEndpoint.HttpApiEndpoint.Any, H> = {
  [Name in keyof H & string]: H[Name] extends (...asked: never) => Effect.Effect<unknown, unknown, infer R>
    ? HttpApiEndpoint.HttpApiEndpoint.ExcludeProvided<
        Endpoints,
        Name,
        R | HttpApiEndpoint.HttpApiEndpoint.ContextWithName<Endpoints, Name>
      >
    : never
}[keyof H & string]

/** A group with the types of its endpoints erased. */
type Served = HttpApiGroup.HttpApiGroup<string, Endpoint, unknown, never>
type Implemented = Readonly<Record<string, (asked: unknown) => Effect.Effect<never>>>

const toRaw = (endpoint: Endpoint, handler: Implemented[string]) => {
  const read = <A>(schema: Option.Option<Schema.Schema.All>, reader: (schema: Schema.Schema<unknown>) => A) =>
    Option.getOrUndefined(Option.map(schema as Option.Option<Schema.Schema<unknown>>, reader))
  const limits = Option.getOrUndefined(Context.getOption(endpoint.annotations, LargeBody))
  const hasBoth = Option.isSome(endpoint.payloadSchema) && Option.isSome(endpoint.urlParamsSchema)
  const body = read(endpoint.payloadSchema, (schema) => bodyReader(schema, limits, hasBoth))
  const query = read(endpoint.urlParamsSchema, (schema) => queryReader(schema, hasBoth))
  const isIdempotent = [...endpoint.middlewares].some(({ key }) => key === Idempotent.key)
  const success = endpoint.successSchema
  return ({ path, request }: { readonly path?: unknown; readonly request: HttpServerRequest.HttpServerRequest }) => {
    const answer = (bytes?: Effect.Effect<Uint8Array, ReadError>) =>
      handler({
        // A getter, since not every endpoint needs the credential.
        get credential() {
          return credentialOf(request)
        },
        path,
        body: body?.(request, bytes),
        query: query?.(request)
      })
    // The middleware of the endpoint provides it, which the erased types of this function can't say.
    const answered = isIdempotent
      ? Effect.flatMap(Effect.serviceOptional(AnswerOnce), (once) =>
          once({ request, bytes: readBytes(request, limits?.bytes), success }, answer)
        )
      : answer()
    return Effect.map(answered, (answer: unknown) =>
      answer instanceof Cached
        ? answerCached(request, answer)
        : answer instanceof Written
          ? answer.response
          : (answer as never)
    )
  }
}

/**
 * Implements a group of the API: a handler for each of its endpoints, typed by the endpoint.
 *
 * `HttpApiBuilder` reads queries and bodies before it calls a handler. It reads bodies without a size limit, accepts
 * forms, and keeps the last of repeated members. Here a caller who may not do something gets that answer before any
 * answer about the input. The programs under `src/services` decide this, for callers that compose them without HTTP as
 * well, so they get the effect that reads the input and run it behind the limiter. What only HTTP knows comes first, as
 * middleware that endpoints declare (`OwnOrigin`, `Limited`). `HttpApiSecurity` does not fit: if it refuses one scheme
 * it tries the next, but here a bearer token counts alone.
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
  // HttpApiBuilder would read the queries before any handler could.
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
