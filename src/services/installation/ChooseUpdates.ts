import type { Effect } from "effect"
import type { AgentError } from "../../domain/Errors.ts"
import type { InstalledAgent, UpdatesRequest } from "../../domain/installation/Agent.ts"
import type { Auth } from "../account/Auth.ts"
import { admit } from "../admission/Admission.ts"
import type { RateLimiter } from "../admission/RateLimiter.ts"
import { traced } from "../runtime/Traced.ts"
import { InstalledAgents } from "./InstalledAgents.ts"
import type { AgentCall } from "./ResyncAgent.ts"

/** Says whether the publisher's roll-outs bring one of the caller's agents up to date, or its owner alone does. */
export const chooseUpdates: <E, R>(
  call: AgentCall<UpdatesRequest, E, R>
) => Effect.Effect<InstalledAgent, E | AgentError, Auth | RateLimiter | InstalledAgents | R> = traced("chooseUpdates")(
  function* ({ agentId, body, credential }) {
    const agents = yield* InstalledAgents
    const userId = yield* admit("change", credential)
    const { updates } = yield* body
    return yield* agents.setUpdates(userId, agentId, updates)
  }
)
