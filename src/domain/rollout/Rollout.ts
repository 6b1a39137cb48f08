import { DateTime, Schema } from "effect"
import { latestRevision } from "../installation/Plan.ts"
import { cutPage, pageQuery } from "../Page.ts"
import { BoundedText } from "../Text.ts"

/** `rollout_…` */
export const RolloutId = BoundedText(1, 200).pipe(Schema.brand("RolloutId"))
export type RolloutId = typeof RolloutId.Type

/** What became of one organization. */
export const Outcome = Schema.Literal("updated", "unchanged", "pinned", "manual", "gone", "collided", "failed")
export type Outcome = typeof Outcome.Type

/** The outcomes that a wave is stopped for. */
export const isTrouble = (outcome: Outcome): boolean => outcome === "collided" || outcome === "failed"

export const RolloutState = Schema.Literal("running", "paused", "done", "cancelled")
export type RolloutState = typeof RolloutState.Type

/**
 * Why a roll-out is paused: somebody asked for it, the next wave is to be agreed to, too much of a wave collided or failed, or its
 * revision was marked as broken.
 */
export const PausedBecause = Schema.Literal("asked", "next_wave", "too_much_trouble", "revision_broken")
export type PausedBecause = typeof PausedBecause.Type

/** Whether the next wave begins by itself. */
export const Advance = Schema.Literal("automatic", "manual")
export type Advance = typeof Advance.Type

const mostWaves = 20
const usualWaves: ReadonlyArray<number> = [1, 10, 50, 100]

/** How far each wave goes, in percent of the organizations; the last one to all. */
export const Waves = Schema.Array(
  Schema.Int.pipe(
    Schema.between(1, 100, { message: () => ({ message: "Expected a percentage from 1 to 100", override: true }) })
  )
).pipe(
  Schema.filter((waves) =>
    waves.length <= mostWaves && waves.at(-1) === 100 && waves.every((wave, at) => wave > (waves[at - 1] ?? 0))
      ? undefined
      : `name up to ${mostWaves} percentages, each higher than the one before, the last one 100`
  )
)
export type Waves = typeof Waves.Type

const Share = Schema.Number.pipe(
  Schema.between(0, 1, { message: () => ({ message: "Expected a share from 0 to 1", override: true }) })
)

const Revision = Schema.Int.pipe(Schema.between(1, latestRevision))

/** The body of `POST …/rollouts`. */
export const RolloutRequest = Schema.Struct({
  revision: Revision.annotations({ description: "The revision to take everybody to; an earlier one goes back." }),
  waves: Schema.optionalWith(Waves, { default: () => usualWaves }).annotations({
    description: "How far each wave goes, in percent of the organizations, chosen at random; 1, 10, 50, 100 if absent."
  }),
  advance: Schema.optionalWith(Advance, { default: () => "automatic" as const }).annotations({
    description: "Whether the next wave begins by itself (as if absent) or when the roll-out is resumed."
  }),
  stopAbove: Schema.optionalWith(Share, { default: () => 0.05 }).annotations({
    description: "Pauses when more than this share of a wave collides or fails; 0.05 if absent."
  })
}).annotations({
  identifier: "RolloutRequest",
  description: "Which revision to roll out, and how.",
  examples: [{ revision: 3, waves: [1, 10, 50, 100], advance: "automatic", stopAbove: 0.05 }]
})
export type RolloutRequest = typeof RolloutRequest.Type

/** The body of `POST …/rollouts/:id/resume`. */
export const ResumeRequest = Schema.Struct({
  revision: Schema.optionalWith(Revision, { exact: true }).annotations({
    description: "A mended revision to go on with: everybody gets it, wave by wave from the first. Absent: as it was."
  }),
  stopAbove: Schema.optionalWith(Share, { exact: true }).annotations({
    description: "Another share to pause above, where what stopped it is to be accepted."
  })
}).annotations({
  identifier: "ResumeRequest",
  description: "How to go on with a roll-out.",
  examples: [{ revision: 4 }]
})
export type ResumeRequest = typeof ResumeRequest.Type

const OutcomeCounts = Schema.Struct({
  updated: Schema.Int,
  unchanged: Schema.Int.annotations({ description: "They had the revision as it is already." }),
  pinned: Schema.Int.annotations({ description: "Left out: they stay at a revision of their own choice." }),
  manual: Schema.Int.annotations({ description: "Left out: their owners update by hand." }),
  gone: Schema.Int.annotations({ description: "They have uninstalled it since." }),
  collided: Schema.Int.annotations({ description: "Left as they were: a row of theirs is in the way." }),
  failed: Schema.Int
} satisfies Record<Outcome, unknown>)

