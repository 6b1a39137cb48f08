import { DateTime, Effect, Either, Layer, Option } from "effect"
import { byKind, type KindDescription } from "../../domain/catalog/Kind.ts"
import { nextDue } from "../../domain/catalog/Schedule.ts"
import {
  AgentNotFound,
  type Collision,
  NoSuchRevision,
  NoSuchRow,
  NotOrgAdmin,
  PlanStale,
  SchemaCollision,
  SelfInstall,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic
} from "../../domain/Errors.ts"
import { AgentId } from "../../domain/Ids.ts"
import type { Did, RecordedRow } from "../../domain/installation/History.ts"
import { addImpact, type ImpactCounts, noImpact } from "../../domain/installation/Impact.ts"
import {
  countVerdicts,
  leavingOf,
  type Plan,
  type RowName,
  type Uninstalled,
  type UninstallPlan,
  wishesOf
} from "../../domain/installation/Plan.ts"
import { Kinds } from "../../services/catalog/Kinds.ts"
import {
  type Applied,
  type ApplyRefusal,
  type ApplyRequest,
  type MirrorRefusal,
  type MirrorRequest,
  type ResyncPlanRequest,
  type ResyncRequest,
  TemplateMirror,
  type UninstallRequest
} from "../../services/installation/TemplateMirror.ts"
import {
  type AgentRecord,
  type Change,
  contentOf,
  type DefinitionRecord,
  type HistoryRecord,
  type LedgerRecord,
  type MemoryState,
  MemoryStore,
  type RevisionRecord
} from "../memory/MemoryStore.ts"
import { hashOfPlan, type Judged, judge, plannedRows, slugOf } from "./Judgement.ts"

type AnyApplyRequest = ApplyRequest & Partial<Pick<ResyncRequest, "agentId" | "revision">>
type AnyApplyRefusal = AgentNotFound | NoSuchRevision | ApplyRefusal

const roleIn = ({ members }: MemoryState, organizationId: string, userId: string) =>
  members.find((member) => member.organizationId === organizationId && member.userId === userId)?.role ?? "none"

const administers = (state: MemoryState, organizationId: string, userId: string) =>
  ["owner", "admin"].includes(roleIn(state, organizationId, userId))

const installedAgent = ({ agents }: MemoryState, { organizationId, templateAgentId }: MirrorRequest) =>
  agents.find((agent) => agent.organizationId === organizationId && agent.templateAgentId === templateAgentId)

/** The template's revision that is wanted, and its publisher, where the caller may have it there. */
const mayInstall = (
  state: MemoryState,
  request: MirrorRequest & Partial<ResyncPlanRequest>
): Either.Either<
  { readonly template: AgentRecord; readonly wanted: RevisionRecord },
  AgentNotFound | NoSuchRevision | MirrorRefusal
> => {
  const { agentId, organizationId, templateAgentId, userId } = request
  const template = state.agents.find(({ id }) => id === templateAgentId)
  const publisher = state.organizations.find(({ id }) => id === template?.organizationId)
  const visible =
    publisher?.visibility === "public" || (publisher !== undefined && roleIn(state, publisher.id, userId) !== "none")
  if (template === undefined || !visible) return Either.left(new TemplateNotFound({ templateAgentId }))
  if (template.templateAgentId !== undefined) return Either.left(new TemplateIsInstalled({ templateAgentId }))
  if (template.organizationId === organizationId) return Either.left(new SelfInstall({ templateAgentId }))
  const { revision: newest, slug } = template
  if (publisher?.visibility !== "public" || slug === undefined || newest === undefined) {
    return Either.left(new TemplateNotPublic({ templateAgentId }))
  }
  if (!administers(state, organizationId, userId)) return Either.left(new NotOrgAdmin({ organizationId }))
  const agent = installedAgent(state, request)
  const pinnedTo = request.revision === undefined && agent?.pinned === true ? agent.revision : undefined
  const revision = typeof request.revision === "number" ? request.revision : (pinnedTo ?? newest)
  const wanted = state.revisions.find((one) => one.templateAgentId === templateAgentId && one.revision === revision)
  if (wanted === undefined) return Either.left(new NoSuchRevision({ revision, newest }))
  return agentId !== undefined && agent?.id !== agentId
    ? Either.left(new AgentNotFound({ agentId }))
    : Either.right({ template, wanted })
}

