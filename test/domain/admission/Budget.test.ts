import { assert, describe, it } from "@effect/vitest"
import { ownPasswordKey, spend } from "../../../src/domain/admission/Budget.ts"
import { UserId } from "../../../src/domain/Ids.ts"

describe("a budget", () => {
  it("lets so many tries pass in any window, and says when the oldest that counts leaves it", () => {
    const first = spend([], 1_000, 2, 500)
    assert.deepStrictEqual(first, { allowed: true, hits: [1_000], resetAfter: 500 })
    const second = spend(first.hits, 1_200, 2, 500)
    assert.deepStrictEqual(second, { allowed: true, hits: [1_000, 1_200], resetAfter: 300 })
    assert.deepStrictEqual(spend(second.hits, 1_499, 2, 500), { allowed: false, hits: [1_000, 1_200], resetAfter: 1 })
    assert.deepStrictEqual(spend(second.hits, 1_500, 2, 500), { allowed: true, hits: [1_200, 1_500], resetAfter: 200 })
  })

  it("forgets what a larger one let pass, as it was before somebody made it smaller", () => {
    assert.deepStrictEqual(spend([1, 2, 3, 4], 10, 2, 100), { allowed: false, hits: [1, 2, 3, 4], resetAfter: 93 })
  })

  it("for passwords is each person's own", () => {
    assert.strictEqual(ownPasswordKey(UserId.make("ada")), "user ada")
  })
})
