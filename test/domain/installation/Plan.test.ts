import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import type { Kind } from "../../../src/domain/catalog/Kind.ts"
import { AgentId, OrganizationId } from "../../../src/domain/Ids.ts"
import {
  chosenOutcome,
  chosenRows,
  countVerdicts,
  namesEachRowOnce,
  PlanHash,
  type PlannedRow,
  PlanQuery,
  uninstallOutcomeOf,
  WantedRevision,
  wishesOf
} from "../../../src/domain/installation/Plan.ts"

const planned = (kind: Kind, slug: string, given: Partial<PlannedRow> = {}): PlannedRow => ({
  kind,
  slug,
  name: `Name of ${slug}`,
  verdict: "unchanged",
  fate: null,
  because: null,
  owner: null,
  adoptable: false,
  fields: [],
  ...given
})
const hash = "0123456789abcdef".repeat(4)
const ids = { templateAgentId: AgentId.make("agent_t"), organizationId: OrganizationId.make("org_ada") }
const accepts = <A, I>(schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(schema)
  return (value: unknown) => Either.isRight(decode(value))
}

describe("wishes", () => {
  const types = (...slugs: ReadonlyArray<string>) => slugs.map((slug) => ({ kind: "entity_types" as const, slug }))

  it("are told list by list, each with its place there", () => {
    assert.deepStrictEqual(wishesOf({ restore: types("c"), adopt: types("a", "b") }), [
      { wish: "adopt", at: 0, kind: "entity_types", slug: "a" },
      { wish: "adopt", at: 1, kind: "entity_types", slug: "b" },
      { wish: "restore", at: 0, kind: "entity_types", slug: "c" }
    ])
    assert.deepStrictEqual(wishesOf({}), [])
  })

  it("name each row once, in whichever list", () => {
    const message = "this row is named before; name each row once"
    assert.deepStrictEqual(namesEachRowOnce({ adopt: types("a", "b"), revert: types("c") }), [])
    assert.deepStrictEqual(namesEachRowOnce({ adopt: types("a", "b", "a"), revert: types("c", "b") }), [
      { path: ["adopt", 2], message },
      { path: ["revert", 1], message }
    ])
    assert.deepStrictEqual(namesEachRowOnce({ adopt: [...types("a"), { kind: "watchers", slug: "a" }] }), [])
  })
})

describe("a plan", () => {
  it("has a hash of 64 hexadecimal digits", () => {
    const isHash = accepts(PlanHash)
    assert.deepStrictEqual([hash, `${hash}0`, `0${hash}`, hash.slice(1), hash.toUpperCase()].map(isHash), [
      true,
      false,
      false,
      false,
      false
    ])
  })

  it("counts its rows by kind and verdict", () => {
    const [type, watcher] = [planned("entity_types", "a"), planned("watchers", "a")]
    assert.deepStrictEqual(countVerdicts([type, watcher, type, { ...type, verdict: "create" }]), [
      { kind: "entity_types", verdict: "unchanged", rows: 2 },
      { kind: "watchers", verdict: "unchanged", rows: 1 },
      { kind: "entity_types", verdict: "create", rows: 1 }
    ])
  })

  it("shows the rows that are asked for, and stays the same plan", () => {
    const rows = [
      planned("entity_types", "a"),
      planned("entity_types", "b", { verdict: "create" }),
      planned("watchers", "c"),
      planned("event_classifiers", "d", { verdict: "update" })
    ]
    const plan = { ...ids, revision: 2, planHash: hash, notes: [], rows }
    const chosen = (query: unknown) => {
      const { rows, ...rest } = chosenRows(plan, Schema.decodeUnknownSync(PlanQuery)(query))
      assert.deepStrictEqual({ ...rest, rows: plan.rows }, plan)
      return rows.map(({ slug }) => slug)
    }
    assert.deepStrictEqual(chosen({}), ["a", "b", "c", "d"])
    assert.deepStrictEqual(chosen({ kind: "watchers" }), ["c"])
    assert.deepStrictEqual(chosen({ kind: "watchers,entity_types" }), ["a", "b", "c"])
    assert.deepStrictEqual(chosen({ verdict: "create,update" }), ["b", "d"])
    assert.deepStrictEqual(chosen({ kind: "entity_types", verdict: "create" }), ["b"])
    assert.deepStrictEqual(
      [{ kind: "watchers,Tables" }, { kind: "" }, { verdict: "create,good" }, { verdict: "" }].map(accepts(PlanQuery)),
      [false, false, false, false]
    )
  })

  it("is of a revision that is named by a number that Postgres has, or of the newest", () => {
    assert.deepStrictEqual([0, 1, 1.5, 2_147_483_647, 2_147_483_648, "newest", "oldest"].map(accepts(WantedRevision)), [
      false,
      true,
      false,
      true,
      false,
      true,
      false
    ])
  })
})

describe("an uninstall", () => {
  const rows = [
    planned("entity_types", "gone", { verdict: "retire", fate: "removed" }),
    planned("entity_types", "mine", { verdict: "retire", fate: "kept", because: "customized" }),
    planned("watchers", "shared", { verdict: "retire", fate: "passed_on", name: null }),
    planned("watchers", "deleted", { verdict: "retire", fate: "forgotten" })
  ]

  it("tells what goes, what stays and why, and what stays with another agent", () => {
    assert.deepStrictEqual(uninstallOutcomeOf(rows), {
      removed: [{ kind: "entity_types", slug: "gone", name: "Name of gone" }],
      kept: [{ kind: "entity_types", slug: "mine", name: "Name of mine", because: "customized" }],
      passedOn: [{ kind: "watchers", slug: "shared", name: "shared" }]
    })
  })

  it("shows the rows of the kinds that are asked for", () => {
    const outcome = { agentId: ids.templateAgentId, organizationId: ids.organizationId, ...uninstallOutcomeOf(rows) }
    const plan = { ...outcome, planHash: hash }
    assert.deepStrictEqual(chosenOutcome(plan, {}), plan)
    assert.deepStrictEqual(chosenOutcome(plan, { kind: ["watchers"] }), { ...plan, removed: [], kept: [] })
    assert.deepStrictEqual(chosenOutcome(plan, { kind: ["entity_types"] }), { ...plan, passedOn: [] })
  })
})
