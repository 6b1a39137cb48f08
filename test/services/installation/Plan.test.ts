import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { chosenHistories, histories, live } from "../../histories.ts"
import { inRealTime, worldsOfBothModes } from "../../worlds.ts"

const all = [...histories(Number(process.env.HISTORIES ?? 30)), ...chosenHistories]
const transcripts = new Map<string, ReadonlyArray<unknown>>()

for (const [label, world] of worldsOfBothModes) {
  it.layer(world, { timeout: "60 seconds" })(`TemplateMirror.plan (${label})`, (it) => {
    inRealTime(it)(
      "is what an install, a resync or an uninstall does, whatever happened before",
      () =>
        Effect.gen(function* () {
          const seen = new Set<string>()
          const told = yield* Effect.forEach(all, (history) => live(history, "entity_types", seen))
          transcripts.set(label, told)
          assert.sameMembers(
            [...seen],
            [
              "collision",
              "create",
              "customized",
              "deleted_by_owner",
              "forgotten",
              "kept adopted",
              "kept customized",
              "kept in_use",
              "passed_on",
              "removed",
              "unchanged",
              "update",
              "adopt",
              "revert",
              "restore",
              "uninstall removed",
              "uninstall kept",
              "uninstall returned",
              "uninstall passedOn"
            ]
          )
        }),
      1_200_000
    )
  })
}

it("TemplateMirror tells and does the same in every world", () => {
  const [first = [], ...others] = [...transcripts.values()]
  assert.isNotEmpty(first)
  assert.lengthOf(others, worldsOfBothModes.length - 1)
  for (const other of others) {
    for (const [at, told] of first.entries()) assert.deepStrictEqual(other[at], told, JSON.stringify(all[at]))
  }
})
