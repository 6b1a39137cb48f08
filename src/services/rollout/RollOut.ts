import { Effect } from "effect"
import { traced } from "../runtime/Traced.ts"
import { type RolloutRun, RolloutWork } from "./RolloutWork.ts"

/** Does all there is to do in an attempt of a roll-out, batch by batch, until it has ended or is paused. */
export const rollOut: (run: RolloutRun) => Effect.Effect<void, never, RolloutWork> = traced("rollOut")(function* (run) {
  const work = yield* RolloutWork
  while ((yield* work.batch(run)) === "more") yield* Effect.yieldNow()
})
