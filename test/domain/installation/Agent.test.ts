import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { AgentId, OrganizationId, Slug } from "../../../src/domain/Ids.ts"
import {
  AgentsQuery,
  agentPath,
  agentsThatFit,
  type InstalledAgent,
  judgedRevision,
  overviewOf,
  ResyncPlanQuery,
  ResyncRequest
} from "../../../src/domain/installation/Agent.ts"
import { decide } from "../../../src/domain/installation/Decide.ts"
import type { RowFacts } from "../../../src/domain/installation/Facts.ts"
import { InstallRequest, PlanRequest } from "../../../src/domain/installation/Install.ts"

const wanted = { slug: "a", name: "A", hash: "wanted" }
const entry = { own: true, copyId: 10, slug: "a", appliedHash: "applied", adopted: false }
const copy = { slug: "a", name: "Mine", hash: "applied", deleted: false, retired: false }
const templateAgentId = AgentId.make("agent_template")
const organizationId = OrganizationId.make("org_ada")

describe("an agent with the state of its rows", () => {
  const agent = {
    agentId: AgentId.make("agent_ada"),
    organizationId,
    organizationSlug: Slug.make("ada"),
    name: "A",
    description: "",
    template: {
      templateAgentId,
      slug: null,
      name: "T",
      publisher: "acme",
      available: true,
      modes: ["copy"] as const,
      deprecated: null
    },
    revision: 2,
    newestRevision: 2,
    broken: null,
    pinned: false,
    mode: "copy" as const,
    updates: "automatic" as const,
    offered: null
  }
  const given: ReadonlyArray<Omit<RowFacts, "kind" | "sourceId">> = [
    { wanted },
    { wanted, entry, copy },
    { wanted, entry, copy: { ...copy, hash: "mine" }, contents: { wanted: { name: "A" }, copy: { name: "Mine" } } },
    { wanted, entry },
    { wanted, holder: { id: 90, owner: "ada", authored: true } },
    { wanted, entry, copy: { ...copy, hash: "wanted" } },
    { entry, copy, used: true },
    { entry, copy }
  ]
  const rows = given.map((row, at): RowFacts => {
    const slug = `s-${at}`
    const named = { ...row, kind: "entity_types" as const, sourceId: at }
    return {
      ...named,
      ...(row.wanted !== undefined && { wanted: { ...row.wanted, slug } }),
      ...(row.entry !== undefined && { entry: { ...row.entry, copyId: at, slug } }),
      ...(row.copy !== undefined && { copy: { ...row.copy, slug } })
    }
  })
  const facts = { organizationId, organizationSlug: "ada", templateAgentId, revision: 2, rows }

  it("counts them by verdict, those that were left out as unchanged, and names what is not as published", () => {
    const { counts, customized, retired, ...rest } = overviewOf(
      agent,
      decide({ ...facts, leftOut: { entity_types: 7, watchers: 2 } })
    )
    assert.deepStrictEqual(rest, agent)
    const none = { collision: 0, deleted_by_owner: 0, retire: 0, customized: 0, create: 0, update: 0, unchanged: 0 }
    assert.deepStrictEqual(counts, {
      entity_types: { collision: 1, deleted_by_owner: 1, retire: 2, customized: 1, create: 1, update: 1, unchanged: 8 },
      entity_relationship_types: none,
      watchers: { ...none, unchanged: 2 },
      event_classifiers: none
    })
    assert.deepStrictEqual(customized, [{ kind: "entity_types", slug: "s-2", name: "Mine", fields: ["name"] }])
    assert.deepStrictEqual(retired, [{ kind: "entity_types", slug: "s-6", name: "Mine", because: "in_use" }])
    assert.strictEqual(overviewOf(agent, decide(facts)).counts.entity_types.unchanged, 1)
  })

  it("is judged by what a resync would install: the newest revision, where it is not pinned and there is one", () => {
    const judged = (given: Partial<InstalledAgent>) => judgedRevision({ ...agent, newestRevision: 3, ...given })
    assert.strictEqual(judged({}), 3)
    assert.strictEqual(judged({ newestRevision: 1 }), 1)
    assert.strictEqual(judged({ newestRevision: null }), 2)
    assert.strictEqual(judged({ pinned: true }), 2)
    assert.strictEqual(judged({ template: { ...agent.template, available: false } }), 2)
  })

  it("has its page below its organization", () => {
    assert.strictEqual(agentPath(agent.organizationSlug, agent.agentId), "/ada/agents/agent_ada")
  })

  it("comes in pages of not too many rows", () => {
    const agentsOf = (...sizes: ReadonlyArray<number>) => agentsThatFit(sizes, 3, (rows) => rows).length
    assert.deepStrictEqual(
      [agentsOf(1, 1, 1, 1), agentsOf(4_000, 6_000, 1), agentsOf(4_000, 6_001), agentsOf(10_001, 1)],
      [3, 2, 1, 1]
    )
  })
})

describe("what is asked of agents", () => {
  const takes =
    <A, I>(schema: Schema.Schema<A, I>) =>
    (value: unknown) =>
      Either.isRight(Schema.decodeUnknownEither(schema)(value))
  const row = { kind: "entity_types", slug: "a" }

  it("begins at the next of a page", () => {
    const cursors = [
      "1763900000000000-agent_1",
      `1-${"a".repeat(200)}`,
      `1-${"a".repeat(201)}`,
      "-a",
      "1-",
      "1763900000000000000-a",
      "x1-a",
      "1-a\0"
    ]
    assert.deepStrictEqual(
      cursors.filter((before) => takes(AgentsQuery)({ before })),
      cursors.slice(0, 2)
    )
  })

  it("is of a revision by its number, or the newest", () => {
    const revisions = ["1", "2147483647", "newest", "0", "2147483648", "1.5", "oldest"]
    assert.deepStrictEqual(
      revisions.filter((revision) => takes(ResyncPlanQuery)({ revision })),
      ["1", "2147483647", "newest"]
    )
  })

  it("names each row once", () => {
    assert.isTrue(takes(ResyncRequest)({ adopt: [row], revert: [{ ...row, slug: "b" }] }))
    assert.isFalse(takes(ResyncRequest)({ adopt: [row], revert: [row] }))
    assert.isFalse(takes(InstallRequest)({ slug: "a", adopt: [row, row] }))
  })

  it("names one template, in one way", () => {
    for (const schema of [PlanRequest, InstallRequest] as const) {
      const isTaken = takes(schema as Schema.Schema<unknown, unknown>)
      assert.deepStrictEqual(
        [{ slug: "a" }, { templateAgentId: "agent_1" }, {}, { slug: "a", templateAgentId: "agent_1" }].map(isTaken),
        [true, true, false, false]
      )
    }
  })
})
