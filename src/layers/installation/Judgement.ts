import { createHash } from "node:crypto"
import { contentText } from "../../domain/catalog/Content.ts"
import type { Kind, KindDescription } from "../../domain/catalog/Kind.ts"
import type { AgentId, OrganizationId } from "../../domain/Ids.ts"
import type { Fate, KeptBecause, PlannedRow, Verdict, Wish } from "../../domain/installation/Plan.ts"
import {
  type AgentRecord,
  type DefinitionRecord,
  fieldsOf,
  hashOf,
  type LedgerRecord,
  type MemoryState,
  type RevisionRowRecord
} from "../memory/MemoryStore.ts"

/* The verdicts over the world's state: the rule that VerdictSql tells in SQL. */

/** What is judged: a template at a revision in an organization. Without a revision all counts as withdrawn. */
export interface JudgedTarget {
  readonly organizationId: OrganizationId
  readonly templateAgentId: AgentId
  readonly revision: number | null
}

/** What a person wants done with a row. */
export interface WishedRow {
  readonly wish: Wish
  readonly kind: Kind
  readonly slug: string
}

/** A row as it is and as it should be. */
export interface Judged {
  readonly kind: Kind
  readonly sourceId: number
  /** The revision's row; undefined where it is withdrawn. */
  readonly row: RevisionRowRecord | undefined
  readonly entry: LedgerRecord | undefined
  /** The copy where it stands. */
  readonly copy: DefinitionRecord | undefined
  readonly fields: Readonly<Record<string, string>>
  readonly hash: string | undefined
  readonly sibling: AgentRecord | undefined
  /** The row that has the slug, where that is none of the template's. */
  readonly holder: DefinitionRecord | undefined
  readonly verdict: Verdict
  readonly fate: Fate | undefined
  readonly because: KeptBecause | undefined
  /** Where a wish for the row is heard. */
  readonly granted: Wish | undefined
  /** What is done, wishes heeded. */
  readonly act: Verdict | "adopt"
  /** The row that is written over or stays, if any. */
  readonly place: DefinitionRecord | undefined
  /** Where the verdict or what is done is a collision: whose row it is. */
  readonly owner: OrganizationId | undefined
  readonly adoptable: boolean
}

type First = Omit<Judged, "granted" | "act" | "place" | "owner" | "adoptable">

/** Each row by itself. */
const judgeEach = (
  { agents, definitions, ledger, revisionRows, uses }: MemoryState,
  { organizationId, revision, templateAgentId }: JudgedTarget,
  kinds: ReadonlyArray<KindDescription>
): ReadonlyArray<First> => {
  const here = ledger.filter((entry) => entry.organizationId === organizationId)
  const own = here.filter((entry) => entry.templateAgentId === templateAgentId)
  const mine = definitions.filter((row) => row.organizationId === organizationId && !row.deleted)
  const rows = revisionRows.filter((row) => row.templateAgentId === templateAgentId && row.revision === revision)
  const sourceOf = (id: number) => here.find((entry) => entry.copyId === id)?.sourceId ?? `own:${id}`
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
            kinds.some(({ kind, references = {} }) => kind === row.kind && references[column] === copy.kind)
        )
    )

  // Nothing was written where the person had deleted what the publisher's row refers to: that is no change of theirs.
  const fieldsAsApplied = (copy: DefinitionRecord, row: RevisionRowRecord | undefined) => {
    const missing = Object.entries(row?.content.references ?? {}).filter(
      ([column, source]) =>
        copy.references[column] === null &&
        here.some(({ copyId, sourceId }) => sourceId === source && !mine.some(({ id }) => id === copyId))
    )
    return {
      ...fieldsOf(copy, sourceOf),
      ...Object.fromEntries(missing.map(([column, source]) => [column, contentText(source)]))
    }
  }

  // A kind after the ones that refer to it: whether a copy may go depends on what becomes of the rows bound to it.
  const position = ({ kind }: { readonly kind: Kind }) => kinds.findIndex((one) => one.kind === kind)
  const withdrawn = own.filter((entry) => !rows.some(same(entry)))
  const all = [...rows.map((row) => ({ row, ...row })), ...withdrawn.map((entry) => ({ row: undefined, ...entry }))]

  return all
    .sort((a, b) => position(b) - position(a))
    .map(({ kind, row, sourceId }) => {
      const siblings = here.filter(
        (entry) => entry.templateAgentId !== templateAgentId && same({ kind, sourceId })(entry)
      )
      const entry = own.find(same({ kind, sourceId })) ?? siblings[0]
      const sibling = agents.find(
        (agent) =>
          agent.organizationId === organizationId &&
          siblings.some((one) => one.templateAgentId === agent.templateAgentId)
      )
      const copy = mine.find(({ id }) => id === entry?.copyId)
      const fields = copy === undefined ? {} : fieldsAsApplied(copy, row)
      const hash = copy === undefined ? undefined : hashOf(fields)
      const holder = mine.find(
        (other) =>
          other.kind === kind &&
          other.slug === row?.slug &&
          other.id !== copy?.id &&
          // Rows that are judged themselves make room or clash by their own verdict.
          !here.some((entry) => entry.copyId === other.id && all.some(same(entry)))
      )
      const verdict: Verdict =
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
      const because: KeptBecause | undefined =
        row !== undefined || copy === undefined
          ? undefined
          : hash !== entry?.appliedHash
            ? "customized"
            : entry?.adopted === true
              ? "adopted"
              : isUsed(copy)
                ? "in_use"
                : undefined
      const fate: Fate | undefined =
        row !== undefined
          ? undefined
          : copy === undefined
            ? "forgotten"
            : sibling !== undefined
              ? "passed_on"
              : because !== undefined
                ? "kept"
                : "removed"
      if (copy !== undefined && (fate === "removed" || verdict === "update")) leaving.add(copy.id)
      return {
        kind,
        sourceId,
        row,
        entry,
        copy,
        fields,
        hash,
        sibling,
        holder,
        verdict,
        fate,
        because
      }
    })
}