/** The installed agent as it is afterwards; names and descriptions the person chose stay. */
const agentAfter = (
  existing: AgentRecord | undefined,
  wanted: RevisionRecord,
  { name, organizationId, revision, templateAgentId }: AnyApplyRequest,
  newId: () => number
): AgentRecord => {
  const pinned = revision === undefined ? existing?.pinned === true : revision !== "newest"
  const stays = existing?.pinned === true && revision === undefined
  const follows = existing === undefined || (!stays && existing.name === existing.templateName)
  const described = existing === undefined || (!stays && existing.description === existing.templateDescription)
  const made = existing?.made ?? newId()
  return {
    id: existing?.id ?? AgentId.make(`agent_${made}`),
    made,
    organizationId,
    templateAgentId,
    name: name ?? (follows ? wanted.name : existing.name),
    templateName: name !== undefined ? undefined : follows ? wanted.name : existing.templateName,
    description: described ? wanted.description : existing.description,
    templateDescription: stays ? existing.templateDescription : wanted.description,
    revision: wanted.revision,
    pinned
  }
}

const byKindAndSlug = (a: RowName, b: RowName) =>
  a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : a.slug < b.slug ? -1 : 1

const doneBy = ({ act, copy, fate, granted }: Judged, hides: boolean): Did | undefined => {
  if (act === "adopt") return "adopted"
  if (granted === "revert") return "reverted"
  if (granted === "restore") return "restored"
  if (act === "create") return "created"
  if (act === "update") return "updated"
  if (fate === "removed" || fate === "passed_on") return fate
  if (fate === "kept") return hides ? (copy?.retired === true ? undefined : "hidden") : "kept"
  return act === "customized" && copy?.retired === true ? "shown" : undefined
}

const changesOf = (
  { definitions }: MemoryState,
  judged: ReadonlyArray<Judged>,
  hides: boolean
): ReadonlyArray<RecordedRow> => {
  const slugById = (id: number) => definitions.find((row) => row.id === id)?.slug ?? null
  const slugOfSource = (id: number) => judged.find(({ sourceId }) => sourceId === id)?.row?.slug ?? null
  return judged
    .flatMap((one): ReadonlyArray<RecordedRow> => {
      const { act, fate, kind, place, row } = one
      const did = doneBy(one, hides)
      if (did === undefined) return []
      const replaced = act === "adopt" || act === "update" || fate === "removed"
      const written = act === "adopt" || act === "update" || act === "create"
      return [
        {
          kind,
          slug: slugOf(one),
          did,
          before: replaced && place !== undefined ? contentOf(place, slugById) : null,
          after: written && row !== undefined ? contentOf(row.content, slugOfSource) : null
        }
      ]
    })
    .sort(byKindAndSlug)
}

/** The state with an entry of the history more, where there is something to say. */
const recorded = (
  state: MemoryState,
  { organizationId, templateAgentId, userId }: MirrorRequest,
  entry: Pick<HistoryRecord, "action" | "revision" | "rows" | "at">
): MemoryState => {
  const last = state.history.findLast(
    (one) => one.organizationId === organizationId && one.templateAgentId === templateAgentId
  )
  return entry.action !== "uninstall" && entry.rows.length === 0 && last?.revision === entry.revision
    ? state
    : {
        ...state,
        nextId: state.nextId + 1,
        history: [...state.history, { id: state.nextId, organizationId, templateAgentId, userId, ...entry }]
      }
}

