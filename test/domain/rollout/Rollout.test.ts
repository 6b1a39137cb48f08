import { assert, describe, it } from "@effect/vitest"
import { drawWaves, RolloutId } from "../../../src/domain/rollout/Rollout.ts"

const ids = Array.from({ length: 10_000 }, (_, at) => `org_${at}`)

describe("who is in which wave", () => {
  const drawn = drawWaves(RolloutId.make("rollout_a"), ids, [1, 10, 100])
  const waveOf = new Map(drawn.map(({ organizationId, wave }) => [organizationId, wave]))

  it("is everybody in one, as many as the waves say", () => {
    assert.sameMembers(
      drawn.map(({ organizationId }) => organizationId),
      ids
    )
    const sizes = [0, 1, 2].map((wave) => drawn.filter((one) => one.wave === wave).length)
    assert.deepStrictEqual(sizes, [100, 900, 9_000])
    assert.deepStrictEqual(
      drawn.map(({ wave }) => wave),
      drawn.map(({ wave }) => wave).sort((a, b) => a - b)
    )
    assert.deepStrictEqual(drawWaves(RolloutId.make("rollout_a"), ids.toReversed(), [1, 10, 100]), drawn)
  })

  it("has nothing to do with how ids look, and is another one in the next roll-out", () => {
    // Of ids that follow each other as many are in the first tenth as of any others.
    for (const block of [0, 2_500, 5_000, 7_500]) {
      const early = ids.slice(block, block + 2_500).filter((id) => (waveOf.get(id) ?? 2) < 2).length
      assert.isAbove(early, 180)
      assert.isBelow(early, 320)
    }
    const next = new Set(
      drawWaves(RolloutId.make("rollout_b"), ids, [10, 100]).flatMap(({ organizationId, wave }) =>
        wave === 0 ? [organizationId] : []
      )
    )
    const both = ids.filter((id) => next.has(id) && (waveOf.get(id) ?? 2) < 2).length
    assert.isAbove(both, 50)
    assert.isBelow(both, 160)
  })
})
