import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { findUncleanText, Name } from "../../src/domain/Text.ts"

describe("text", () => {
  it("of a name has 1 to 200 characters, counted as people count", () => {
    const is = Schema.is(Name)
    assert.isTrue(is("🦊".repeat(200)))
    assert.deepStrictEqual(
      ["🦊".repeat(201), "", " ", "a\u0000", "\ud800"].map((text) => is(text)),
      [false, false, false, false, false]
    )
  })

  it("is searched for what is not clean in values and keys, however deep", () => {
    assert.isUndefined(findUncleanText({ a: ["🦊", { b: 1 }], c: null }))
    assert.deepStrictEqual(findUncleanText({ a: [1, { b: "\u0000" }] }), ["a", "1", "b"])
    assert.deepStrictEqual(findUncleanText({ "\ud800": 1 }), ["\ud800"])
    const deep = JSON.parse(`${"[".repeat(9_000)}"\\u0000"${"]".repeat(9_000)}`)
    assert.isDefined(findUncleanText(deep))
  })
})
