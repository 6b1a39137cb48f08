import { assert, describe, it } from "@effect/vitest"
import { DateTime, Either, Schema } from "effect"
import {
  drawWaves,
  isTrouble,
  mayBeTold,
  type Next,
  nextOf,
  noOutcomes,
  Outcome,
  ResumeRequest,
  type RolloutCourse,
  RolloutId,
  type RolloutProgress,
  RolloutRequest,
  RolloutState,
  RolloutsQuery,
  resumed,
  rolloutPage,
  rolloutsToFind,
  stopped,
  waveSizes
} from "../../../src/domain/rollout/Rollout.ts"
import { collisionReason, statusOf } from "../../../src/domain/rollout/Status.ts"

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
    // A try after the program was replaced by a newer one draws the same.
    const few = drawWaves(RolloutId.make("rollout_a"), ["org_ada", "org_ben", "org_cem", "org_dee"], [20, 100])
    assert.deepStrictEqual(
      few.map(({ organizationId, wave }) => [organizationId, wave]),
      [
        ["org_ada", 0],
        ["org_dee", 1],
        ["org_ben", 1],
        ["org_cem", 1]
      ]
    )
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

describe("what is asked of a roll-out", () => {
  const request = Schema.decodeUnknownEither(RolloutRequest)

  it("goes in the usual waves by itself where nothing is said", () => {
    assert.deepStrictEqual(Either.getOrThrow(request({ revision: 3 })), {
      revision: 3,
      waves: [1, 10, 50, 100],
      advance: "automatic",
      stopAbove: 0.05
    })
  })

  it("names waves that grow, and that end with everybody", () => {
    const cases: ReadonlyArray<readonly [isTaken: boolean, waves: ReadonlyArray<number>]> = [
      [true, [100]],
      [true, [1, 100]],
      [true, Array.from({ length: 20 }, (_, at) => (at + 1) * 5)],
      [false, Array.from({ length: 21 }, (_, at) => 80 + at)],
      [false, []],
      [false, [50]],
      [false, [50, 50, 100]],
      [false, [50, 20, 100]],
      [false, [0, 100]],
      [false, [1.5, 100]],
      [false, [100, 101]]
    ]
    for (const [isTaken, waves] of cases) {
      assert.strictEqual(Either.isRight(request({ revision: 1, waves })), isTaken, waves.join())
    }
  })

  it("stops above a share from nothing to everybody", () => {
    const resume = Schema.decodeUnknownEither(ResumeRequest)
    for (const stopAbove of [0, 1]) assert.isTrue(Either.isRight(resume({ stopAbove })), `${stopAbove}`)
    for (const stopAbove of [-0.1, 1.1]) assert.isTrue(Either.isLeft(resume({ stopAbove })), `${stopAbove}`)
  })
})

describe("what a roll-out does next", () => {
  const running: RolloutProgress = {
    state: "running",
    wave: 1,
    sizes: [10, 40, 0, 50],
    advance: "automatic",
    stopAbove: 0.05,
    hasOpen: true,
    trouble: 2
  }
  const finished = { hasOpen: false, trouble: 0 }

  it("is decided by what became of the wave it is at", () => {
    const cases: ReadonlyArray<readonly [of: string, given: Partial<RolloutProgress>, next: Next]> = [
      ["some are open", {}, { next: "go_on" }],
      ["too many collided", { trouble: 3 }, { next: "pause", because: "too_much_trouble", wave: 1 }],
      [
        "too many of the last ones collided",
        { trouble: 3, hasOpen: false },
        { next: "pause", because: "too_much_trouble", wave: 1 }
      ],
      ["none may collide", { stopAbove: 0, trouble: 1 }, { next: "pause", because: "too_much_trouble", wave: 1 }],
      ["a wave of nobody", { wave: 2, trouble: 0 }, { next: "go_on" }],
      ["the wave is over", finished, { next: "wave", wave: 3 }],
      [
        "the wave is over, and the next one is to be agreed to",
        { ...finished, advance: "manual" },
        { next: "pause", because: "next_wave", wave: 3 }
      ],
      ["the last wave is over", { ...finished, wave: 3 }, { next: "done" }],
      ["the others are of nobody", { ...finished, sizes: [10, 40, 0, 0] }, { next: "done" }],
      ["it does not run", { state: "paused" }, { next: "nothing" }],
      ["it does not run, and much collided", { state: "cancelled", trouble: 40 }, { next: "nothing" }]
    ]
    for (const [of, given, next] of cases) assert.deepStrictEqual(nextOf({ ...running, ...given }), next, of)
  })

  it("counts collisions and faults as trouble", () => {
    assert.deepStrictEqual(Outcome.literals.filter(isTrouble), ["collided", "failed"])
  })

  it("has waves of as many organizations as their shares come to, rounded up", () => {
    assert.deepStrictEqual(waveSizes(1_000, [1, 10, 50, 100]), [10, 90, 400, 500])
    assert.deepStrictEqual(waveSizes(3, [1, 10, 50, 100]), [1, 0, 1, 1])
    assert.deepStrictEqual(waveSizes(0, [1, 100]), [0, 0])
  })
})

