import { Context, type Effect } from "effect"
import type { NotGateway, ReadError } from "../../domain/Errors.ts"
import type { Credential } from "../account/Auth.ts"

/** A request of the gateway: what it shows, and how to read the rest once it may. */
export interface GatewayCall<A, R> {
  readonly credential: Credential
  readonly body: Effect.Effect<A, ReadError, R>
}

/** Is the caller the chat gateway? */
export class Gateway extends Context.Tag("agent-install/Gateway")<
  Gateway,
  {
    /** Passes the bearer of the gateway's token. A wrong one, a missing one and none to compare with take the same time. */
    readonly identify: (credential: Credential) => Effect.Effect<void, NotGateway>
  }
>() {}
