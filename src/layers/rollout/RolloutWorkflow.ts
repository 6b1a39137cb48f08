import * as Activity from "@effect/workflow/Activity"
import * as Workflow from "@effect/workflow/Workflow"
import { Cause, Clock, Duration, Effect, Layer, Ref, Schedule, Schema } from "effect"
import { RolloutId } from "../../domain/rollout/Rollout.ts"
import { type RolloutRun, RolloutWork } from "../../services/rollout/RolloutWork.ts"

/**
 * One attempt of a roll-out, carried on by whichever process has it. What the engine keeps of it is few rows a step, however many
 * organizations there are: the truth of how far it has come is `rollout_targets`. An engine remembers how an execution ended, so
 * each attempt is one of its own.
 */
export const RolloutWorkflow = Workflow.make({
  name: "Rollout",
  payload: { rolloutId: RolloutId, attempt: Schema.Int },
  idempotencyKey: ({ attempt, rolloutId }) => `${rolloutId} ${attempt}`
})

/** How long a step works before the engine notes that it is done. */
const stepTime = Duration.seconds(5)

const moments = Schedule.exponential("500 millis").pipe(Schedule.union(Schedule.spaced("10 seconds")))

/** Tries for as long as it takes: the database goes away and comes back, and nothing is lost by asking again. */
const patiently = <A>(batch: Effect.Effect<A>): Effect.Effect<A> =>
  batch.pipe(
    Effect.sandbox,
    Effect.tapError((cause) =>
      Cause.isInterrupted(cause)
        ? Effect.void
        : Effect.logWarning("A batch of a roll-out was not done; it is tried again", cause)
    ),
    Effect.retry({ schedule: moments, while: (cause) => !Cause.isInterrupted(cause) }),
    Effect.unsandbox
  )

/** Batch after batch, until the step is over or the process stops. */
const stepOf = (run: RolloutRun, stopping: Ref.Ref<boolean>) =>
  Effect.gen(function* () {
    const work = yield* RolloutWork
    const until = (yield* Clock.currentTimeMillis) + Duration.toMillis(stepTime)
    while (true) {
      if (yield* Ref.get(stopping)) return "more" as const
      const next = yield* patiently(work.batch(run))
      if (next === "over" || (yield* Clock.currentTimeMillis) >= until) return next
    }
  })

/** The workflow, for an engine to run. */
export const RolloutWorkflowLive = Layer.unwrapScoped(
  Effect.gen(function* () {
    const stopping = yield* Ref.make(false)
    const workflow = RolloutWorkflow.toLayer((run) =>
      Effect.gen(function* () {
        for (let number = 0; ; number++) {
          const next = yield* Activity.make({
            name: `step ${number}`,
            success: Schema.Literal("more", "over"),
            execute: stepOf(run, stopping)
          })
          if (next === "over") return
        }
      })
    )
    yield* Effect.addFinalizer(() => Ref.set(stopping, true))
    return workflow
  })
)
