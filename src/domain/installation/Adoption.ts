import { DateTime, Schema } from "effect"
import { Kind } from "../catalog/Kind.ts"
import { type Decision, slugOf } from "./Decide.ts"

/* How a template fares with those who have it installed: numbers, and never whose. */

/** How a row is in an installation, where it is not just as its template has it. */
export const Finding = Schema.Literal("customized", "deleted", "colliding", "retired")
export type Finding = typeof Finding.Type

/** A row that is not just as its template has it. */
export interface FoundRow {
  readonly kind: Kind
  readonly sourceId: number
  /** The publisher's slug of it. */
  readonly slug: string
  readonly finding: Finding
}

/** What a publisher sees of the rows of an installation. */
export const findingsOf = ({ rows }: Decision): ReadonlyArray<FoundRow> =>
  rows.flatMap(({ facts, fate, verdict }): ReadonlyArray<FoundRow> => {
    const { copy, entry, kind, sourceId, wanted } = facts
    const finding =
      verdict === "customized"
        ? "customized"
        : verdict === "deleted_by_owner"
          ? "deleted"
          : verdict === "collision"
            ? "colliding"
            : fate === "kept" && copy?.retired === true
              ? "retired"
              : undefined
    // Not what it is called there: that may be the person's own word.
    return finding === undefined
      ? []
      : [{ kind, sourceId, slug: wanted?.slug ?? entry?.slug ?? slugOf(facts), finding }]
  })

const counts = {
  customized: Schema.Int,
  deleted: Schema.Int,
  colliding: Schema.Int,
  retired: Schema.Int
} satisfies Record<Finding, unknown>

/** How many rows are listed: those that are most often not as published. */
export const mostFoundRows = 100

/** How many days installs and uninstalls are listed. */
export const daysTold = 30

/** What `GET …/adoption` answers. */
export const Adoption = Schema.Struct({
  installations: Schema.Int,
  following: Schema.Int.annotations({ description: "Those that roll-outs bring up to date." }),
  pinned: Schema.Int,
  manual: Schema.Int.annotations({ description: "Those that are not pinned, and that their owners update by hand." }),
  revisions: Schema.Array(
    Schema.Struct({ revision: Schema.Int, installations: Schema.Int, pinned: Schema.Int })
  ).annotations({ description: "The newest first." }),
  kinds: Schema.Array(Schema.Struct({ kind: Kind, ...counts })).annotations({
    description: "In how many places rows of a kind are changed, deleted, colliding, or withdrawn and hidden."
  }),
  rows: Schema.Array(Schema.Struct({ kind: Kind, slug: Schema.String, ...counts })).annotations({
    description: `The hundred rows that are most often not as published, the most often changed first.`
  }),
  days: Schema.Array(Schema.Struct({ day: Schema.String, installs: Schema.Int, uninstalls: Schema.Int })).annotations({
    description: "The last thirty days on which there were any, in UTC, the newest first."
  }),
  counted: Schema.Int.annotations({ description: "How many installations the counts of rows are of." }),
  countedSince: Schema.NullOr(Schema.DateTimeUtc).annotations({
    description: "When the first of them was looked at: rows may have changed since."
  })
}).annotations({
  identifier: "Adoption",
  description: "How a template fares, in numbers.",
  examples: [
    {
      installations: 1_200,
      following: 1_130,
      pinned: 40,
      manual: 30,
      revisions: [
        { revision: 3, installations: 1_100, pinned: 2 },
        { revision: 2, installations: 100, pinned: 38 }
      ],
      kinds: [{ kind: "entity_types", customized: 80, deleted: 12, colliding: 3, retired: 1 }],
      rows: [{ kind: "entity_types", slug: "bank-account", customized: 75, deleted: 4, colliding: 0, retired: 0 }],
      days: [{ day: "2026-11-23", installs: 41, uninstalls: 2 }],
      counted: 1_200,
      countedSince: DateTime.unsafeMake("2026-11-23T06:30:00Z")
    }
  ]
})
export type Adoption = typeof Adoption.Type

/** Rows found so, in how many installations. */
export interface CountedFinding extends Pick<FoundRow, "kind" | "slug" | "finding"> {
  readonly installations: number
}

const none = { customized: 0, deleted: 0, colliding: 0, retired: 0 }

/** Findings by row and by kind, the most often changed first. */
export const foundRows = (found: ReadonlyArray<CountedFinding>): Pick<Adoption, "kinds" | "rows"> => {
  const kinds = new Map<Kind, Record<Finding, number>>()
  const rows = new Map<string, Adoption["rows"][number]>()
  for (const { finding, installations, kind, slug } of found) {
    const ofKind = kinds.get(kind) ?? none
    kinds.set(kind, { ...ofKind, [finding]: ofKind[finding] + installations })
    const row = rows.get(`${kind} ${slug}`) ?? { kind, slug, ...none }
    rows.set(`${kind} ${slug}`, { ...row, [finding]: row[finding] + installations })
  }
  const all = (one: typeof none) => one.customized + one.deleted + one.colliding + one.retired
  return {
    kinds: [...kinds].map(([kind, counts]) => ({ kind, ...counts })).sort((a, b) => (a.kind < b.kind ? -1 : 1)),
    rows: [...rows.values()]
      .sort(
        (a, b) =>
          b.customized - a.customized || all(b) - all(a) || (`${a.kind} ${a.slug}` < `${b.kind} ${b.slug}` ? -1 : 1)
      )
      .slice(0, mostFoundRows)
  }
}
