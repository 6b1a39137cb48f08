import { Context, type Effect } from "effect"

/** Runs several steps as one transaction. */
export class Transactor extends Context.Tag("agent-install/Transactor")<
  Transactor,
  {
    /** Runs the effect so that all it writes through any service is written together, or nothing if it fails. */
    readonly atomically: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  }
>() {}
