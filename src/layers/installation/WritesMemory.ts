import { type DateTime, Option } from "effect"
import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { nextDue } from "../../domain/catalog/Schedule.ts"
import type { AgentId, OrganizationId, UserId } from "../../domain/Ids.ts"
import { eventOf, type RowAction } from "../../domain/installation/Actions.ts"
import type { HistoryEntry, RecordedRow } from "../../domain/installation/History.ts"
import { contentOf, type DefinitionRecord, type LedgerRecord, type MemoryState } from "../memory/MemoryStore.ts"

/* Writes decisions into the memory store. */

/** What to write about one installation. */
export interface InstallationWrite {
  readonly organizationId: OrganizationId
  readonly templateAgentId: AgentId
  readonly revision: number | null
  readonly userId: UserId | null
  /** The installed agent. */
  readonly agentId: AgentId
  readonly action: HistoryEntry["action"]
  /** Whether this makes the agent. */
  readonly isNew: boolean
  /** Whether the history gets an entry. */
  readonly isRecorded: boolean
  readonly actions: ReadonlyArray<RowAction>
}

const keyOf = ({ kind, sourceId }: Pick<RowAction, "kind" | "sourceId">) => `${kind} ${sourceId}`

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** The state with all that is written of the rows of an installation. */
export const written = (
  state: MemoryState,
  { action, actions, agentId, isNew, isRecorded, organizationId, revision, templateAgentId, userId }: InstallationWrite,
  kinds: ReadonlyArray<KindDescription>,
  at: DateTime.Utc
): MemoryState => {
  let nextId = state.nextId
  const schedules = new Map(kinds.flatMap(({ kind, schedule }) => (schedule === undefined ? [] : [[kind, schedule]])))
  const withAgent = new Set(kinds.flatMap(({ agent, kind }) => (agent === undefined ? [] : [kind])))
  const publisher = state.agents.find(({ id }) => id === templateAgentId)?.organizationId
  const published = new Map(
    state.revisionRows.flatMap((row) =>
      row.templateAgentId === templateAgentId && row.revision === revision ? [[keyOf(row), row] as const] : []
    )
  )
  const before = new Map(state.definitions.map((row) => [row.id, row]))
  const rowIds = new Map(actions.map((one) => [one, one.write === "insert" ? nextId++ : one.rowId]))
  const placed = new Map(actions.map((one) => [one.sourceId, rowIds.get(one) ?? null]))

  const written = actions.flatMap((one): ReadonlyArray<DefinitionRecord> => {
    const id = rowIds.get(one)
    const stood = id === null || id === undefined ? undefined : before.get(id)
    const tags = {
      managedBy: one.managedBy ?? undefined,
      sourceOrganizationId: one.managedBy === null ? undefined : (stood?.sourceOrganizationId ?? publisher),
      agentId: !withAgent.has(one.kind) ? undefined : one.isBound ? agentId : (one.agentId ?? undefined),
      retired: one.isRetired
    }
    if (one.write === "tag") return stood === undefined ? [] : [{ ...stood, ...tags }]
    const row = published.get(keyOf(one))?.content
    if ((one.write !== "insert" && one.write !== "update") || row === undefined || id === null || id === undefined) {
      return []
    }
    const schedule = row.content[schedules.get(one.kind)?.cron ?? ""]
    const due = Option.getOrUndefined(nextDue(String(schedule), new Date(at.epochMillis)))
    return [
      {
        ...row,
        ...tags,
        id,
        organizationId,
        deleted: false,
        references: Object.fromEntries(
          Object.entries(row.references).map(([column, source]) => [
            column,
            source === null ? null : (placed.get(source) ?? null)
          ])
        ),
        due: one.isRescheduled ? due : stood?.due,
        paused: stood?.paused
      }
    ]
  })
  const replaced = new Set([
    ...written.map(({ id }) => id),
    ...actions.flatMap(({ rowId, write }) => (write === "delete" ? [rowId] : []))
  ])

  const remembered = new Map(
    actions.flatMap((one) =>
      one.remembered === null
        ? []
        : [
            [
              keyOf(one),
              {
                copyId: one.remembered.copyId ?? rowIds.get(one) ?? 0,
                slug: one.remembered.slug,
                appliedHash: one.remembered.hash,
                adopted: one.remembered.adopted
              }
            ] as const
          ]
    )
  )
  const forgotten = new Map(actions.map((one) => [keyOf(one), one.forgotten]))
  const isOwn = (entry: LedgerRecord) => entry.templateAgentId === templateAgentId
  const kept = state.ledger.flatMap((entry): ReadonlyArray<LedgerRecord> => {
    if (entry.organizationId !== organizationId) return [entry]
    const ends = forgotten.get(keyOf(entry))
    if (ends === "everywhere" || (ends === "here" && isOwn(entry))) return []
    return [{ ...entry, ...remembered.get(keyOf(entry)) }]
  })
  const known = new Set(
    kept.flatMap((entry) => (entry.organizationId === organizationId && isOwn(entry) ? [keyOf(entry)] : []))
  )
  const added = actions.flatMap((one): ReadonlyArray<LedgerRecord> => {
    const entry = remembered.get(keyOf(one))
    return entry === undefined || known.has(keyOf(one))
      ? []
      : [{ organizationId, templateAgentId, kind: one.kind, sourceId: one.sourceId, ...entry }]
  })

  const slugById = (id: number) => before.get(id)?.slug ?? null
  const slugOfSource = new Map([...published.values()].map(({ slug, sourceId }) => [sourceId, slug]))
  const rows = actions
    .flatMap(({ change, isReplaced, rowId, ...one }): ReadonlyArray<RecordedRow> => {
      if (change === null) return []
      const stood = isReplaced && rowId !== null ? before.get(rowId) : undefined
      const row = one.write === "insert" || one.write === "update" ? published.get(keyOf(one)) : undefined
      return [
        {
          kind: one.kind,
          slug: one.slug,
          did: change,
          before: stood === undefined ? null : contentOf(stood, slugById),
          after: row === undefined ? null : contentOf(row.content, (id) => slugOfSource.get(id) ?? null)
        }
      ]
    })
    .sort((a, b) => compare(a.kind, b.kind) || compare(a.slug, b.slug))
  const entry = { id: nextId, organizationId, templateAgentId, userId, action, revision, at, rows }
  const isDone = isRecorded || rows.length > 0
  const { by, type } = eventOf(action, isNew)
  const event = { type, data: { agentId, templateAgentId, revision, by }, organizationId, at }
  return {
    ...state,
    nextId: nextId + 1,
    definitions: [...state.definitions.filter(({ id }) => !replaced.has(id)), ...written],
    ledger: [...kept, ...added],
    history: isDone ? [...state.history, entry] : state.history,
    events: isDone ? [...state.events, event] : state.events
  }
}
