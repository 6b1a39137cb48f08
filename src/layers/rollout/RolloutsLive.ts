import { SqlClient, SqlSchema } from "@effect/sql"
import type { SqlError } from "@effect/sql/SqlError"
import { Array as Arr, Cause, Effect, Layer, Option, Schema } from "effect"
import {
  NoSuchRevision,
  RevisionBroken,
  RolloutEnded,
  RolloutNotFound,
  RolloutRuns,
  UnknownTemplateSlug
} from "../../domain/Errors.ts"
import { isUnavailable, sqlStateOf } from "../../domain/Faults.ts"
import { AgentId, OrganizationId } from "../../domain/Ids.ts"
import {
  Advance,
  batchSize,
  type Drawn,
  drawWaves,
  mayBeTold,
  nextOf,
  Outcome,
  PausedBecause,
  type RolloutChange,
  RolloutId,
  RolloutState,
  type RolloutStatus,
  referringBatchSize,
  resumed,
  rolloutPage,
  rolloutsToFind,
  stopped,
  waveSizes
} from "../../domain/rollout/Rollout.ts"
import { type CountedTargets, collisionReason, statusOf } from "../../domain/rollout/Status.ts"
import { isCleanText } from "../../domain/Text.ts"
import { TemplateMirror } from "../../services/installation/TemplateMirror.ts"
import { organizationsRolledOut } from "../../services/rollout/RolloutMetrics.ts"
import { Rollouts } from "../../services/rollout/Rollouts.ts"
import { type RolloutRun, RolloutWork } from "../../services/rollout/RolloutWork.ts"
import { updateLabelled } from "../../services/runtime/Metrics.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { dieOfFaults, retryTransient, violates } from "../postgres/Database.ts"
import {
  askStatement,
  drawnStatement,
  installedStatement,
  lockStatement,
  outcomesStatement,
  pickStatement,
  referringStatement,
  reopenStatement,
  retryStatement,
  runningStatement,
  setStatement,
  shareLockStatement,
  standingStatement,
  startStatement,
  statusStatement,
  wholeStatement
} from "./RolloutStatements.ts"

/** After how many seconds in which nobody has done anything for it a roll-out is taken up anew. */
const stuckAfter = 60

const Counted = Schema.Array(
  Schema.Struct({ wave: Schema.Int, outcome: Schema.NullOr(Outcome), organizations: Schema.Int })
)