/** No organization at all, by outcome. */
export const noOutcomes: typeof OutcomeCounts.Type = {
  updated: 0,
  unchanged: 0,
  pinned: 0,
  manual: 0,
  gone: 0,
  collided: 0,
  failed: 0
}

const exampleId = RolloutId.make("rollout_5c0c2a9f4d1e4c0f8f1f0d3c7b6a5e41")

const exampleStatus = {
  rolloutId: exampleId,
  revision: 3,
  state: "paused",
  because: "too_much_trouble",
  wave: 1,
  advance: "automatic",
  stopAbove: 0.05,
  startedAt: DateTime.unsafeMake("2026-11-23T06:30:00Z"),
  endedAt: null,
  organizations: 1_000,
  open: 960,
  outcomes: { ...noOutcomes, updated: 31, manual: 3, collided: 6 },
  waves: [
    { upTo: 1, organizations: 10, open: 0, outcomes: { ...noOutcomes, updated: 10 } },
    { upTo: 10, organizations: 90, open: 60, outcomes: { ...noOutcomes, updated: 21, manual: 3, collided: 6 } },
    { upTo: 100, organizations: 900, open: 900, outcomes: noOutcomes }
  ],
  examples: [{ outcome: "collided", reason: "entity_types bank-account", organizations: 6 }]
} as const

/** How far a roll-out has come. It has numbers, and never whose they are. */
export const RolloutStatus = Schema.Struct({
  rolloutId: RolloutId,
  revision: Schema.Int,
  state: RolloutState,
  because: Schema.NullOr(PausedBecause).annotations({ description: "Where it is paused: why." }),
  wave: Schema.Int.annotations({ description: "The wave it is at, the first being 0." }),
  advance: Advance,
  stopAbove: Schema.Number,
  startedAt: Schema.DateTimeUtc,
  endedAt: Schema.NullOr(Schema.DateTimeUtc),
  organizations: Schema.Int,
  open: Schema.Int.annotations({ description: "Those that it has not come to yet." }),
  outcomes: OutcomeCounts,
  waves: Schema.Array(
    Schema.Struct({ upTo: Schema.Int, organizations: Schema.Int, open: Schema.Int, outcomes: OutcomeCounts })
  ),
  examples: Schema.Array(
    Schema.Struct({ outcome: Schema.Literal("collided", "failed"), reason: Schema.String, organizations: Schema.Int })
  ).annotations({
    description: "What stood in the way, the most frequent first: the template's rows, or the code of the fault."
  })
}).annotations({
  identifier: "RolloutStatus",
  description: "How far a roll-out has come.",
  examples: [exampleStatus]
})
export type RolloutStatus = typeof RolloutStatus.Type

/** What `POST …/rollouts` answers. */
export const RolloutStarted = Schema.Struct({ rolloutId: RolloutId }).annotations({
  identifier: "RolloutStarted",
  description: "The roll-out that was started.",
  examples: [{ rolloutId: exampleId }]
})

/** What `GET …/rollouts` answers: the newest first; `next` is the `before` of the page that follows, if any. */
export const RolloutList = Schema.Struct({
  rollouts: Schema.Array(RolloutStatus),
  next: Schema.NullOr(Schema.String)
}).annotations({
  identifier: "RolloutList",
  description: "A page of the roll-outs of a template, the newest first.",
  examples: [{ rollouts: [exampleStatus], next: null }]
})
export type RolloutList = typeof RolloutList.Type

/** The parameters of that list. */
export const RolloutsQuery = Schema.Struct(pageQuery("roll-outs", /^rollout_\w{1,100}$/, 20))
export type RolloutsQuery = typeof RolloutsQuery.Type

/** How many to look for: one more than fit on a page, to know whether another page follows. */
export const rolloutsToFind = ({ limit }: RolloutsQuery): number => limit + 1

/** Makes a page of the roll-outs that were found. */
export const rolloutPage = (found: ReadonlyArray<RolloutStatus>, { limit }: RolloutsQuery): RolloutList => {
  const { items, next } = cutPage(found, limit, ({ rolloutId }) => rolloutId)
  return { rollouts: items, next }
}

/** How many organizations each wave has, of so many; a wave may have none. */
export const waveSizes = (organizations: number, waves: Waves): ReadonlyArray<number> => {
  const ends = waves.map((percent) => Math.ceil((organizations * percent) / 100))
  return ends.map((end, at) => end - (ends[at - 1] ?? 0))
}

/** A number below 2 ** 53 that a text always comes to, so evenly spread that no two like texts lie beside each other. */
const placeOf = (text: string): number => {
  let [high, low] = [0xdeadbeef, 0x41c6ce57]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    high = Math.imul(high ^ code, 2_654_435_761)
    low = Math.imul(low ^ code, 1_597_334_677)
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909)
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909)
  return 4_294_967_296 * (2_097_151 & low) + (high >>> 0)
}

