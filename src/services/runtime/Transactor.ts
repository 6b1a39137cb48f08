import { Context, type Effect } from "effect"

/** Makes one step of several. */
export class Transactor extends Context.Tag("agent-install/Transactor")<
  Transactor,
  {
    /** Runs the effect so that all it writes through any service lands together, or, where it fails, nothing does. */
    readonly atomically: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  }
>() {}
