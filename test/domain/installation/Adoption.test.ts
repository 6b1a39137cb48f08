import { assert, describe, it } from "@effect/vitest"
import type { Kind } from "../../../src/domain/catalog/Kind.ts"
import { AgentId, OrganizationId } from "../../../src/domain/Ids.ts"
import { type Finding, findingsOf, foundRows, mostFoundRows } from "../../../src/domain/installation/Adoption.ts"
import { decide } from "../../../src/domain/installation/Decide.ts"
import type { RowFacts } from "../../../src/domain/installation/Facts.ts"

const kind = "entity_types"
const wanted = { slug: "published", name: "A", hash: "wanted" }
const entry = { own: true, copyId: 10, slug: "applied", appliedHash: "applied", adopted: false }
const copy = { slug: "their-own", name: "A", hash: "applied", deleted: false, retired: false }
const findingIn = (row: Partial<RowFacts>) =>
  findingsOf(
    decide({
      organizationId: OrganizationId.make("org_ada"),
      organizationSlug: "ada",
      templateAgentId: AgentId.make("agent_template"),
      revision: 2,
      rows: [{ kind, sourceId: 1, ...row }]
    })
  ).map(({ finding, slug }) => [finding, slug])

describe("what a publisher learns of the rows of an installation", () => {
  it("is how they are not as published, never what the person calls them", () => {
    const cases: ReadonlyArray<readonly [found: Array<[Finding, string]>, row: Partial<RowFacts>]> = [
      [[], { wanted, entry, copy }],
      [[], { wanted }],
      [[["customized", "published"]], { wanted, entry, copy: { ...copy, hash: "mine" } }],
      [[["deleted", "published"]], { wanted, entry, copy: { ...copy, deleted: true } }],
      [[["colliding", "published"]], { wanted, holder: { id: 90, owner: "ada", authored: true } }],
      [[["retired", "applied"]], { entry, copy: { ...copy, retired: true, hash: "mine" } }],
      // Withdrawn, and not hidden yet; or hidden, and about to go.
      [[], { entry, copy: { ...copy, hash: "mine" } }],
      [[], { entry, copy: { ...copy, retired: true } }]
    ]
    for (const [at, [found, row]] of cases.entries()) assert.deepStrictEqual(findingIn(row), found, `${at}`)
  })

  it("is counted by kind and by row, those most often changed first", () => {
    const of = (kind: Kind, slug: string, finding: Finding, installations: number) => ({
      kind,
      slug,
      finding,
      installations
    })
    const none = { customized: 0, deleted: 0, colliding: 0, retired: 0 }
    const found = foundRows([
      of("watchers", "a", "deleted", 5),
      of("entity_types", "a", "customized", 2),
      of("entity_types", "b", "customized", 3),
      of("entity_types", "b", "retired", 4),
      of("entity_types", "c", "customized", 2),
      of("entity_types", "c", "colliding", 1),
      of("entity_types", "d", "deleted", 5),
      of("entity_types", "e", "deleted", 5),
      of("entity_types", "f", "deleted", 1),
      of("event_classifiers", "z", "colliding", 6),
      of("entity_types", "a", "customized", 1)
    ])
    assert.deepStrictEqual(found.kinds, [
      { kind: "entity_types", customized: 8, deleted: 11, colliding: 1, retired: 4 },
      { kind: "event_classifiers", ...none, colliding: 6 },
      { kind: "watchers", ...none, deleted: 5 }
    ])
    assert.deepStrictEqual(found.rows, [
      { kind: "entity_types", slug: "b", ...none, customized: 3, retired: 4 },
      { kind: "entity_types", slug: "a", ...none, customized: 3 },
      { kind: "entity_types", slug: "c", ...none, customized: 2, colliding: 1 },
      { kind: "event_classifiers", slug: "z", ...none, colliding: 6 },
      { kind: "entity_types", slug: "d", ...none, deleted: 5 },
      { kind: "entity_types", slug: "e", ...none, deleted: 5 },
      { kind: "watchers", slug: "a", ...none, deleted: 5 },
      { kind: "entity_types", slug: "f", ...none, deleted: 1 }
    ])
    const many = Array.from({ length: mostFoundRows + 1 }, (_, at) => of("watchers", `s-${at}`, "deleted", 1))
    assert.lengthOf(foundRows(many).rows, mostFoundRows)
  })
})