/** The copy that the person deleted, where it is still there, as it is once nothing of this template remembers it. */
const leftCopy = (
  { definitions }: MemoryState,
  { organizationId, templateAgentId }: MirrorRequest,
  { act, entry, fate, sibling }: Judged
): ReadonlyArray<DefinitionRecord> => {
  if (fate !== "forgotten" && act !== "adopt") return []
  const left = definitions.find(
    (row) => row.deleted && row.id === entry?.copyId && row.organizationId === organizationId
  )
  if (left === undefined) return []
  const freed = act === "adopt" || sibling === undefined
  return [
    freed
      ? { ...left, retired: false, managedBy: undefined, sourceOrganizationId: undefined }
      : {
          ...left,
          retired: false,
          managedBy: left.managedBy === templateAgentId ? sibling.templateAgentId : left.managedBy
        }
  ]
}

/** Whether a row is forgotten by the siblings that are not installed too. */
const isEnded = ({ fate, sibling }: Judged) => fate !== undefined && fate !== "kept" && sibling === undefined

const isAmong = (entry: LedgerRecord, judged: ReadonlyArray<Judged>) =>
  judged.some(({ kind, sourceId }) => kind === entry.kind && sourceId === entry.sourceId)

const unmetWishes = (request: ApplyRequest, judged: ReadonlyArray<Judged>) =>
  wishesOf(request).flatMap(({ kind, slug, wish }) => {
    const found = judged.find((one) => one.kind === kind && one.row?.slug === slug)
    return found?.granted === wish ? [] : [{ list: wish, kind, slug, verdict: found?.verdict ?? null }]
  })

