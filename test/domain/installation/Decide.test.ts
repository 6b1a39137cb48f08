import { assert, describe, it } from "@effect/vitest"
import { type KindDescription, kindDescriptions } from "../../../src/domain/catalog/Kind.ts"
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

  it("grants each wish for the verdict that it is for, and for no other", () => {
    const rows = [
      without("entry", "copy")(row({ holder: theirs })),
      row({ sourceId: 2, wanted: { ...wanted, slug: "b" }, copy: { ...copy, slug: "b", hash: "mine" } }),
      without("copy")(row({ sourceId: 3, wanted: { ...wanted, slug: "c" } })),
      row({ sourceId: 4, wanted: { ...wanted, slug: "d" }, copy: { ...copy, slug: "d" } }),
      without("wanted")(row({ sourceId: 5, copy: { ...copy, slug: "e", hash: "mine" } }))
    ]
    const granted = (["adopt", "revert", "restore"] as const).map((one) =>
      ["a", "b", "c", "d", "e"].filter((slug) => decided(rows, [wish(one, slug)]).unmet.length === 0)
    )
    assert.deepStrictEqual(granted, [["a"], ["b"], ["c"]])
  })

  it("leaves a slug to the row that keeps it, whatever keeps it", () => {
    const comer = without("entry", "copy")(row({ sourceId: 2, wanted: { ...wanted, slug: "b" } }))
    const withdrawn = without("wanted")(row({ copy: { ...copy, slug: "b" } }))
    const sibling = { templateAgentId: AgentId.make("agent_sibling"), agentId: AgentId.make("agent_other") }
    const actOf = (other: RowFacts, one = comer) => {
      const found = decided([other, one]).rows.find(({ facts }) => facts.sourceId === 2)
      return [found?.verdict, found?.act, found?.owner, found?.own]
    }
    const collides = ["collision", "collision", "ada", true]
    assert.deepStrictEqual(actOf(row({ copy: { ...copy, slug: "b", hash: "mine" } })), collides)
    assert.deepStrictEqual(actOf({ ...withdrawn, used: true }), collides)
    assert.deepStrictEqual(actOf({ ...withdrawn, sibling }), collides)
    assert.strictEqual(actOf(withdrawn)[0], "create")
    // What the person deleted takes no slug.
    const deleted = { ...comer, entry: { ...entry, copyId: 20, slug: "b" } }
    assert.strictEqual(actOf({ ...withdrawn, used: true }, deleted)[0], "deleted_by_owner")
  })

  it("names collisions by kind and slug", () => {
    const colliding = (sourceId: number, kind: RowFacts["kind"], slug: string) =>
      without(
        "entry",
        "copy"
      )(row({ kind, sourceId, wanted: { ...wanted, slug }, holder: { ...theirs, id: sourceId } }))
    const rows = [
      colliding(1, "watchers", "b"),
      colliding(2, "entity_types", "c"),
      colliding(3, "watchers", "a"),
      colliding(4, "entity_types", "d"),
      colliding(5, "entity_relationship_types", "z")
    ]
    assert.deepStrictEqual(
      decided(rows).collisions.map(({ kind, slug }) => `${kind} ${slug}`),
      ["entity_relationship_types z", "entity_types c", "entity_types d", "watchers a", "watchers b"]
    )
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
    // Of a row that the template does not know, nothing is known to be gone.
    assert.strictEqual(verdict(row({ kind: "watchers", sourceId: 3 })), "customized")
  })

  it("looks at each reference that was lost", () => {
    const kinds = kindDescriptions.map(
      (one): KindDescription =>
        one.kind === "event_classifiers"
          ? { ...one, references: { watcher_id: "watchers", type_id: "entity_types" } }
          : one
    )
    const watcher = without("copy")(row({ kind: "watchers", wanted: { ...wanted, slug: "w" } }))
    const type = without("copy")(row({ sourceId: 3, wanted: { ...wanted, slug: "t" } }))
    const classifier = row({
      kind: "event_classifiers",
      sourceId: 2,
      entry: { ...entry, copyId: 30, appliedHash: "wanted" },
      copy: { ...copy, hash: "without", lost: { watcher_id: "1", type_id: "3" } }
    })
    const found = (rows: ReadonlyArray<RowFacts>, wishes: ReadonlyArray<WishedRow>) => {
      const one = decide({ ...here, rows: [classifier, ...rows] }, kinds, wishes).rows[0]
      return [one?.verdict, one?.isReferredAgain]
    }
    const restore: WishedRow = { wish: "restore", kind: "watchers", slug: "w" }
    const restoreOther: WishedRow = { wish: "restore", kind: "entity_types", slug: "other" }
    const other = without("copy")(row({ sourceId: 4, wanted: { ...wanted, slug: "other" } }))
    assert.deepStrictEqual(found([watcher, type], []), ["unchanged", false])
    assert.deepStrictEqual(found([watcher, type], [restore]), ["unchanged", true])
    assert.deepStrictEqual(found([watcher, type, other], [restoreOther]), ["unchanged", false])
    // The person emptied the reference to what is there: theirs is left alone, whatever else comes back.
    const there = row({ sourceId: 3, wanted: { ...wanted, slug: "t" }, copy: { ...copy, slug: "t" } })
    assert.deepStrictEqual(found([watcher, there], [restore]), ["customized", false])
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
    const fieldsOf = (given: Partial<RowFacts>, ...others: ReadonlyArray<RowFacts>) =>
      plannedRows(decided([row(given), ...others])).find(({ slug }) => slug === "a")?.fields
    assert.deepStrictEqual(fieldsOf({ contents }), ["name", "s"])
    assert.deepStrictEqual(fieldsOf({ contents, copy: { ...copy, hash: "mine" } }), ["name", "s"])
    assert.deepStrictEqual(fieldsOf({ contents, copy: { ...copy, hash: "wanted" } }), [])
    assert.deepStrictEqual(fieldsOf({}), [])
    const unordered = { wanted: { z: 1, a: 1 }, copy: { z: 2, a: 2 } }
    assert.deepStrictEqual(fieldsOf({ contents: unordered }), ["a", "z"])

    // A reference that was lost with the row it leads to does not differ.
    const watcher = without("copy")(row({ kind: "watchers", sourceId: 2, wanted: { ...wanted, slug: "w" } }))
    const referring: Partial<RowFacts> = {
      kind: "event_classifiers",
      copy: { ...copy, hash: "without", lost: { watcher_id: "2" } },
      contents: { wanted: { name: "A", watcher_id: "2" }, copy: { name: "B", watcher_id: null } }
    }
    assert.deepStrictEqual(fieldsOf(referring, watcher), ["name"])
    assert.deepStrictEqual(fieldsOf(referring), ["name", "watcher_id"])
  })

  it("plans in the order of kinds and slugs, and says of each row what a person asks", () => {
    const sibling = { templateAgentId: AgentId.make("agent_sibling"), agentId: AgentId.make("agent_other") }
    const of = (sourceId: number, slug: string, given: Partial<RowFacts>) =>
      row({ sourceId, wanted: { ...wanted, slug }, ...given })
    const mine = { ...copy, name: "Mine", hash: "mine" }
    const rows = plannedRows(
      decided([
        of(1, "a", { kind: "watchers", copy: mine }),
        of(2, "b", {}),
        without("entry", "copy")(of(3, "a", { holder: { ...theirs, owner: "them", authored: false } })),
        without("wanted")(of(4, "", { copy: { ...mine, slug: "c" } })),
        without("wanted")(of(5, "", { copy: { ...copy, slug: "d" }, sibling, used: true })),
        without("wanted", "copy")(of(6, "", { entry: { ...entry, slug: "e" } })),
        without("entry", "copy")(of(7, "f", { kind: "entity_relationship_types" })),
        without("copy")(of(8, "g", { entry: { ...entry, copyId: 80 } })),
        of(9, "b", { kind: "watchers" })
      ])
    )
    assert.deepStrictEqual(
      rows.map(({ because, fate, kind, name, owner, slug, verdict }) => [
        kind,
        slug,
        name,
        verdict,
        fate,
        because,
        owner
      ]),
      [
        ["entity_types", "a", "A", "collision", null, null, "them"],
        ["entity_types", "b", "A", "update", null, null, null],
        ["entity_types", "c", "Mine", "retire", "kept", "customized", null],
        ["entity_types", "d", "A", "retire", "passed_on", null, null],
        ["entity_types", "e", null, "retire", "forgotten", null, null],
        ["entity_types", "g", "A", "deleted_by_owner", null, null, null],
        ["entity_relationship_types", "f", "A", "create", null, null, null],
        ["watchers", "a", "Mine", "customized", null, null, null],
        ["watchers", "b", "A", "update", null, null, null]
      ]
    )
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
    const [watcher, withdrawn] = [row({ kind: "watchers", sourceId: 3 }), without("wanted")(row({ sourceId: 4 }))]
    const kinds = kindDescriptions.toReversed()
    assert.strictEqual(
      planText(decide({ ...here, rows: [one, watcher, withdrawn] }, kinds)),
      planText(decided([one, watcher, withdrawn]))
    )
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
