import { Effect } from "effect"
import type { AgentError, NoSuchRevision } from "../../domain/Errors.ts"
import {
  agentPath,
  type ResyncAnswer,
  type ResyncPlanQuery,
  type ResyncRequest
} from "../../domain/installation/Agent.ts"
import type { Plan } from "../../domain/installation/Plan.ts"
import type { Auth, Credential } from "../account/Auth.ts"
import { admit } from "../admission/Admission.ts"
import type { RateLimiter } from "../admission/RateLimiter.ts"
import { traced } from "../runtime/Traced.ts"
import { InstalledAgents } from "./InstalledAgents.ts"
import { countRows } from "./InstallMetrics.ts"
import { type ApplyRefusal, type MirrorRefusal, TemplateMirror } from "./TemplateMirror.ts"

/** A request about an installed agent: who asks, which agent, and the effect that reads the body once they may. */
export interface AgentCall<A, E, R> {
  readonly credential: Credential
  readonly agentId: string
  readonly body: Effect.Effect<A, E, R>
}

type Dependencies = Auth | RateLimiter | InstalledAgents | TemplateMirror

/** Identifies the caller, spends a try of their budget, reads the body, and finds the agent. */
export const readAgentCall = <A, E, R>({ agentId, body, credential }: AgentCall<A, E, R>) =>
  Effect.gen(function* () {
    const agents = yield* InstalledAgents

    const userId = yield* admit("change", credential)
    const wanted = yield* body
    const agent = yield* agents.find(userId, agentId)
    const { organizationId, template } = agent
    return {
      agent,
      wanted,
      request: { userId, organizationId, templateAgentId: template.templateAgentId, agentId: agent.agentId }
    }
  })

/** Brings an installed agent up to its template's newest revision, or to the one that is asked for. */
export const resyncAgent: <E, R>(
  call: AgentCall<ResyncRequest, E, R>
) => Effect.Effect<ResyncAnswer, E | AgentError | NoSuchRevision | ApplyRefusal, Dependencies | R> = traced(
  "resyncAgent"
)(function* (call) {
  const mirror = yield* TemplateMirror
  const { agent, request, wanted } = yield* readAgentCall(call)
  const { agentId, mirrored, pinned, revision } = yield* mirror
    .resync({ ...request, ...wanted })
    .pipe(Effect.tap(countRows))
  const { organizationId, organizationSlug } = agent
  return {
    agentId,
    organizationId,
    organizationSlug,
    revision,
    pinned,
    mirrored,
    redirectTo: agentPath(organizationSlug, agentId)
  }
})

/** Says what a resync would do, row by row; changes nothing. */
export const planResync: <E, R>(
  call: AgentCall<ResyncPlanQuery, E, R>
) => Effect.Effect<Plan, E | AgentError | NoSuchRevision | MirrorRefusal, Dependencies | R> = traced("planResync")(
  function* (call) {
    const mirror = yield* TemplateMirror
    const { request, wanted } = yield* readAgentCall(call)
    return yield* mirror.planResync({ ...request, ...wanted })
  }
)
