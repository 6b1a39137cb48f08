import { assert, describe, it } from "@effect/vitest"
import { AgentId, OrganizationId } from "../../../src/domain/Ids.ts"
import { actionsOf } from "../../../src/domain/installation/Actions.ts"
import { decide, plannedRows, planText, type WishedRow } from "../../../src/domain/installation/Decide.ts"
import type { RowFacts } from "../../../src/domain/installation/Facts.ts"

const here = {
  organizationId: OrganizationId.make("org_ada"),
  organizationSlug: "ada",
  templateAgentId: AgentId.make("agent_template"),
  revision: 2
}

const wanted = { slug: "a", name: "A", hash: "wanted" }
const entry = { own: true, copyId: 10, slug: "a", appliedHash: "applied", adopted: false }
const copy = { slug: "a", name: "A", hash: "applied", deleted: false, retired: false, managedBy: here.templateAgentId }
const theirs = { id: 90, owner: "ada", authored: true }

/** A row of the template whose copy stands as it was applied, and which the revision changes; but for what the test says of it. */
const row = (given: Partial<RowFacts> = {}): RowFacts => ({
  kind: "entity_types",
  sourceId: 1,
  wanted,
  entry,
  copy,
  ...given
})

const without =
  (...fields: ReadonlyArray<keyof RowFacts>) =>
  (facts: RowFacts) =>
    Object.fromEntries(Object.entries(facts).filter(([field]) => !fields.some((one) => one === field))) as RowFacts

const decided = (rows: ReadonlyArray<RowFacts>, wishes: ReadonlyArray<WishedRow> = []) =>
  decide({ ...here, rows }, undefined, wishes)
const verdictOf = (one: RowFacts) => decided([one]).rows[0]?.verdict
const wish = (wish: WishedRow["wish"], slug = "a"): WishedRow => ({ wish, kind: "entity_types", slug })

