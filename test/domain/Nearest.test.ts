import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { didYouMean, nearest } from "../../src/domain/Nearest.ts"
import { mutating, workOf } from "../machine.ts"

describe("the nearest known word", () => {
  const members = ["slug", "templateAgentId", "name", "expectedPlan", "adopt", "revert", "whatsapp_phone", "country"]

  it("is the one that was probably meant", () => {
    const meant: ReadonlyArray<readonly [word: string, known: string | undefined]> = [
      ["expected_plan", "expectedPlan"],
      ["EXPECTED-PLAN", "expectedPlan"],
      ["expectedplan", "expectedPlan"],
      ["expcetedPlan", "expectedPlan"],
      ["expectPlan", "expectedPlan"],
      ["whatsappPhone", "whatsapp_phone"],
      ["whatsApp Phone", "whatsapp_phone"],
      ["template_agent_id", "templateAgentId"],
      ["templateAgent", "templateAgentId"],
      ["templateagentid", "templateAgentId"],
      ["slugg", "slug"],
      ["slgu", "slug"],
      ["adpot", "adopt"],
      ["nmae", "name"],
      ["contry", "country"],
      ["phone", undefined],
      ["x", undefined],
      ["", undefined],
      ["-_ ", undefined],
      ["expectedPlan".repeat(1_000), undefined]
    ]
    for (const [word, known] of meant) assert.strictEqual(nearest(word, members), known, word.slice(0, 40))
  })

  it("goes by case and joints before letters, and by order between equals", () => {
    assert.strictEqual(nearest("works-at", ["work_at", "works_at"]), "works_at")
    assert.strictEqual(nearest("invoicd", ["invoices", "invoice", "invoicf"]), "invoice")
    assert.strictEqual(nearest("inbox", new Set<string>()), undefined)
    assert.strictEqual(nearest("__proto__", ["slug"]), undefined)
    assert.strictEqual(nearest("日本語", ["日本誤"]), "日本誤")
  })

  it("is one that a letter in three tells from it, three at most, as the letters are counted", () => {
    /** Optimal string alignment as its definition has it. */
    const distance = (one: string, other: string): number => {
      if (one === "" || other === "") return one.length + other.length
      const [a, b] = [one.slice(1), other.slice(1)]
      return Math.min(
        distance(a, other) + 1,
        distance(one, b) + 1,
        distance(a, b) + (one[0] === other[0] ? 0 : 1),
        one.length > 1 && other.length > 1 && one[0] === other[1] && one[1] === other[0]
          ? distance(one.slice(2), other.slice(2)) + 1
          : Number.POSITIVE_INFINITY
      )
    }
    const word = FastCheck.string({ unit: FastCheck.constantFrom("a", "b", "c"), minLength: 1, maxLength: 6 })
    FastCheck.assert(
      FastCheck.property(word, word, (given, known) => {
        const near = distance(given, known) <= Math.floor(Math.max(given.length, known.length) / 3)
        assert.strictEqual(nearest(given, [known]), near ? known : undefined)
      }),
      { numRuns: 500 }
    )
    const long = "abcdefghijklmnopqrstuvwxyz"
    assert.strictEqual(nearest(`123${long}`, [long]), long)
    assert.strictEqual(nearest(`1234${long}`, [long]), undefined)
    assert.strictEqual(nearest("abc", ["abdc", "abc", "ab"]), "abc")
    assert.strictEqual(nearest("aa", ["bba"]), undefined)
  })

  it("is looked for where there are letters, a hundred at most", () => {
    const [hundred, more] = ["a".repeat(100), "a".repeat(101)]
    assert.strictEqual(nearest(hundred, [hundred]), hundred)
    assert.strictEqual(nearest(more, [more]), undefined)
    assert.strictEqual(nearest("-", ["_"]), undefined)
  })

  it.skipIf(mutating)("is found in no time among many long words", () => {
    const many = Array.from({ length: 5_000 }, (_, at) => `definition-number-${at}-of-a-large-template`)
    const work = workOf(() =>
      assert.strictEqual(nearest("defintion-number-4999-of-a-large-template", many), many[4_999])
    )
    assert.isBelow(work, 1_000)
  })
})

describe("what is said of an unknown word", () => {
  it("is the known one that was probably meant, or nothing", () => {
    const keys = ["color", "description", "metadata_schema", "icon", "was"]
    assert.strictEqual(didYouMean("colour", keys), `; did you mean "color"?`)
    assert.strictEqual(didYouMean("metadata-shcema", keys), `; did you mean "metadata_schema"?`)
    assert.strictEqual(didYouMean("prompt", keys), "")
  })
})
