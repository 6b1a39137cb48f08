import { HttpApiClient, HttpClient, HttpClientRequest } from "@effect/platform"
import { Effect, FiberRef, flow, GlobalValue, type Redacted } from "effect"
import { Api } from "./Api.ts"

/** The address of the service, and the session to use. */
export interface ClientOptions {
  /**
   * The address of the service, as `https://install.example.org`. Without it, a browser uses the address of the page.
   */
  readonly baseUrl?: string | URL | undefined
  /**
   * The session, as the `set-auth-token` header gave it, sent as a bearer token. Without it, a browser sends its
   * cookie.
   */
  readonly token?: Redacted.Redacted<string> | string | undefined
}

const currentKey: FiberRef.FiberRef<string | undefined> = GlobalValue.globalValue("agent-install/idempotencyKey", () =>
  FiberRef.unsafeMake<string | undefined>(undefined)
)

/**
 * Sends the POST requests of an effect with that `Idempotency-Key`, so that the effect can be repeated (`Effect.retry` inside of
 * this) where no answer came back. A key belongs to one request: make a new one, as `crypto.randomUUID()`, for each.
 */
export const withIdempotencyKey =
  (key: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.locally(effect, currentKey, key)

const keyed = (request: HttpClientRequest.HttpClientRequest) =>
  Effect.map(FiberRef.get(currentKey), (key) =>
    key === undefined || request.method !== "POST"
      ? request
      : HttpClientRequest.setHeader(request, "idempotency-key", key)
  )

/**
 * A client of the service: a function for each operation, by group (`client.install.install({ payload })`). A refusal
 * comes back as its error class (`SchemaCollision`, `RateLimitExceeded`, …), to be caught by its tag. A request that
 * did not reach the service, or an answer that did not come from it, is an `HttpClientError` or a `ParseError`.
 * `withResponse: true` returns the response with its header fields as well. The client needs an `HttpClient`:
 * `FetchHttpClient.layer` of `@effect/platform` anywhere, or `NodeHttpClient.layer` in Node.
 */
export const makeClient = ({ baseUrl, token }: ClientOptions = {}) =>
  HttpApiClient.make(Api, {
    baseUrl,
    transformClient: flow(
      HttpClient.mapRequest(HttpClientRequest.acceptJson),
      HttpClient.mapRequestEffect(keyed),
      token === undefined ? (client) => client : HttpClient.mapRequest(HttpClientRequest.bearerToken(token))
    )
  })

/** The type of such a client. */
export type Client = Effect.Effect.Success<ReturnType<typeof makeClient>>
