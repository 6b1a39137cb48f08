import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { findUncleanText, Name, Prose, shownName } from "../../src/domain/Text.ts"

describe("text", () => {
  it("of a name has 1 to 200 characters, counted as people count", () => {
    const is = Schema.is(Name)
    assert.isTrue(is("🦊".repeat(200)))
    assert.deepStrictEqual(
      ["🦊".repeat(201), "", " ", "a\u0000", "\ud800"].map((text) => is(text)),
      [false, false, false, false, false]
    )
  })

  it("of a name is one line that shows what it is, in any script", () => {
    const is = Schema.is(Name)
    const fine = [
      "אדה לאבלייס",
      "آدا \u200fلاولیس",
      "می\u200cخواهم",
      "क्\u200dष",
      "👩‍👩‍👧‍👦 Family",
      "🏴\u{e0067}\u{e0062}\u{e007f}",
      "O'Neill\u00ad"
    ]
    for (const name of fine) assert.isTrue(is(name), name)
    const cases: ReadonlyArray<readonly [name: string, said: RegExp]> = [
      ["Ada\nLovelace", /no line break \(U\+000A is its character 4\)/],
      ["🦊\r", /no line break \(U\+000D is its character 2\)/],
      ["a\u2028b", /no line break \(U\+2028/],
      ["a\u0085b", /no line break \(U\+0085/],
      ["a\tb", /no control character \(U\+0009/],
      ["a\u001b[31mb", /no control character \(U\+001B/],
      ["a\u007f", /no control character \(U\+007F/],
      ["invoice\u202efdp.exe", /turns the direction of the text \(U\+202E is its character 8\)/],
      ["a\u2067b", /turns the direction of the text \(U\+2067/],
      ["\u200b\u2060", /a character that can be seen/],
      ["\u3164", /a character that can be seen/]
    ]
    for (const [name, said] of cases) {
      const refused = Schema.decodeUnknownEither(Name)(name)
      assert(Either.isLeft(refused), name)
      assert.match(refused.left.message, said)
    }
  })

  it("of prose may have lines and tabs, and nothing else that can't be seen to stand there", () => {
    const is = Schema.is(Prose)
    assert.isTrue(is("a\tb\r\nc\u200f"))
    for (const odd of ["\u0007", "\u0085", "\u202e", "\u2066"]) assert.isFalse(is(`a${odd}b`))
  })

  it("of a name that was taken before is shown on one line", () => {
    assert.strictEqual(shownName("Ada\nLovelace\u202e"), "Ada Lovelace ")
    assert.strictEqual(shownName("👩‍👩‍👧‍👦"), "👩‍👩‍👧‍👦")
  })

  it("is searched for what is not clean in values and keys, however deep", () => {
    assert.isUndefined(findUncleanText({ a: ["🦊", { b: 1 }], c: null }))
    assert.deepStrictEqual(findUncleanText({ a: [1, { b: "\u0000" }] }), ["a", "1", "b"])
    assert.deepStrictEqual(findUncleanText({ "\ud800": 1 }), ["\ud800"])
    const deep = JSON.parse(`${"[".repeat(9_000)}"\\u0000"${"]".repeat(9_000)}`)
    assert.isDefined(findUncleanText(deep))
  })
})
