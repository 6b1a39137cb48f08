import { assert, describe, it } from "@effect/vitest"
import { changesOver } from "../../../src/domain/catalog/Changes.ts"
import type { PublishedChange } from "../../../src/domain/catalog/Template.ts"
import { definition, oneOfEach } from "../../fixtures/templates.ts"

const type = (slug: string, rest: Parameters<typeof definition>[2] = {}) => definition("entity_types", slug, rest)

const step = (change: PublishedChange["change"], slug: string, was: string | null = null): PublishedChange => ({
  kind: "entity_types",
  slug,
  change,
  was,
  fields: []
})

const said = (changes: ReadonlyArray<PublishedChange>) =>
  changes.map(({ change, fields, slug, was }) => [change, slug, was, ...fields])

describe("changesOver", () => {
  it("says what was added, changed and withdrawn, and the opposite the other way", () => {
    const { back, forward } = changesOver(
      [type("a"), type("b"), type("c")],
      [type("a"), type("b", { name: "B", content: { icon: "star" } }), type("d")],
      []
    )
    assert.deepStrictEqual(said(forward), [
      ["changed", "b", null, "icon", "name"],
      ["withdrawn", "c", null],
      ["added", "d", null]
    ])
    assert.deepStrictEqual(said(back), [
      ["changed", "b", null, "icon", "name"],
      ["added", "c", null],
      ["withdrawn", "d", null]
    ])
  })

  it("follows a row over several renames, in swaps too", () => {
    const { back, forward } = changesOver(
      [type("a"), type("x", { name: "X" }), type("y", { name: "Y" })],
      [type("c", { name: "a" }), type("y", { name: "X" }), type("x", { name: "Y" })],
      [
        [step("renamed", "b", "a"), step("renamed", "y", "x"), step("renamed", "x", "y")],
        [step("changed", "b")],
        [step("renamed", "c", "b")]
      ]
    )
    assert.deepStrictEqual(said(forward), [
      ["renamed", "c", "a", "description", "slug"],
      ["renamed", "x", "y", "description", "slug"],
      ["renamed", "y", "x", "description", "slug"]
    ])
    assert.deepStrictEqual(
      back.map(({ slug, was }) => [slug, was]),
      [
        ["a", "c"],
        ["x", "y"],
        ["y", "x"]
      ]
    )
  })

  it("takes what came back for the row it was, and a new row at a slug that was left for a new one", () => {
    assert.deepStrictEqual(
      said(changesOver([type("a")], [type("a")], [[step("withdrawn", "a")], [step("added", "a")]]).forward),
      []
    )
    assert.deepStrictEqual(
      said(
        changesOver(
          [type("a")],
          [type("a")],
          [[step("renamed", "b", "a")], [step("withdrawn", "b")], [step("added", "a")]]
        ).forward
      ),
      []
    )
    const { forward } = changesOver(
      [type("a")],
      [type("a"), type("b", { description: "What a is" })],
      [[step("renamed", "b", "a")], [step("added", "a")]]
    )
    assert.deepStrictEqual(said(forward), [
      ["added", "a", null],
      ["renamed", "b", "a", "name", "slug"]
    ])
  })

  it("follows what came back under its next slug, and tells it from what was added at its slug meanwhile", () => {
    const [withdrawn, back] = [[step("withdrawn", "a")], [step("added", "a")]]
    const renamed = changesOver([type("a")], [type("b")], [withdrawn, back, [step("renamed", "b", "a")]])
    assert.deepStrictEqual(said(renamed.forward), [["renamed", "b", "a", "description", "name", "slug"]])
    assert.deepStrictEqual(said(renamed.back), [["renamed", "a", "b", "description", "name", "slug"]])
    const other = changesOver(
      [type("a")],
      [type("a")],
      [[step("renamed", "b", "a"), step("added", "a")], [step("withdrawn", "b"), step("withdrawn", "a")], back]
    )
    assert.deepStrictEqual(said(other.forward), [
      ["added", "a", null],
      ["withdrawn", "a", null]
    ])
    const taken = changesOver(
      [type("a")],
      [type("a")],
      [[step("withdrawn", "a"), step("added", "c")], [step("renamed", "a", "c")]]
    )
    assert.deepStrictEqual(said(taken.forward), said(other.forward))
  })

  it("does not take a row for changed that refers to one that was renamed", () => {
    const [, , inbox, topic] = oneOfEach
    assert(inbox !== undefined && topic !== undefined)
    const post = definition("watchers", "post", { name: "inbox", description: "What inbox is" })
    const { forward } = changesOver(
      [inbox, topic],
      [post, { ...topic, references: { watcher_id: post.slug } }],
      [[{ ...step("renamed", "post", "inbox"), kind: "watchers" }]]
    )
    assert.deepStrictEqual(said(forward), [["renamed", "post", "inbox", "slug"]])
  })

  it("takes a row for changed that refers to another than before, or to none any more", () => {
    const [, , inbox, topic] = oneOfEach
    assert(inbox !== undefined && topic !== undefined)
    const [post, alone] = [definition("watchers", "post"), { ...topic, references: {} }]
    const differing = (before: typeof topic, after: typeof topic) =>
      said(changesOver([inbox, post, before], [inbox, post, after], []).forward)
    const changed = [["changed", "topic", null, "watcher_id"]]
    assert.deepStrictEqual(differing(topic, { ...topic, references: { watcher_id: post.slug } }), changed)
    assert.deepStrictEqual(differing(topic, alone), changed)
    assert.deepStrictEqual(differing(alone, alone), [])
  })
})
