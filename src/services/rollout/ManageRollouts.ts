import { Effect, Option, Schedule, Stream } from "effect"
import type {
  InvalidRequest,
  NoSuchRevision,
  PublisherError,
  ReadError,
  RevisionBroken,
  RolloutEnded,
  RolloutNotFound,
  RolloutRuns,
  UnknownTemplateSlug
} from "../../domain/Errors.ts"
import type { Adoption } from "../../domain/installation/Adoption.ts"
import type { Permission } from "../../domain/publishing/Publisher.ts"
import type {
  ResumeRequest,
  RolloutId,
  RolloutList,
  RolloutRequest,
  RolloutStatus,
  RolloutsQuery
} from "../../domain/rollout/Rollout.ts"
import { Adoptions } from "../installation/Adoptions.ts"
import { admitPublisher, mayStill, type PublisherCall, type PublisherDoor } from "../publishing/AdmitPublisher.ts"
import { traced } from "../runtime/Traced.ts"
import { Rollouts } from "./Rollouts.ts"

/* What a publisher does with roll-outs of its templates. */

/** What is asked of a template of a publisher, and who asks. */
export interface TemplateOfPublisher extends PublisherCall {
  /** The template's slug. */
  readonly template: string
}

/** The same of one of its roll-outs. */
export interface RolloutCall extends TemplateOfPublisher {
  readonly rolloutId: string
}

type Dependencies = PublisherDoor | Rollouts

/** Lets in who may do that with the publisher, and finds the template among its own. */
export const admitTemplate = (permission: Permission, call: TemplateOfPublisher) =>
  Effect.gen(function* () {
    const rollouts = yield* Rollouts
    const { publisher } = yield* admitPublisher(permission, call)
    return yield* rollouts.templateOf(publisher.id, call.template)
  })

/** How a template fares with those who have it installed, in numbers. */
export const viewAdoption: (
  call: TemplateOfPublisher
) => Effect.Effect<Adoption, PublisherError | UnknownTemplateSlug, Dependencies | Adoptions> = traced("viewAdoption")(
  function* (call) {
    const adoptions = yield* Adoptions
    return yield* adoptions.of(yield* admitTemplate("read", call))
  }
)

/** Begins a roll-out of a template. */
export const startRollout: <R>(
  call: TemplateOfPublisher & { readonly body: Effect.Effect<RolloutRequest, ReadError, R> }
) => Effect.Effect<
  { readonly rolloutId: RolloutId },
  PublisherError | UnknownTemplateSlug | ReadError | NoSuchRevision | RevisionBroken | RolloutRuns,
  Dependencies | R
> = traced("startRollout")(function* (call) {
  const rollouts = yield* Rollouts
  const templateAgentId = yield* admitTemplate("publish", call)
  return { rolloutId: yield* rollouts.start(templateAgentId, yield* call.body) }
})

/** The roll-outs of a template, page by page. */
export const listRollouts: <R>(
  call: TemplateOfPublisher & { readonly query: Effect.Effect<RolloutsQuery, InvalidRequest, R> }
) => Effect.Effect<RolloutList, PublisherError | UnknownTemplateSlug | InvalidRequest, Dependencies | R> = traced(
  "listRollouts"
)(function* (call) {
  const rollouts = yield* Rollouts
  const templateAgentId = yield* admitTemplate("read", call)
  return yield* rollouts.list(templateAgentId, yield* call.query)
})

/** How far a roll-out has come. */
export const viewRollout: (
  call: RolloutCall
) => Effect.Effect<RolloutStatus, PublisherError | UnknownTemplateSlug | RolloutNotFound, Dependencies> = traced(
  "viewRollout"
)(function* (call) {
  const rollouts = yield* Rollouts
  return yield* rollouts.status(yield* admitTemplate("read", call), call.rolloutId)
})

/** Pauses or cancels a roll-out. */
export const stopRollout: (
  change: "pause" | "cancel",
  call: RolloutCall
) => Effect.Effect<RolloutStatus, PublisherError | UnknownTemplateSlug | RolloutNotFound | RolloutEnded, Dependencies> =
  traced("stopRollout")(function* (change, call) {
    const rollouts = yield* Rollouts
    const templateAgentId = yield* admitTemplate("publish", call)
    return yield* rollouts.stop(change, templateAgentId, call.rolloutId)
  })

/** Goes on with a roll-out. */
export const resumeRollout: <R>(
  call: RolloutCall & { readonly body: Effect.Effect<ResumeRequest, ReadError, R> }
) => Effect.Effect<
  RolloutStatus,
  PublisherError | UnknownTemplateSlug | ReadError | RolloutNotFound | RolloutEnded | NoSuchRevision | RevisionBroken,
  Dependencies | R
> = traced("resumeRollout")(function* (call) {
  const rollouts = yield* Rollouts
  const templateAgentId = yield* admitTemplate("publish", call)
  return yield* rollouts.resume(templateAgentId, call.rolloutId, yield* call.body)
})

/**
 * How far a roll-out has come, now and again whenever that has changed, until it has ended, or whoever asks has no right to it any
 * more, as when their key was deleted.
 */
export const watchRollout: (
  call: RolloutCall
) => Effect.Effect<Stream.Stream<RolloutStatus>, PublisherError | UnknownTemplateSlug | RolloutNotFound, Dependencies> =
  traced("watchRollout")(function* (call) {
    const rollouts = yield* Rollouts
    const templateAgentId = yield* admitTemplate("read", call)
    const first = yield* rollouts.status(templateAgentId, call.rolloutId)
    // Whoever deletes a template ends what is sent of it.
    const look = Effect.option(rollouts.status(templateAgentId, call.rolloutId))
    const context = yield* Effect.context<Dependencies>()
    const isShutOut = mayStill("read", call).pipe(
      Effect.repeat({ while: (may) => may, schedule: Schedule.spaced("10 seconds") }),
      Effect.delay("10 seconds"),
      Effect.provide(context)
    )
    return Stream.make(Option.some(first)).pipe(
      Stream.concat(Stream.repeatEffectWithSchedule(look, Schedule.spaced("1 second"))),
      Stream.takeWhile(Option.isSome),
      Stream.map(({ value }) => value),
      Stream.changesWith((a, b) => JSON.stringify(a) === JSON.stringify(b)),
      Stream.takeUntil(({ endedAt }) => endedAt !== null),
      Stream.interruptWhen(isShutOut)
    )
  })