const apply =
  (kinds: ReadonlyArray<KindDescription>) =>
  (request: AnyApplyRequest, at: DateTime.Utc): Change<Applied, AnyApplyRefusal> =>
  (before) =>
    Either.flatMap(
      mayInstall(before, request),
      ({ template, wanted }): ReturnType<Change<Applied, AnyApplyRefusal>> => {
        const { organizationId, templateAgentId } = request
        const now = DateTime.toDateUtc(at)
        let nextId = before.nextId
        const newId = () => nextId++
        const existing = installedAgent(before, request)
        const agent = agentAfter(existing, wanted, request, newId)
        const target = { organizationId, templateAgentId, revision: wanted.revision }
        const judged = judge(before, target, kinds, wishesOf(request))
        if (request.expectedPlan !== undefined && request.expectedPlan !== hashOfPlan(wanted.revision, judged)) {
          return Either.left(new PlanStale())
        }
        const unmet = unmetWishes(request, judged)
        if (unmet.length > 0) return Either.left(new NoSuchRow({ rows: unmet }))
        const collisions = judged
          .flatMap(({ act, adoptable, kind, owner, row }): ReadonlyArray<Collision> => {
            const holder = before.organizations.find(({ id }) => id === owner)
            return act !== "collision" || holder === undefined || row === undefined
              ? []
              : [{ kind, slug: row.slug, owner: holder.slug, own: owner === organizationId, adoptable }]
          })
          .sort(byKindAndSlug)
        if (collisions.length > 0) return Either.left(new SchemaCollision({ collisions }))

        const ids = new Map(judged.map((one) => [one, one.act === "create" ? newId() : one.place?.id]))
        const placed = (sourceId: number | null) => {
          const found = judged.find((one) => one.sourceId === sourceId)
          return found === undefined ? null : (ids.get(found) ?? null)
        }
        const dueOf = ({ schedule }: KindDescription, row: DefinitionRecord) =>
          schedule === undefined ? undefined : Option.getOrUndefined(nextDue(String(row.content[schedule.cron]), now))
        const written = judged.flatMap((one): ReadonlyArray<DefinitionRecord> => {
          const { act, copy, fate, place, row, sibling } = one
          const description = kinds.find(({ kind }) => kind === one.kind)
          const bound = (given: DefinitionRecord) =>
            description?.agent === undefined ? given.agentId : (given.agentId ?? agent.id)
          if (copy !== undefined && fate === "kept") return [{ ...copy, retired: true }]
          if (copy !== undefined && fate === "passed_on" && sibling !== undefined) {
            const handed = copy.managedBy === templateAgentId ? sibling.templateAgentId : copy.managedBy
            return [{ ...copy, managedBy: handed, agentId: copy.agentId === agent.id ? sibling.id : copy.agentId }]
          }
          if (copy !== undefined && act === "customized") return [{ ...copy, retired: false, agentId: bound(copy) }]
          if (copy !== undefined && act === "unchanged") return [{ ...copy, agentId: bound(copy) }]
          if (description === undefined || row === undefined) return []
          if (act !== "create" && act !== "update" && act !== "adopt") return []
          const { cron } = description.schedule ?? { cron: "" }
          const anew = place === undefined || place.deleted || place.retired === true
          const rescheduled = anew || place.content[cron] !== row.content.content[cron]
          return [
            {
              ...row.content,
              id: ids.get(one) ?? newId(),
              organizationId,
              references: Object.fromEntries(
                Object.entries(row.content.references).map(([column, source]) => [column, placed(source)])
              ),
              agentId:
                description.agent === undefined ? undefined : act === "adopt" ? agent.id : (place?.agentId ?? agent.id),
              due: rescheduled ? dueOf(description, row.content) : place.due,
              paused: place?.paused,
              managedBy: place?.managedBy ?? templateAgentId,
              sourceOrganizationId: place?.sourceOrganizationId ?? template.organizationId
            }
          ]
        })
        const writes = [...written, ...judged.flatMap((one) => leftCopy(before, request, one))]
        const gone = judged.flatMap(({ copy, fate }) => (copy !== undefined && fate === "removed" ? [copy.id] : []))
        const entries = judged.flatMap((one): ReadonlyArray<LedgerRecord> => {
          const { act, entry, fate, granted, kind, row, sourceId } = one
          if (fate !== undefined && fate !== "kept") return []
          const stays = entry !== undefined && (fate === "kept" || act === "customized" || act === "deleted_by_owner")
          return [
            {
              organizationId,
              templateAgentId,
              kind,
              sourceId,
              copyId: ids.get(one) ?? entry?.copyId ?? 0,
              slug: stays || row === undefined ? (entry?.slug ?? "") : row.slug,
              appliedHash: stays || row === undefined ? (entry?.appliedHash ?? "") : row.hash,
              adopted: granted === "adopt" || (act !== "create" && entry?.adopted === true)
            }
          ]
        })
        const shared = (entry: LedgerRecord) =>
          entry.organizationId === organizationId
            ? entries.find(({ kind, sourceId }) => kind === entry.kind && sourceId === entry.sourceId)
            : undefined
        const state: MemoryState = {
          ...before,
          nextId,
          agents:
            existing === undefined
              ? [...before.agents, agent]
              : before.agents.map((one) => (one.id === agent.id ? agent : one)),
          definitions: [
            ...before.definitions.filter((row) => !gone.includes(row.id) && !writes.some(({ id }) => id === row.id)),
            ...writes
          ],
          ledger: [
            ...before.ledger
              .filter(
                (entry) =>
                  entry.organizationId !== organizationId ||
                  (entry.templateAgentId !== templateAgentId && !isAmong(entry, judged.filter(isEnded)))
              )
              .map((entry) => {
                const { adopted, appliedHash, copyId, slug } = shared(entry) ?? entry
                return { ...entry, adopted, appliedHash, copyId, slug }
              }),
            ...entries
          ]
        }
        const mirrored = byKind(
          (kind) =>
            judged.filter((one) => one.kind === kind && one.row !== undefined && one.act !== "deleted_by_owner").length,
          kinds
        )
        return Either.right([
          {
            agentId: agent.id,
            created: existing === undefined,
            revision: wanted.revision,
            pinned: agent.pinned === true,
            mirrored,
            verdicts: countVerdicts(judged)
          },
          recorded(state, request, {
            action: request.agentId === undefined ? "install" : "resync",
            revision: wanted.revision,
            rows: changesOf(before, judged, true),
            at
          })
        ])
      }
    )

