import { Console, Effect, Layer, Option, Schedule, Schema } from "effect"
import {
  InvalidRequest,
  type NoSuchRevision,
  type RevisionBroken,
  type RolloutEnded,
  type RolloutNotFound,
  type RolloutRuns
} from "../domain/Errors.ts"
import {
  type Outcome,
  type ResumeRequest,
  type RolloutId,
  type RolloutRequest,
  type RolloutStatus,
  Waves
} from "../domain/rollout/Rollout.ts"
import { settings } from "../layers/runtime/Settings.ts"
import { TemplateCatalog } from "../services/catalog/TemplateCatalog.ts"
import { Rollouts } from "../services/rollout/Rollouts.ts"
import { ServicesFrom } from "./Application.ts"
import { DatabaseUrlFrom } from "./Database.ts"
import { type AsJson, CommandFailed, print, table } from "./Output.ts"
import { clientOf, failedAt, patiently } from "./OverHttp.ts"

const Services = Layer.unwrapEffect(
  Effect.map(settings, (given) => ServicesFrom(given).pipe(Layer.provide(DatabaseUrlFrom(given))))
)

const becauseWords = {
  asked: "somebody paused it",
  next_wave: "the next wave is to be agreed to: agent-install rollout resume",
  too_much_trouble: "too many of a wave collided or failed: agent-install rollout results",
  revision_broken: "its revision is marked as broken: agent-install rollout resume with --revision"
}

const outcomeWords: Readonly<Record<Outcome, string>> = {
  updated: "updated",
  unchanged: "had it already",
  pinned: "pinned",
  manual: "update by hand",
  gone: "uninstalled since",
  collided: "collided",
  failed: "failed"
}

/** What came out, in words: outcomes that nobody had are left out. */
const describeOutcomes = (outcomes: RolloutStatus["outcomes"]): string =>
  (Object.keys(outcomeWords) as ReadonlyArray<Outcome>)
    .filter((outcome) => outcomes[outcome] > 0)
    .map((outcome) => `${outcomes[outcome]} ${outcomeWords[outcome]}`)
    .join(", ")

const barWidth = 30

/** How far it has come, on one line. */
export const progressLine = ({
  because,
  open,
  organizations,
  outcomes,
  revision,
  state,
  wave,
  waves
}: RolloutStatus) => {
  const share = organizations === 0 ? 1 : (organizations - open) / organizations
  const full = Math.floor(share * barWidth)
  const bar = `${"#".repeat(full)}${".".repeat(barWidth - full)}`
  const counts = describeOutcomes(outcomes)
  const where = state === "running" ? `wave ${wave + 1} of ${waves.length}` : state
  return `[${bar}] ${String(Math.floor(share * 100)).padStart(3)} % of ${organizations} to revision ${revision}, ${where}${
    because === null ? "" : ` (${becauseWords[because]})`
  }${counts === "" ? "" : `: ${counts}`}`
}

/** All that is known of a roll-out, for people to read. */
const describe = (status: RolloutStatus): string =>
  [
    `Roll-out ${status.rolloutId}`,
    progressLine(status),
    "",
    table(
      status.waves.map(({ open, organizations, outcomes, upTo }, at) => ({
        wave: at + 1,
        "up to": `${upTo} %`,
        organizations,
        open,
        ...outcomes
      }))
    ),
    ...(status.examples.length === 0
      ? []
      : [
          "",
          "What was in the way:",
          table(status.examples.map(({ organizations, outcome, reason }) => ({ outcome, organizations, reason })))
        ])
  ].join("\n")

interface OfTemplate extends AsJson {
  readonly template: string
  /** A service to ask over HTTP; without it the database is asked. */
  readonly url: Option.Option<string>
  readonly publisher: Option.Option<string>
}

interface OfRollout extends OfTemplate {
  readonly rollout: Option.Option<string>
}

/** Why something is not done with a roll-out. */
type RolloutError = NoSuchRevision | RevisionBroken | RolloutRuns | RolloutNotFound | RolloutEnded | CommandFailed

