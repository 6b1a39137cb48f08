import { SqlClient, SqlSchema } from "@effect/sql"
import { Data, DateTime, Effect, Layer, Option, Schema } from "effect"
import { byKind, Kind } from "../../domain/catalog/Kind.ts"
import { nextDue } from "../../domain/catalog/Schedule.ts"
import {
  AgentNotFound,
  Collision,
  NoSuchRevision,
  NoSuchRow,
  NotOrgAdmin,
  PlanStale,
  SchemaCollision,
  SelfInstall,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic,
  UnmetWish
} from "../../domain/Errors.ts"
import { AgentId, OrganizationId, UserId } from "../../domain/Ids.ts"
import { addImpact, InstallationImpact, noImpact } from "../../domain/installation/Impact.ts"
import { leavingOf, PlannedRow, VerdictCount, Wish, wishesOf } from "../../domain/installation/Plan.ts"
import { Kinds } from "../../services/catalog/Kinds.ts"
import {
  type Applied,
  type ApplyRequest,
  type MirrorRefusal,
  type MirrorRequest,
  type ResyncPlanRequest,
  type ResyncRequest,
  TemplateMirror,
  type UninstallRequest
} from "../../services/installation/TemplateMirror.ts"
import { retryTransient, violates, violatesForeignKey } from "../postgres/Database.ts"
import { makeInstallationPlans } from "./InstallationPlans.ts"
import {
  applyStatement,
  consultInstalledStatement,
  consultStatement,
  impactStatement,
  leaveStatement,
  prepareStatement,
  quickStatement,
  removeAgentStatement,
  setAsideStatement
} from "./MirrorStatements.ts"

/** A newer revision was published between reading the template and applying it. */
class Superseded extends Data.TaggedError("Superseded") {}

