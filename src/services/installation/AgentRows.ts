import { Context, type Effect } from "effect"
import type { InvalidRequest, NotOrgAdmin, RowNotFound } from "../../domain/Errors.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { InstalledAgent } from "../../domain/installation/Agent.ts"
import type { AgentRow, RowChanges } from "../../domain/installation/Row.ts"

/** One row of an agent by the slug it has in the organization, and who wants something of it. */
export interface RowRequest {
  readonly userId: UserId
  readonly agent: InstalledAgent
  readonly kind: string
  readonly slug: string
}

/** The rows that installed agents brought, as their people see and change them: the same whether they are copies or referred to. */
export class AgentRows extends Context.Tag("agent-install/AgentRows")<
  AgentRows,
  {
    /** The row with all that it says. */
    readonly view: (request: RowRequest) => Effect.Effect<AgentRow, RowNotFound>
    /**
     * Gives the row what is to be other than it is. It keeps its id, and is its person's from then on: updates leave it as it is until
     * a resync reverts it. What is as it was changes nothing.
     */
    readonly customize: (
      request: RowRequest,
      changes: RowChanges
    ) => Effect.Effect<AgentRow, NotOrgAdmin | RowNotFound | InvalidRequest>
    /** Deletes the row: updates leave it so, and a resync restores it, under its id. What refers to it goes on doing so. */
    readonly remove: (request: RowRequest) => Effect.Effect<void, NotOrgAdmin | RowNotFound>
  }
>() {}
