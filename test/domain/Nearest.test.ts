import { assert, describe, it } from "@effect/vitest"
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
