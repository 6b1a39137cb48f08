import { Context, type Effect } from "effect"
import type {
  NoSuchRevision,
  RevisionBroken,
  RolloutEnded,
  RolloutNotFound,
  RolloutRuns,
  UnknownTemplateSlug
} from "../../domain/Errors.ts"
import type { AgentId, OrganizationId } from "../../domain/Ids.ts"
import type {
  ResumeRequest,
  RolloutId,
  RolloutList,
  RolloutRequest,
  RolloutStatus,
  RolloutsQuery
} from "../../domain/rollout/Rollout.ts"

/** What a publisher does with roll-outs of a template of theirs. Whoever calls has seen to it that they may. */
export class Rollouts extends Context.Tag("agent-install/Rollouts")<
  Rollouts,
  {
    /** The template of that slug, where it is that publisher's. */
    readonly templateOf: (publisher: OrganizationId, slug: string) => Effect.Effect<AgentId, UnknownTemplateSlug>
    /**
     * Begins a roll-out to everybody who has the template installed now. Which wave an organization is in is drawn once. One at a
     * time for each template.
     */
    readonly start: (
      templateAgentId: AgentId,
      request: RolloutRequest
    ) => Effect.Effect<RolloutId, NoSuchRevision | RevisionBroken | RolloutRuns>
    /** How far one has come. */
    readonly status: (templateAgentId: AgentId, rolloutId: string) => Effect.Effect<RolloutStatus, RolloutNotFound>
    /** A page of the roll-outs of a template, the newest first. */
    readonly list: (templateAgentId: AgentId, query: RolloutsQuery) => Effect.Effect<RolloutList>
    /** Pauses or cancels. Once it answers, nothing is done any more that was not to be done. */
    readonly stop: (
      change: "pause" | "cancel",
      templateAgentId: AgentId,
      rolloutId: string
    ) => Effect.Effect<RolloutStatus, RolloutNotFound | RolloutEnded>
    /**
     * Goes on, also with those that collided or failed; with another revision from the first wave on, with the same organizations in
     * each.
     */
    readonly resume: (
      templateAgentId: AgentId,
      rolloutId: string,
      request: ResumeRequest
    ) => Effect.Effect<RolloutStatus, RolloutNotFound | RolloutEnded | NoSuchRevision | RevisionBroken>
  }
>() {}
