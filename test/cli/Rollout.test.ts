import { assert, describe, it } from "@effect/vitest"
import { inPlaceOf } from "../../src/cli/Rollout.ts"

describe("a line that is written over", () => {
  it("never fills a terminal's last column, since what stands on the next line is not written over", () => {
    const line = "x".repeat(115)
    for (const columns of [20, 80, 115, 116, 200]) {
      const [, shown = ""] = inPlaceOf(line, columns).split("\u001b[K")
      assert.strictEqual(shown.length, Math.min(115, columns - 1))
    }
    // Some terminals don't say how wide they are.
    assert.strictEqual(inPlaceOf(line, 0), inPlaceOf(line, 80))
  })
})
