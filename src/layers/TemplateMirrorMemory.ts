import { DateTime, Effect, Either, Layer, Option } from "effect"
import {
  type Collision,
  NotOrgAdmin,
  SchemaCollision,
  SelfInstall,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic
} from "../domain/Errors.ts"
import { AgentId } from "../domain/Ids.ts"
import { byKind, type KindDescription, kindDescriptions } from "../domain/Kind.ts"
import { nextDue } from "../domain/Schedule.ts"
import { type Applied, type ApplyRequest, TemplateMirror } from "../services/TemplateMirror.ts"
import {
  type AgentRecord,
  type Change,
  type DefinitionRecord,
  hashOf,
  type LedgerRecord,
  type RevisionRowRecord,
  World,
  type WorldState
} from "./World.ts"

type ApplyError = Effect.Effect.Error<ReturnType<(typeof TemplateMirror.Service)["apply"]>>

/** The template, where the caller may install it into that organization. */
const mayInstall = (
  { agents, members, organizations }: WorldState,
  { organizationId, templateAgentId, userId }: ApplyRequest
): Either.Either<AgentRecord & { readonly revision: number }, ApplyError> => {
  const roleIn = (id: string) =>
    members.find((member) => member.organizationId === id && member.userId === userId)?.role ?? "none"
  const template = agents.find(({ id }) => id === templateAgentId)
  const publisher = organizations.find(({ id }) => id === template?.organizationId)
  const visible = publisher?.visibility === "public" || (publisher !== undefined && roleIn(publisher.id) !== "none")
  if (template === undefined || !visible) return Either.left(new TemplateNotFound({ templateAgentId }))
  if (template.templateAgentId !== undefined) return Either.left(new TemplateIsInstalled({ templateAgentId }))
  if (template.organizationId === organizationId) return Either.left(new SelfInstall({ templateAgentId }))
  const { revision, slug } = template
  if (publisher?.visibility !== "public" || slug === undefined || revision === undefined) {
    return Either.left(new TemplateNotPublic({ templateAgentId }))
  }
  return ["owner", "admin"].includes(roleIn(organizationId))
    ? Either.right({ ...template, revision })
    : Either.left(new NotOrgAdmin({ organizationId }))
}

/** The installed agent as it is afterwards; names and descriptions the person chose stay. */
const agentAfter = (
  existing: AgentRecord | undefined,
  template: AgentRecord & { readonly revision: number },
  { name, organizationId }: ApplyRequest,
  newId: () => number
): AgentRecord => {
  const follows = existing === undefined || existing.name === existing.templateName
  return {
    id: existing?.id ?? AgentId.make(`agent_${newId()}`),
    organizationId,
    templateAgentId: template.id,
    name: name ?? (follows ? template.name : existing.name),
    templateName: name !== undefined ? undefined : follows ? template.name : existing.templateName,
    description:
      existing === undefined || existing.description === existing.templateDescription
        ? template.description
        : existing.description,
    templateDescription: template.description,
    revision: template.revision
  }
}

