import { Schema } from "effect"
import { Kind } from "../catalog/Kind.ts"
import type { PlannedRow } from "./Plan.ts"

/** A field in which a person's row and the template's differ, and what each says. */
export interface FieldDifference {
  readonly field: string
  readonly own: unknown
  readonly template: unknown
}

/** A row that the person or the publisher changed. */
export interface RowDifference {
  readonly kind: Kind
  readonly slug: string
  readonly fields: ReadonlyArray<FieldDifference>
}

/** A row of an installation beside the template's, with all that each says. */
export const RowPair = Schema.Struct({
  kind: Kind,
  slug: Schema.String,
  own: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  template: Schema.Record({ key: Schema.String, value: Schema.Unknown })
})
export type RowPair = typeof RowPair.Type

/** The rows of a plan that have contents on both sides to compare. */
export const differingRows = (rows: ReadonlyArray<PlannedRow>): ReadonlyArray<PlannedRow> =>
  rows.filter(({ fields, verdict }) => fields.length > 0 && (verdict === "customized" || verdict === "update"))

/** What differs in the rows of a plan: of each, the fields that the plan names. */
export const differencesIn = (
  rows: ReadonlyArray<PlannedRow>,
  pairs: ReadonlyArray<RowPair>
): ReadonlyArray<RowDifference> => {
  const known = new Map(pairs.map((pair) => [`${pair.kind} ${pair.slug}`, pair]))
  return differingRows(rows).flatMap(({ fields, kind, slug }) => {
    const pair = known.get(`${kind} ${slug}`)
    return pair === undefined
      ? []
      : [
          {
            kind,
            slug,
            fields: fields
              .filter((field) => field in pair.own || field in pair.template)
              .map((field) => ({ field, own: pair.own[field] ?? null, template: pair.template[field] ?? null }))
          }
        ]
  })
}
