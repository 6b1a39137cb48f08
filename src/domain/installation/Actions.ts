import { byKind, type Kind, type KindCounts, type KindDescription, kindDescriptions } from "../catalog/Kind.ts"
import type { EventContent } from "../events/Event.ts"
import type { AgentId } from "../Ids.ts"
import { type DecidedRow, type Decision, hasCopy, slugOf } from "./Decide.ts"
import type { RequestFacts } from "./Facts.ts"
import type { HistoryEntry, RowChange } from "./History.ts"
import type { Revision, Wanted } from "./MayInstall.ts"
import { countVerdicts, type VerdictCount } from "./Plan.ts"

/* From a decision to what is written: all that a store needs to know, so that it has nothing to decide. */

/** What is written of one row: of the definition, of the ledger and of the history. */
export interface RowAction {
  readonly kind: Kind
  readonly sourceId: number
  readonly slug: string
  /**
   * Content and tags are written (`insert`, `update`), tags alone (`tag`), or the row goes (`delete`). `anchor`: it is referred to
   * from now on, and has a row for the sake of what refers to it or of what it has for itself.
   */
  readonly write: "insert" | "update" | "tag" | "delete" | "anchor" | null
  /** Whether it was referred to and is no more: first of all it gets what it showed for its own. */
  readonly isHeldFirst: boolean
  /** Whether what is done to it follows from the revisions alone: then neither ledger nor history say it. */
  readonly isImplied: boolean
  /** The copy that is kept or deleted; null where there is none, or where it is inserted. */
  readonly rowId: number | null
  /** Whether another row takes its slug: it leaves the index of slugs first. */
  readonly isInTheWay: boolean
  readonly managedBy: AgentId | null
  /** The agent it works for: the installed one if `isBound`, else `agentId`. */
  readonly isBound: boolean
  readonly agentId: AgentId | null
  readonly isRetired: boolean
  /** Whether its due time is computed from its schedule again; otherwise the due time stays. */
  readonly isRescheduled: boolean
  readonly schedule: string | null
  /** The ledger's entry from now on, if it changes. The id of an inserted row is not known yet: null. */
  readonly remembered: {
    readonly copyId: number | null
    readonly slug: string
    readonly hash: string
    readonly adopted: boolean
  } | null
  /** Which entries of the ledger are deleted: this template's, or its siblings' too. */
  readonly forgotten: "here" | "everywhere" | null
  /** What the history says of it, and whether the history keeps the content it had. */
  readonly change: RowChange | null
  readonly isReplaced: boolean
}

/** What a decision is carried out for. An uninstall makes visible what it leaves, and gives back what was the person's own. */
export interface ActionContext {
  readonly isUninstall: boolean
  /** The agent that is installed already. */
  readonly agentId: AgentId | undefined
}

/** Whether an uninstall makes a withdrawn row, which the person had let a template adopt, their own again. */
const isReturned = ({ facts: { copy, entry }, fate }: DecidedRow, { isUninstall }: ActionContext) =>
  isUninstall && fate === "kept" && entry?.adopted === true && copy?.retired === true

const changeOf = (
  { act, facts: { copy }, fate, granted }: DecidedRow,
  { isUninstall }: ActionContext
): RowChange | null => {
  if (act === "adopt") return "adopted"
  if (granted === "revert") return "reverted"
  if (granted === "restore") return "restored"
  if (act === "create") return "created"
  if (act === "update") return "updated"
  if (fate === "removed" || fate === "passed_on") return fate
  if (fate === "kept" && isUninstall) return "kept"
  if (fate === "kept") return copy?.retired === true ? null : "hidden"
  return act === "customized" && copy?.retired === true ? "shown" : null
}

const writeOf = (row: DecidedRow, course: ActionContext, hasAgent: boolean): RowAction["write"] => {
  const { act, facts, fate } = row
  const { copy } = facts
  if (act === "create") return "insert"
  if (act === "update" || act === "adopt" || row.isReferredAgain) return "update"
  if (fate === "removed") return "delete"
  if (copy === undefined) return null
  if (fate === "passed_on" || fate === "forgotten") return "tag"
  if (fate === "kept") return copy.retired === course.isUninstall ? "tag" : null
  if (act !== "customized" && act !== "unchanged") return null
  return copy.retired || (hasAgent && copy.agentId === undefined) ? "tag" : null
}

