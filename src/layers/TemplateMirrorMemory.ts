import { DateTime, Effect, Either, Layer, Option } from "effect"
import {
  type Collision,
  NotOrgAdmin,
  PlanStale,
  SchemaCollision,
  SelfInstall,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic
} from "../domain/Errors.ts"
import { AgentId, type OrganizationId } from "../domain/Ids.ts"
import { byKind, type Kind, type KindDescription, kindDescriptions } from "../domain/Kind.ts"
import type { Plan, PlannedRow } from "../domain/Plan.ts"
import { nextDue } from "../domain/Schedule.ts"
import {
  type Applied,
  type ApplyRequest,
  type MirrorRefusal,
  type MirrorRequest,
  TemplateMirror
} from "../services/TemplateMirror.ts"
import {
  type AgentRecord,
  type Change,
  type DefinitionRecord,
  fieldsOf,
  hashOf,
  type LedgerRecord,
  type RevisionRowRecord,
  World,
  type WorldState
} from "./World.ts"

type ApplyError = MirrorRefusal | SchemaCollision | PlanStale

/** The template, where the caller may install it into that organization. */
const mayInstall = (
  { agents, members, organizations }: WorldState,
  { organizationId, templateAgentId, userId }: MirrorRequest
): Either.Either<AgentRecord & { readonly revision: number }, MirrorRefusal> => {
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

/** Each row of the revision, and each the ledger has besides, beside its copy, with its verdict; what becomes of a withdrawn one. */
const judge = (
  { agents, uses }: WorldState,
  template: AgentRecord,
  organizationId: OrganizationId,
  ledger: ReadonlyArray<LedgerRecord>,
  mine: ReadonlyArray<DefinitionRecord>,
  rows: ReadonlyArray<RevisionRowRecord>,
  sourceOf: (id: number) => unknown
) => {
  const own = ledger.filter((entry) => entry.templateAgentId === template.id)
  const same = (a: { readonly kind: Kind; readonly sourceId: number }) => (b: typeof a) =>
    a.kind === b.kind && a.sourceId === b.sourceId
  const leaving = new Set<number>()
  const isUsed = (copy: DefinitionRecord) =>
    uses.includes(copy.id) ||
    mine.some(
      (row) =>
        !leaving.has(row.id) &&
        Object.entries(row.references).some(
          ([column, id]) =>
            id === copy.id &&
            kindDescriptions.some(({ kind, references = {} }) => kind === row.kind && references[column] === copy.kind)
        )
    )
  const withdrawn = own.filter((entry) => !rows.some(same(entry)))

  // Nothing was written where the person had deleted what the publisher's row refers to: that is no change of theirs.
  const fieldsAsApplied = (copy: DefinitionRecord, row: RevisionRowRecord | undefined) => {
    const missing = Object.entries(row?.content.references ?? {}).filter(
      ([column, source]) =>
        copy.references[column] === null &&
        ledger.some(({ copyId, sourceId }) => sourceId === source && !mine.some(({ id }) => id === copyId))
    )
    return {
      ...fieldsOf(copy, sourceOf),
      ...Object.fromEntries(missing.map(([column, source]) => [column, JSON.stringify(source)]))
    }
  }
  // A kind after the ones that refer to it: whether a copy may go depends on what becomes of the rows bound to it.
  const position = ({ kind }: { readonly kind: Kind }) => kindDescriptions.findIndex((one) => one.kind === kind)
  const all = [...rows.map((row) => ({ row, ...row })), ...withdrawn.map((entry) => ({ row: undefined, ...entry }))]

  return all
    .sort((a, b) => position(b) - position(a))
    .map(({ kind, row, sourceId }) => {
      const siblings = ledger.filter(
        (entry) => entry.templateAgentId !== template.id && same({ kind, sourceId })(entry)
      )
      const entry = own.find(same({ kind, sourceId })) ?? siblings[0]
      const sibling = agents.find(
        (agent) =>
          agent.organizationId === organizationId &&
          siblings.some(({ templateAgentId }) => templateAgentId === agent.templateAgentId)
      )
      const copy = mine.find(({ id }) => id === entry?.copyId)
      const fields = copy === undefined ? {} : fieldsAsApplied(copy, row)
      const hash = copy === undefined ? undefined : hashOf(fields)
      const holder = mine.find(
        (other) =>
          other.kind === kind &&
          other.slug === row?.slug &&
          other.id !== copy?.id &&
          !own.some(({ copyId }) => copyId === other.id)
      )
      const verdict =
        holder !== undefined
          ? "collision"
          : row === undefined
            ? "retire"
            : entry === undefined
              ? "create"
              : copy === undefined
                ? "deleted_by_owner"
                : hash === row.hash && copy.retired !== true
                  ? "unchanged"
                  : hash !== row.hash && hash !== entry.appliedHash
                    ? "customized"
                    : "update"
      const fate =
        row !== undefined
          ? undefined
          : copy === undefined
            ? "forgotten"
            : sibling !== undefined
              ? "passed_on"
              : hash !== entry?.appliedHash || isUsed(copy)
                ? "kept"
                : "removed"
      if (copy !== undefined && (fate === "removed" || verdict === "update")) leaving.add(copy.id)
      return {
        kind,
        row,
        sourceId,
        entry,
        copy,
        hash,
        fields,
        sibling,
        owner: holder?.sourceOrganizationId ?? holder?.organizationId,
        verdict,
        fate
      } as const
    })
}

/** Every row with its verdict, collisions among the copies themselves included. */
const judgeAll = (
  before: WorldState,
  template: AgentRecord & { readonly revision: number },
  organizationId: OrganizationId
) => {
  const ledger = before.ledger.filter((entry) => entry.organizationId === organizationId)
  const mine = before.definitions.filter((row) => row.organizationId === organizationId && !row.deleted)
  const sourceOf = (id: number) => ledger.find((entry) => entry.copyId === id)?.sourceId ?? `own:${id}`
  const rows = before.revisions.filter(
    (row) => row.templateAgentId === template.id && row.revision === template.revision
  )
  const first = judge(before, template, organizationId, ledger, mine, rows, sourceOf)

  // A copy that stays where it is, for the person changed it or it is in use, may have the slug another row is to take.
  const staying = first.filter(
    ({ fate, verdict }) => verdict === "customized" || fate === "kept" || fate === "passed_on"
  )
  return first.map((one) => {
    const clash = staying.some(({ copy, kind }) => kind === one.kind && copy?.slug === one.row?.slug)
    return clash && (one.verdict === "create" || one.verdict === "update")
      ? { ...one, verdict: "collision" as const, owner: organizationId }
      : one
  })
}

type Judged = ReturnType<typeof judgeAll>

const slugOf = ({ copy, entry, row }: Judged[number]) => row?.slug ?? copy?.slug ?? entry?.slug ?? ""

const hashOfPlan = (revision: number, judged: Judged) =>
  JSON.stringify([
    revision,
    judged
      .map(({ fate, hash, kind, row, sourceId, verdict }) =>
        [kind, sourceId, row?.slug, verdict, fate, row?.hash, hash].join()
      )
      .sort()
  ])

const plan = (before: WorldState, request: MirrorRequest): Either.Either<Plan, MirrorRefusal> =>
  Either.map(mayInstall(before, request), (template) => {
    const judged = judgeAll(before, template, request.organizationId)
    const rows = judged.map((one): PlannedRow => {
      const { copy, fate, fields, kind, owner, row, verdict } = one
      const wanted = row === undefined ? {} : fieldsOf(row.content, (id) => id)
      const differing = Object.keys(wanted).filter((field) => fields[field] !== wanted[field])
      return {
        kind,
        slug: slugOf(one),
        name: (copy ?? row?.content)?.name ?? null,
        verdict,
        fate: fate ?? null,
        owner: before.organizations.find(({ id }) => id === owner)?.slug ?? null,
        fields: verdict === "update" || verdict === "customized" ? differing.sort() : []
      }
    })
    const position = (kind: Kind) => kindDescriptions.findIndex((description) => description.kind === kind)
    return {
      templateAgentId: template.id,
      organizationId: request.organizationId,
      revision: template.revision,
      planHash: hashOfPlan(template.revision, judged),
      rows: rows.sort((a, b) => position(a.kind) - position(b.kind) || (a.slug < b.slug ? -1 : 1))
    }
  })

const apply =
  (request: ApplyRequest, now: Date): Change<Applied, ApplyError> =>
  (before) =>
    Either.flatMap(mayInstall(before, request), (template): ReturnType<Change<Applied, ApplyError>> => {
      const { organizationId } = request
      let nextId = before.nextId
      const newId = () => nextId++
      const existing = before.agents.find(
        (agent) => agent.organizationId === organizationId && agent.templateAgentId === template.id
      )
      const agent = agentAfter(existing, template, request, newId)
      const judged = judgeAll(before, template, organizationId)
      if (request.expectedPlan !== undefined && request.expectedPlan !== hashOfPlan(template.revision, judged)) {
        return Either.left(new PlanStale())
      }
      const collisions = judged.flatMap(({ kind, owner, row }): ReadonlyArray<Collision> => {
        const holder = before.organizations.find(({ id }) => id === owner)
        return holder === undefined || row === undefined ? [] : [{ kind, slug: row.slug, owner: holder.slug }]
      })
      if (collisions.length > 0) return Either.left(new SchemaCollision({ collisions }))

      const ids = new Map(judged.map((one) => [one, one.copy?.id ?? newId()]))
      const placed = (sourceId: number | null) => {
        const found = judged.find((one) => one.sourceId === sourceId && one.verdict !== "deleted_by_owner")
        return found === undefined ? null : (ids.get(found) ?? null)
      }
      const dueOf = ({ schedule }: KindDescription, row: DefinitionRecord) =>
        schedule === undefined ? undefined : Option.getOrUndefined(nextDue(String(row.content[schedule.cron]), now))
      const writes = judged.flatMap((one): ReadonlyArray<DefinitionRecord> => {
        const { copy, fate, row, sibling, verdict } = one
        const description = kindDescriptions.find(({ kind }) => kind === one.kind)
        if (copy !== undefined && fate === "kept") return [{ ...copy, retired: true }]
        if (copy !== undefined && fate === "passed_on" && sibling !== undefined) {
          const handed = copy.managedBy === template.id ? sibling.templateAgentId : copy.managedBy
          return [{ ...copy, managedBy: handed, agentId: copy.agentId === agent.id ? sibling.id : copy.agentId }]
        }
        if (copy !== undefined && verdict === "customized") return [{ ...copy, retired: false }]
        if (description === undefined || row === undefined) return []
        if (verdict !== "create" && verdict !== "update") return []
        const { cron } = description.schedule ?? { cron: "" }
        const rescheduled = copy === undefined || copy.content[cron] !== row.content.content[cron]
        return [
          {
            ...row.content,
            id: ids.get(one) ?? newId(),
            organizationId,
            references: Object.fromEntries(
              Object.entries(row.content.references).map(([column, source]) => [column, placed(source)])
            ),
            agentId: description.agent === undefined ? undefined : (copy?.agentId ?? agent.id),
            due: rescheduled ? dueOf(description, row.content) : copy.due,
            managedBy: copy?.managedBy ?? template.id,
            sourceOrganizationId: template.organizationId
          }
        ]
      })
      const gone = judged.flatMap(({ copy, fate }) => (copy !== undefined && fate === "removed" ? [copy.id] : []))
      const entries = judged.flatMap((one): ReadonlyArray<LedgerRecord> => {
        const { copy, entry, fate, kind, row, sourceId, verdict } = one
        if (fate !== undefined && fate !== "kept") return []
        const stays =
          entry !== undefined && (fate === "kept" || verdict === "customized" || verdict === "deleted_by_owner")
        return [
          {
            organizationId,
            templateAgentId: template.id,
            kind,
            sourceId,
            copyId: entry?.copyId ?? ids.get(one) ?? copy?.id ?? 0,
            slug: stays || row === undefined ? (entry?.slug ?? "") : row.slug,
            appliedHash: stays || row === undefined ? (entry?.appliedHash ?? "") : row.hash
          }
        ]
      })
      const shared = (entry: LedgerRecord) =>
        entry.organizationId === organizationId
          ? entries.find(({ kind, sourceId }) => kind === entry.kind && sourceId === entry.sourceId)
          : undefined
      const state: WorldState = {
        ...before,
        nextId,
        agents: [...before.agents.filter(({ id }) => id !== agent.id), agent],
        definitions: [
          ...before.definitions.filter((row) => !gone.includes(row.id) && !writes.some(({ id }) => id === row.id)),
          ...writes
        ],
        ledger: [
          ...before.ledger
            .filter((entry) => entry.organizationId !== organizationId || entry.templateAgentId !== template.id)
            .map((entry) => {
              const { appliedHash, slug } = shared(entry) ?? entry
              return { ...entry, appliedHash, slug }
            }),
          ...entries
        ]
      }
      const mirrored = byKind(
        (kind) =>
          judged.filter((one) => one.kind === kind && one.row !== undefined && one.verdict !== "deleted_by_owner")
            .length
      )
      return Either.right([
        { agentId: agent.id, created: existing === undefined, revision: template.revision, mirrored },
        state
      ])
    })

/** The mirror of the world. */
export const TemplateMirrorMemory = Layer.effect(
  TemplateMirror,
  Effect.map(World, ({ change, read }) =>
    TemplateMirror.of({
      plan: (request) => Effect.flatten(read((state) => plan(state, request))),
      apply: (request) => Effect.flatMap(DateTime.nowAsDate, (now) => change(apply(request, now)))
    })
  )
)
