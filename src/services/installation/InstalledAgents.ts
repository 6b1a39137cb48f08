import { Context, type Effect } from "effect"
import type { AgentNotFound, NotOrgAdmin } from "../../domain/Errors.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { AgentList, AgentOverview, AgentsQuery, InstalledAgent, Updates } from "../../domain/installation/Agent.ts"
import type { History, HistoryQuery } from "../../domain/installation/History.ts"

/** The agents a person has installed, with the state of their rows. Agents of organizations they don't belong to count as unknown. */
export class InstalledAgents extends Context.Tag("agent-install/InstalledAgents")<
  InstalledAgents,
  {
    /** The installed agent of that id. */
    readonly find: (userId: UserId, agentId: string) => Effect.Effect<InstalledAgent, AgentNotFound>
    /** Says whether roll-outs bring the agent up to date, or its owner alone does. Owners and administrators may. */
    readonly setUpdates: (
      userId: UserId,
      agentId: string,
      updates: Updates
    ) => Effect.Effect<InstalledAgent, AgentNotFound | NotOrgAdmin>
    /** The same with the state of its rows. */
    readonly overview: (userId: UserId, agentId: string) => Effect.Effect<AgentOverview, AgentNotFound>
    /** The person's installed agents with the state of their rows, page by page, the newest first. */
    readonly list: (userId: UserId, page: AgentsQuery) => Effect.Effect<AgentList>
    /**
     * What was done to an agent's rows, also by those before it of the same template in the organization, page by page; newest
     * first. However large the rows are, no more of them is read than one page holds.
     */
    readonly history: (agent: InstalledAgent, page: HistoryQuery) => Effect.Effect<History>
  }
>() {}