const isAdoptable = ({ copy, holder }: Pick<First, "copy" | "holder">) =>
  holder !== undefined && holder.managedBy === undefined && copy === undefined

/** Every row with its verdict, and with what is done in view of the wishes and of each other. */
export const judge = (
  state: MemoryState,
  target: JudgedTarget,
  kinds: ReadonlyArray<KindDescription>,
  wishes: ReadonlyArray<WishedRow> = []
): ReadonlyArray<Judged> => {
  const wished = judgeEach(state, target, kinds).map((first) => {
    const wish = wishes.find(({ kind, slug }) => kind === first.kind && slug === first.row?.slug)?.wish
    const heard =
      (wish === "adopt" && first.verdict === "collision" && isAdoptable(first)) ||
      (wish === "revert" && first.verdict === "customized") ||
      (wish === "restore" && first.verdict === "deleted_by_owner")
    const granted = heard ? wish : undefined
    const row = state.definitions.find(({ id }) => id === first.entry?.copyId)
    const wanted: Judged["act"] =
      granted === undefined
        ? first.verdict
        : granted === "adopt"
          ? "adopt"
          : granted === "restore" && row === undefined
            ? "create"
            : "update"
    const place = wanted === "adopt" ? first.holder : wanted === "update" ? row : first.copy
    return { ...first, granted, wanted, place }
  })

  // A copy that stays where it is, for the person changed it or it is in use, may have the slug another row is to take.
  const staying = wished.filter(
    ({ fate, verdict }) => verdict === "customized" || fate === "kept" || fate === "passed_on"
  )
  const isWrite = (act: Judged["act"]) => act === "create" || act === "update"
  return wished.map(({ wanted, ...one }): Judged => {
    const stays = staying.find(
      (other) => other.kind === one.kind && other.sourceId !== one.sourceId && other.copy?.slug === one.row?.slug
    )
    const owner = one.holder?.sourceOrganizationId ?? one.holder?.organizationId
    return {
      ...one,
      verdict: stays !== undefined && isWrite(one.verdict) ? "collision" : one.verdict,
      act: stays !== undefined && stays.granted === undefined && isWrite(wanted) ? "collision" : wanted,
      owner: owner ?? (stays === undefined ? undefined : target.organizationId),
      adoptable: isAdoptable(one)
    }
  })
}

/** What a row of a plan is called. */
export const slugOf = ({ copy, entry, row }: Judged): string => row?.slug ?? copy?.slug ?? entry?.slug ?? ""

/** What a plan amounts to: the same as long as the same is done to the same rows. */
export const hashOfPlan = (revision: number | null, judged: ReadonlyArray<Judged>): string => {
  const rows = judged.map(({ fate, hash, kind, row, sourceId, verdict }) =>
    [kind, sourceId, row?.slug, verdict, fate, row?.hash, hash].join()
  )
  return createHash("sha256")
    .update(JSON.stringify([revision, rows.sort()]))
    .digest("hex")
}

/** The rows as a plan tells them, in the order of kinds and slugs. */
export const plannedRows = (
  { organizations }: MemoryState,
  judged: ReadonlyArray<Judged>,
  kinds: ReadonlyArray<KindDescription>
): ReadonlyArray<PlannedRow> => {
  const position = (kind: Kind) => kinds.findIndex((description) => description.kind === kind)
  return judged
    .map((one): PlannedRow => {
      const { adoptable, because, copy, fate, fields, kind, owner, row, verdict } = one
      const wanted = row === undefined ? {} : fieldsOf(row.content, (id) => id)
      const differing = Object.keys(wanted).filter((field) => fields[field] !== wanted[field])
      return {
        kind,
        slug: slugOf(one),
        name: (copy ?? row?.content)?.name ?? null,
        verdict,
        fate: fate ?? null,
        because: fate === "kept" ? (because ?? null) : null,
        owner: organizations.find(({ id }) => id === owner)?.slug ?? null,
        adoptable,
        fields: verdict === "update" || verdict === "customized" ? differing.sort() : []
      }
    })
    .sort((a, b) => position(a.kind) - position(b.kind) || (a.slug < b.slug ? -1 : 1))
}