const managedBy = (row: DecidedRow, templateAgentId: AgentId, course: ActionContext): AgentId | null => {
  const { act, facts, fate } = row
  const tagged = facts.copy?.managedBy ?? null
  if (act === "adopt" || act === "create") return templateAgentId
  if (act === "update") return tagged ?? templateAgentId
  if (isReturned(row, course) || (fate === "forgotten" && facts.sibling?.agentId === undefined)) return null
  const isHandedOver = (fate === "passed_on" || fate === "forgotten") && tagged === templateAgentId
  return isHandedOver ? (facts.sibling?.templateAgentId ?? null) : tagged
}

/** The agent a row works for afterwards. */
const agentOf = ({ act, facts: { copy, sibling }, fate }: DecidedRow, { agentId }: ActionContext) => {
  const boundTo = act === "adopt" || act === "create" ? undefined : copy?.agentId
  if (fate === "passed_on" && boundTo === agentId) return { isBound: false, agentId: sibling?.agentId ?? null }
  return { isBound: fate === undefined && boundTo === undefined, agentId: boundTo ?? null }
}

const rememberedOf = (row: DecidedRow): RowAction["remembered"] => {
  const { act, facts } = row
  const { entry, holder, wanted } = facts
  if (wanted === undefined) return null
  const applied = { slug: wanted.slug, hash: wanted.hash, adopted: entry?.adopted === true }
  if (act === "create") return { ...applied, copyId: null, adopted: false }
  if (act === "adopt") return { ...applied, copyId: holder?.id ?? null, adopted: true }
  if (entry === undefined) return null
  if (act === "update") return { ...applied, copyId: entry.copyId }
  if (act === "unchanged") {
    const isKnown = entry.own && entry.appliedHash === wanted.hash && entry.slug === wanted.slug
    return isKnown ? null : { ...applied, copyId: entry.copyId }
  }
  return entry.own ? null : { copyId: entry.copyId, slug: entry.slug, hash: entry.appliedHash, adopted: entry.adopted }
}

const forgottenOf = (row: DecidedRow, course: ActionContext): RowAction["forgotten"] => {
  const { facts, fate } = row
  if (fate === undefined || (fate === "kept" && !isReturned(row, course))) return null
  return facts.sibling?.agentId === undefined ? "everywhere" : "here"
}

/**
 * The id under which an installation refers to a row from now on; undefined where the row is held. Held is what the person had a say
 * in, what two templates share, what came with another id, and what can't be referred to.
 */
const referredId = ({ act, facts: { entry, sibling, wanted } }: DecidedRow, firstId: number | undefined) => {
  if (firstId === undefined || wanted?.ordinal === undefined || sibling !== undefined) return undefined
  if (act !== "create" && act !== "update" && act !== "unchanged") return undefined
  const id = firstId + wanted.ordinal
  if (entry === undefined) return id
  if (entry.adopted || entry.copyId !== id) return undefined
  return entry.referred !== undefined || act !== "unchanged" ? id : undefined
}

/** What is written of a row that is referred to from now on, where it would be `action` of a copy. */
const referring = (
  action: RowAction,
  { act, facts: { copy, entry } }: DecidedRow,
  id: number,
  { hasAgent, isAlwaysAnchored }: { readonly hasAgent: boolean; readonly isAlwaysAnchored: boolean }
): RowAction => {
  const isReferred = entry?.referred !== undefined
  const isUnbound = hasAgent && copy?.agentId === undefined
  const isAnchored = isAlwaysAnchored
    ? entry?.referred !== "anchored" || (act === "update" && action.isRescheduled) || isUnbound
    : !isReferred && copy !== undefined
  return {
    ...action,
    write: isAnchored ? "anchor" : null,
    rowId: id,
    isImplied: entry === undefined || isReferred,
    remembered: null,
    forgotten: entry === undefined || isReferred ? null : "everywhere"
  }
}

