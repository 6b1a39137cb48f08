import { Context, type Effect } from "effect"
import type { NotGateway } from "../../domain/Errors.ts"
import type { Credential } from "../account/Auth.ts"

/** Is the caller the chat gateway? */
export class Gateway extends Context.Tag("agent-install/Gateway")<
  Gateway,
  {
    /** Passes the bearer of the gateway's token. A wrong one, a missing one and none to compare with take the same time. */
    readonly identify: (credential: Credential) => Effect.Effect<void, NotGateway>
  }
>() {}