/** The roll-outs of one template, wherever they are asked for. */
interface RolloutsOfTemplate {
  readonly start: (request: RolloutRequest) => Effect.Effect<RolloutId, RolloutError>
  readonly status: (rolloutId: string) => Effect.Effect<RolloutStatus, RolloutError>
  /** The same for somebody who follows it: where a service is away for a while, that is waited for. */
  readonly followed: (rolloutId: string) => Effect.Effect<RolloutStatus, RolloutError>
  readonly list: Effect.Effect<ReadonlyArray<RolloutStatus>, RolloutError>
  readonly stop: (change: "pause" | "cancel", rolloutId: string) => Effect.Effect<RolloutStatus, RolloutError>
  readonly resume: (rolloutId: string, request: ResumeRequest) => Effect.Effect<RolloutStatus, RolloutError>
}

/** In the database of the settings. */
const inDatabase = (slug: string) =>
  Effect.gen(function* () {
    const rollouts = yield* Rollouts
    const catalog = yield* TemplateCatalog
    const { templateAgentId } = yield* catalog.manifest(slug)
    return {
      start: (request) => rollouts.start(templateAgentId, request),
      status: (rolloutId) => rollouts.status(templateAgentId, rolloutId),
      followed: (rolloutId) => rollouts.status(templateAgentId, rolloutId),
      list: Effect.map(rollouts.list(templateAgentId, { limit: 20 }), (page) => page.rollouts),
      stop: (change, rolloutId) => rollouts.stop(change, templateAgentId, rolloutId),
      resume: (rolloutId, request) => rollouts.resume(templateAgentId, rolloutId, request)
    } satisfies RolloutsOfTemplate
  })

/** Over HTTP, with a key of the publisher. */
const overHttp = (url: string, publisher: string, template: string) =>
  Effect.gen(function* () {
    const { rollouts } = yield* clientOf(url)
    const asked = <A, E>(answer: Effect.Effect<A, E>) => Effect.mapError(answer, failedAt(url))
    const path = { slug: publisher, template }
    const view = (id: string) => rollouts.view({ path: { ...path, id } })
    return {
      start: (payload) => Effect.map(asked(rollouts.start({ path, payload })), ({ rolloutId }) => rolloutId),
      status: (id) => asked(view(id)),
      followed: (id) => asked(patiently(view(id))),
      list: Effect.map(asked(rollouts.list({ path, urlParams: { limit: 20 } })), (list) => list.rollouts),
      stop: (change, id) => asked(rollouts[change]({ path: { ...path, id } })),
      resume: (id, payload) => asked(rollouts.resume({ path: { ...path, id }, payload }))
    } satisfies RolloutsOfTemplate
  })

/** Does something with the roll-outs of a template, where they are. */
const withRollouts = <A, E>(
  { publisher, template, url }: OfTemplate,
  use: (rollouts: RolloutsOfTemplate) => Effect.Effect<A, E>
) =>
  Option.match(url, {
    onNone: () => inDatabase(template).pipe(Effect.flatMap(use), Effect.provide(Services)),
    onSome: (address) =>
      Option.match(publisher, {
        onNone: () =>
          new CommandFailed({ message: "--url needs --publisher: the slug of the publisher whose key it is" }),
        onSome: (slug) => Effect.flatMap(overHttp(address, slug, template), use)
      })
  })

/** The roll-out that is named, or the template's newest. */
const findRollout = (rollouts: RolloutsOfTemplate, { rollout, template }: OfRollout) =>
  Effect.gen(function* () {
    if (Option.isSome(rollout)) return rollout.value
    const [newest] = yield* rollouts.list
    return newest?.rolloutId ?? (yield* new CommandFailed({ message: `${template} was never rolled out.` }))
  })

/** Writes a line over the one before, cut where a terminal would begin another, which the next could not write over. */
export const inPlaceOf = (line: string, columns: number): string =>
  `\r\u001b[K${line.slice(0, (columns > 0 ? columns : 80) - 1)}`

/**
 * Follows a roll-out until it has ended or is paused: as a bar on a terminal, elsewhere a line, with `--json` a JSON value on a
 * line, whenever something has changed.
 */
