import { Console, Effect, Layer, Option, Schedule, Schema } from "effect"
import { InvalidRequest } from "../domain/Errors.ts"
import type { AgentId } from "../domain/Ids.ts"
import { type Outcome, type RolloutStatus, Waves } from "../domain/rollout/Rollout.ts"
import { settings } from "../layers/runtime/Settings.ts"
import { TemplateCatalog } from "../services/catalog/TemplateCatalog.ts"
import { Rollouts } from "../services/rollout/Rollouts.ts"
import { ServicesFrom } from "./Application.ts"
import { DatabaseUrlFrom } from "./Database.ts"
import { type AsJson, CommandFailed, print, table } from "./Output.ts"

const Services = Layer.unwrapEffect(
  Effect.map(settings, (given) => ServicesFrom(given).pipe(Layer.provide(DatabaseUrlFrom(given))))
)

const becauseWords = {
  asked: "somebody paused it",
  next_wave: "the next wave is to be agreed to: agent-install rollout resume",
  too_much_trouble: "too many of a wave collided or failed: agent-install rollout results"
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
  const told = describeOutcomes(outcomes)
  const where = state === "running" ? `wave ${wave + 1} of ${waves.length}` : state
  return `[${bar}] ${String(Math.floor(share * 100)).padStart(3)} % of ${organizations} to revision ${revision}, ${where}${
    because === null ? "" : ` (${becauseWords[because]})`
  }${told === "" ? "" : `: ${told}`}`
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
}

interface OfRollout extends OfTemplate {
  readonly rollout: Option.Option<string>
}

/** The template agent of that slug. */
const findTemplate = (slug: string) =>
  Effect.map(
    Effect.flatMap(TemplateCatalog, (catalog) => catalog.manifest(slug)),
    ({ templateAgentId }) => templateAgentId
  )

/** The roll-out that is named, or the template's newest. */
const findRollout = ({ rollout, template }: OfRollout) =>
  Effect.gen(function* () {
    const rollouts = yield* Rollouts
    const templateAgentId = yield* findTemplate(template)
    const [newest] = Option.isSome(rollout) ? [] : yield* rollouts.list(templateAgentId)
    const rolloutId = Option.getOrUndefined(rollout) ?? newest?.rolloutId
    if (rolloutId === undefined) return yield* new CommandFailed({ message: `${template} was never rolled out.` })
    return { templateAgentId, rolloutId }
  })

/**
 * Follows a roll-out until it has ended or stands still: as a bar on a terminal, elsewhere a line, with `--json` a JSON value on a
 * line, whenever something has changed.
 */
const follow = (templateAgentId: AgentId, rolloutId: string, json: boolean) =>
  Effect.gen(function* () {
    const rollouts = yield* Rollouts
    const inPlace = !json && process.stdout.isTTY
    let before = ""
    const look = Effect.gen(function* () {
      const status = yield* rollouts.status(templateAgentId, rolloutId)
      const line = json ? JSON.stringify(status) : progressLine(status)
      if (line !== before) {
        yield* inPlace ? Effect.sync(() => process.stdout.write(`\r\u001b[K${line}`)) : Console.log(line)
      }
      before = line
      return status.state
    })
    yield* look.pipe(
      Effect.repeat(
        Schedule.recurWhile<string>((state) => state === "running").pipe(Schedule.addDelay(() => "500 millis"))
      )
    )
    if (inPlace) yield* Console.log("")
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
export const start = ({ json, manual, revision, stopAbove, template, wait, ...given }: Start) =>
  Effect.gen(function* () {
    const waves = yield* readWaves(given.waves)
    const request = { revision, waves, advance: manual ? ("manual" as const) : ("automatic" as const), stopAbove }
    const rollouts = yield* Rollouts
    const templateAgentId = yield* findTemplate(template)
    const rolloutId = yield* rollouts.start(templateAgentId, request)
    if (wait) return yield* follow(templateAgentId, rolloutId, json)
    yield* print(
      json,
      { rolloutId },
      `Started ${rolloutId}. Watch it: agent-install rollout status ${template} --follow`
    )
  }).pipe(Effect.provide(Services))

interface Status extends OfRollout {
  readonly follow: boolean
}

/** Says how far a roll-out has come. */
export const status = ({ follow: follows, ...asked }: Status) =>
  Effect.gen(function* () {
    const { rolloutId, templateAgentId } = yield* findRollout(asked)
    if (follows) return yield* follow(templateAgentId, rolloutId, asked.json)
    const found = yield* Effect.flatMap(Rollouts, (rollouts) => rollouts.status(templateAgentId, rolloutId))
    yield* print(asked.json, found, progressLine(found))
  }).pipe(Effect.provide(Services))

/** Says what came of a roll-out, wave by wave, and what was in the way. */
export const results = (asked: OfRollout) =>
  Effect.gen(function* () {
    const { rolloutId, templateAgentId } = yield* findRollout(asked)
    const found = yield* Effect.flatMap(Rollouts, (rollouts) => rollouts.status(templateAgentId, rolloutId))
    yield* print(asked.json, found, describe(found))
  }).pipe(Effect.provide(Services))

/** Pauses or cancels a roll-out. */
export const stop = (change: "pause" | "cancel", asked: OfRollout) =>
  Effect.gen(function* () {
    const { rolloutId, templateAgentId } = yield* findRollout(asked)
    const after = yield* Effect.flatMap(Rollouts, (rollouts) => rollouts.stop(change, templateAgentId, rolloutId))
    yield* print(asked.json, after, progressLine(after))
  }).pipe(Effect.provide(Services))

interface Resume extends OfRollout {
  readonly revision: Option.Option<number>
  readonly stopAbove: Option.Option<number>
}

/** Goes on with a roll-out. */
export const resume = ({ revision, stopAbove, ...asked }: Resume) =>
  Effect.gen(function* () {
    const { rolloutId, templateAgentId } = yield* findRollout(asked)
    const request = {
      ...(Option.isSome(revision) && { revision: revision.value }),
      ...(Option.isSome(stopAbove) && { stopAbove: stopAbove.value })
    }
    const after = yield* Effect.flatMap(Rollouts, (rollouts) => rollouts.resume(templateAgentId, rolloutId, request))
    yield* print(asked.json, after, progressLine(after))
  }).pipe(Effect.provide(Services))
