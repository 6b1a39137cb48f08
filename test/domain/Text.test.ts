import { assert, describe, it } from "@effect/vitest"
import { Either, JSONSchema, Schema } from "effect"
import {
  BoundedProse,
  BoundedText,
  findUncleanText,
  Name,
  Prose,
  shownName,
  TextOrNull
} from "../../src/domain/Text.ts"

const said = <A>(schema: Schema.Schema<A, string>, text: string) =>
  Either.match(Schema.decodeEither(schema)(text), { onLeft: ({ message }) => message, onRight: () => "fine" })

describe("text", () => {
  it("has as many characters as it may have, and not only blanks where it must have one", () => {
    for (const text of [BoundedText, BoundedProse]) {
      const [any, some] = [text(0, 3), text(1, 3)]
      const described = { type: "string", minLength: 1, maxLength: 3, description: "Why" }
      assert.deepInclude(JSONSchema.make(some.annotations({ description: "Why" })), described)
      assert.deepStrictEqual(
        ["", " ", "🦊🦊🦊"].map((one) => said(any, one)),
        ["fine", "fine", "fine"]
      )
      assert.match(said(any, "abcd"), /must have 0 to 3 characters$/)
      assert.strictEqual(said(some, " a "), "fine")
      for (const wrong of ["", " ", "abcd", "🦊🦊🦊🦊"]) {
        assert.match(said(some, wrong), /must have 1 to 3 characters, not only blanks$/, wrong)
      }
    }
    assert.match(said(BoundedText(0, 3), "\u0000"), /must hold no NUL character and no lone surrogate$/)
    assert.strictEqual(said(BoundedText(0, 3), "\u0007"), "fine")
    assert.match(said(BoundedProse(0, 3), "\u0007"), /must hold no control character \(U\+0007/)
  })

  it("may be none where null is taken", () => {
    assert.deepStrictEqual(["a", null, 1, "\u0000"].map(Schema.is(TextOrNull)), [true, true, false, false])
    assert.throws(() => Schema.decodeUnknownSync(TextOrNull)("\u0000"), /^Expected text or null$/)
  })

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
    const cases: ReadonlyArray<readonly [name: string, refusal: RegExp]> = [
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
    for (const [name, refusal] of cases) assert.match(said(Name, name), refusal, name)
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
    assert.lengthOf(findUncleanText(deep) ?? [], 33)
    const wide = (before: number) => ({ list: [...Array.from({ length: before }, () => 0), "\u0000"] })
    assert.deepStrictEqual(findUncleanText(wide(9_999)), ["list", "9999"])
    assert.deepStrictEqual(findUncleanText(wide(10_000)), ["list"])
  })
})
