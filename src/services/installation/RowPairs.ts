import { Context, type Effect } from "effect"
import type { InstalledAgent } from "../../domain/installation/Agent.ts"
import type { RowPair } from "../../domain/installation/Difference.ts"
import type { PlannedRow } from "../../domain/installation/Plan.ts"

/** What rows say: a person's, and those of the template's revision. */
export class RowPairs extends Context.Tag("agent-install/RowPairs")<
  RowPairs,
  {
    /** Each of these rows of the revision beside the agent's copy of it, where there is one; references are left out. */
    readonly of: (
      agent: InstalledAgent,
      revision: number,
      rows: ReadonlyArray<Pick<PlannedRow, "kind" | "slug">>
    ) => Effect.Effect<ReadonlyArray<RowPair>>
  }
>() {}