const plan =
  (kinds: ReadonlyArray<KindDescription>) =>
  (
    state: MemoryState,
    request: MirrorRequest & Partial<ResyncPlanRequest>
  ): Either.Either<Plan, AgentNotFound | NoSuchRevision | MirrorRefusal> =>
    Either.map(mayInstall(state, request), ({ wanted: { revision } }) => {
      const { organizationId, templateAgentId } = request
      const judged = judge(state, { organizationId, templateAgentId, revision }, kinds)
      return {
        templateAgentId,
        organizationId,
        revision,
        planHash: hashOfPlan(revision, judged),
        rows: plannedRows(state, judged, kinds)
      }
    })

const mayUninstall = (
  state: MemoryState,
  request: UninstallRequest
): Either.Either<AgentRecord, AgentNotFound | NotOrgAdmin> => {
  const agent = installedAgent(state, request)
  const { agentId, organizationId, userId } = request
  if (agent?.id !== agentId) return Either.left(new AgentNotFound({ agentId }))
  return administers(state, organizationId, userId)
    ? Either.right(agent)
    : Either.left(new NotOrgAdmin({ organizationId }))
}

const leaving = (kinds: ReadonlyArray<KindDescription>, state: MemoryState, request: UninstallRequest) =>
  Either.map(mayUninstall(state, request), (agent) => {
    const { agentId, organizationId, templateAgentId } = request
    const judged = judge(state, { organizationId, templateAgentId, revision: null }, kinds)
    const rows = leavingOf(plannedRows(state, judged, kinds))
    return { agent, judged, planHash: hashOfPlan(null, judged), left: { agentId, organizationId, ...rows } }
  })

const uninstall =
  (kinds: ReadonlyArray<KindDescription>) =>
  (request: UninstallRequest, at: DateTime.Utc): Change<Uninstalled, AgentNotFound | NotOrgAdmin | PlanStale> =>
  (before) =>
    Either.flatMap(leaving(kinds, before, request), ({ agent, judged, left, planHash }) => {
      const { expectedPlan = planHash, organizationId, templateAgentId } = request
      if (expectedPlan !== planHash) return Either.left(new PlanStale())
      const removed = judged.flatMap(({ copy, fate }) => (copy !== undefined && fate === "removed" ? [copy.id] : []))
      // A withdrawn row that was the person's own before is theirs alone again.
      const returned = ({ copy, entry, fate }: Judged) =>
        fate === "kept" && entry?.adopted === true && copy?.retired === true
      const stays = judged.flatMap((one): ReadonlyArray<DefinitionRecord> => {
        const { copy, fate, sibling } = one
        if (copy === undefined) return leftCopy(before, request, one)
        if (returned(one)) return [{ ...copy, retired: false, managedBy: undefined, sourceOrganizationId: undefined }]
        if (fate === "kept") return [{ ...copy, retired: false }]
        if (fate !== "passed_on" || sibling === undefined) return []
        const handed = copy.managedBy === templateAgentId ? sibling.templateAgentId : copy.managedBy
        return [{ ...copy, managedBy: handed, agentId: copy.agentId === agent.id ? sibling.id : copy.agentId }]
      })
      const ended = judged.filter((one) => isEnded(one) || returned(one))
      const remembered = judged.filter((one) => one.fate === "kept" && !returned(one))
      const agentStays = before.uses.includes(agent.id)
      const own: AgentRecord = {
        id: agent.id,
        organizationId,
        name: agent.name,
        description: agent.description
      }
      const state: MemoryState = {
        ...before,
        agents: [...before.agents.filter(({ id }) => id !== agent.id), ...(agentStays ? [own] : [])],
        definitions: before.definitions
          .filter(({ id }) => !removed.includes(id))
          .map((row) => stays.find(({ id }) => id === row.id) ?? row)
          .map((row) => (row.agentId === agent.id && !agentStays ? { ...row, agentId: undefined } : row)),
        ledger: before.ledger.filter(
          (entry) =>
            entry.organizationId !== organizationId ||
            (entry.templateAgentId === templateAgentId ? isAmong(entry, remembered) : !isAmong(entry, ended))
        )
      }
      const rows = changesOf(before, judged, false)
      return Either.right([
        { ...left, agentRemoved: !agentStays },
        recorded(state, request, { action: "uninstall", revision: null, rows, at })
      ])
    })