/** What is written of each row of a decision. */
export const actionsOf = (
  { facts, rows }: Decision,
  course: ActionContext,
  kinds: ReadonlyArray<KindDescription> = kindDescriptions
): ReadonlyArray<RowAction> => {
  const withAgent = new Set(kinds.flatMap(({ agent, kind }) => (agent === undefined ? [] : [kind])))
  const referredTo = new Set(kinds.flatMap(({ references = {} }) => Object.values(references)))
  const place = (action: RowAction, row: DecidedRow): RowAction => {
    const id = referredId(row, facts.firstId)
    const { entry } = row.facts
    if (id !== undefined) {
      const hasAgent = withAgent.has(action.kind)
      return referring(action, row, id, { hasAgent, isAlwaysAnchored: hasAgent || referredTo.has(action.kind) })
    }
    if (entry?.referred === undefined) return action
    if (row.fate !== "removed") return { ...action, isHeldFirst: true }
    return { ...action, isImplied: true, forgotten: null, write: entry.referred === "anchored" ? "delete" : null }
  }
  const actions = rows.map((row): RowAction => {
    const { act, facts: known, fate } = row
    const { copy, entry, holder, kind, sourceId, wanted } = known
    const write = writeOf(row, course, withAgent.has(kind))
    const isAnew = act === "create" || (act !== "adopt" && (copy === undefined || copy.deleted || copy.retired))
    const scheduleNow = act === "adopt" ? holder?.schedule : copy?.schedule
    const isThere = hasCopy(known) || (write === "update" && copy !== undefined) || fate === "forgotten"
    const action: RowAction = {
      kind,
      sourceId,
      slug: slugOf(known),
      write,
      isHeldFirst: false,
      isImplied: false,
      rowId: act === "adopt" ? (holder?.id ?? null) : isThere && act !== "create" ? (entry?.copyId ?? null) : null,
      isInTheWay: false,
      managedBy: managedBy(row, facts.templateAgentId, course),
      ...agentOf(row, course),
      isRetired:
        fate === "kept" ? !course.isUninstall : course.isUninstall && fate === "passed_on" && copy?.retired === true,
      isRescheduled: isAnew || scheduleNow !== wanted?.schedule,
      schedule: wanted?.schedule ?? null,
      remembered: rememberedOf(row),
      forgotten: forgottenOf(row, course),
      change: changeOf(row, course),
      isReplaced: act === "adopt" || act === "update" || fate === "removed"
    }
    return place(action, row)
  })

  const isWritten = ({ write }: RowAction) => write === "insert" || write === "update"
  const taken = new Map(actions.filter(isWritten).map(({ kind, slug, sourceId }) => [`${kind} ${slug}`, sourceId]))
  return actions.map((action, at) => {
    const known = rows[at]?.facts
    const leaves = action.write === "update" || action.write === "delete" || action.write === "anchor"
    if (known?.copy === undefined || !hasCopy(known) || !leaves) return action
    const taker = taken.get(`${action.kind} ${known.copy.slug}`)
    return { ...action, isInTheWay: taker !== undefined && taker !== action.sourceId }
  })
}

const nothing = ({ facts: { kind, sourceId, copy, entry } }: DecidedRow): RowAction => ({
  kind,
  sourceId,
  slug: copy?.slug ?? "",
  write: null,
  isHeldFirst: false,
  isImplied: false,
  rowId: entry?.copyId ?? null,
  isInTheWay: false,
  managedBy: copy?.managedBy ?? null,
  isBound: false,
  agentId: copy?.agentId ?? null,
  isRetired: false,
  isRescheduled: false,
  schedule: null,
  remembered: null,
  forgotten: null,
  change: null,
  isReplaced: false
})

/** What is written where all that an installation refers to is to be its own: each row gets what it shows. */
export const copying = ({ rows }: Decision): ReadonlyArray<RowAction> =>
  rows.flatMap((row) =>
    row.facts.entry?.own === true && row.facts.entry.referred !== undefined
      ? [{ ...nothing(row), isHeldFirst: true }]
      : []
  )

/**
 * What is written where an installation is to refer to what it has copied: of a row that stands as it was published, and is shared with
 * no other template. Where something needs the row, it stays: as an anchor if it has an id of the block, which begins with
 * `firstId`, else as it is. `leaving` is what an uninstall would do.
 */
export const referringTo = (
  { rows }: Decision,
  leaving: Decision,
  firstId: number,
  kinds: ReadonlyArray<KindDescription> = kindDescriptions
): ReadonlyArray<RowAction> => {
  const needed = new Set(
    kinds.flatMap(({ agent, kind, references = {} }) => [
      ...(agent === undefined ? [] : [kind]),
      ...Object.values(references)
    ])
  )
  const removed = new Set(
    leaving.rows.flatMap(({ facts, fate }) => (fate === "removed" ? [`${facts.kind} ${facts.sourceId}`] : []))
  )
  return rows.flatMap((row): ReadonlyArray<RowAction> => {
    const { facts, verdict } = row
    const { entry, kind, sibling, sourceId, wanted } = facts
    const isPlain = verdict === "unchanged" && entry?.own === true && !entry.adopted && sibling === undefined
    if (!isPlain || entry.referred !== undefined || wanted?.ordinal === undefined) return []
    const told = { ...nothing(row), forgotten: "everywhere" as const }
    if (entry.copyId === firstId + wanted.ordinal) return [{ ...told, write: "anchor" }]
    return removed.has(`${kind} ${sourceId}`) && !needed.has(kind) ? [{ ...told, write: "delete" }] : []
  })
}