const apply =
  (request: ApplyRequest, now: Date): Change<Applied, ApplyError> =>
  (before) =>
    Either.flatMap(mayInstall(before, request), (template) => {
      const { organizationId } = request
      let nextId = before.nextId
      const newId = () => nextId++
      const existing = before.agents.find(
        (agent) => agent.organizationId === organizationId && agent.templateAgentId === template.id
      )
      const agent = agentAfter(existing, template, request, newId)
      const ledger = before.ledger.filter((entry) => entry.organizationId === organizationId)
      const mine = before.definitions.filter((row) => row.organizationId === organizationId && !row.deleted)
      const sourceOf = (id: number) => ledger.find((entry) => entry.copyId === id)?.sourceId ?? `own:${id}`

      const judge = (row: RevisionRowRecord) => {
        const entries = ledger.filter((entry) => entry.kind === row.kind && entry.sourceId === row.sourceId)
        const entry = entries.find(({ templateAgentId }) => templateAgentId === template.id) ?? entries[0]
        const copy = mine.find(({ id }) => id === entry?.copyId)
        const holder = mine.find(
          (other) =>
            other.kind === row.kind &&
            other.slug === row.slug &&
            other.id !== copy?.id &&
            other.sourceOrganizationId !== template.organizationId
        )
        const hash = copy === undefined ? undefined : hashOf(copy, sourceOf)
        const verdict =
          holder !== undefined
            ? "collision"
            : entry === undefined
              ? "create"
              : copy === undefined
                ? "deleted_by_owner"
                : hash === row.hash
                  ? "unchanged"
                  : hash !== entry.appliedHash
                    ? "customized"
                    : "update"
        return { row, entry, copy, holder, verdict, id: copy?.id ?? newId() } as const
      }
      const judged = before.revisions
        .filter((row) => row.templateAgentId === template.id && row.revision === template.revision)
        .map(judge)

      const collisions = judged.flatMap(({ holder, row }): ReadonlyArray<Collision> => {
        const owner = before.organizations.find(
          ({ id }) => id === (holder?.sourceOrganizationId ?? holder?.organizationId)
        )
        return owner === undefined ? [] : [{ kind: row.kind, slug: row.slug, owner: owner.slug }]
      })
      if (collisions.length > 0) return Either.left(new SchemaCollision({ collisions }))

      const placed = (sourceId: number | null) => {
        const found = judged.find(({ row, verdict }) => row.sourceId === sourceId && verdict !== "deleted_by_owner")
        return found?.id ?? null
      }
      const dueOf = ({ schedule }: KindDescription, row: DefinitionRecord) =>
        schedule === undefined ? undefined : Option.getOrUndefined(nextDue(String(row.content[schedule.cron]), now))
      const writes = judged.flatMap(({ copy, id, row, verdict }): ReadonlyArray<DefinitionRecord> => {
        const description = kindDescriptions.find(({ kind }) => kind === row.kind)
        if (description === undefined || (verdict !== "create" && verdict !== "update")) return []
        const { cron } = description.schedule ?? { cron: "" }
        const rescheduled = copy === undefined || copy.content[cron] !== row.content.content[cron]
        return [
          {
            ...row.content,
            id,
            organizationId,
            references: Object.fromEntries(
              Object.entries(row.content.references).map(([column, source]) => [column, placed(source)])
            ),
            agentId: description.agent === undefined ? undefined : agent.id,
            due: rescheduled ? dueOf(description, row.content) : copy.due,
            managedBy: copy?.managedBy ?? template.id,
            sourceOrganizationId: template.organizationId
          }
        ]
      })
      const entries = judged.map(
        ({ entry, id, row, verdict }): LedgerRecord => ({
          organizationId,
          templateAgentId: template.id,
          kind: row.kind,
          sourceId: row.sourceId,
          copyId: entry?.copyId ?? id,
          appliedHash:
            entry !== undefined && (verdict === "customized" || verdict === "deleted_by_owner")
              ? entry.appliedHash
              : row.hash
        })
      )
      const shared = (entry: LedgerRecord) =>
        entry.organizationId === organizationId
          ? entries.find(({ kind, sourceId }) => kind === entry.kind && sourceId === entry.sourceId)
          : undefined
      const state: WorldState = {
        ...before,
        nextId,
        agents: [...before.agents.filter(({ id }) => id !== agent.id), agent],
        definitions: [...before.definitions.filter((row) => !writes.some(({ id }) => id === row.id)), ...writes],
        ledger: [
          ...before.ledger
            .filter((entry) => entry.organizationId !== organizationId || entry.templateAgentId !== template.id)
            .map((entry) => ({ ...entry, appliedHash: shared(entry)?.appliedHash ?? entry.appliedHash })),
          ...before.ledger.filter(
            (entry) =>
              entry.organizationId === organizationId &&
              entry.templateAgentId === template.id &&
              shared(entry) === undefined
          ),
          ...entries
        ]
      }
      const mirrored = byKind(
        (kind) => judged.filter(({ row, verdict }) => row.kind === kind && verdict !== "deleted_by_owner").length
      )
      return Either.right([
        { agentId: agent.id, created: existing === undefined, revision: template.revision, mirrored },
        state
      ])
    })

/** The mirror of the world. */
export const TemplateMirrorMemory = Layer.effect(
  TemplateMirror,
  Effect.map(World, ({ change }) =>
    TemplateMirror.of({
      apply: (request) => Effect.flatMap(DateTime.nowAsDate, (now) => change(apply(request, now)))
    })
  )
)