const planUninstall =
  (kinds: ReadonlyArray<KindDescription>) =>
  (state: MemoryState, request: UninstallRequest): Either.Either<UninstallPlan, AgentNotFound | NotOrgAdmin> =>
    Either.map(leaving(kinds, state, request), ({ left, planHash }) => ({ ...left, planHash }))

const impact =
  (kinds: ReadonlyArray<KindDescription>) =>
  (state: MemoryState, templateAgentId: AgentId, revision: number, since: number) => {
    const before = state.revisionRows.filter((row) => row.templateAgentId === templateAgentId && row.revision === since)
    const isAffected = ({ kind, row, sourceId }: Judged) =>
      !before.some(
        (one) => one.kind === kind && one.sourceId === sourceId && one.slug === row?.slug && one.hash === row.hash
      )
    return addImpact(
      noImpact,
      state.agents
        .filter((agent) => agent.templateAgentId === templateAgentId)
        .map(({ organizationId, pinned = false }) => {
          const judged = judge(state, { organizationId, templateAgentId, revision }, kinds).filter(isAffected)
          const of = (verdict: Judged["verdict"]) => judged.filter((one) => one.verdict === verdict).length
          const counts: ImpactCounts = {
            creates: of("create"),
            updates: of("update"),
            customized: of("customized"),
            collisions: of("collision"),
            removals: judged.filter(({ fate }) => fate === "removed").length,
            retirements: judged.filter(({ fate }) => fate === "kept").length
          }
          const organizationSlug = state.organizations.find(({ id }) => id === organizationId)?.slug ?? ""
          return { organizationId, organizationSlug, pinned, ...counts }
        })
    )
  }

/** The mirror of the world. */
export const TemplateMirrorMemory = Layer.effect(
  TemplateMirror,
  Effect.map(Effect.all([MemoryStore, Kinds]), ([{ change, read }, kinds]) => {
    const applied = (request: AnyApplyRequest) =>
      Effect.flatMap(DateTime.now, (now) => change(apply(kinds)(request, now)))
    const planned = (request: MirrorRequest & Partial<ResyncPlanRequest>) =>
      Effect.flatten(read((state) => plan(kinds)(state, request)))
    return TemplateMirror.of({
      // An install names neither an agent nor a revision, so it can't be refused for them.
      apply: (request) => Effect.catchTag(applied(request), "AgentNotFound", "NoSuchRevision", Effect.die),
      resync: applied,
      plan: (request) => Effect.catchTag(planned(request), "AgentNotFound", "NoSuchRevision", Effect.die),
      planResync: planned,
      uninstall: (request) => Effect.flatMap(DateTime.now, (now) => change(uninstall(kinds)(request, now))),
      planUninstall: (request) => Effect.flatten(read((state) => planUninstall(kinds)(state, request))),
      impact: (templateAgentId, revision, since) =>
        read((state) => impact(kinds)(state, templateAgentId, revision, since))
    })
  })
)