describe("decide", () => {
  it("gives the first verdict that fits", () => {
    const gone = without("copy")(row())
    const deleted = row({ copy: { ...copy, deleted: true } })
    assert.strictEqual(verdictOf(gone), "deleted_by_owner")
    assert.strictEqual(verdictOf(deleted), "deleted_by_owner")
    assert.strictEqual(verdictOf({ ...deleted, holder: theirs }), "deleted_by_owner")
    assert.strictEqual(verdictOf(without("wanted")(deleted)), "retire")
    assert.strictEqual(verdictOf(row({ holder: theirs })), "collision")
    assert.strictEqual(verdictOf(without("wanted")(row())), "retire")
    assert.strictEqual(verdictOf(row({ copy: { ...copy, hash: "mine" } })), "customized")
    assert.strictEqual(verdictOf(without("entry", "copy")(row())), "create")
    assert.strictEqual(verdictOf(row()), "update")
    assert.strictEqual(verdictOf(row({ copy: { ...copy, hash: "wanted" } })), "unchanged")
    assert.strictEqual(verdictOf(row({ copy: { ...copy, hash: "wanted", retired: true } })), "update")
  })

  it("takes no row that is judged itself for one in the way", () => {
    const [one, two] = [
      row({ wanted: { ...wanted, slug: "b" }, holder: { ...theirs, id: 20 } }),
      row({
        sourceId: 2,
        entry: { ...entry, copyId: 20, slug: "b" },
        copy: { ...copy, slug: "b" },
        holder: { ...theirs, id: 10 }
      })
    ]
    const swap = decided([one, two])
    assert.deepStrictEqual(
      swap.rows.map(({ verdict }) => verdict),
      ["update", "update"]
    )
    const actions = actionsOf(swap, { isUninstall: false, agentId: undefined })
    assert.deepStrictEqual(
      actions.map(({ isInTheWay, rowId, write }) => [write, rowId, isInTheWay]),
      [
        ["update", 10, true],
        ["update", 20, true]
      ]
    )
    // One that stays, for the person changed it, is in the way; unless it is reverted.
    const mine = { ...two, copy: { ...copy, slug: "b", hash: "mine" } }
    const [first] = decided([one, mine]).rows
    assert.deepStrictEqual(
      [first?.verdict, first?.act, first?.owner, first?.own],
      ["collision", "collision", "ada", true]
    )
    const reverted = decided([one, mine], [wish("revert")])
    assert.deepStrictEqual(
      reverted.rows.map(({ act }) => act),
      ["update", "update"]
    )
    assert.deepStrictEqual(reverted.collisions, [])
  })

  it("grants wishes by the verdict that they are for, and names those that are not met", () => {
    const authored = without("entry", "copy")(row({ holder: theirs }))
    assert.deepStrictEqual(decided([authored]).collisions, [
      { kind: "entity_types", slug: "a", owner: "ada", own: true, adoptable: true }
    ])
    assert.strictEqual(decided([authored], [wish("adopt")]).rows[0]?.act, "adopt")
    const foreign = { ...authored, holder: { id: 90, owner: "them", authored: false } }
    assert.deepStrictEqual(decided([foreign], [wish("adopt")]).unmet, [
      { list: "adopt", kind: "entity_types", slug: "a", verdict: "collision" }
    ])
    const deleted = row({ copy: { ...copy, deleted: true } })
    assert.strictEqual(decided([deleted], [wish("restore")]).rows[0]?.act, "update")
    assert.strictEqual(decided([without("copy")(deleted)], [wish("restore")]).rows[0]?.act, "create")
    assert.deepStrictEqual(decided([{ ...deleted, holder: theirs }], [wish("restore")]).collisions, [
      { kind: "entity_types", slug: "a", owner: "ada", own: true, adoptable: false }
    ])
    assert.deepStrictEqual(decided([row()], [wish("revert"), wish("restore", "none")]).unmet, [
      { list: "revert", kind: "entity_types", slug: "a", verdict: "update" },
      { list: "restore", kind: "entity_types", slug: "none", verdict: null }
    ])
  })

  it("lets a withdrawn row go, unless something keeps it", () => {
    const fateOf = (given: Partial<RowFacts>) => {
      const [one] = decided([without("wanted")(row(given))]).rows
      return [one?.fate, one?.because]
    }
    assert.deepStrictEqual(fateOf({}), ["removed", undefined])
    assert.deepStrictEqual(fateOf({ copy: { ...copy, deleted: true } }), ["forgotten", undefined])
    assert.deepStrictEqual(fateOf({ copy: { ...copy, hash: "mine" } }), ["kept", "customized"])
    assert.deepStrictEqual(fateOf({ entry: { ...entry, adopted: true } }), ["kept", "adopted"])
    assert.deepStrictEqual(fateOf({ used: true }), ["kept", "in_use"])
    assert.deepStrictEqual(fateOf({ referredBy: [{ kind: "event_classifiers", id: 30 }] }), ["kept", "in_use"])
    const sibling = { templateAgentId: AgentId.make("agent_sibling"), agentId: AgentId.make("agent_other") }
    assert.strictEqual(fateOf({ sibling })[0], "passed_on")
  })

  it("does not count a classifier that goes along, or that is bound anew, as use of a watcher", () => {
    const watcher = without("wanted")(row({ kind: "watchers", referredBy: [{ kind: "event_classifiers", id: 30 }] }))
    const classifier = row({ kind: "event_classifiers", sourceId: 2, entry: { ...entry, copyId: 30 } })
    const fate = (other: RowFacts) =>
      decided([watcher, other]).rows.find(({ facts }) => facts.kind === "watchers")?.fate
    assert.strictEqual(fate(without("wanted")(classifier)), "removed")
    assert.strictEqual(fate(classifier), "removed")
    assert.strictEqual(fate({ ...classifier, copy: { ...copy, hash: "mine" } }), "kept")
    assert.strictEqual(fate({ ...classifier, copy: { ...copy, hash: "wanted" } }), "kept")
  })

  it("takes a reference that could not be written for no change of the person's", () => {
    const watcher = without("copy")(row({ kind: "watchers" }))
    const lacking = { ...copy, hash: "without", lost: { watcher_id: "1" } }
    const classifier = row({
      kind: "event_classifiers",
      sourceId: 2,
      entry: { ...entry, copyId: 30, appliedHash: "wanted" },
      copy: lacking
    })
    const verdict = (other: RowFacts) =>
      decided([other, classifier]).rows.find(({ facts }) => facts.kind === "event_classifiers")?.verdict
    assert.strictEqual(verdict(watcher), "unchanged")
    assert.strictEqual(verdict(row({ kind: "watchers" })), "customized")
  })

  it("gives a reference back with the row that is restored, which the history does not say of the row that refers", () => {
    const watcher = without("copy")(row({ kind: "watchers" }))
    const lacking = { ...copy, hash: "without", lost: { watcher_id: "1" } }
    const classifier = row({
      kind: "event_classifiers",
      sourceId: 2,
      entry: { ...entry, copyId: 30, appliedHash: "wanted" },
      copy: lacking
    })
    const actOn = (rows: ReadonlyArray<RowFacts>, wishes: ReadonlyArray<WishedRow> = []) => {
      const actions = actionsOf(decided(rows, wishes), { isUninstall: false, agentId: undefined })
      const { change, write } = actions.find(({ kind }) => kind === "event_classifiers") ?? {}
      return { change, write }
    }
    const restore: WishedRow = { wish: "restore", kind: "watchers", slug: "a" }
    assert.deepStrictEqual(actOn([watcher, classifier], [restore]), { change: null, write: "update" })
    assert.deepStrictEqual(actOn([watcher, classifier]), { change: null, write: null })
    const changed = { ...classifier, copy: { ...copy, hash: "mine" } }
    assert.deepStrictEqual(actOn([watcher, changed], [restore]), { change: null, write: null })
  })

  it("tells the fields that differ, by content", () => {
    const contents = { wanted: { name: "A", n: 1, s: { a: null } }, copy: { name: "B", n: 1.0, s: {} } }
    assert.deepStrictEqual(plannedRows(decided([row({ contents })]))[0]?.fields, ["name", "s"])
  })

  it("tells rows of one slug in the order of their sources", () => {
    const withdrawn = without("wanted")(row({ copy: { ...copy, hash: "mine" } }))
    const another = without("entry", "copy")(row({ sourceId: 2, holder: theirs }))
    for (const rows of [
      [withdrawn, another],
      [another, withdrawn]
    ]) {
      assert.deepStrictEqual(
        plannedRows(decided(rows)).map(({ verdict }) => verdict),
        ["retire", "collision"]
      )
    }
  })

  it("has one text for a plan, in whatever order its rows are told, and another for another", () => {
    const [one, two] = [row(), row({ sourceId: 2, wanted: { ...wanted, slug: "b" } })]
    const text = planText(decided([one, two]))
    assert.strictEqual(planText(decided([two, one])), text)
    assert.notStrictEqual(planText(decided([one])), text)
    assert.notStrictEqual(planText(decided([one, { ...two, copy: { ...copy, hash: "mine" } }])), text)
    assert.notStrictEqual(planText(decide({ ...here, revision: 3, rows: [one, two] })), text)
  })

  // The square of the rows would take longer than a test may.
  it("decides about thousands of rows and wishes", () => {
    const rows = Array.from({ length: 10_000 }, (_, at) =>
      row({
        sourceId: at,
        wanted: { ...wanted, slug: `s-${at}` },
        entry: { ...entry, copyId: at },
        copy: { ...copy, slug: `s-${at}`, hash: at % 2 === 0 ? "mine" : "applied" }
      })
    )
    const wishes = rows.map((_, at) => wish("revert", `s-${at}`))
    const decision = decided(rows, wishes)
    assert.lengthOf(decision.unmet, 5_000)
    assert.lengthOf(actionsOf(decision, { isUninstall: false, agentId: undefined }), 10_000)
  })
})
