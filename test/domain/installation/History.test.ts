import { assert, describe, it } from "@effect/vitest"
import { DateTime, Either, Schema } from "effect"
import { contentSize } from "../../../src/domain/catalog/Content.ts"
import { UserId } from "../../../src/domain/Ids.ts"
import { HistoryQuery, historyBounds, historyPage, type RecordedRow } from "../../../src/domain/installation/History.ts"

const rowOf = (before: RecordedRow["before"], after: RecordedRow["after"], slug = "a"): RecordedRow => ({
  kind: "entity_types",
  slug,
  did: "updated",
  before,
  after
})
const entryOf = (id: string, ...rows: ReadonlyArray<RecordedRow>) => ({
  id,
  at: DateTime.unsafeMake(0),
  by: { userId: UserId.make("ada"), name: "Ada" },
  action: "resync" as const,
  revision: 2,
  rows
})
const query = Schema.decodeUnknownSync(HistoryQuery)
const text = (length: number) => "x".repeat(length)

describe("a page of a history", () => {
  it("shows of each row the fields that differ, or all of them", () => {
    const before = { name: "Mine", n: 1, s: { a: 1, b: 2 }, same: null, old: 1 }
    const after = { name: "Theirs", n: 1.0, s: { b: 2, a: 1 }, same: null, add: 1 }
    const entries = [entryOf("1", rowOf(before, after), rowOf(null, { b: 2, a: 1 }), rowOf({ a: 1 }, null))]
    const rows = (asked: unknown) => historyPage(entries, query(asked)).entries[0]?.rows
    const common = { kind: "entity_types", slug: "a", did: "updated", omitted: false } as const
    assert.deepStrictEqual(rows({}), [
      {
        ...common,
        fields: ["add", "name", "old"],
        before: { name: "Mine", old: 1 },
        after: { name: "Theirs", add: 1 }
      },
      { ...common, fields: ["a", "b"], before: null, after: { b: 2, a: 1 } },
      { ...common, fields: ["a"], before: { a: 1 }, after: null }
    ])
    assert.deepStrictEqual(
      rows({ rows: "whole" })?.map(({ after, before }) => [before, after]),
      [
        [before, after],
        [null, { b: 2, a: 1 }],
        [{ a: 1 }, null]
      ]
    )
    assert.isTrue(Either.isLeft(Schema.decodeUnknownEither(HistoryQuery)({ rows: "some" })))
  })

  it("says where the next one begins", () => {
    const entries = ["3", "2", "1"].map((id) => entryOf(id, rowOf({ name: "Mine" }, { name: "Theirs" })))
    const page = (limit: string) => {
      const { entries: shown, next } = historyPage(entries, query({ limit }))
      return [shown.length, next]
    }
    assert.deepStrictEqual(
      [page("2"), page("3")],
      [
        [2, "2"],
        [3, null]
      ]
    )
    assert.deepStrictEqual(historyPage([], query({})), { entries: [], next: null })
    const cursors = ["7", "9".repeat(18), "9".repeat(19), "", "-7", "7 "]
    const isTaken = (before: string) => Either.isRight(Schema.decodeUnknownEither(HistoryQuery)({ before }))
    assert.deepStrictEqual(cursors.filter(isTaken), cursors.slice(0, 2))
  })

  it("ends where its rows would be too large, and leaves contents out where one entry's are", () => {
    const half = entryOf("3", rowOf({ name: "Mine" }, { name: text(historyBounds.shown / 2) }))
    const { entries, next } = historyPage([half, { ...half, id: "2" }, { ...half, id: "1" }], query({}))
    assert.deepStrictEqual([entries.length, next], [1, "3"])

    const name = text(historyBounds.shown * 0.6)
    const large = [rowOf({ name }, null), rowOf({ name }, null), rowOf(null, { name }), rowOf(null, null)]
    const rows = historyPage([entryOf("1", ...large)], query({})).entries[0]?.rows
    assert.deepStrictEqual(
      rows?.map(({ after, before, omitted }) => [before === null, after === null, omitted]),
      [
        [false, true, false],
        [true, true, true],
        [true, true, true],
        [true, true, false]
      ]
    )
  })

  it("takes the rows of an entry up to its limit, to the byte", () => {
    const pageWith = (length: number) => historyPage([entryOf("1", rowOf({ name: text(length) }, null))], query({}))
    const around = contentSize(pageWith(0).entries[0]?.rows[0])
    const omitted = [0, 1].map((more) => pageWith(historyBounds.shown - around + more).entries[0]?.rows[0]?.omitted)
    assert.deepStrictEqual(omitted, [false, true])
  })

  it("ends where what is read for it would be too large, though little of it is shown", () => {
    const prompt = text(historyBounds.read * 0.6)
    const little = (id: string) => entryOf(id, rowOf({ prompt, name: "A" }, null), rowOf(null, { prompt }))
    const unchanged = (id: string) => entryOf(id, rowOf({ prompt, name: "A" }, { prompt, name: "B" }))
    const small = historyPage([unchanged("2"), unchanged("1")], query({}))
    assert.deepStrictEqual([small.entries.length, small.next], [1, "2"])
    assert.deepStrictEqual(small.entries[0]?.rows[0]?.after, { name: "B" })
    assert.strictEqual(historyPage([little("2"), entryOf("1")], query({})).next, "2")
  })
})
