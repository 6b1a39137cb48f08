import { SqlClient, SqlSchema } from "@effect/sql"
import { DateTime, Effect, Option, Schema } from "effect"
import { Kind, type KindDescription } from "../../domain/catalog/Kind.ts"
import { Mode } from "../../domain/catalog/Mode.ts"
import { AgentId, type OrganizationId, UserId } from "../../domain/Ids.ts"
import { type AgentAfter, eventOf, type RowAction } from "../../domain/installation/Actions.ts"
import type { HistoryEntry } from "../../domain/installation/History.ts"
import type { makeDueTimes } from "./DueTimes.ts"
import { trustedArray } from "./TrustedArray.ts"
import { holdStatement, setAsideStatement, writeStatement } from "./WriteStatement.ts"

/** An installation to write to. */
export interface Destination {
  readonly organizationId: OrganizationId
  /** The agent, if it is installed already. */
  readonly agentId: AgentId | undefined
  /** What to add to each row id in `actions`; absent if the ids are already absolute. */
  readonly idOffset?: number | undefined
}

/** One write, for an installation or for several that are alike. */
export interface SharedWrite {
  readonly destinations: ReadonlyArray<Destination>
  readonly templateAgentId: AgentId
  readonly revision: number | null
  /** Who does it; null if that is nobody of the organization. */
  readonly userId: UserId | null
  /** The agent after the write; absent for an uninstall, which leaves it. */
  readonly agent: AgentAfter | undefined
  /** Of an agent that is new and installed by reference: the first id of its new block. */
  readonly newBlockStart?: number | undefined
  readonly action: HistoryEntry["action"]
  /** Whether the history gets an entry even if no row changes. */
  readonly isRecorded: boolean
  readonly actions: ReadonlyArray<RowAction>
  /** Whether all rows stand as the revision has them afterwards; absent where that is not known, and it stays as it was. */
  readonly stands?: boolean | undefined
}

/** An installation to write to, as `writeStatement` reads it: `of` is the index of the write that applies to it. */
interface DestinationJson {
  readonly of: number
  readonly at: number
  readonly organization_id: OrganizationId
  readonly agent_id: AgentId | undefined
  readonly id_offset: number
}

