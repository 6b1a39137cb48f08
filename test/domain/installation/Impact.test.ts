import { assert, describe, it } from "@effect/vitest"
import { AgentId, OrganizationId } from "../../../src/domain/Ids.ts"
import { decide } from "../../../src/domain/installation/Decide.ts"
import type { RowFacts } from "../../../src/domain/installation/Facts.ts"
import {
  addImpact,
  type ImpactCounts,
  type InstallationImpact,
  impactOf,
  noImpact
} from "../../../src/domain/installation/Impact.ts"

const none: ImpactCounts = { creates: 0, updates: 0, customized: 0, collisions: 0, removals: 0, retirements: 0 }
const here = {
  organizationId: OrganizationId.make("org_ada"),
  organizationSlug: "ada",
  templateAgentId: AgentId.make("agent_template"),
  revision: 2
}
const kind = "entity_types"
const wantedOf = (sourceId: number) => ({ slug: `s-${sourceId}`, name: "A", hash: "wanted" })
const comes = (sourceId: number): RowFacts => ({ kind, sourceId, wanted: wantedOf(sourceId) })
const stands = (sourceId: number, hash = "applied"): RowFacts => ({
  kind,
  sourceId,
  wanted: wantedOf(sourceId),
  entry: { own: true, copyId: sourceId, slug: `s-${sourceId}`, appliedHash: "applied", adopted: false },
  copy: { slug: `s-${sourceId}`, name: "A", hash, deleted: false, retired: false }
})
const withdrawn = ({ wanted: _, ...row }: RowFacts, used: boolean): RowFacts => ({ ...row, used })
const impactOn = (rows: ReadonlyArray<RowFacts>, earlier: Parameters<typeof impactOf>[0] = []) =>
  impactOf(earlier)(decide({ ...here, rows }))

describe("the impact of a revision", () => {
  it("counts its rows by what is done with them", () => {
    const colliding = { ...comes(1), holder: { id: 90, owner: "ada", authored: true } }
    const rows: ReadonlyArray<readonly [keyof ImpactCounts | undefined, RowFacts]> = [
      ["creates", comes(1)],
      ["updates", stands(1)],
      ["customized", stands(1, "mine")],
      ["collisions", colliding],
      ["removals", withdrawn(stands(1), false)],
      ["retirements", withdrawn(stands(1), true)],
      [undefined, stands(1, "wanted")]
    ]
    for (const [counted, row] of rows) {
      assert.deepStrictEqual(impactOn([row]), counted === undefined ? none : { ...none, [counted]: 1 }, counted)
    }
    assert.deepStrictEqual(impactOn([comes(1), comes(2), stands(3)]), { ...none, creates: 2, updates: 1 })
  })

  it("leaves out what the revision has as the earlier one had it", () => {
    const before = { kind, sourceId: 1, slug: "s-1", hash: "wanted" } as const
    assert.deepStrictEqual(impactOn([stands(1)], [before]), none)
    const updates = { ...none, updates: 1 }
    assert.deepStrictEqual(impactOn([stands(1)], [{ ...before, hash: "old" }]), updates)
    assert.deepStrictEqual(impactOn([stands(1)], [{ ...before, slug: "old" }]), updates)
    assert.deepStrictEqual(impactOn([stands(1)], [{ ...before, sourceId: 2 }]), updates)
    assert.deepStrictEqual(impactOn([stands(1)], [{ ...before, kind: "watchers" }]), updates)
    assert.deepStrictEqual(impactOn([withdrawn(stands(1), false)], [before]), { ...none, removals: 1 })
  })

  it("is added up over installations, those with collisions shown first, then those it touches most", () => {
    const on = (organizationSlug: string, counts: Partial<ImpactCounts>, pinned = false): InstallationImpact => ({
      organizationId: OrganizationId.make(`org_${organizationSlug}`),
      organizationSlug,
      pinned,
      ...none,
      ...counts
    })
    const first = addImpact(noImpact, [
      on("ada", { updates: 1 }),
      on("ben", { updates: 2, customized: 1 }, true),
      on("cem", {}, true)
    ])
    const impact = addImpact(first, [
      on("eli", { creates: 1 }),
      on("dee", { removals: 1 }),
      on("fay", { collisions: 1 }),
      on("gus", { collisions: 2, retirements: 1 })
    ])
    const { mostAffected, ...sums } = impact
    assert.deepStrictEqual(sums, {
      installations: 7,
      affected: 6,
      pinned: 2,
      total: { creates: 1, updates: 3, customized: 1, collisions: 3, removals: 1, retirements: 1 }
    })
    assert.deepStrictEqual(
      mostAffected.map(({ organizationSlug }) => organizationSlug),
      ["gus", "fay", "ben", "ada", "dee", "eli"]
    )
    const many = Array.from({ length: 12 }, (_, at) => on(`z-${at}`, { updates: 1 }))
    assert.lengthOf(addImpact(impact, many).mostAffected, 10)
    assert.deepStrictEqual(addImpact(impact, many.slice(0, 0)), impact)
  })
})