/** An organization of a roll-out, and the wave that it is in. */
export interface Drawn<Id> {
  readonly organizationId: Id
  readonly wave: number
}

/**
 * Draws who is in which wave, in the order in which the roll-out comes to them: by the ids alone, so the same in every try, and other
 * ones in every roll-out.
 */
export const drawWaves = <Id extends string>(
  rolloutId: RolloutId,
  organizationIds: ReadonlyArray<Id>,
  waves: Waves
): ReadonlyArray<Drawn<Id>> => {
  const waveAt = waveSizes(organizationIds.length, waves).flatMap((size, wave) =>
    Array.from({ length: size }, () => wave)
  )
  return organizationIds
    .map((organizationId) => ({ organizationId, place: placeOf(`${rolloutId} ${organizationId}`) }))
    .sort((a, b) => a.place - b.place || (a.organizationId < b.organizationId ? -1 : 1))
    .map(({ organizationId }, at) => ({ organizationId, wave: waveAt[at] ?? 0 }))
}

/** What is known of a roll-out when it is asked what comes next. */
export interface RolloutProgress {
  readonly state: RolloutState
  readonly wave: number
  readonly sizes: ReadonlyArray<number>
  readonly advance: Advance
  readonly stopAbove: number
  /** Whether the wave has organizations that it has not come to, and how many collided or failed. */
  readonly hasOpen: boolean
  readonly trouble: number
}

/** What a roll-out does next: go on with its wave, begin another, stop, or nothing where it does not run. */
export type Next =
  | { readonly next: "go_on" }
  | { readonly next: "wave"; readonly wave: number }
  | { readonly next: "pause"; readonly because: PausedBecause; readonly wave: number }
  | { readonly next: "done" }
  | { readonly next: "nothing" }

/** Decides what comes next. Too much trouble stops a wave at once, so that as few as possible have it. */
export const nextOf = ({ advance, hasOpen, sizes, state, stopAbove, trouble, wave }: RolloutProgress): Next => {
  if (state !== "running") return { next: "nothing" }
  if (trouble > stopAbove * (sizes[wave] ?? 0)) return { next: "pause", because: "too_much_trouble", wave }
  if (hasOpen) return { next: "go_on" }
  const following = sizes.findIndex((size, at) => at > wave && size > 0)
  if (following === -1) return { next: "done" }
  return advance === "automatic"
    ? { next: "wave", wave: following }
    : { next: "pause", because: "next_wave", wave: following }
}

/** What is asked of a roll-out that has not ended. */
export type RolloutChange = "pause" | "cancel" | "resume"

/** Whether a roll-out in that state can be changed so: what has been said already may be said again. */
export const mayBeTold = (state: RolloutState, change: RolloutChange): boolean =>
  state === "running" || state === "paused" || (state === "cancelled" && change === "cancel")

/** What of a roll-out a change of it may change. */
export interface RolloutCourse {
  readonly state: RolloutState
  readonly because: PausedBecause | null
  readonly wave: number
  readonly attempt: number
  readonly revision: number
  readonly stopAbove: number
}

/** A roll-out after it is paused (also since its revision is broken) or cancelled; undefined if it already is. */
export const stopped = (
  { state }: Pick<RolloutCourse, "state">,
  change: "pause" | "break" | "cancel"
): Pick<RolloutCourse, "state" | "because"> | undefined => {
  if (change === "cancel") return state === "cancelled" ? undefined : { state: "cancelled", because: null }
  const because = change === "pause" ? "asked" : "revision_broken"
  return state === "running" ? { state: "paused", because } : undefined
}

/**
 * A roll-out after it is resumed: in a new attempt, and from the first wave if the revision is another (`isAnother`); undefined if
 * it runs and nothing is to change.
 */
export const resumed = (
  before: RolloutCourse,
  { revision, stopAbove }: ResumeRequest
): { readonly course: RolloutCourse; readonly isAnother: boolean } | undefined => {
  if (before.state === "running" && revision === undefined && stopAbove === undefined) return undefined
  const isAnother = revision !== undefined && revision !== before.revision
  const course: RolloutCourse = {
    state: "running",
    because: null,
    attempt: before.attempt + 1,
    wave: isAnother ? 0 : before.wave,
    revision: revision ?? before.revision,
    stopAbove: stopAbove ?? before.stopAbove
  }
  return { course, isAnother }
}

/** How many organizations are brought to a revision at once: few enough that nobody waits long for their turn. */
export const batchSize = 200

/** The same where all of the first of them refer to what is published: each takes a small part of the time of a copy. */
export const referringBatchSize = 1_000