/** Under which ids an installation by reference has what it refers to: its agent, and the first of its block. */
export interface ReferenceIds {
  readonly agentId: AgentId
  readonly firstId: number
}

/** Whether it follows from two revisions alone what is written: then it is the same of every installation that goes from one to the other. */
export const followsFromRevisions = (
  { collisions }: Pick<Decision, "collisions">,
  actions: ReadonlyArray<RowAction>
): boolean => collisions.length === 0 && actions.every(({ isImplied }) => isImplied)

/**
 * The actions of one installation made relative, so that they apply to all like it: row ids counted from the start of its block,
 * and its agent replaced by `isBound`.
 */
export const underOwnIds = (actions: ReadonlyArray<RowAction>, from: ReferenceIds): ReadonlyArray<RowAction> =>
  actions.map((action) => ({
    ...action,
    rowId: action.rowId === null ? null : action.rowId - from.firstId,
    ...(action.agentId === from.agentId && { isBound: true, agentId: null })
  }))

/** What other programs are told an entry of the history is. */
export const eventOf = (
  action: HistoryEntry["action"],
  isNew: boolean
): Pick<Extract<EventContent, { type: `agent.${string}` }>, "type"> & { readonly by: "person" | "publisher" } => ({
  type: action === "uninstall" ? "agent.uninstalled" : isNew ? "agent.installed" : "agent.updated",
  by: action === "rollout" ? "publisher" : "person"
})

/** Whether every row of an installation stands as its revision has it once a decision about all of them is carried out. */
export const standsAfter = ({ rows }: Decision): boolean =>
  rows.every(({ act, facts: { entry }, fate }) =>
    fate === undefined
      ? (act === "create" || act === "update" || act === "unchanged") && entry?.adopted !== true
      : fate !== "kept"
  )

/** An installed agent as it is after an install or a resync. */
export interface AgentAfter {
  readonly name: string
  readonly description: string
  readonly templateName: string | null
  readonly templateDescription: string | null
  readonly revision: number
  readonly pinned: boolean
}

/** The agent after an install or a resync. A name and a description that the person chose stay; `name` is a name they choose now. */
export const agentAfter = (
  agent: RequestFacts["agent"],
  revision: Revision,
  { name, revision: asked }: Pick<Wanted, "revision"> & { readonly name?: string | undefined }
): AgentAfter => {
  const pinned = asked === undefined ? agent?.pinned === true : asked !== "newest"
  const stays = agent?.pinned === true && asked === undefined
  const keepsName = agent !== null && (stays || agent.name !== agent.templateName)
  const keepsDescription = agent !== null && (stays || agent.description !== agent.templateDescription)
  return {
    ...(name === undefined
      ? keepsName
        ? { name: agent.name, templateName: agent.templateName }
        : { name: revision.name, templateName: revision.name }
      : { name, templateName: null }),
    description: keepsDescription ? agent.description : revision.description,
    templateDescription: stays ? agent.templateDescription : revision.description,
    revision: revision.revision,
    pinned
  }
}

/** What a roll-out does to an installation that it does not leave out: where nothing is to be told of, nothing is done. */
export const rolledOut = (
  { collisions }: Decision,
  { actions, isRecorded }: { readonly actions: ReadonlyArray<RowAction>; readonly isRecorded: boolean }
): "updated" | "unchanged" | "collided" => {
  if (collisions.length > 0) return "collided"
  return isRecorded || actions.some(({ change }) => change !== null) ? "updated" : "unchanged"
}

/** What an install or a resync answers: how many of the template's rows exist afterwards, and how many rows had each verdict. */
export const countsOf = (
  { rows }: Decision,
  kinds: ReadonlyArray<KindDescription> = kindDescriptions
): { readonly mirrored: KindCounts; readonly verdicts: ReadonlyArray<VerdictCount> } => {
  const mirrored = new Map<Kind, number>()
  for (const { act, facts } of rows) {
    const isThere = facts.wanted !== undefined && act !== "deleted_by_owner" && act !== "collision"
    if (isThere) mirrored.set(facts.kind, (mirrored.get(facts.kind) ?? 0) + 1)
  }
  return {
    mirrored: byKind((kind) => mirrored.get(kind) ?? 0, kinds),
    verdicts: countVerdicts(rows.map(({ facts: { kind }, verdict }) => ({ kind, verdict })))
  }
}
