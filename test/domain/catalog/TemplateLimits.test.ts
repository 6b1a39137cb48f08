import { assert, describe, it } from "@effect/vitest"
import { inBytes, isTooDeep, jsonBytes, templateLimits } from "../../../src/domain/catalog/TemplateLimits.ts"

/** A value in so many lists and mappings, one in the other. */
const nested = (depth: number): unknown => {
  let value: unknown = "text"
  for (let at = 0; at < depth; at++) value = at % 2 === 0 ? [null, value] : { a: 1, b: value }
  return value
}

describe("the limits of a template", () => {
  it("let lists and mappings be so deep in each other, and no deeper", () => {
    assert.isFalse(isTooDeep("text"))
    assert.isFalse(isTooDeep(null))
    assert.isFalse(isTooDeep(nested(templateLimits.depth)))
    assert.isTrue(isTooDeep(nested(templateLimits.depth + 1)))
    // Broad is not deep.
    assert.isFalse(isTooDeep(Array.from({ length: 1_000 }, () => nested(2))))
    assert.isTrue(isTooDeep([nested(1), nested(templateLimits.depth), "text"]))
  })

  it("count bytes as they are sent", () => {
    assert.strictEqual(jsonBytes({ a: "ä" }), 10)
    assert.strictEqual(jsonBytes(undefined), 0)
  })

  it("are told in whole units, no fewer than there are", () => {
    assert.deepStrictEqual([1, 1024, 1025, 1024 * 1024, 1024 * 1024 + 1, 5 * 1024 * 1024].map(inBytes), [
      "1 KiB",
      "1 KiB",
      "2 KiB",
      "1 MiB",
      "1025 KiB",
      "5 MiB"
    ])
  })
})
