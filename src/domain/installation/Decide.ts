import { isSameContent } from "../catalog/Content.ts"
import { type Kind, type KindDescription, kindDescriptions } from "../catalog/Kind.ts"
import type { Collision, UnmetWish } from "../Errors.ts"
import type { InstallationFacts, RowFacts } from "./Facts.ts"
import type { Fate, KeepReason, PlannedRow, RowName, Verdict, Wish } from "./Plan.ts"

/** What a person wants done with a row. */
export interface WishedRow extends RowName {
  readonly wish: Wish
}

/** A row with all that is decided about it. */
export interface DecidedRow {
  readonly facts: RowFacts
  /** The hash of the copy, if there is one. */
  readonly hash: string | undefined
  /** What a plan says of it, whatever the wishes are. */
  readonly verdict: Verdict
  readonly fate: Fate | undefined
  readonly because: KeepReason | undefined
  /** The wish that is granted. */
  readonly granted: Wish | undefined
  /** What is done: the verdict, or what a granted wish makes of it. */
  readonly act: Verdict | "adopt"
  /** Whether it lost a reference when the person deleted the row that it leads to, which comes back now: then it gets it again. */
  readonly isReferredAgain: boolean
  /** For a collision: the slug of the organization whose row is in the way, and whether that is the installation's own. */
  readonly owner: string
  readonly own: boolean
  readonly adoptable: boolean
}

export interface Decision {
  readonly facts: InstallationFacts
  readonly rows: ReadonlyArray<DecidedRow>
  /** Wishes that can't be granted: nothing may be written then. */
  readonly unmet: ReadonlyArray<UnmetWish>
  /** Slugs that are taken: nothing may be written then. */
  readonly collisions: ReadonlyArray<Collision>
}

const keyOf = (kind: Kind, id: number | string) => `${kind} ${id}`

/** Whether the copy exists: neither deleted by the person nor erased. */
export const hasCopy = ({ copy }: RowFacts): boolean => copy !== undefined && !copy.deleted

/** Why a withdrawn row can't be removed; undefined if it can. */
const reasonToKeep = (
  { copy, entry, referredBy = [], used = false }: RowFacts,
  hash: string | undefined,
  isLeaving: (kind: Kind, id: number) => boolean
): KeepReason | undefined => {
  if (copy === undefined || entry === undefined) return undefined
  if (hash !== entry.appliedHash) return "customized"
  if (entry.adopted) return "adopted"
  return used || referredBy.some(({ id, kind }) => !isLeaving(kind, id)) ? "in_use" : undefined
}

const fateOf = ({ sibling }: RowFacts, isThere: boolean, because: KeepReason | undefined): Fate => {
  if (!isThere) return "forgotten"
  if (sibling?.agentId !== undefined) return "passed_on"
  return because === undefined ? "removed" : "kept"
}

/** The first verdict that fits the row by itself. `holder` is a row that has its slug and is not one of the template's copies. */
const verdictOf = (
  { copy, entry, wanted }: RowFacts,
  hash: string | undefined,
  holder: RowFacts["holder"]
): Verdict => {
  if (wanted === undefined) return "retire"
  if (entry !== undefined && hash === undefined) return "deleted_by_owner"
  if (holder !== undefined) return "collision"
  if (entry === undefined || copy === undefined) return "create"
  if (hash === wanted.hash && !copy.retired) return "unchanged"
  return hash !== wanted.hash && hash !== entry.appliedHash ? "customized" : "update"
}