const makeRollouts = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const ask = SqlSchema.findOne({
    Request: Schema.Struct({ templateAgentId: AgentId, revision: Schema.Int }),
    Result: Schema.Struct({
      exists: Schema.Boolean,
      broken: Schema.NullOr(Schema.String),
      newest: Schema.NullOr(Schema.Int),
      offered: Schema.NullOr(Schema.Int)
    }),
    execute: ({ revision, templateAgentId }) => sql.unsafe(askStatement, [templateAgentId, revision])
  })
  /** Whether the template has that revision and that is not broken. */
  const askFor = (templateAgentId: AgentId, revision: number) =>
    Effect.gen(function* () {
      const found = yield* Effect.orDie(ask({ templateAgentId, revision }))
      if (Option.isNone(found) || !found.value.exists) {
        const newest = Option.getOrUndefined(found)?.newest ?? 0
        return yield* new NoSuchRevision({ revision, newest })
      }
      const { broken, offered } = found.value
      if (broken !== null) return yield* new RevisionBroken({ revision, reason: broken, offered })
    })

  const findInstalled = SqlSchema.findAll({
    Request: AgentId,
    Result: Schema.Struct({ organizationId: OrganizationId }),
    execute: (templateAgentId) => sql.unsafe(installedStatement, [templateAgentId])
  })

  const writeDrawn = ({
    drawn,
    rolloutId
  }: {
    readonly rolloutId: RolloutId
    readonly drawn: ReadonlyArray<Drawn<OrganizationId>>
  }) =>
    sql.unsafe(drawnStatement, [
      rolloutId,
      drawn.map(({ organizationId }) => organizationId),
      drawn.map(({ wave }) => wave)
    ])

  const begin = SqlSchema.findOne({
    Request: Schema.Struct({
      templateAgentId: AgentId,
      revision: Schema.Int,
      waves: Schema.Array(Schema.Int),
      sizes: Schema.Array(Schema.Int),
      advance: Advance,
      stopAbove: Schema.Number
    }),
    Result: Schema.Struct({ rolloutId: RolloutId }),
    execute: ({ advance, revision, sizes, stopAbove, templateAgentId, waves }) =>
      sql.unsafe(startStatement, [templateAgentId, revision, waves, sizes, advance, stopAbove])
  })

  const find = SqlSchema.findAll({
    Request: Schema.Struct({
      templateAgentId: AgentId,
      rolloutId: Schema.NullOr(Schema.String),
      before: Schema.NullOr(Schema.String),
      limit: Schema.Int
    }),
    Result: Schema.Struct({
      rolloutId: RolloutId,
      revision: Schema.Int,
      state: RolloutState,
      because: Schema.NullOr(PausedBecause),
      wave: Schema.Int,
      waves: Schema.Array(Schema.Int),
      advance: Advance,
      stopAbove: Schema.Number,
      startedAt: Schema.DateTimeUtcFromDate,
      endedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
      counts: Counted,
      examples: Schema.Array(
        Schema.Struct({
          outcome: Schema.Literal("collided", "failed"),
          reason: Schema.String,
          organizations: Schema.Int
        })
      )
    }),
    execute: ({ before, limit, rolloutId, templateAgentId }) =>
      sql.unsafe(statusStatement, [templateAgentId, rolloutId, limit, before])
  })
  const statusFrom = ({ counts, ...rollout }: Effect.Effect.Success<ReturnType<typeof find>>[number]): RolloutStatus =>
    statusOf(rollout, counts satisfies ReadonlyArray<CountedTargets>)

  const running = (templateAgentId: AgentId) =>
    Effect.map(Effect.orDie(find({ templateAgentId, rolloutId: null, before: null, limit: 1 })), ([last]) =>
      last !== undefined && last.endedAt === null ? last.rolloutId : ""
    )

  const status = (templateAgentId: AgentId, rolloutId: string) =>
    Effect.gen(function* () {
      const [found] = yield* Effect.orDie(find({ templateAgentId, rolloutId, before: null, limit: 1 }))
      if (found === undefined) return yield* new RolloutNotFound({ rolloutId })
      return statusFrom(found)
    })

  const lock = SqlSchema.findOne({
    Request: Schema.Struct({ templateAgentId: AgentId, rolloutId: Schema.String }),
    Result: Schema.Struct({
      rolloutId: RolloutId,
      revision: Schema.Int,
      state: RolloutState,
      because: Schema.NullOr(PausedBecause),
      wave: Schema.Int,
      attempt: Schema.Int,
      stopAbove: Schema.Number
    }),
    execute: ({ rolloutId, templateAgentId }) => sql.unsafe(lockStatement, [templateAgentId, rolloutId])
  })
  const set = (to: Option.Option.Value<Effect.Effect.Success<ReturnType<typeof lock>>>) =>
    sql.unsafe(setStatement, [to.rolloutId, to.state, to.because, to.wave, to.attempt, to.revision, to.stopAbove])

  type Known = Option.Option.Value<Effect.Effect.Success<ReturnType<typeof lock>>>
  /** Does something to a roll-out where its state allows that, while no batch of it is under way. */
  const inTurn = <E = never>(
    change: RolloutChange,
    templateAgentId: AgentId,
    rolloutId: string,
    act: (before: Known) => Effect.Effect<unknown, SqlError | E>
  ) =>
    Effect.gen(function* () {
      const found = yield* lock({ templateAgentId, rolloutId })
      if (Option.isNone(found)) return yield* new RolloutNotFound({ rolloutId })
      const { state } = found.value
      if (!mayBeTold(state, change)) return yield* new RolloutEnded({ rolloutId, state })
      yield* act(found.value)
    }).pipe(sql.withTransaction, retryTransient(), dieOfFaults)

  const findTemplate = SqlSchema.findOne({
    Request: Schema.Struct({ publisher: OrganizationId, slug: Schema.String }),
    Result: Schema.Struct({ id: AgentId }),
    execute: ({ publisher, slug }) => sql`
      SELECT id FROM agents WHERE slug = ${slug} AND organization_id = ${publisher} AND revision IS NOT NULL
    `
  })

  return Rollouts.of({
    templateOf: traced("Rollouts.templateOf")(function* (publisher, slug) {
      const found = isCleanText(slug) ? yield* Effect.orDie(findTemplate({ publisher, slug })) : Option.none()
      return Option.isSome(found) ? found.value.id : yield* new UnknownTemplateSlug({ slug })
    }),
    start: traced("Rollouts.start")(function* (templateAgentId, request) {
      yield* askFor(templateAgentId, request.revision)
      // A step of its own, so that a transaction around it goes on where it is refused.
      const begun = Effect.gen(function* () {
        const organizationIds = (yield* findInstalled(templateAgentId)).map(({ organizationId }) => organizationId)
        const sizes = waveSizes(organizationIds.length, request.waves)
        const started = yield* begin({ ...request, templateAgentId, sizes })
        if (Option.isSome(started)) {
          const drawn = drawWaves(started.value.rolloutId, organizationIds, request.waves)
          yield* writeDrawn({ ...started.value, drawn })
        }
        return started
      }).pipe(sql.withTransaction, retryTransient())
      const started = yield* begun.pipe(
        Effect.catchIf(violates("rollouts_one_at_a_time"), () =>
          Effect.flatMap(running(templateAgentId), (rolloutId) => new RolloutRuns({ rolloutId }))
        ),
        dieOfFaults
      )
      if (Option.isSome(started)) return started.value.rolloutId
      yield* askFor(templateAgentId, request.revision)
      return yield* Effect.dieMessage("A revision that is not broken is rolled out")
    }),
    status: traced("Rollouts.status")(status),
    list: traced("Rollouts.list")((templateAgentId, query) =>
      Effect.map(
        Effect.orDie(
          find({ templateAgentId, rolloutId: null, before: query.before ?? null, limit: rolloutsToFind(query) })
        ),
        (found) => rolloutPage(found.map(statusFrom), query)
      )
    ),
    stop: traced("Rollouts.stop")(function* (change, templateAgentId, rolloutId) {
      yield* inTurn(change, templateAgentId, rolloutId, (before) => {
        const after = stopped(before, change)
        return after === undefined ? Effect.void : set({ ...before, ...after })
      })
      return yield* status(templateAgentId, rolloutId)
    }),
    resume: traced("Rollouts.resume")(function* (templateAgentId, rolloutId, request) {
      if (request.revision !== undefined) yield* askFor(templateAgentId, request.revision)
      yield* inTurn("resume", templateAgentId, rolloutId, (before) =>
        Effect.gen(function* () {
          const after = resumed(before, request)
          if (after === undefined) return
          const [whole] = yield* sql.unsafe(wholeStatement, [templateAgentId, after.course.revision])
          if (whole === undefined) yield* askFor(templateAgentId, after.course.revision)
          yield* sql.unsafe(reopenStatement, [rolloutId, after.isAnother])
          yield* set({ ...before, ...after.course })
        })
      )
      return yield* status(templateAgentId, rolloutId)
    })
  })
})

