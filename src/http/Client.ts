import { HttpApiClient, HttpClient, HttpClientRequest } from "@effect/platform"
import { type Effect, flow, type Redacted } from "effect"
import { Api } from "./Api.ts"

/** Where the service is, and who asks. */
export interface ClientOptions {
  /** The address of the service, as `https://install.example.org`; absent, in a browser, that of the page. */
  readonly baseUrl?: string | URL | undefined
  /** A session as the `set-auth-token` header gave it, sent as a bearer token; absent, in a browser, its cookie goes along. */
  readonly token?: Redacted.Redacted<string> | string | undefined
}

/**
 * A client of the service: a function for each operation, by group (`client.install.install({ payload })`). What the service
 * refuses comes back as the error it was (`SchemaCollision`, `RateLimitExceeded`, …), to be caught by its tag; what never reached
 * the service, or did not come from it, is an `HttpClientError` or a `ParseError`. `withResponse: true` gives the answer's header
 * besides. It needs an `HttpClient`: `FetchHttpClient.layer` of `@effect/platform` anywhere, or `NodeHttpClient.layer` in Node.
 */
export const makeClient = ({ baseUrl, token }: ClientOptions = {}) =>
  HttpApiClient.make(Api, {
    baseUrl,
    transformClient: flow(
      HttpClient.mapRequest(HttpClientRequest.acceptJson),
      token === undefined ? (client) => client : HttpClient.mapRequest(HttpClientRequest.bearerToken(token))
    )
  })

/** What `makeClient` makes. */
export type Client = Effect.Effect.Success<ReturnType<typeof makeClient>>