/** Judges each row by itself. `decide` then looks at the other rows and the wishes. */
const judgeEach = (facts: InstallationFacts, kinds: ReadonlyArray<KindDescription>) => {
  // Two rows may have one slug. Ordered by source, they have the same order in every plan.
  const rows = facts.rows.toSorted((a, b) => a.sourceId - b.sourceId)
  const byKind = new Map(kinds.map((description, position) => [description.kind, { ...description, position }]))
  const bySource = new Map<string, RowFacts>()
  // A copy of this template is no holder: its own verdict says whether it gives its slug up.
  const copies = new Set<string>()
  for (const row of rows) {
    bySource.set(keyOf(row.kind, row.sourceId), row)
    if (row.entry !== undefined) copies.add(keyOf(row.kind, row.entry.copyId))
  }
  const leaving = new Set<string>()

  const isGone = (kind: Kind | undefined, sourceId: string) => {
    const row = kind === undefined ? undefined : bySource.get(keyOf(kind, sourceId))
    return row?.entry !== undefined && !hasCopy(row)
  }
  // A reference to a row that the person deleted is empty: that is no change of theirs to the row that refers.
  const hashOf = ({ copy, entry, kind }: RowFacts) => {
    const { references = {} } = byKind.get(kind) ?? {}
    const isWhole =
      copy?.lost !== undefined &&
      Object.entries(copy.lost).every(([column, sourceId]) => isGone(references[column], sourceId))
    return isWhole ? entry?.appliedHash : copy?.hash
  }
  const position = ({ kind }: RowFacts) => byKind.get(kind)?.position ?? 0

  // A kind comes after the kinds that refer to it: a copy can be removed only if the rows that refer to it are.
  return rows
    .toSorted((a, b) => position(b) - position(a))
    .map((facts) => {
      const { entry, kind, wanted } = facts
      const isThere = hasCopy(facts)
      const hash = isThere ? hashOf(facts) : undefined
      const holder = facts.holder === undefined || copies.has(keyOf(kind, facts.holder.id)) ? undefined : facts.holder
      const verdict = verdictOf(facts, hash, holder)
      const because =
        wanted === undefined && isThere
          ? reasonToKeep(facts, hash, (kind, id) => leaving.has(keyOf(kind, id)))
          : undefined
      const fate = wanted === undefined ? fateOf(facts, isThere, because) : undefined
      if (entry !== undefined && (fate === "removed" || verdict === "update")) leaving.add(keyOf(kind, entry.copyId))
      const adoptable = verdict === "collision" && holder?.authored === true && !isThere
      return { facts, hash, holder, verdict, because, fate, adoptable }
    })
}

type JudgedRow = ReturnType<typeof judgeEach>[number]

const isGranted = (wish: Wish, { adoptable, verdict }: JudgedRow) =>
  (wish === "adopt" && adoptable) ||
  (wish === "revert" && verdict === "customized") ||
  (wish === "restore" && verdict === "deleted_by_owner")

const actOf = ({ facts, holder, verdict }: JudgedRow, granted: Wish | undefined): DecidedRow["act"] => {
  if (granted === undefined) return verdict
  if (granted === "adopt") return "adopt"
  if (holder !== undefined) return "collision"
  return facts.copy === undefined ? "create" : "update"
}

const isWrite = (act: DecidedRow["act"]) => act === "create" || act === "update"

/** Whether a copy that is as it was applied, but for references to rows that were deleted, lost one to a row that is restored. */
const lostRestored = (
  { facts: { copy, kind }, verdict }: JudgedRow,
  restored: ReadonlySet<string>,
  kinds: ReadonlyArray<KindDescription>
) => {
  if (verdict !== "unchanged" || copy?.lost === undefined) return false
  const references = kinds.find((one) => one.kind === kind)?.references ?? {}
  return Object.entries(copy.lost).some(([column, sourceId]) => {
    const referred = references[column]
    return referred !== undefined && restored.has(keyOf(referred, sourceId))
  })
}

/** What a row is called in a plan. */
export const slugOf = ({ copy, entry, wanted }: RowFacts): string => wanted?.slug ?? copy?.slug ?? entry?.slug ?? ""

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/**
 * Decides about every row of an installation: its verdict, and what is done with it in view of the wishes and the other rows. Pure;
 * takes time in proportion to the rows and wishes.
 */
