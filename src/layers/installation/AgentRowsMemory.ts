import { DateTime, Effect, Either, Layer, Option } from "effect"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { nextDue } from "../../domain/catalog/Schedule.ts"
import { InvalidRequest, NotOrgAdmin, RowNotFound } from "../../domain/Errors.ts"
import { type AgentRow, changeProblems } from "../../domain/installation/Row.ts"
import { AgentRows, type RowRequest } from "../../services/installation/AgentRows.ts"
import { type DefinitionRecord, fieldsOf, hashOf, type MemoryState, MemoryStore } from "../memory/MemoryStore.ts"

const find = ({ definitions, ledger }: MemoryState, { agent, kind, slug }: RowRequest) => {
  const { organizationId, template } = agent
  const here = ledger.filter((entry) => entry.organizationId === organizationId)
  const entryOf = ({ id }: DefinitionRecord) =>
    here.find(
      (entry) => entry.kind === kind && entry.templateAgentId === template.templateAgentId && entry.copyId === id
    )
  const row = definitions.find(
    (one) =>
      one.organizationId === organizationId &&
      one.kind === kind &&
      one.slug === slug &&
      !one.deleted &&
      one.retired !== true &&
      entryOf(one) !== undefined
  )
  const sourceOf = new Map(here.map(({ copyId, sourceId }) => [copyId, sourceId]))
  return row === undefined
    ? Either.left(new RowNotFound({ kind, slug }))
    : Either.right({
        row,
        shown: (one: DefinitionRecord): AgentRow => ({
          kind: one.kind,
          slug: one.slug,
          customized: hashOf(fieldsOf(one, (id) => sourceOf.get(id) ?? `own:${id}`)) !== entryOf(row)?.appliedHash,
          name: one.name,
          description: one.description,
          content: one.content
        })
      })
}

const administers = ({ members }: MemoryState, { agent: { organizationId }, userId }: RowRequest) =>
  members.some((one) => one.organizationId === organizationId && one.userId === userId && one.role !== "member")
    ? Either.void
    : Either.left(new NotOrgAdmin({ organizationId }))

const replaced = (state: MemoryState, row: DefinitionRecord): MemoryState => ({
  ...state,
  definitions: state.definitions.map((one) => (one.id === row.id ? row : one))
})

/** The rows of agents in memory. */
export const AgentRowsMemory = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(
    AgentRows,
    Effect.map(MemoryStore, ({ change, read }) =>
      AgentRows.of({
        view: (request) =>
          Effect.flatten(read((state) => Either.map(find(state, request), ({ row, shown }) => shown(row)))),
        customize: (request, changes) =>
          Effect.flatMap(DateTime.nowAsDate, (now) =>
            change((state) =>
              Either.gen(function* () {
                yield* administers(state, request)
                const { row, shown } = yield* find(state, request)
                const kind = kinds.find((one) => one.kind === row.kind)
                const issues = kind === undefined ? [] : changeProblems(kind, changes)
                if (issues.length > 0) return yield* Either.left(new InvalidRequest({ issues }))
                const { content, ...rest } = changes
                const cron = content?.schedule
                const isRescheduled = cron !== undefined && cron !== row.content.schedule
                const next: DefinitionRecord = {
                  ...row,
                  ...rest,
                  content: { ...row.content, ...content },
                  ...(isRescheduled && { due: Option.getOrUndefined(nextDue(cron, now)) })
                }
                return [shown(next), replaced(state, next)] as const
              })
            )
          ),
        remove: (request) =>
          change((state) =>
            Either.gen(function* () {
              yield* administers(state, request)
              const { row } = yield* find(state, request)
              return [undefined, replaced(state, { ...row, deleted: true })] as const
            })
          )
      })
    )
  )
