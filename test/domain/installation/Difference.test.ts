import { assert, describe, it } from "@effect/vitest"
import { differencesIn, differingRows } from "../../../src/domain/installation/Difference.ts"
import type { PlannedRow, Verdict } from "../../../src/domain/installation/Plan.ts"

const planned = (slug: string, verdict: Verdict, fields: ReadonlyArray<string>): PlannedRow => ({
  kind: "entity_types",
  slug,
  name: null,
  verdict,
  fate: null,
  because: null,
  owner: null,
  adoptable: false,
  fields
})
const pair = (slug: string, own: Record<string, unknown>, template: Record<string, unknown>) => ({
  kind: "entity_types" as const,
  slug,
  own,
  template
})

describe("differences", () => {
  it("are of the rows that the person or the publisher changed", () => {
    const rows = [
      planned("a", "customized", ["name"]),
      planned("b", "update", ["name"]),
      planned("c", "update", []),
      planned("d", "unchanged", ["name"])
    ]
    assert.deepStrictEqual(
      differingRows(rows).map(({ slug }) => slug),
      ["a", "b"]
    )
  })

  it("say of each field of the plan what both have, null where one has nothing", () => {
    const rows = [
      planned("a", "customized", ["color", "icon", "name", "unread"]),
      planned("b", "update", ["name"]),
      planned("same", "unchanged", [])
    ]
    const pairs = [
      pair("a", { name: "Mine", color: "#123456", more: 1 }, { name: "Theirs", icon: "bank", more: 2 }),
      pair("same", { name: "A" }, { name: "B" })
    ]
    assert.deepStrictEqual(differencesIn(rows, pairs), [
      {
        kind: "entity_types",
        slug: "a",
        fields: [
          { field: "color", own: "#123456", template: null },
          { field: "icon", own: null, template: "bank" },
          { field: "name", own: "Mine", template: "Theirs" }
        ]
      }
    ])
    const watcher = { ...pair("a", { name: "Mine" }, { name: "Theirs" }), kind: "watchers" as const }
    assert.deepStrictEqual(differencesIn(rows, [watcher]), [])
  })
})