const makeWork = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const mirror = yield* TemplateMirror

  const findRunning = SqlSchema.findAll({
    Request: Schema.Void,
    Result: Schema.Struct({ rolloutId: RolloutId, attempt: Schema.Int, isStuck: Schema.Boolean }),
    execute: () => sql.unsafe(runningStatement, [stuckAfter])
  })

  const lockShared = SqlSchema.findOne({
    Request: Schema.Struct({ rolloutId: RolloutId, attempt: Schema.Int }),
    Result: Schema.Struct({ templateAgentId: AgentId, revision: Schema.Int, wave: Schema.Int }),
    execute: ({ attempt, rolloutId }) => sql.unsafe(shareLockStatement, [rolloutId, attempt])
  })
  const pick = SqlSchema.findAll({
    Request: Schema.Struct({ rolloutId: RolloutId, wave: Schema.Int, limit: Schema.Int, after: Schema.Int }),
    Result: Schema.Struct({ organizationId: OrganizationId, place: Schema.Int }),
    execute: ({ after, limit, rolloutId, wave }) => sql.unsafe(pickStatement, [rolloutId, wave, limit, after])
  })
  const countReferring = SqlSchema.single({
    Request: Schema.Struct({ templateAgentId: AgentId, organizationIds: Schema.Array(OrganizationId) }),
    Result: Schema.Struct({ organizations: Schema.Int }),
    execute: ({ organizationIds, templateAgentId }) =>
      sql.unsafe(referringStatement, [templateAgentId, organizationIds])
  })
  interface Became {
    readonly organizationId: OrganizationId
    readonly outcome: Outcome
    readonly reason: string | null
  }
  const writeOutcomes = (rolloutId: RolloutId, outcomes: ReadonlyArray<Became>) => {
    const byOrganization = outcomes.map(({ organizationId, outcome, reason }) => [organizationId, [outcome, reason]])
    return sql.unsafe(outcomesStatement, [rolloutId, JSON.stringify(Object.fromEntries(byOrganization))])
  }
  const findStanding = SqlSchema.findOne({
    Request: Schema.Struct({ rolloutId: RolloutId, attempt: Schema.Int }),
    Result: Schema.Struct({
      templateAgentId: AgentId,
      revision: Schema.Int,
      state: RolloutState,
      wave: Schema.Int,
      sizes: Schema.Array(Schema.Int),
      advance: Advance,
      stopAbove: Schema.Number,
      hasOpen: Schema.Boolean,
      trouble: Schema.Int
    }),
    execute: ({ attempt, rolloutId }) => sql.unsafe(standingStatement, [rolloutId, attempt])
  })

  /** Takes the turns of up to so many: of more than a usual batch only where all of that refer. */
  const pickSome = Effect.fnUntraced(function* ({
    limit,
    templateAgentId,
    ...from
  }: {
    readonly rolloutId: RolloutId
    readonly templateAgentId: AgentId
    readonly wave: number
    readonly limit: number
  }) {
    const first = yield* pick({ ...from, limit: Math.min(limit, batchSize), after: 0 })
    const organizationIds = first.map(({ organizationId }) => organizationId)
    const last = first.at(-1)
    if (last === undefined || first.length < batchSize || limit <= batchSize) return organizationIds
    const { organizations } = yield* countReferring({ templateAgentId, organizationIds })
    if (organizations < first.length) return organizationIds
    const more = yield* pick({ ...from, limit: limit - first.length, after: last.place })
    return [...organizationIds, ...more.map(({ organizationId }) => organizationId)]
  })

  /** Brings up to so many organizations to the revision. `picked` gets who they are, before anything is done. */
  const bring = (run: RolloutRun, limit: number, picked: (organizations: ReadonlyArray<OrganizationId>) => void) =>
    Effect.gen(function* () {
      const locked = yield* lockShared(run)
      if (Option.isNone(locked)) return []
      const { revision, templateAgentId, wave } = locked.value
      const organizationIds = yield* pickSome({ ...run, templateAgentId, wave, limit })
      picked(organizationIds)
      if (organizationIds.length === 0) return []
      const done = yield* mirror.rollOut({ templateAgentId, revision, organizationIds })
      const outcomes = done.map(({ collisions, organizationId, outcome }) => ({
        organizationId,
        outcome,
        reason: collisionReason(collisions)
      }))
      yield* writeOutcomes(run.rolloutId, outcomes)
      return outcomes
    }).pipe(sql.withTransaction, retryTransient())

  const fail = (run: RolloutRun, organizationId: OrganizationId, cause: Cause.Cause<unknown>) =>
    Effect.gen(function* () {
      const code = sqlStateOf(Cause.squash(cause)) ?? "internal"
      yield* Effect.logWarning("An organization could not be brought to a revision", cause).pipe(
        Effect.annotateLogs({ rolloutId: run.rolloutId, organizationId, code })
      )
      const outcomes = [{ organizationId, outcome: "failed" as const, reason: code }]
      yield* writeOutcomes(run.rolloutId, outcomes)
      return outcomes
    })

  type Outcomes = ReadonlyArray<{ readonly outcome: Outcome }>

  /** The same; where one of them makes it fail, fewer, until it is that one alone. What fails for the database's sake is tried later. */
  const bringSome = (run: RolloutRun, limit: number): Effect.Effect<Outcomes> =>
    Effect.suspend(() => {
      let picked: ReadonlyArray<OrganizationId> = []
      return Effect.orDie(
        bring(run, limit, (organizations) => {
          picked = organizations
        })
      ).pipe(
        Effect.catchAllCause((cause): Effect.Effect<Outcomes> => {
          const [first, second] = picked
          if (Cause.isInterrupted(cause) || first === undefined || isUnavailable(Cause.squash(cause))) {
            return Effect.failCause(cause)
          }
          return second === undefined
            ? Effect.orDie(fail(run, first, cause))
            : bringSome(run, Math.ceil(picked.length / 2))
        })
      )
    })

  /** What comes next after a batch, decided and written in the roll-out's turn. */
  const goOn = (run: RolloutRun) =>
    Effect.gen(function* () {
      const found = yield* findStanding(run)
      if (Option.isNone(found)) return "over" as const
      const { revision, stopAbove, ...progress } = found.value
      const next = nextOf({ ...progress, stopAbove })
      const set = (state: RolloutState, because: PausedBecause | null, wave: number) =>
        sql.unsafe(setStatement, [run.rolloutId, state, because, wave, run.attempt, revision, stopAbove])
      if (next.next === "nothing") return "over" as const
      if (next.next === "done") yield* set("done", null, progress.wave)
      if (next.next === "pause") yield* set("paused", next.because, next.wave)
      if (next.next === "wave") yield* set("running", null, next.wave)
      if (next.next === "go_on") yield* set("running", null, progress.wave)
      return next.next === "wave" || next.next === "go_on" ? ("more" as const) : ("over" as const)
    }).pipe(sql.withTransaction, retryTransient(), Effect.orDie)

  return RolloutWork.of({
    running: Effect.orDie(findRunning()),
    batch: traced("RolloutWork.batch")(function* (run) {
      const outcomes = yield* bringSome(run, referringBatchSize)
      yield* Effect.forEach(
        Object.entries(Arr.groupBy(outcomes, ({ outcome }) => outcome)),
        ([outcome, those]) => updateLabelled(organizationsRolledOut, those.length, { outcome }),
        { discard: true }
      )
      const next = yield* goOn(run)
      // Somebody else is at those that are left.
      if (outcomes.length === 0 && next === "more") yield* Effect.sleep("100 millis")
      return next
    }),
    retry: traced("RolloutWork.retry")(({ attempt, rolloutId }) =>
      sql.unsafe(retryStatement, [rolloutId, attempt]).pipe(Effect.asVoid, Effect.orDie)
    )
  })
})

/** Roll-outs in Postgres. */
export const RolloutsLive = Layer.effect(Rollouts, makeRollouts)

/** Their work: each batch is one transaction, with what became of each organization. */
export const RolloutWorkLive = Layer.effect(RolloutWork, makeWork)
