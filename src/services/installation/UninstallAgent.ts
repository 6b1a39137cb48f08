import { Effect } from "effect"
import type { AgentError, PlanStale } from "../../domain/Errors.ts"
import type { UninstallQuery } from "../../domain/installation/Agent.ts"
import type { Uninstalled, UninstallPlan } from "../../domain/installation/Plan.ts"
import type { Auth } from "../account/Auth.ts"
import type { RateLimiter } from "../admission/RateLimiter.ts"
import { traced } from "../runtime/Traced.ts"
import type { InstalledAgents } from "./InstalledAgents.ts"
import { type AgentCall, readAgentCall } from "./ResyncAgent.ts"
import { TemplateMirror } from "./TemplateMirror.ts"

type Dependencies = Auth | RateLimiter | InstalledAgents | TemplateMirror

/** Removes an installed agent, with all of its rows that are unchanged and unused. */
export const uninstallAgent: <E, R>(
  call: AgentCall<UninstallQuery, E, R>
) => Effect.Effect<Uninstalled, E | AgentError | PlanStale, Dependencies | R> = traced("uninstallAgent")(
  function* (call) {
    const mirror = yield* TemplateMirror
    const { request, wanted } = yield* readAgentCall(call)
    return yield* mirror.uninstall({ ...request, ...wanted })
  }
)

/** Says what an uninstall would remove and what it would leave; changes nothing. */
export const planUninstall: (
  call: Omit<AgentCall<never, never, never>, "body">
) => Effect.Effect<UninstallPlan, AgentError, Dependencies> = traced("planUninstall")(function* (call) {
  const mirror = yield* TemplateMirror
  const { request } = yield* readAgentCall({ ...call, body: Effect.void })
  return yield* mirror.planUninstall(request)
})