/** A write, as `writeStatement` reads it. */
const SharedWriteJson = Schema.Struct({
  at: Schema.Int,
  template_agent_id: AgentId,
  revision: Schema.NullOr(Schema.Int),
  user_id: Schema.NullOr(UserId),
  one_agent_id: Schema.UndefinedOr(AgentId),
  action: Schema.String,
  event: Schema.String,
  by: Schema.String,
  is_recorded: Schema.Boolean,
  besides: Schema.UndefinedOr(Schema.Array(Schema.Tuple(Kind, Schema.Int))),
  agent: Schema.UndefinedOr(
    Schema.Struct({
      name: Schema.String,
      description: Schema.String,
      template_name: Schema.NullOr(Schema.String),
      template_description: Schema.NullOr(Schema.String),
      revision: Schema.Int,
      pinned: Schema.Boolean,
      stands: Schema.UndefinedOr(Schema.Boolean),
      mode: Mode,
      first_id: Schema.UndefinedOr(Schema.Int)
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
 * Writes the decisions about any number of installations, and returns the agents that it makes. Needs a transaction.
 */
export const makeWriteDecisions = (kinds: ReadonlyArray<KindDescription>, dueTimes: ReturnType<typeof makeDueTimes>) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const IdsByKind = Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Array(Schema.Int) }))
    const idsByKind = (
      writes: ReadonlyArray<SharedWrite>,
      isMeant: (action: RowAction) => boolean
    ): Readonly<Record<string, ReadonlyArray<number>>> | undefined => {
      const meant = writes.flatMap(({ actions, destinations }) =>
        actions.flatMap((action) => {
          const { kind, rowId } = action
          if (rowId === null || !isMeant(action)) return []
          return destinations.map(({ idOffset = 0 }) => ({ kind, id: rowId + idOffset }))
        })
      )
      if (meant.length === 0) return undefined
      return Object.fromEntries(
        kinds.map(({ kind }) => [kind, meant.flatMap((one) => (one.kind === kind ? [one.id] : []))])
      )
    }
    const [holdText, setAsideText] = [holdStatement(kinds), setAsideStatement(kinds)]
    const hold = SqlSchema.void({ Request: IdsByKind, execute: (ids) => sql.unsafe(holdText, [ids]) })
    const setAside = SqlSchema.void({ Request: IdsByKind, execute: (ids) => sql.unsafe(setAsideText, [ids]) })

    const writeText = writeStatement(kinds)
    const write = SqlSchema.findAll({
      Request: Schema.Struct({
        writes: Schema.parseJson(Schema.Array(SharedWriteJson)),
        rows: Schema.parseJson(Schema.Array(WrittenRow)),
        destinations: Schema.parseJson(trustedArray<DestinationJson>())
      }),
      Result: Schema.Struct({ agentId: AgentId }),
      execute: ({ destinations, rows, writes }) => sql.unsafe(writeText, [writes, rows, destinations])
    })

    // A row that others refer to is passed on even if nothing is written to it.
    const referred = new Set(kinds.flatMap(({ references = {} }) => Object.values(references)))
    const isWritten = ({ change, forgotten, isImplied, kind, remembered, write }: RowAction) =>
      write !== null ||
      remembered !== null ||
      forgotten !== null ||
      (change !== null && !isImplied) ||
      referred.has(kind)
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
      change: action.isImplied ? null : action.change,
      is_replaced: action.isReplaced
    })

    return Effect.fnUntraced(function* (writes: ReadonlyArray<SharedWrite>) {
      const heldFirst = idsByKind(writes, ({ isHeldFirst }) => isHeldFirst)
      if (heldFirst !== undefined) yield* hold(heldFirst)
      const inTheWay = idsByKind(writes, ({ isInTheWay }) => isInTheWay)
      if (inTheWay !== undefined) yield* setAside(inTheWay)
      const now = yield* DateTime.nowAsDate
      const made = yield* write({
        writes: writes.map((one, at) => {
          const agentId = one.destinations[0]?.agentId
          const { by, type } = eventOf(one.action, agentId === undefined)
          return {
            at,
            template_agent_id: one.templateAgentId,
            revision: one.revision,
            user_id: one.userId,
            one_agent_id: agentId,
            action: one.action,
            event: type,
            by,
            is_recorded: one.isRecorded || one.actions.some(({ change, isImplied }) => isImplied && change !== null),
            besides: one.actions.some(({ isImplied }) => isImplied)
              ? one.actions.flatMap(({ isImplied, kind, sourceId }) => (isImplied ? [] : [[kind, sourceId] as const]))
              : undefined,
            agent: one.agent && {
              name: one.agent.name,
              description: one.agent.description,
              template_name: one.agent.templateName,
              template_description: one.agent.templateDescription,
              revision: one.agent.revision,
              pinned: one.agent.pinned,
              stands: one.stands,
              // Both are read for an agent that is made; one that is there keeps its own.
              mode: one.newBlockStart === undefined ? ("copy" as const) : ("reference" as const),
              first_id: one.newBlockStart
            }
          }
        }),
        rows: writes.flatMap(({ actions }, at) => actions.filter(isWritten).map((action) => rowOf(action, at, now))),
        destinations: writes
          .flatMap(({ destinations }, of) => destinations.map((one) => ({ of, ...one })))
          .map(({ agentId, idOffset = 0, of, organizationId }, at) => ({
            of,
            at,
            organization_id: organizationId,
            agent_id: agentId,
            id_offset: idOffset
          }))
      })
      return made.map(({ agentId }) => agentId)
    })
  })
