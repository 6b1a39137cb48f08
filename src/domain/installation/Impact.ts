import { Record, Schema } from "effect"
import type { Kind } from "../catalog/Kind.ts"
import { OrganizationId } from "../Ids.ts"
import type { Decision } from "./Decide.ts"

const counts = {
  creates: Schema.Int,
  updates: Schema.Int,
  customized: Schema.Int.annotations({
    description: "Rows that the revision and the person both changed: they are kept."
  }),
  collisions: Schema.Int.annotations({
    description: "Slugs that are taken there: the installation can't be updated until they are free."
  }),
  removals: Schema.Int,
  retirements: Schema.Int.annotations({ description: "Withdrawn rows that are changed or in use: they are hidden." })
}

/** What the rows that a revision changes come to, by what is done with them. */
export const ImpactCounts = Schema.Struct(counts)
export type ImpactCounts = typeof ImpactCounts.Type

/** What a revision does to one installation. A pinned one gets it only by a resync to it. */
export const InstallationImpact = Schema.Struct({
  organizationId: OrganizationId,
  organizationSlug: Schema.String,
  pinned: Schema.Boolean,
  ...counts
})
export type InstallationImpact = typeof InstallationImpact.Type

/** What a revision does to the installations of its template: in total, and to the ten it touches most. */
export const Impact = Schema.Struct({
  installations: Schema.Int,
  affected: Schema.Int,
  pinned: Schema.Int,
  total: ImpactCounts,
  mostAffected: Schema.Array(InstallationImpact)
})
export type Impact = typeof Impact.Type

const noCounts: ImpactCounts = {
  creates: 0,
  updates: 0,
  customized: 0,
  collisions: 0,
  removals: 0,
  retirements: 0
}

/** The impact on no installation at all. */
export const noImpact: Impact = { installations: 0, affected: 0, pinned: 0, total: noCounts, mostAffected: [] }

/** A row of the revision that an impact is compared to. */
export interface EarlierRow {
  readonly kind: Kind
  readonly sourceId: number
  readonly slug: string
  readonly hash: string
}

/** Counts what is decided about the rows that a revision changes, compared to those of an earlier one. */
export const impactOf = (earlier: ReadonlyArray<EarlierRow>): ((decision: Decision) => ImpactCounts) => {
  const known = new Map(earlier.map(({ hash, kind, slug, sourceId }) => [`${kind} ${sourceId}`, `${slug} ${hash}`]))
  return ({ rows }) => {
    const counts = { ...noCounts }
    for (const { facts, fate, verdict } of rows) {
      const { kind, sourceId, wanted } = facts
      if (wanted !== undefined && known.get(`${kind} ${sourceId}`) === `${wanted.slug} ${wanted.hash}`) continue
      if (verdict === "create") counts.creates++
      if (verdict === "update") counts.updates++
      if (verdict === "customized") counts.customized++
      if (verdict === "collision") counts.collisions++
      if (fate === "removed") counts.removals++
      if (fate === "kept") counts.retirements++
    }
    return counts
  }
}

const sizeOf = (counts: ImpactCounts) =>
  Object.values(Record.map(noCounts, (_, key) => counts[key])).reduce((a, b) => a + b)
const shown = 10

/** An impact with that on more installations added. Those with collisions come first, then by how many rows are touched. */
export const addImpact = (impact: Impact, more: ReadonlyArray<InstallationImpact>): Impact => {
  const touched = more.filter((one) => sizeOf(one) > 0)
  return {
    installations: impact.installations + more.length,
    affected: impact.affected + touched.length,
    pinned: impact.pinned + more.filter(({ pinned }) => pinned).length,
    total: Record.map(impact.total, (count, key) => touched.reduce((sum, one) => sum + one[key], count)),
    mostAffected: [...impact.mostAffected, ...touched]
      .sort(
        (a, b) =>
          b.collisions - a.collisions || sizeOf(b) - sizeOf(a) || (a.organizationSlug < b.organizationSlug ? -1 : 1)
      )
      .slice(0, shown)
  }
}