describe("a roll-out that is told", () => {
  const course: RolloutCourse = { state: "paused", because: "asked", wave: 2, attempt: 1, revision: 3, stopAbove: 0.05 }

  it("may be until it has ended, and to end as often as one likes", () => {
    const told = (change: Parameters<typeof mayBeTold>[1]) =>
      RolloutState.literals.filter((state) => mayBeTold(state, change))
    assert.deepStrictEqual(told("pause"), ["running", "paused"])
    assert.deepStrictEqual(told("resume"), ["running", "paused"])
    assert.deepStrictEqual(told("cancel"), ["running", "paused", "cancelled"])
  })

  it("to stop says why, once", () => {
    assert.deepStrictEqual(stopped({ state: "running" }, "pause"), { state: "paused", because: "asked" })
    assert.deepStrictEqual(stopped({ state: "running" }, "break"), { state: "paused", because: "revision_broken" })
    assert.deepStrictEqual(stopped({ state: "running" }, "cancel"), { state: "cancelled", because: null })
    assert.deepStrictEqual(stopped({ state: "paused" }, "cancel"), { state: "cancelled", because: null })
    assert.isUndefined(stopped({ state: "paused" }, "pause"))
    assert.isUndefined(stopped({ state: "paused" }, "break"))
    assert.isUndefined(stopped({ state: "cancelled" }, "cancel"))
  })

  it("to go on makes another attempt: where it was, or from the first wave with another revision", () => {
    const next = { ...course, state: "running" as const, because: null, attempt: 2 }
    const running = { ...course, state: "running" as const, because: null }
    assert.deepStrictEqual(resumed(course, {}), { course: next, isAnother: false })
    assert.deepStrictEqual(resumed(course, { revision: 3 }), { course: next, isAnother: false })
    assert.deepStrictEqual(resumed(course, { stopAbove: 0.5 }), {
      course: { ...next, stopAbove: 0.5 },
      isAnother: false
    })
    const another = { course: { ...next, revision: 4, wave: 0 }, isAnother: true }
    assert.deepStrictEqual(resumed(course, { revision: 4 }), another)
    assert.deepStrictEqual(resumed(running, { revision: 4 }), another)
    assert.deepStrictEqual(resumed(running, { stopAbove: 0.05 }), { course: next, isAnother: false })
    assert.isUndefined(resumed(running, {}))
  })
})

describe("how a roll-out stands", () => {
  const rollout = {
    rolloutId: RolloutId.make("rollout_a"),
    revision: 3,
    state: "running",
    because: null,
    wave: 1,
    advance: "automatic",
    stopAbove: 0.05,
    startedAt: DateTime.unsafeMake(0),
    endedAt: null,
    examples: []
  } as const
  const status = statusOf({ ...rollout, waves: [10, 100] }, [
    { wave: 0, outcome: "updated", organizations: 8 },
    { wave: 0, outcome: "collided", organizations: 2 },
    { wave: 1, outcome: "updated", organizations: 30 },
    { wave: 1, outcome: null, organizations: 60 }
  ])

  it("is counted in all and by wave, those it has not come to apart", () => {
    assert.deepStrictEqual(status, {
      ...rollout,
      organizations: 100,
      open: 60,
      outcomes: { ...noOutcomes, updated: 38, collided: 2 },
      waves: [
        { upTo: 10, organizations: 10, open: 0, outcomes: { ...noOutcomes, updated: 8, collided: 2 } },
        { upTo: 100, organizations: 90, open: 60, outcomes: { ...noOutcomes, updated: 30 } }
      ]
    })
  })

  it("is listed in pages that say where the next one begins", () => {
    const found = ["a", "b", "c"].map((id) => ({ ...status, rolloutId: RolloutId.make(`rollout_${id}`) }))
    const page = (limit: number) => {
      const { next, rollouts } = rolloutPage(found.slice(0, rolloutsToFind({ limit })), { limit })
      return [rollouts.length, next]
    }
    assert.deepStrictEqual(
      [page(1), page(2), page(3)],
      [
        [1, "rollout_a"],
        [2, "rollout_b"],
        [3, null]
      ]
    )
    assert.strictEqual(rolloutsToFind({ limit: 2 }), 3)
    const cursors = [
      "rollout_a",
      `rollout_${"a".repeat(100)}`,
      `rollout_${"a".repeat(101)}`,
      "rollout_",
      "a",
      " rollout_a"
    ]
    const isTaken = (before: string) => Either.isRight(Schema.decodeUnknownEither(RolloutsQuery)({ before }))
    assert.deepStrictEqual(cursors.filter(isTaken), cursors.slice(0, 2))
  })

  it("names some of the rows that were in the way, and how many more there were", () => {
    const collisions = Array.from({ length: 7 }, (_, at) => ({ kind: "entity_types" as const, slug: `s-${at}` }))
    const reason = (rows: number) => collisionReason(collisions.slice(0, rows))
    assert.isNull(reason(0))
    assert.strictEqual(reason(2), "entity_types s-0, entity_types s-1")
    const five = "entity_types s-0, entity_types s-1, entity_types s-2, entity_types s-3, entity_types s-4"
    assert.deepStrictEqual([reason(5), reason(7)], [five, `${five}, and 2 more`])
  })
})
