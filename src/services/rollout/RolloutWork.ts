import { Context, type Effect } from "effect"
import type { RolloutId } from "../../domain/rollout/Rollout.ts"

/** One run of a roll-out: each resume is another attempt. */
export interface RolloutRun {
  readonly rolloutId: RolloutId
  readonly attempt: number
}

/** The work of roll-outs: whoever carries them on asks here what is to be done, and has it done batch by batch. */
export class RolloutWork extends Context.Tag("agent-install/RolloutWork")<
  RolloutWork,
  {
    /** Those that run, each with whether nobody has done anything for it for a while. */
    readonly running: Effect.Effect<ReadonlyArray<RolloutRun & { readonly isStuck: boolean }>>
    /**
     * Brings some more organizations to the revision, each once, and says whether there is more to do in this attempt. What has been
     * done stays done, whatever ends the caller: called again, by anybody, it goes on from there.
     */
    readonly batch: (run: RolloutRun) => Effect.Effect<"more" | "over">
    /** Counts an attempt that came to nothing as over, and begins the next. */
    readonly retry: (run: RolloutRun) => Effect.Effect<void>
  }
>() {}
