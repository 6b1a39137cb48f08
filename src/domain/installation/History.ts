import { DateTime, Record, Schema } from "effect"
import { contentSize, isSameContent } from "../catalog/Content.ts"
import { Kind } from "../catalog/Kind.ts"
import { exampleIds, UserId } from "../Ids.ts"
import { firstThatFit, pageQuery } from "../Page.ts"

const Content = Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

/** What was done to a row. Only an uninstall says `kept`; `hidden` is a withdrawn row that could not be removed. */
export const RowChange = Schema.Literal(
  "created",
  "updated",
  "adopted",
  "reverted",
  "restored",
  "removed",
  "hidden",
  "shown",
  "kept",
  "passed_on"
)
export type RowChange = typeof RowChange.Type

/** What was done to a row, with its whole content before, and the content that was written. */
export interface RecordedRow {
  readonly kind: Kind
  readonly slug: string
  readonly did: RowChange
  readonly before: typeof Content.Type
  readonly after: typeof Content.Type
}

/** One row that an install, a resync or an uninstall did something to. */
export const ChangedRow = Schema.Struct({
  kind: Kind,
  slug: Schema.String,
  did: RowChange,
  fields: Schema.Array(Schema.String).annotations({ description: "The fields in which before and after differ." }),
  before: Content.annotations({
    description: "Those fields of the row, or with rows=whole all, before it was replaced or removed."
  }),
  after: Content.annotations({
    description: "Those fields, or with rows=whole all, of the template's row that was written."
  }),
  omitted: Schema.Boolean.annotations({
    description: "Whether before and after are left out, since with them the page would be too large."
  })
})
export type ChangedRow = typeof ChangedRow.Type

/** One install, resync or uninstall that did something. */
export const HistoryEntry = Schema.Struct({
  id: Schema.String,
  at: Schema.DateTimeUtc,
  by: Schema.Struct({ userId: Schema.NullOr(UserId), name: Schema.NullOr(Schema.String) }).annotations({
    description: "The person; or, where the action is rollout, the publisher, which has no userId."
  }),
  action: Schema.Literal("install", "resync", "uninstall", "rollout", "mode").annotations({
    description: "mode: it is installed by reference from then on, or by copy."
  }),
  revision: Schema.NullOr(Schema.Int),
  rows: Schema.Array(ChangedRow)
}).annotations({
  identifier: "HistoryEntry",
  description: "One install, resync or uninstall: who, when, which revision, and each row before and after."
})
export type HistoryEntry = typeof HistoryEntry.Type

/** The parameters of `GET /api/agents/:id/history`: the page, and how much of each row. */
export const HistoryQuery = Schema.Struct({
  ...pageQuery("entries", /^\d{1,18}$/, 20),
  rows: Schema.optionalWith(
    Schema.Literal("changed", "whole").annotations({
      message: () => ({ message: "Expected changed or whole", override: true })
    }),
    { default: () => "changed" as const }
  ).annotations({
    description: "Which fields of each row are in the answer. changed (the default): those that differ; whole: all."
  })
})
export type HistoryQuery = typeof HistoryQuery.Type

/**
 * What `GET /api/agents/:id/history` answers: newest first; `next` is the `before` of the page that follows, if any. A page ends
 * before `limit` where its rows would be more than 1 MiB, so that a page with few entries is not yet the last.
 */
export const History = Schema.Struct({
  entries: Schema.Array(HistoryEntry),
  next: Schema.NullOr(Schema.String)
}).annotations({
  identifier: "History",
  description: "A page of what was done to an agent's rows, the newest first.",
  examples: [
    {
      entries: [
        {
          id: "7",
          at: DateTime.unsafeMake("2026-11-23T06:30:00Z"),
          by: { userId: exampleIds.userId, name: "Ada Lovelace" },
          action: "resync",
          revision: 2,
          rows: [
            {
              kind: "entity_types",
              slug: "bank-account",
              did: "reverted",
              fields: ["name"],
              before: { name: "My accounts" },
              after: { name: "Bank account" },
              omitted: false
            }
          ]
        }
      ],
      next: null
    }
  ]
})
export type History = typeof History.Type

/**
 * The limits of a page of a history, in bytes of JSON text: of the rows that are shown, and of the contents that are read for them,
 * which may be far more if little of them changed.
 */
export const historyBounds = { shown: 1024 * 1024, read: 4 * 1024 * 1024 } as const

/** A row as a page shows it. */
const shownRow = ({ after, before, ...row }: RecordedRow, rows: HistoryQuery["rows"]): ChangedRow => {
  const fields = Object.keys({ ...before, ...after })
    .filter(
      (field) =>
        before?.[field] === undefined || after?.[field] === undefined || !isSameContent(before[field], after[field])
    )
    .sort()
  const shown = (content: RecordedRow["before"]) =>
    content === null || rows === "whole" ? content : Record.filter(content, (_, field) => fields.includes(field))
  return { ...row, fields, before: shown(before), after: shown(after), omitted: false }
}

const sum = (sizes: ReadonlyArray<number>) => sizes.reduce((total, size) => total + size, 0)

/** The rows of an entry; those beyond the limit of a page without their contents. */
const withinBounds = (rows: ReadonlyArray<ChangedRow>): ReadonlyArray<ChangedRow> => {
  let size = 0
  return rows.map((row) => {
    size += contentSize(row)
    return size <= historyBounds.shown || (row.before === null && row.after === null)
      ? row
      : { ...row, before: null, after: null, omitted: true }
  })
}

/** The first page of some entries, newest first. */
export const historyPage = <A extends Omit<HistoryEntry, "rows"> & { readonly rows: ReadonlyArray<RecordedRow> }>(
  entries: ReadonlyArray<A>,
  { limit, rows }: HistoryQuery
): History => {
  const shown = entries.map((entry) => ({ entry, rows: entry.rows.map((row) => shownRow(row, rows)) }))
  const page = firstThatFit(shown, limit, [
    { of: ({ rows }) => sum(rows.map(contentSize)), max: historyBounds.shown },
    {
      of: ({ entry }) => sum(entry.rows.flatMap(({ after, before }) => [contentSize(before), contentSize(after)])),
      max: historyBounds.read
    }
  ])
  return {
    entries: page.map(({ entry, rows }) => ({ ...entry, rows: withinBounds(rows) })),
    next: page.length < entries.length ? (page.at(-1)?.entry.id ?? null) : null
  }
}
