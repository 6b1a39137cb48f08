import { DateTime, Effect, Either, Layer } from "effect"
import { NotOrgAdmin, WatcherNotFound } from "../../domain/Errors.ts"
import type { InstalledAgent } from "../../domain/installation/Agent.ts"
import { type AgentWatcher, dueOnResume } from "../../domain/installation/Watcher.ts"
import { Watchers } from "../../services/installation/Watchers.ts"
import { type DefinitionRecord, type MemoryState, MemoryStore } from "../memory/MemoryStore.ts"

const scheduleOf = ({ content }: DefinitionRecord) => (typeof content.schedule === "string" ? content.schedule : null)

const watchersOf = ({ definitions, ledger }: MemoryState, { agentId, organizationId, template }: InstalledAgent) =>
  definitions
    .filter(
      (row) =>
        row.kind === "watchers" &&
        row.organizationId === organizationId &&
        !row.deleted &&
        row.retired !== true &&
        (row.agentId === agentId ||
          ledger.some(
            (entry) =>
              entry.kind === "watchers" &&
              entry.organizationId === organizationId &&
              entry.templateAgentId === template.templateAgentId &&
              entry.copyId === row.id
          ))
    )
    .toSorted((a, b) => (a.slug < b.slug ? -1 : 1))

const shown = (row: DefinitionRecord): AgentWatcher => ({
  slug: row.slug,
  name: row.name,
  description: row.description,
  schedule: scheduleOf(row),
  nextRunAt: row.paused !== undefined || row.due === undefined ? null : DateTime.unsafeFromDate(row.due),
  pausedAt: row.paused === undefined ? null : DateTime.unsafeFromDate(row.paused)
})

/** Watchers in memory. */
export const WatchersMemory = Layer.effect(
  Watchers,
  Effect.map(MemoryStore, ({ change, read }) =>
    Watchers.of({
      list: (agent) => read((state) => watchersOf(state, agent).map(shown)),
      set: (what, { agent, slug, userId }) =>
        Effect.flatMap(DateTime.nowAsDate, (now) =>
          change((state): Either.Either<readonly [AgentWatcher, MemoryState], NotOrgAdmin | WatcherNotFound> => {
            const { organizationId } = agent
            const isAdmin = state.members.some(
              (one) => one.organizationId === organizationId && one.userId === userId && one.role !== "member"
            )
            if (!isAdmin) return Either.left(new NotOrgAdmin({ organizationId }))
            const row = watchersOf(state, agent).find((one) => one.slug === slug)
            if (row === undefined) return Either.left(new WatcherNotFound({ slug }))
            const resumed = {
              ...row,
              paused: undefined,
              due: dueOnResume(scheduleOf(row), row.due ?? null, now) ?? undefined
            }
            const next =
              what === "pause" ? { ...row, paused: row.paused ?? now } : row.paused === undefined ? row : resumed
            const definitions = state.definitions.map((one) => (one.id === row.id ? next : one))
            return Either.right([shown(next), { ...state, definitions }])
          })
        )
    })
  )
)
