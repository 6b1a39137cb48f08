import { Context, type Effect } from "effect"
import type { Unavailable } from "../../domain/Errors.ts"

/** Whether requests can be served. */
export class Health extends Context.Tag("agent-install/Health")<
  Health,
  {
    /**
     * Succeeds when the database answers, has the newest migration and can be written to. Of a full disk only a write that fails
     * tells: for fifteen seconds after one that `noteFault` was called with, nothing is ready.
     */
    readonly ready: Effect.Effect<void, Unavailable>
    /** Takes note of a fault that a request ended with. */
    readonly noteFault: (fault: unknown) => Effect.Effect<void>
  }
>() {}
