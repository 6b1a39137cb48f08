import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { type Kind, kindDescriptions } from "../../../src/domain/catalog/Kind.ts"
import { changeProblems, changesNothing, fieldsOf } from "../../../src/domain/installation/Row.ts"
import { type AgentWatcher, dueOnResume, orderOfWatchers } from "../../../src/domain/installation/Watcher.ts"
import { pageOf } from "../../../src/domain/Page.ts"

const kindOf = (kind: Kind) => Option.getOrThrow(Option.fromNullable(kindDescriptions.find((one) => one.kind === kind)))

describe("what a person gives a row of their own", () => {
  it("are fields of its kind, those of its version too", () => {
    const watcher = ["schedule", "sources", "prompt", "extraction_schema", "reactions_guidance"]
    assert.deepStrictEqual(fieldsOf(kindOf("watchers")), watcher)
    assert.deepStrictEqual(fieldsOf(kindOf("entity_relationship_types")), ["metadata_schema", "is_symmetric"])
    assert.deepStrictEqual(changeProblems(kindOf("watchers"), { name: "A", content: { prompt: "Look" } }), [])
    assert.deepStrictEqual(changeProblems(kindOf("watchers"), { name: "A" }), [])
    assert.deepStrictEqual(changeProblems(kindOf("watchers"), { content: { color: "red", prompt: "Look" } }), [
      { path: "content.color", message: `watchers have no such field; known are ${watcher.join(", ")}` }
    ])
  })

  it("is not too deep and not too large", () => {
    let deep: Record<string, unknown> = {}
    for (let at = 0; at < 100; at++) deep = { deep }
    const types = kindOf("entity_types")
    assert.deepStrictEqual(changeProblems(types, { content: { metadata_schema: deep, color: "red" } }), [
      { path: "content.metadata_schema", message: "has lists and mappings more than 100 deep in each other" }
    ])
    // The description and what is around it, as JSON.
    const description = (bytes: number) => ({ description: "x".repeat(bytes - '{"description":""}'.length) })
    assert.deepStrictEqual(changeProblems(types, description(256 * 1024)), [])
    assert.deepStrictEqual(changeProblems(types, description(256 * 1024 + 1)), [
      { path: "", message: "takes 257 KiB as JSON; at most 256 KiB are taken" }
    ])
  })

  it("changes nothing where the row says all of it already", () => {
    const row = { name: "A", content: { a: 1, b: [1, 2] } }
    assert.isTrue(changesNothing(row, {}))
    assert.isTrue(changesNothing(row, { name: "A", content: { b: [1, 2], a: 1.0 }, color: null }))
    assert.isFalse(changesNothing(row, { name: "A", content: { a: 1, b: [2, 1] } }))
    assert.isFalse(changesNothing(row, { name: "A", color: "red" }))
  })
})

describe("the watchers of an agent", () => {
  it("are listed by their slugs", () => {
    const watcher = { name: "A", description: "", schedule: null, nextRunAt: null, pausedAt: null }
    const watchers = ["b", "c", "a"].map((slug) => ({ ...watcher, slug }))
    const { items } = pageOf<AgentWatcher>(watchers, orderOfWatchers, { limit: 2 })
    assert.deepStrictEqual(
      items.map(({ slug }) => slug),
      ["a", "b"]
    )
  })
})

describe("a watcher that is resumed", () => {
  it("is due as it was where that is to come, else at the next time of its schedule", () => {
    const [past, now, later] = ["06:00", "07:30", "09:00"].map((time) => new Date(`2026-11-23T${time}:00Z`))
    assert(past && now && later)
    const eight = new Date("2026-11-23T08:00:00Z")
    assert.deepStrictEqual(dueOnResume("0 8 * * *", later, now), later)
    assert.deepStrictEqual(dueOnResume(null, later, now), later)
    assert.deepStrictEqual(dueOnResume("0 8 * * *", past, now), eight)
    assert.deepStrictEqual(dueOnResume("0 8 * * *", now, now), eight)
    assert.deepStrictEqual(dueOnResume("0 8 * * *", null, now), eight)
    assert.isNull(dueOnResume(null, past, now))
  })
})
