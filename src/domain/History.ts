import { Schema } from "effect"
import { UserId } from "./Ids.ts"
import { Kind } from "./Kind.ts"

const Content = Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

/** What was done to a row. `kept` is said by an uninstall only, `hidden` of a withdrawn row that could not go. */
export const Did = Schema.Literal(
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
export type Did = typeof Did.Type

/** One row that an install, a resync or an uninstall did something to. */
export const ChangedRow = Schema.Struct({
  kind: Kind,
  slug: Schema.String,
  did: Did,
  before: Content.annotations({ description: "What the row said before it was replaced or removed." }),
  after: Content.annotations({ description: "What the template's row said that was written." })
})
export type ChangedRow = typeof ChangedRow.Type

/** One install, resync or uninstall that did something. */
export const HistoryEntry = Schema.Struct({
  id: Schema.String,
  at: Schema.DateTimeUtc,
  by: Schema.Struct({ userId: UserId, name: Schema.NullOr(Schema.String) }),
  action: Schema.Literal("install", "resync", "uninstall"),
  revision: Schema.NullOr(Schema.Int),
  rows: Schema.Array(ChangedRow)
}).annotations({ identifier: "HistoryEntry" })
export type HistoryEntry = typeof HistoryEntry.Type

/** How many entries of a history are answered at once, at most. */
const mostEntries = 100

/** The parameters of `GET /api/agents/:id/history`: the page. */
export const HistoryQuery = Schema.Struct({
  before: Schema.optionalWith(
    Schema.String.pipe(Schema.pattern(/^\d{1,18}$/, { message: () => "Expected the next of a page" })),
    {
      exact: true
    }
  ),
  limit: Schema.optionalWith(
    Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, mostEntries)).annotations({
      message: () => ({ message: `Expected a number from 1 to ${mostEntries}`, override: true })
    }),
    { default: () => 20 }
  )
})
export type HistoryQuery = typeof HistoryQuery.Type

/** What `GET /api/agents/:id/history` answers: newest first; `next` is the `before` of the page that follows, if any. */
export const History = Schema.Struct({
  entries: Schema.Array(HistoryEntry),
  next: Schema.NullOr(Schema.String)
}).annotations({ identifier: "History" })
export type History = typeof History.Type
