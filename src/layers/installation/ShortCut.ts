import { SqlClient, SqlSchema } from "@effect/sql"
import { DateTime, Effect, Option, Schema } from "effect"
import { byKind, type KindDescription } from "../../domain/catalog/Kind.ts"
import { AgentId, OrganizationId, UserId } from "../../domain/Ids.ts"
import { wishesOf } from "../../domain/installation/Plan.ts"
import type { Applied, ApplyRequest } from "../../services/installation/TemplateMirror.ts"
import type { makeDueTimes } from "./DueTimes.ts"
import { shortCutStatement } from "./ShortCutStatement.ts"

/** The short cut of installs, and the schedules of each template's rows, which it has to know first. */
export const makeShortCut = (kinds: ReadonlyArray<KindDescription>, dueTimes: ReturnType<typeof makeDueTimes>) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const text = shortCutStatement(kinds)
    const run = SqlSchema.single({
      Request: Schema.Struct({
        organizationId: OrganizationId,
        templateAgentId: AgentId,
        userId: UserId,
        due: Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.DateFromSelf }))
      }),
      Result: Schema.Struct({
        agentId: Schema.NullOr(AgentId),
        created: Schema.Boolean,
        revision: Schema.NullOr(Schema.Int),
        pinned: Schema.Boolean,
        rows: Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.Int }))
      }),
      execute: ({ due, organizationId, templateAgentId, userId }) =>
        sql.unsafe(text, [organizationId, templateAgentId, userId, due])
    })

    const schedulesOf = new Map<AgentId, ReadonlyArray<string>>()
    return {
      /** Remembers the schedules of a template's rows. */
      learn: (templateAgentId: AgentId, schedules: ReadonlyArray<string>) => {
        schedulesOf.set(templateAgentId, schedules)
      },

      /**
       * Makes a first install, or confirms one that finds everything unchanged; none if it is neither, or needs more.
       */
      installOrConfirm: Effect.fnUntraced(function* (request: ApplyRequest) {
        const { organizationId, templateAgentId, userId, ...rest } = request
        const isPlain = rest.name === undefined && rest.expectedPlan === undefined && wishesOf(rest).length === 0
        const schedules = schedulesOf.get(templateAgentId)
        // Within a transaction a lost race would abort all of it, not only this statement.
        const inTransaction = Option.isSome(yield* Effect.serviceOption(SqlClient.TransactionConnection))
        if (!isPlain || schedules === undefined || inTransaction) return Option.none<Applied>()
        const now = yield* DateTime.nowAsDate
        const due = Object.fromEntries(
          schedules.flatMap((schedule) => Option.toArray(Option.map(dueTimes(schedule, now), (at) => [schedule, at])))
        )
        const { agentId, created, pinned, revision, rows } = yield* run({
          organizationId,
          templateAgentId,
          userId,
          due
        })
        if (agentId === null || revision === null || rows === null) return Option.none<Applied>()
        const mirrored = byKind((kind) => rows[kind] ?? 0, kinds)
        const verdict = created ? ("create" as const) : ("unchanged" as const)
        const verdicts = kinds
          .map(({ kind }) => ({ kind, verdict, rows: mirrored[kind] }))
          .filter(({ rows }) => rows > 0)
        return Option.some<Applied>({ agentId, created, revision, pinned, mirrored, verdicts })
      })
    }
  })