export const decide = (
  facts: InstallationFacts,
  kinds: ReadonlyArray<KindDescription> = kindDescriptions,
  wishes: ReadonlyArray<WishedRow> = []
): Decision => {
  const wished = new Map(wishes.map(({ kind, slug, wish }) => [keyOf(kind, slug), wish]))
  const judged = judgeEach(facts, kinds).map((row) => {
    const { kind, wanted } = row.facts
    const wish = wanted === undefined ? undefined : wished.get(keyOf(kind, wanted.slug))
    const granted = wish !== undefined && isGranted(wish, row) ? wish : undefined
    return { row, granted, act: actOf(row, granted) }
  })

  const restored = new Set(
    judged.flatMap(({ granted, row: { facts } }) => (granted === "restore" ? [keyOf(facts.kind, facts.sourceId)] : []))
  )
  // A copy that keeps its slug, since the person changed it or it is in use, may have the slug that another row is to get.
  const staying = new Map<string, (typeof judged)[number]>()
  for (const one of judged) {
    const { facts, fate, verdict } = one.row
    const stays = verdict === "customized" || fate === "kept" || fate === "passed_on"
    if (facts.copy !== undefined && stays) staying.set(keyOf(facts.kind, facts.copy.slug), one)
  }
  const rows = judged.map(({ act, granted, row }): DecidedRow => {
    const { adoptable, because, facts: known, fate, hash, holder, verdict } = row
    const { kind, wanted } = known
    const inTheWay = wanted === undefined || staying.size === 0 ? undefined : staying.get(keyOf(kind, wanted.slug))
    return {
      facts: known,
      hash,
      verdict: inTheWay !== undefined && isWrite(verdict) ? "collision" : verdict,
      fate,
      because,
      granted,
      act: inTheWay !== undefined && inTheWay.granted === undefined && isWrite(act) ? "collision" : act,
      isReferredAgain: lostRestored(row, restored, kinds),
      owner: holder?.owner ?? facts.organizationSlug,
      own: holder?.authored ?? true,
      adoptable
    }
  })

  const byName = new Map<string, DecidedRow>()
  if (wishes.length > 0) {
    for (const row of rows) {
      if (row.facts.wanted !== undefined) byName.set(keyOf(row.facts.kind, row.facts.wanted.slug), row)
    }
  }
  return {
    facts,
    rows,
    unmet: wishes.flatMap(({ kind, slug, wish }) => {
      const found = byName.get(keyOf(kind, slug))
      return found?.granted === wish ? [] : [{ list: wish, kind, slug, verdict: found?.verdict ?? null }]
    }),
    collisions: rows
      .filter(({ act }) => act === "collision")
      .map(({ adoptable, facts: row, own, owner }) => ({
        kind: row.kind,
        slug: slugOf(row),
        owner,
        own,
        adoptable
      }))
      .sort((a, b) => compare(a.kind, b.kind) || compare(a.slug, b.slug))
  }
}

/** A decision without its wishes as a text, which is the same as long as the same is done to the same rows. Its hash is the plan's. */
export const planText = ({ facts, rows }: Decision): string =>
  JSON.stringify([
    facts.revision,
    rows
      .toSorted((a, b) => compare(a.facts.kind, b.facts.kind))
      .map(({ facts: { kind, sourceId, wanted }, fate, hash, verdict }) => [
        kind,
        sourceId,
        wanted?.slug,
        verdict,
        fate,
        wanted?.hash,
        hash
      ])
  ])

/** The fields in which the contents of template and copy differ. */
const differingFields = ({ facts: { contents, copy }, hash }: DecidedRow): ReadonlyArray<string> => {
  if (contents === undefined) return []
  const current: Record<string, unknown> = hash === copy?.hash ? contents.copy : { ...contents.copy, ...copy?.lost }
  return Object.keys(contents.wanted)
    .filter((field) => !isSameContent(contents.wanted[field], current[field]))
    .sort()
}

/** The rows of a plan, in the order of kinds, slugs and sources. */
export const plannedRows = (
  { rows }: Decision,
  kinds: ReadonlyArray<KindDescription> = kindDescriptions
): ReadonlyArray<PlannedRow> => {
  const position = new Map(kinds.map(({ kind }, at) => [kind, at]))
  return rows
    .map((row): PlannedRow => {
      const { adoptable, because, facts, fate, owner, verdict } = row
      return {
        kind: facts.kind,
        slug: slugOf(facts),
        name: (hasCopy(facts) ? facts.copy?.name : facts.wanted?.name) ?? null,
        verdict,
        fate: fate ?? null,
        because: fate === "kept" ? (because ?? null) : null,
        owner: verdict === "collision" ? owner : null,
        adoptable,
        fields: verdict === "update" || verdict === "customized" ? differingFields(row) : []
      }
    })
    .sort((a, b) => (position.get(a.kind) ?? 0) - (position.get(b.kind) ?? 0) || compare(a.slug, b.slug))
}
