import type { Effect } from "effect"
import type { AgentError, ModeNotOffered, PlanStale } from "../../domain/Errors.ts"
import { agentPath, type ModeAnswer, type ModeRequest } from "../../domain/installation/Agent.ts"
import type { Auth } from "../account/Auth.ts"
import type { RateLimiter } from "../admission/RateLimiter.ts"
import { traced } from "../runtime/Traced.ts"
import type { InstalledAgents } from "./InstalledAgents.ts"
import { type AgentCall, readAgentCall } from "./ResyncAgent.ts"
import { TemplateMirror } from "./TemplateMirror.ts"

/**
 * Installs an agent by reference from now on, or by copy; what is seen stays the same. `expectedPlan` is the hash of the plan at the
 * agent's own revision.
 */
export const changeMode: <E, R>(
  call: AgentCall<ModeRequest, E, R>
) => Effect.Effect<
  ModeAnswer,
  E | AgentError | ModeNotOffered | PlanStale,
  Auth | RateLimiter | InstalledAgents | TemplateMirror | R
> = traced("changeMode")(function* (call) {
  const mirror = yield* TemplateMirror
  const { agent, request, wanted } = yield* readAgentCall(call)
  yield* mirror.changeMode({ ...request, ...wanted })
  const { agentId, organizationId, organizationSlug } = agent
  return {
    agentId,
    organizationId,
    organizationSlug,
    mode: wanted.mode,
    redirectTo: agentPath(organizationSlug, agentId)
  }
})
