import { Context, type Effect } from "effect"
import type { Unavailable } from "../../domain/Errors.ts"

/** Whether requests can be served. */
export class Health extends Context.Tag("agent-install/Health")<
  Health,
  {
    /**
     * Succeeds when the database answers, has the newest migration and can be written to. Only a failed write shows that a disk is
     * full: for fifteen seconds after `noteFault` was called with one, this fails.
     */
    readonly ready: Effect.Effect<void, Unavailable>
    /** Takes note of a fault that a request ended with. */
    readonly noteFault: (fault: unknown) => Effect.Effect<void>
  }
>() {}
