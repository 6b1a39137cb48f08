import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { didYouMean, nearest } from "../../src/domain/Nearest.ts"

const known = ["color", "description", "metadata_schema", "icon", "was"]

describe("nearest", () => {
  it("finds what was meant by a slip, and nothing where no word is close", () => {
    const cases: ReadonlyArray<readonly [word: string, meant: string | undefined]> = [
      ["colour", "color"],
      ["metadata-schema", "metadata_schema"],
      ["Metadata_Shcema", "metadata_schema"],
      ["descripton", "description"],
      ["icno", "icon"],
      ["wsa", "was"],
      ["prompt", undefined],
      ["x", undefined],
      ["", undefined]
    ]
    for (const [word, meant] of cases) assert.strictEqual(nearest(word, known), meant, word)
    assert.strictEqual(didYouMean("colour", known), `; did you mean "color"?`)
    assert.strictEqual(didYouMean("prompt", known), "")
  })

  it("finds a word with one letter changed, whatever it is", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.stringMatching(/^[a-z]{4,20}$/), FastCheck.nat(), (word, where) => {
        const at = where % word.length
        assert.strictEqual(nearest(`${word.slice(0, at)}0${word.slice(at + 1)}`, ["__________________", word]), word)
      })
    )
  })
})
