import { SqlClient, SqlSchema } from "@effect/sql"
import { Data, DateTime, Effect, Layer, Option, Schema } from "effect"
import {
  Collision,
  NotOrgAdmin,
  PlanStale,
  SchemaCollision,
  SelfInstall,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic
} from "../domain/Errors.ts"
import { AgentId, OrganizationId, UserId } from "../domain/Ids.ts"
import { byKind, Kind, kindDescriptions } from "../domain/Kind.ts"
import { PlannedRow } from "../domain/Plan.ts"
import { nextDue } from "../domain/Schedule.ts"
import {
  type ApplyRequest,
  type MirrorRefusal,
  type MirrorRequest,
  TemplateMirror
} from "../services/TemplateMirror.ts"
import { isPassing, retryWhile } from "./Database.ts"
import {
  applyStatement,
  consultStatement,
  planStatement,
  prepareStatement,
  setAsideStatement
} from "./MirrorStatements.ts"

/** A newer revision was published between reading the template and applying it. */
class Superseded extends Data.TaggedError("Superseded") {}

const worthAnotherTry = (error: unknown) => error instanceof Superseded || isPassing(error)

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const Standing = {
    visible: Schema.Boolean,
    published: Schema.Boolean,
    installed: Schema.Boolean,
    own: Schema.Boolean,
    administers: Schema.Boolean,
    revision: Schema.NullOr(Schema.Int)
  }
  const MirrorIds = { organizationId: OrganizationId, templateAgentId: AgentId, userId: UserId }

  const consult = SqlSchema.findOne({
    Request: Schema.Struct(MirrorIds),
    Result: Schema.Struct(Standing),
    execute: ({ organizationId, templateAgentId, userId }) =>
      sql.unsafe(consultStatement, [organizationId, templateAgentId, userId])
  })

  const prepareText = prepareStatement(kindDescriptions)
  const prepare = SqlSchema.findOne({
    Request: Schema.Struct({ ...MirrorIds, name: Schema.NullOr(Schema.String) }),
    Result: Schema.Struct({
      ...Standing,
      agentId: Schema.NullOr(AgentId),
      created: Schema.NullOr(Schema.Boolean),
      moving: Schema.Boolean,
      schedules: Schema.Array(Schema.String)
    }),
    execute: ({ name, organizationId, templateAgentId, userId }) =>
      sql.unsafe(prepareText, [organizationId, templateAgentId, userId, name])
  })

  /** What is known of the template and the caller, where the caller may install it there. */
  const mayInstall = <A extends Schema.Struct.Type<typeof Standing>>(
    found: Option.Option<A>,
    { organizationId, templateAgentId }: MirrorRequest
  ): Effect.Effect<A & { readonly revision: number }, MirrorRefusal> => {
    if (Option.isNone(found) || !found.value.visible) return new TemplateNotFound({ templateAgentId })
    const { administers, installed, own, published, revision } = found.value
    if (installed) return new TemplateIsInstalled({ templateAgentId })
    if (own) return new SelfInstall({ templateAgentId })
    if (!published || revision === null) return new TemplateNotPublic({ templateAgentId })
    return administers ? Effect.succeed({ ...found.value, revision }) : new NotOrgAdmin({ organizationId })
  }

  const planText = planStatement(kindDescriptions)
  const planRows = SqlSchema.single({
    Request: Schema.Struct({ organizationId: OrganizationId, templateAgentId: AgentId, revision: Schema.Int }),
    Result: Schema.Struct({ planHash: Schema.String, rows: Schema.Array(PlannedRow) }),
    execute: ({ organizationId, revision, templateAgentId }) =>
      sql.unsafe(planText, [organizationId, templateAgentId, revision])
  })

  const setAsideText = setAsideStatement(kindDescriptions)
  const setAside = SqlSchema.void({
    Request: Schema.Struct({ organizationId: OrganizationId, templateAgentId: AgentId, revision: Schema.Int }),
    execute: ({ organizationId, revision, templateAgentId }) =>
      sql.unsafe(setAsideText, [organizationId, templateAgentId, revision])
  })

  const applyText = applyStatement(kindDescriptions)
  const applyRows = SqlSchema.findAll({
    Request: Schema.Struct({
      organizationId: OrganizationId,
      templateAgentId: AgentId,
      revision: Schema.Int,
      agentId: AgentId,
      userId: UserId,
      due: Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.DateTimeUtc })),
      expectedPlan: Schema.NullOr(Schema.String)
    }),
    Result: Schema.Struct({
      kind: Kind,
      newest: Schema.Boolean,
      asPlanned: Schema.Boolean,
      standing: Schema.Int,
      collisions: Schema.Array(Collision)
    }),
    execute: ({ agentId, due, expectedPlan, organizationId, revision, templateAgentId, userId }) =>
      sql.unsafe(applyText, [organizationId, templateAgentId, revision, agentId, userId, due, expectedPlan])
  })

  const attempt = Effect.fnUntraced(function* (request: ApplyRequest) {
    const { expectedPlan = null, name = null, organizationId, templateAgentId, userId } = request
    const found = yield* prepare({ organizationId, templateAgentId, userId, name })
    const { agentId, created, moving, revision, schedules } = yield* mayInstall(found, request)
    if (agentId === null) return yield* new NotOrgAdmin({ organizationId })

    const now = yield* DateTime.nowAsDate
    const due = Object.fromEntries(
      schedules.flatMap((schedule) =>
        Option.match(nextDue(schedule, now), {
          onNone: () => [],
          onSome: (date) => [[schedule, DateTime.unsafeFromDate(date)]]
        })
      )
    )
    if (moving) yield* setAside({ organizationId, templateAgentId, revision })
    const results = yield* applyRows({ organizationId, templateAgentId, revision, agentId, userId, due, expectedPlan })
    if (results.some((result) => !result.newest)) return yield* new Superseded()
    if (results.some((result) => !result.asPlanned)) return yield* new PlanStale()
    const collisions = results.flatMap((result) => result.collisions)
    if (collisions.length > 0) return yield* new SchemaCollision({ collisions })
    const standing = new Map(results.map((result) => [result.kind, result.standing]))
    return { agentId, created: created === true, revision, mirrored: byKind((kind) => standing.get(kind) ?? 0) }
  })

  const makePlan = Effect.fnUntraced(function* (request: MirrorRequest) {
    const { organizationId, templateAgentId, userId } = request
    const found = yield* consult({ organizationId, templateAgentId, userId })
    const { revision } = yield* mayInstall(found, request)
    const plan = yield* planRows({ organizationId, templateAgentId, revision })
    return { templateAgentId, organizationId, revision, ...plan }
  })

  return TemplateMirror.of({
    plan: Effect.fn("TemplateMirror.plan")((request: MirrorRequest) =>
      makePlan(request).pipe(Effect.catchTag("SqlError", "ParseError", "NoSuchElementException", Effect.die))
    ),
    apply: Effect.fn("TemplateMirror.apply")((request: ApplyRequest) =>
      sql
        .withTransaction(attempt(request))
        .pipe(retryWhile(worthAnotherTry), Effect.catchTag("SqlError", "ParseError", "Superseded", Effect.die))
    )
  })
})

/** The mirror in Postgres: two statements an install, three where slugs move, whatever the template's size. */
export const TemplateMirrorLive = Layer.effect(TemplateMirror, make)
