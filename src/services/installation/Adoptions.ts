import { Context, type Effect } from "effect"
import type { AgentId } from "../../domain/Ids.ts"
import type { Adoption } from "../../domain/installation/Adoption.ts"

/** How templates fare with those who have them installed. */
export class Adoptions extends Context.Tag("agent-install/Adoptions")<
  Adoptions,
  {
    /**
     * How a template fares, in numbers. Rows are counted as they were found when each installation was looked at last: some are
     * looked at for every call, the longest ago first, which is all of them where a template has few.
     */
    readonly of: (templateAgentId: AgentId) => Effect.Effect<Adoption>
  }
>() {}
