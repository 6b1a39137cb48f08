import { Context, type Effect } from "effect"
import type { Unavailable } from "../domain/Errors.ts"

/** Whether requests can be served. */
export class Health extends Context.Tag("agent-install/Health")<
  Health,
  {
    /** Succeeds when the database answers and its migrations are done. */
    readonly ready: Effect.Effect<void, Unavailable>
  }
>() {}