const follow = (rollouts: RolloutsOfTemplate, rolloutId: string, json: boolean) =>
  Effect.gen(function* () {
    const inPlace = !json && process.stdout.isTTY
    let before = ""
    const look = Effect.gen(function* () {
      const status = yield* rollouts.followed(rolloutId)
      const line = json ? JSON.stringify(status) : progressLine(status)
      if (line !== before) {
        yield* inPlace
          ? Effect.sync(() => process.stdout.write(inPlaceOf(line, process.stdout.columns)))
          : Console.log(line)
      }
      before = line
      return status.state
    })
    yield* look.pipe(
      Effect.repeat(
        Schedule.recurWhile<string>((state) => state === "running").pipe(Schedule.addDelay(() => "1 second"))
      )
    )
    // All of what stands at the end.
    if (inPlace) yield* Console.log(`\r\u001b[K${before}`)
  })

interface Start extends OfTemplate {
  readonly revision: number
  readonly waves: string
  readonly manual: boolean
  readonly stopAbove: number
  readonly wait: boolean
}

const isWaves = Schema.is(Waves)

const readWaves = (text: string) => {
  const waves = text.split(",").map((one) => Number(one.trim()))
  return isWaves(waves)
    ? Effect.succeed(waves)
    : new InvalidRequest({
        issues: [
          {
            path: "--waves",
            message: "name percentages, each higher than the one before, the last one 100: 1,10,50,100"
          }
        ]
      })
}

/** Starts a roll-out; running `serve` processes carry it on. */
export const start = (given: Start) =>
  Effect.flatMap(readWaves(given.waves), (waves) =>
    withRollouts(given, (rollouts) =>
      Effect.gen(function* () {
        const { json, manual, revision, stopAbove, template, wait } = given
        const advance = manual ? ("manual" as const) : ("automatic" as const)
        const rolloutId = yield* rollouts.start({ revision, waves, advance, stopAbove })
        if (wait) return yield* follow(rollouts, rolloutId, json)
        yield* print(
          json,
          { rolloutId },
          `Started ${rolloutId}. Watch it: agent-install rollout status ${template} --follow`
        )
      })
    )
  )

interface Status extends OfRollout {
  readonly follow: boolean
}

/** Says how far a roll-out has come. */
export const status = (asked: Status) =>
  withRollouts(asked, (rollouts) =>
    Effect.gen(function* () {
      const rolloutId = yield* findRollout(rollouts, asked)
      if (asked.follow) return yield* follow(rollouts, rolloutId, asked.json)
      const found = yield* rollouts.status(rolloutId)
      yield* print(asked.json, found, progressLine(found))
    })
  )

/** Says what came of a roll-out, wave by wave, and what was in the way. */
export const results = (asked: OfRollout) =>
  withRollouts(asked, (rollouts) =>
    Effect.gen(function* () {
      const found = yield* rollouts.status(yield* findRollout(rollouts, asked))
      yield* print(asked.json, found, describe(found))
    })
  )

/** Pauses or cancels a roll-out. */
export const stop = (change: "pause" | "cancel", asked: OfRollout) =>
  withRollouts(asked, (rollouts) =>
    Effect.gen(function* () {
      const after = yield* rollouts.stop(change, yield* findRollout(rollouts, asked))
      yield* print(asked.json, after, progressLine(after))
    })
  )

interface Resume extends OfRollout {
  readonly revision: Option.Option<number>
  readonly stopAbove: Option.Option<number>
}

/** Goes on with a roll-out. */
export const resume = ({ revision, stopAbove, ...asked }: Resume) =>
  withRollouts(asked, (rollouts) =>
    Effect.gen(function* () {
      const request = {
        ...(Option.isSome(revision) && { revision: revision.value }),
        ...(Option.isSome(stopAbove) && { stopAbove: stopAbove.value })
      }
      const after = yield* rollouts.resume(yield* findRollout(rollouts, asked), request)
      yield* print(asked.json, after, progressLine(after))
    })
  )
