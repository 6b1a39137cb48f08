import { SqlClient, SqlSchema } from "@effect/sql"
import { DateTime, Effect, Option, Schema } from "effect"
import { byKind, type KindDescription } from "../../domain/catalog/Kind.ts"
import { Mode } from "../../domain/catalog/Mode.ts"
import { AgentId, OrganizationId, UserId } from "../../domain/Ids.ts"
import { wishesOf } from "../../domain/installation/Plan.ts"
import type { Applied, ApplyRequest } from "../../services/installation/TemplateMirror.ts"
import type { makeDueTimes } from "./DueTimes.ts"
import { shortCutStatement, shortReferenceStatement } from "./ShortCutStatement.ts"

/** What the short cut has to know of a template first: the schedules of its rows, and how it is installed most likely. */
export interface Learnt {
  readonly schedules: ReadonlyArray<string>
  readonly mode: Mode
}

/** The short cut of installs. */
export const makeShortCut = (kinds: ReadonlyArray<KindDescription>, dueTimes: ReturnType<typeof makeDueTimes>) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const texts = { copy: shortCutStatement(kinds), reference: shortReferenceStatement(kinds) }
    const run = SqlSchema.single({
      Request: Schema.Struct({
        organizationId: OrganizationId,
        templateAgentId: AgentId,
        userId: UserId,
        due: Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.DateFromSelf })),
        mode: Schema.NullOr(Mode),
        likely: Mode
      }),
      Result: Schema.Struct({
        agentId: Schema.NullOr(AgentId),
        created: Schema.Boolean,
        revision: Schema.NullOr(Schema.Int),
        pinned: Schema.Boolean,
        rows: Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.Int }))
      }),
      execute: ({ due, likely, mode, organizationId, templateAgentId, userId }) =>
        sql.unsafe(texts[likely], [organizationId, templateAgentId, userId, due, mode])
    })
    const known = new Map<AgentId, Learnt>()
    return {
      /** Learns what is to be known of a template. */
      learn: (templateAgentId: AgentId, learnt: Learnt) => {
        known.set(templateAgentId, learnt)
      },

      /**
       * Makes a first install, or confirms one that finds everything unchanged; none if it is neither, or needs more.
       */
      installOrConfirm: Effect.fnUntraced(function* (request: ApplyRequest) {
        const { mode = null, organizationId, templateAgentId, userId, ...rest } = request
        const isPlain = rest.name === undefined && rest.expectedPlan === undefined && wishesOf(rest).length === 0
        const learnt = known.get(templateAgentId)
        // Within a transaction a lost race would abort all of it, not only this statement.
        const inTransaction = Option.isSome(yield* Effect.serviceOption(SqlClient.TransactionConnection))
        if (!isPlain || learnt === undefined || inTransaction) return Option.none<Applied>()
        const now = yield* DateTime.nowAsDate
        const due = Object.fromEntries(
          learnt.schedules.flatMap((schedule) =>
            Option.toArray(Option.map(dueTimes(schedule, now), (at) => [schedule, at]))
          )
        )
        const likely = mode ?? learnt.mode
        const asked = { organizationId, templateAgentId, userId, due, mode, likely }
        const { agentId, created, pinned, revision, rows } = yield* run(asked)
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