const impactBatch = 500

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const kinds = yield* Kinds
  // Made by hand since the rows were judged: a row of that slug, or one that refers to what goes, in whichever table.
  const isTaken = violates(...kinds.map(({ table }) => `${table}_slug`))
  const isConflict = (error: unknown) => error instanceof Superseded || isTaken(error) || violatesForeignKey(error)

  const Standing = {
    visible: Schema.Boolean,
    published: Schema.Boolean,
    installed: Schema.Boolean,
    own: Schema.Boolean,
    newest: Schema.NullOr(Schema.Int),
    administers: Schema.Boolean,
    known: Schema.Boolean,
    agentId: Schema.NullOr(AgentId),
    revision: Schema.NullOr(Schema.Int)
  }
  const Standings = Schema.Record({ key: Schema.String, value: Schema.Int })
  const MirrorIds = { organizationId: OrganizationId, templateAgentId: AgentId, userId: UserId }

  const consult = SqlSchema.findOne({
    Request: Schema.Struct({ ...MirrorIds, revision: Schema.NullOr(Schema.Int) }),
    Result: Schema.Struct(Standing),
    execute: ({ organizationId, revision, templateAgentId, userId }) =>
      sql.unsafe(consultStatement, [organizationId, templateAgentId, userId, revision])
  })

  const prepareText = prepareStatement(kinds)
  const prepare = SqlSchema.findOne({
    Request: Schema.Struct({
      ...MirrorIds,
      name: Schema.NullOr(Schema.String),
      revision: Schema.NullOr(Schema.Int),
      pins: Schema.NullOr(Schema.Boolean)
    }),
    Result: Schema.Struct({
      ...Standing,
      pinned: Schema.NullOr(Schema.Boolean),
      created: Schema.NullOr(Schema.Boolean),
      schedules: Schema.Array(Schema.String)
    }),
    execute: ({ name, organizationId, pins, revision, templateAgentId, userId }) =>
      sql.unsafe(prepareText, [organizationId, templateAgentId, userId, name, revision, pins])
  })

  /** What is known of the template and the caller, where the caller may have that revision of it there. */
  const mayInstall = <A extends Schema.Struct.Type<typeof Standing>>(
    found: Option.Option<A>,
    { organizationId, templateAgentId }: MirrorRequest,
    wanted: number | null
  ): Effect.Effect<A & { readonly newest: number }, NoSuchRevision | MirrorRefusal> => {
    if (Option.isNone(found) || !found.value.visible) return new TemplateNotFound({ templateAgentId })
    const { administers, installed, known, newest, own, published } = found.value
    if (installed) return new TemplateIsInstalled({ templateAgentId })
    if (own) return new SelfInstall({ templateAgentId })
    if (!published || newest === null) return new TemplateNotPublic({ templateAgentId })
    if (!administers) return new NotOrgAdmin({ organizationId })
    return known
      ? Effect.succeed({ ...found.value, newest })
      : new NoSuchRevision({ revision: wanted ?? newest, newest })
  }

  const plansOf = yield* makeInstallationPlans

  const planFor = ({ organizationId, templateAgentId }: MirrorRequest, revision: number | null) =>
    Effect.flatMap(
      plansOf([{ organization_id: organizationId, template_agent_id: templateAgentId, revision }]),
      ([plan]) =>
        plan === undefined
          ? Effect.dieMessage("A plan has one row for its installation")
          : Effect.succeed({ planHash: plan.planHash, rows: plan.rows })
    )

  const setAsideText = setAsideStatement(kinds)
  const setAside = SqlSchema.void({
    Request: Schema.Struct({ organizationId: OrganizationId, templateAgentId: AgentId, revision: Schema.Int }),
    execute: ({ organizationId, revision, templateAgentId }) =>
      sql.unsafe(setAsideText, [organizationId, templateAgentId, revision])
  })

  const applyText = applyStatement(kinds)
  const applyRows = SqlSchema.single({
    Request: Schema.Struct({
      organizationId: OrganizationId,
      templateAgentId: AgentId,
      revision: Schema.Int,
      agentId: AgentId,
      userId: UserId,
      expectedPlan: Schema.NullOr(Schema.String),
      wishes: Schema.parseJson(Schema.Array(Schema.Struct({ wish: Wish, kind: Kind, slug: Schema.String }))),
      due: Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.DateTimeUtc })),
      pinned: Schema.Boolean,
      action: Schema.Literal("install", "resync")
    }),
    Result: Schema.Struct({
      newest: Schema.Boolean,
      asPlanned: Schema.Boolean,
      unmet: Schema.Array(UnmetWish),
      collisions: Schema.Array(Collision),
      standing: Standings,
      verdicts: Schema.Array(VerdictCount)
    }),
    execute: ({
      action,
      agentId,
      due,
      expectedPlan,
      organizationId,
      pinned,
      revision,
      templateAgentId,
      userId,
      wishes
    }) =>
      sql.unsafe(applyText, [
        organizationId,
        templateAgentId,
        revision,
        agentId,
        userId,
        expectedPlan,
        wishes,
        due,
        pinned,
        action
      ])
  })

  const quickText = quickStatement(kinds)
  const findOrMake = SqlSchema.single({
    Request: Schema.Struct({
      ...MirrorIds,
      due: Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.DateTimeUtc }))
    }),
    Result: Schema.Struct({
      agentId: Schema.NullOr(AgentId),
      created: Schema.Boolean,
      revision: Schema.NullOr(Schema.Int),
      pinned: Schema.Boolean,
      standing: Schema.NullOr(Standings)
    }),
    execute: ({ due, organizationId, templateAgentId, userId }) =>
      sql.unsafe(quickText, [organizationId, templateAgentId, userId, due])
  })

  // What is due next is so until then.
  const upcoming = new Map<string, { readonly since: Date; readonly due: Option.Option<Date> }>()
  const dueAfter = (schedule: string, now: Date) => {
    const found = upcoming.get(schedule)
    if (found !== undefined && found.since <= now && Option.exists(found.due, (due) => now < due)) return found.due
    const due = nextDue(schedule, now)
    upcoming.set(schedule, { since: now, due })
    return due
  }

  const dueTimes = (schedules: ReadonlyArray<string>, now: Date) =>
    Object.fromEntries(
      schedules.flatMap((schedule) =>
        Option.match(dueAfter(schedule, now), {
          onNone: () => [],
          onSome: (date) => [[schedule, DateTime.unsafeFromDate(date)]]
        })
      )
    )

  // The cron expressions of templates installed before, for the statement that can't ask for them first.
  const known = new Map<AgentId, ReadonlyArray<string>>()

  /** A first install or one that finds all as it was; none where it is neither, or has more to it. */
  const quickly = Effect.fnUntraced(function* ({ organizationId, templateAgentId, userId, ...rest }: ApplyRequest) {
    const plain = rest.name === undefined && rest.expectedPlan === undefined && wishesOf(rest).length === 0
    const schedules = known.get(templateAgentId)
    // Within a transaction a lost race would end that, not only this statement.
    const inTransaction = Option.isSome(yield* Effect.serviceOption(SqlClient.TransactionConnection))
    if (!plain || schedules === undefined || inTransaction) return Option.none<Applied>()
    const due = dueTimes(schedules, yield* DateTime.nowAsDate)
    const { agentId, created, pinned, revision, standing } = yield* findOrMake({
      organizationId,
      templateAgentId,
      userId,
      due
    })
    if (agentId === null || revision === null || standing === null) return Option.none<Applied>()
    const mirrored = byKind((kind) => standing[kind] ?? 0, kinds)
    const verdict = created ? ("create" as const) : ("unchanged" as const)
    const verdicts = kinds.map(({ kind }) => ({ kind, verdict, rows: mirrored[kind] })).filter(({ rows }) => rows > 0)
    return Option.some({ agentId, created, revision, pinned, mirrored, verdicts })
  })

  const attempt = Effect.fnUntraced(function* (
    request: ApplyRequest & Partial<Pick<ResyncRequest, "agentId" | "revision">>
  ) {
    const { expectedPlan = null, name = null, organizationId, templateAgentId, userId } = request
    const wanted = typeof request.revision === "number" ? request.revision : null
    const pins = request.revision === undefined ? null : wanted !== null
    const found = yield* prepare({ organizationId, templateAgentId, userId, name, revision: wanted, pins })
    const { agentId, created, pinned, revision, schedules } = yield* mayInstall(found, request, wanted)
    // The statement and `mayInstall` agree on who may: there is an agent where this does not refuse.
    if (agentId === null || revision === null || pinned === null) return yield* new NotOrgAdmin({ organizationId })
    // Somebody took the agent away meanwhile; what stands here now is not the one that was meant, and is rolled back.
    if (request.agentId !== undefined && request.agentId !== agentId) {
      return yield* new AgentNotFound({ agentId: request.agentId })
    }

    const here = { organizationId, templateAgentId, revision }
    known.set(templateAgentId, schedules)
    yield* setAside(here)
    const result = yield* applyRows({
      ...here,
      agentId,
      userId,
      expectedPlan,
      wishes: wishesOf(request),
      due: dueTimes(schedules, yield* DateTime.nowAsDate),
      pinned,
      action: request.agentId === undefined ? "install" : "resync"
    })
    if (!result.newest) return yield* new Superseded()
    if (!result.asPlanned) return yield* new PlanStale()
    if (result.unmet.length > 0) return yield* new NoSuchRow({ rows: result.unmet })
    if (result.collisions.length > 0) return yield* new SchemaCollision({ collisions: result.collisions })
    const mirrored = byKind((kind) => result.standing[kind] ?? 0, kinds)
    return { agentId, created: created === true, revision, pinned, mirrored, verdicts: result.verdicts }
  })

  const makePlan = Effect.fnUntraced(function* (request: MirrorRequest & Partial<ResyncPlanRequest>) {
    const { organizationId, templateAgentId, userId } = request
    const wanted = typeof request.revision === "number" ? request.revision : null
    const found = yield* consult({ organizationId, templateAgentId, userId, revision: wanted })
    const { agentId, newest, revision } = yield* mayInstall(found, request, wanted)
    if (request.agentId !== undefined && request.agentId !== agentId) {
      return yield* new AgentNotFound({ agentId: request.agentId })
    }
    const planned = request.revision === "newest" ? newest : (revision ?? newest)
    const plan = yield* planFor(request, planned)
    return { templateAgentId, organizationId, revision: planned, ...plan }
  })

  const consultInstalled = (lock: boolean) => {
    const text = consultInstalledStatement(lock)
    const find = SqlSchema.findOne({
      Request: Schema.Struct(MirrorIds),
      Result: Schema.Struct({ agentId: Schema.NullOr(AgentId), administers: Schema.Boolean }),
      execute: ({ organizationId, templateAgentId, userId }) =>
        sql.unsafe(text, [organizationId, templateAgentId, userId])
    })
    return Effect.fnUntraced(function* (request: UninstallRequest) {
      const found = yield* find(request)
      const { agentId, organizationId } = request
      if (Option.isNone(found) || found.value.agentId !== agentId) return yield* new AgentNotFound({ agentId })
      if (!found.value.administers) return yield* new NotOrgAdmin({ organizationId })
    })
  }
  const mayLook = consultInstalled(false)
  const takeTurn = consultInstalled(true)

  const leaveText = leaveStatement(kinds)
  const leave = SqlSchema.single({
    Request: Schema.Struct({ ...MirrorIds, agentId: AgentId, expectedPlan: Schema.NullOr(Schema.String) }),
    Result: Schema.Struct({ asPlanned: Schema.Boolean, rows: Schema.Array(PlannedRow) }),
    execute: ({ agentId, expectedPlan, organizationId, templateAgentId, userId }) =>
      sql.unsafe(leaveText, [organizationId, templateAgentId, null, agentId, userId, expectedPlan])
  })

  const removeAgent = SqlSchema.single({
    Request: AgentId,
    Result: Schema.Struct({ outcome: Schema.Literal("removed", "kept", "gone") }),
    execute: (agentId) => sql.unsafe(removeAgentStatement, [agentId])
  })

  const takeAway = Effect.fnUntraced(function* (request: UninstallRequest) {
    const { agentId, expectedPlan = null, organizationId } = request
    yield* takeTurn(request)
    const { asPlanned, rows } = yield* leave({ ...request, expectedPlan })
    if (!asPlanned) return yield* new PlanStale()
    const { outcome } = yield* removeAgent(agentId)
    if (outcome === "gone") return yield* new AgentNotFound({ agentId })
    return { agentId, organizationId, ...leavingOf(rows), agentRemoved: outcome === "removed" }
  })

  const makeUninstallPlan = Effect.fnUntraced(function* (request: UninstallRequest) {
    const { agentId, organizationId } = request
    yield* mayLook(request)
    const { planHash, rows } = yield* planFor(request, null)
    return { agentId, organizationId, ...leavingOf(rows), planHash }
  })

  const impactText = impactStatement(kinds)
  const impactOn = SqlSchema.findAll({
    Request: Schema.Struct({
      templateAgentId: AgentId,
      revision: Schema.Int,
      since: Schema.Int,
      after: Schema.String
    }),
    Result: InstallationImpact,
    execute: ({ after, revision, since, templateAgentId }) =>
      sql.unsafe(impactText, [templateAgentId, revision, since, after, impactBatch])
  })

  const transactionally = <A, E, R>(step: Effect.Effect<A, E, R>) =>
    sql.withTransaction(step).pipe(retryTransient(isConflict))

  return TemplateMirror.of({
    apply: Effect.fn("TemplateMirror.apply")((request: ApplyRequest) =>
      quickly(request).pipe(
        retryTransient(isConflict),
        Effect.flatMap(
          Option.match({ onNone: () => transactionally(attempt(request)), onSome: (done) => Effect.succeed(done) })
        ),
        // An install names neither an agent nor a revision.
        Effect.catchTag(
          "SqlError",
          "ParseError",
          "NoSuchElementException",
          "Superseded",
          "AgentNotFound",
          "NoSuchRevision",
          Effect.die
        )
      )
    ),
    resync: Effect.fn("TemplateMirror.resync")((request: ResyncRequest) =>
      transactionally(attempt(request)).pipe(
        Effect.catchTag("SqlError", "ParseError", "NoSuchElementException", "Superseded", Effect.die)
      )
    ),
    plan: Effect.fn("TemplateMirror.plan")((request: MirrorRequest) =>
      makePlan(request).pipe(Effect.catchTag("SqlError", "ParseError", "AgentNotFound", "NoSuchRevision", Effect.die))
    ),
    planResync: Effect.fn("TemplateMirror.planResync")((request: ResyncPlanRequest) =>
      makePlan(request).pipe(Effect.catchTag("SqlError", "ParseError", Effect.die))
    ),
    uninstall: Effect.fn("TemplateMirror.uninstall")((request: UninstallRequest) =>
      transactionally(takeAway(request)).pipe(
        Effect.catchTag("SqlError", "ParseError", "NoSuchElementException", Effect.die)
      )
    ),
    planUninstall: Effect.fn("TemplateMirror.planUninstall")((request: UninstallRequest) =>
      makeUninstallPlan(request).pipe(Effect.catchTag("SqlError", "ParseError", Effect.die))
    ),
    impact: Effect.fn("TemplateMirror.impact")((templateAgentId: AgentId, revision: number, since: number) =>
      Effect.iterate(
        { impact: noImpact, after: "", done: false },
        {
          while: ({ done }) => !done,
          body: ({ after, impact }) =>
            Effect.map(impactOn({ templateAgentId, revision, since, after }), (batch) => ({
              impact: addImpact(impact, batch),
              after: batch.at(-1)?.organizationId ?? after,
              done: batch.length < impactBatch
            }))
        }
      ).pipe(
        Effect.map(({ impact }) => impact),
        Effect.orDie
      )
    )
  })
})

/** The mirror in Postgres: one statement for most installs, three in a transaction for the others, whatever the template's size. */
export const TemplateMirrorLive = Layer.effect(TemplateMirror, make)
