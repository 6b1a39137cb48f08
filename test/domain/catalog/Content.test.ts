import { assert, describe, it } from "@effect/vitest"
import { contentSize, contentText, isSameContent } from "../../../src/domain/catalog/Content.ts"
import { sameContents } from "../../fixtures/contents.ts"

describe("content", () => {
  it("is the same where it says the same, whatever way it is written", () => {
    const all = sameContents.flatMap((texts, group) => texts.map((text) => ({ group, text })))
    for (const a of all) {
      for (const b of all) {
        const same = isSameContent(JSON.parse(a.text), JSON.parse(b.text))
        assert.strictEqual(same, a.group === b.group, `${a.text} and ${b.text}`)
      }
    }
  })

  it("has one text, and a size in bytes of that", () => {
    assert.strictEqual(
      contentText({ b: [1e21, -2.5e-8], a: undefined }),
      '{"a": null, "b": [1000000000000000000000, -0.000000025]}'
    )
    assert.strictEqual(
      contentText({ zzz: 1, é: 2, ab: 3, aa: 4, b: 5 }),
      '{"b": 5, "aa": 4, "ab": 3, "é": 2, "zzz": 1}'
    )
    assert.strictEqual(contentSize({ é: "ü" }), 12)
  })
})
