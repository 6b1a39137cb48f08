import { SqlClient, SqlSchema } from "@effect/sql"
import { DateTime, Effect, Option, Schema } from "effect"
import { Kind, type KindDescription } from "../../domain/catalog/Kind.ts"
import { AgentId, OrganizationId, UserId } from "../../domain/Ids.ts"
import { type AgentAfter, eventOf, type RowAction } from "../../domain/installation/Actions.ts"
import type { HistoryEntry } from "../../domain/installation/History.ts"
import type { makeDueTimes } from "./DueTimes.ts"
import { setAsideStatement, writeStatement } from "./WriteStatement.ts"

/** What to write about one installation. */
export interface InstallationWrite {
  readonly organizationId: OrganizationId
  readonly templateAgentId: AgentId
  readonly revision: number | null
  /** Who does it; null if that is nobody of the organization. */
  readonly userId: UserId | null
  /** The agent, if it is installed already. */
  readonly agentId: AgentId | undefined
  /** The agent after the write; absent for an uninstall, which leaves it. */
  readonly agent: AgentAfter | undefined
  readonly action: HistoryEntry["action"]
  /** Whether the history gets an entry even if no row changes. */
  readonly isRecorded: boolean
  readonly actions: ReadonlyArray<RowAction>
}

/** An installation as `writeStatement` reads it. */
const Written = Schema.Struct({
  at: Schema.Int,
  organization_id: OrganizationId,
  template_agent_id: AgentId,
  revision: Schema.NullOr(Schema.Int),
  user_id: Schema.NullOr(UserId),
  agent_id: Schema.UndefinedOr(AgentId),
  action: Schema.String,
  event: Schema.String,
  by: Schema.String,
  is_recorded: Schema.Boolean,
  agent: Schema.UndefinedOr(
    Schema.Struct({
      name: Schema.String,
      description: Schema.String,
      template_name: Schema.NullOr(Schema.String),
      template_description: Schema.NullOr(Schema.String),
      revision: Schema.Int,
      pinned: Schema.Boolean
    })
  )
})

/** What is done to a row, as it reads it. */
const WrittenRow = Schema.Struct({
  at: Schema.Int,
  kind: Kind,
  source_id: Schema.Int,
  slug: Schema.String,
  write: Schema.NullOr(Schema.String),
  row_id: Schema.NullOr(Schema.Int),
  managed_by: Schema.NullOr(AgentId),
  is_bound: Schema.Boolean,
  agent_id: Schema.NullOr(AgentId),
  is_retired: Schema.Boolean,
  is_rescheduled: Schema.Boolean,
  due: Schema.NullOr(Schema.DateFromSelf),
  remembered_id: Schema.UndefinedOr(Schema.NullOr(Schema.Int)),
  remembered_slug: Schema.UndefinedOr(Schema.String),
  remembered_hash: Schema.UndefinedOr(Schema.String),
  adopted: Schema.UndefinedOr(Schema.Boolean),
  forgotten: Schema.NullOr(Schema.String),
  change: Schema.NullOr(Schema.String),
  is_replaced: Schema.Boolean
})

/**
 * Writes the decisions about any number of installations; returns their agents, in the same order. Needs a transaction.
 */
export const makeWriteDecisions = (kinds: ReadonlyArray<KindDescription>, dueTimes: ReturnType<typeof makeDueTimes>) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const setAsideText = setAsideStatement(kinds)
    const setAside = SqlSchema.void({
      Request: Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Array(Schema.Int) })),
      execute: (ids) => sql.unsafe(setAsideText, [ids])
    })

    const writeText = writeStatement(kinds)
    const write = SqlSchema.findAll({
      Request: Schema.Struct({
        installations: Schema.parseJson(Schema.Array(Written)),
        rows: Schema.parseJson(Schema.Array(WrittenRow))
      }),
      Result: Schema.Struct({ at: Schema.Int, agentId: AgentId }),
      execute: ({ installations, rows }) => sql.unsafe(writeText, [installations, rows])
    })

    // A row that others refer to is passed on even if nothing is written to it.
    const referred = new Set(kinds.flatMap(({ references = {} }) => Object.values(references)))
    const isWritten = ({ change, forgotten, kind, remembered, write }: RowAction) =>
      write !== null || remembered !== null || forgotten !== null || change !== null || referred.has(kind)
    const rowOf = (action: RowAction, at: number, now: Date): typeof WrittenRow.Type => ({
      at,
      kind: action.kind,
      source_id: action.sourceId,
      slug: action.slug,
      write: action.write,
      row_id: action.rowId,
      managed_by: action.managedBy,
      is_bound: action.isBound,
      agent_id: action.agentId,
      is_retired: action.isRetired,
      is_rescheduled: action.isRescheduled,
      due: action.schedule === null ? null : Option.getOrNull(dueTimes(action.schedule, now)),
      remembered_id: action.remembered?.copyId,
      remembered_slug: action.remembered?.slug,
      remembered_hash: action.remembered?.hash,
      adopted: action.remembered?.adopted,
      forgotten: action.forgotten,
      change: action.change,
      is_replaced: action.isReplaced
    })

    return Effect.fnUntraced(function* (installations: ReadonlyArray<InstallationWrite>) {
      const actions = installations.flatMap((one) => one.actions)
      const inTheWay = actions.filter(({ isInTheWay }) => isInTheWay)
      if (inTheWay.length > 0) {
        yield* setAside(
          Object.fromEntries(
            kinds.map(({ kind }) => [
              kind,
              inTheWay.flatMap((one) => (one.kind === kind && one.rowId !== null ? [one.rowId] : []))
            ])
          )
        )
      }
      const now = yield* DateTime.nowAsDate
      const written = yield* write({
        installations: installations.map((one, at) => {
          const { by, type } = eventOf(one.action, one.agentId === undefined)
          return {
            at,
            organization_id: one.organizationId,
            template_agent_id: one.templateAgentId,
            revision: one.revision,
            user_id: one.userId,
            agent_id: one.agentId,
            action: one.action,
            event: type,
            by,
            is_recorded: one.isRecorded,
            agent: one.agent && {
              name: one.agent.name,
              description: one.agent.description,
              template_name: one.agent.templateName,
              template_description: one.agent.templateDescription,
              revision: one.agent.revision,
              pinned: one.agent.pinned
            }
          }
        }),
        rows: installations.flatMap(({ actions }, at) =>
          actions.filter(isWritten).map((action) => rowOf(action, at, now))
        )
      })
      return written.toSorted((a, b) => a.at - b.at).map(({ agentId }) => agentId)
    })
  })
