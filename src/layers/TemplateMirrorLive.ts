import { SqlClient, SqlSchema } from "@effect/sql"
import { Data, DateTime, Effect, Layer, Option, Schema } from "effect"
import {
  Collision,
  NotOrgAdmin,
  SchemaCollision,
  SelfInstall,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic
} from "../domain/Errors.ts"
import { AgentId, OrganizationId, UserId } from "../domain/Ids.ts"
import { byKind, Kind, kindDescriptions } from "../domain/Kind.ts"
import { nextDue } from "../domain/Schedule.ts"
import { type ApplyRequest, TemplateMirror } from "../services/TemplateMirror.ts"
import { isPassing } from "./Database.ts"
import { applyStatement, prepareStatement, setAsideStatement } from "./MirrorStatements.ts"

/** A newer revision was published between reading the template and applying it. */
class Superseded extends Data.TaggedError("Superseded") {}

const worthAnotherTry = (error: unknown) => error instanceof Superseded || isPassing(error)

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const prepareText = prepareStatement(kindDescriptions)
  const prepare = SqlSchema.findOne({
    Request: Schema.Struct({
      organizationId: OrganizationId,
      templateAgentId: AgentId,
      userId: UserId,
      name: Schema.NullOr(Schema.String)
    }),
    Result: Schema.Struct({
      visible: Schema.Boolean,
      published: Schema.Boolean,
      installed: Schema.Boolean,
      own: Schema.Boolean,
      administers: Schema.Boolean,
      revision: Schema.NullOr(Schema.Int),
      agentId: Schema.NullOr(AgentId),
      created: Schema.NullOr(Schema.Boolean),
      moving: Schema.Boolean,
      schedules: Schema.Array(Schema.String)
    }),
    execute: ({ name, organizationId, templateAgentId, userId }) =>
      sql.unsafe(prepareText, [organizationId, templateAgentId, userId, name])
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
      due: Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.DateTimeUtc }))
    }),
    Result: Schema.Struct({
      kind: Kind,
      newest: Schema.Boolean,
      standing: Schema.Int,
      collisions: Schema.Array(Collision)
    }),
    execute: ({ agentId, due, organizationId, revision, templateAgentId, userId }) =>
      sql.unsafe(applyText, [organizationId, templateAgentId, revision, agentId, userId, due])
  })

  const attempt = Effect.fnUntraced(function* ({ name, organizationId, templateAgentId, userId }: ApplyRequest) {
    const found = yield* prepare({ organizationId, templateAgentId, userId, name: name ?? null })
    if (Option.isNone(found) || !found.value.visible) return yield* new TemplateNotFound({ templateAgentId })
    const { administers, agentId, created, installed, moving, own, published, revision, schedules } = found.value
    if (installed) return yield* new TemplateIsInstalled({ templateAgentId })
    if (own) return yield* new SelfInstall({ templateAgentId })
    if (!published || revision === null) return yield* new TemplateNotPublic({ templateAgentId })
    if (!administers || agentId === null) return yield* new NotOrgAdmin({ organizationId })

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
    const results = yield* applyRows({ organizationId, templateAgentId, revision, agentId, userId, due })
    if (results.some((result) => !result.newest)) return yield* new Superseded()
    const collisions = results.flatMap((result) => result.collisions)
    if (collisions.length > 0) return yield* new SchemaCollision({ collisions })
    const standing = new Map(results.map((result) => [result.kind, result.standing]))
    return { agentId, created: created === true, revision, mirrored: byKind((kind) => standing.get(kind) ?? 0) }
  })

  return TemplateMirror.of({
    apply: Effect.fn("TemplateMirror.apply")((request: ApplyRequest) =>
      sql
        .withTransaction(attempt(request))
        .pipe(
          Effect.retry({ while: worthAnotherTry, times: 10 }),
          Effect.catchTag("SqlError", "ParseError", "Superseded", Effect.die)
        )
    )
  })
})

/** The mirror in Postgres: two statements an install, three where slugs move, whatever the template's size. */
export const TemplateMirrorLive = Layer.effect(TemplateMirror, make)
