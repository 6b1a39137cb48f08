import type { Effect } from "effect"
import type { AgentNotFound, NoSuchRevision, RateLimitExceeded, Unauthenticated } from "../../domain/Errors.ts"
import { differencesIn, differingRows, type RowDifference } from "../../domain/installation/Difference.ts"
import type { Plan, WantedRevision } from "../../domain/installation/Plan.ts"
import type { Auth, Credential } from "../account/Auth.ts"
import { admit } from "../admission/Admission.ts"
import type { RateLimiter } from "../admission/RateLimiter.ts"
import { traced } from "../runtime/Traced.ts"
import { InstalledAgents } from "./InstalledAgents.ts"
import { RowPairs } from "./RowPairs.ts"
import { type MirrorRefusal, TemplateMirror } from "./TemplateMirror.ts"

/** A plan, and what differs in the rows it names. */
export interface RowsView {
  readonly plan: Plan
  readonly differences: ReadonlyArray<RowDifference>
}

/** Each row of one of the caller's agents: what a resync would do with it, and what was changed. Changes nothing. */
export const viewRows: (
  credential: Credential,
  agentId: string,
  revision?: WantedRevision | undefined
) => Effect.Effect<
  RowsView,
  Unauthenticated | RateLimitExceeded | AgentNotFound | NoSuchRevision | MirrorRefusal,
  Auth | RateLimiter | InstalledAgents | TemplateMirror | RowPairs
> = traced("viewRows")(function* (credential, agentId, revision) {
  const agents = yield* InstalledAgents
  const mirror = yield* TemplateMirror
  const pairs = yield* RowPairs
  const userId = yield* admit("read", credential)
  const agent = yield* agents.find(userId, agentId)
  const { organizationId, template } = agent
  const plan = yield* mirror.planResync({
    userId,
    organizationId,
    templateAgentId: template.templateAgentId,
    agentId: agent.agentId,
    revision
  })
  const found = yield* pairs.of(agent, plan.revision, differingRows(plan.rows))
  return { plan, differences: differencesIn(plan.rows, found) }
})
