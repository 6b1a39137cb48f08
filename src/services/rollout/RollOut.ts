import { Effect } from "effect"
import { type RolloutRun, RolloutWork } from "./RolloutWork.ts"

/** Does all there is to do in an attempt of a roll-out, batch by batch, until it has ended or is paused. */
export const rollOut: (run: RolloutRun) => Effect.Effect<void, never, RolloutWork> = Effect.fn("rollOut")(
  function* (run) {
    const work = yield* RolloutWork
    while ((yield* work.batch(run)) === "more") yield* Effect.yieldNow()
  }
)
