import { assert, describe, it } from "@effect/vitest"
import { AgentId, OrganizationId } from "../../../src/domain/Ids.ts"
import {
  actionsOf,
  agentAfter,
  copying,
  countsOf,
  eventOf,
  followsFromRevisions,
  type RowAction,
  referringTo,
  rolledOut,
  standsAfter,
  underOwnIds
} from "../../../src/domain/installation/Actions.ts"
import { decide, type WishedRow } from "../../../src/domain/installation/Decide.ts"
import type { RowFacts } from "../../../src/domain/installation/Facts.ts"

const templateAgentId = AgentId.make("agent_template")
const agentId = AgentId.make("agent_mine")
const other = AgentId.make("agent_other_template")
const sibling = { templateAgentId: AgentId.make("agent_sibling"), agentId: AgentId.make("agent_its") }
const quiet = { templateAgentId: AgentId.make("agent_sibling") }

const wanted = { slug: "a", name: "A", hash: "wanted" }
const entry = { own: true, copyId: 10, slug: "a", appliedHash: "applied", adopted: false }
const copy = { slug: "a", name: "A", hash: "applied", deleted: false, retired: false, managedBy: templateAgentId }
const mine = { ...copy, hash: "mine" }
const holder = { id: 90, owner: "ada", authored: true }

type Given = Partial<Omit<RowFacts, "kind">> & { readonly kind?: RowFacts["kind"] }
const rowOf = (given: Given): RowFacts => ({ kind: "entity_types", sourceId: 1, ...given })

const decided = (rows: ReadonlyArray<RowFacts>, wishes: ReadonlyArray<WishedRow> = [], firstId?: number) =>
  decide(
    {
      organizationId: OrganizationId.make("org_ada"),
      organizationSlug: "ada",
      templateAgentId,
      revision: 2,
      firstId,
      rows
    },
    undefined,
    wishes
  )

interface Asked {
  readonly wish?: WishedRow["wish"]
  readonly isUninstall?: boolean
  readonly firstId?: number
}

const actionOf = (row: Given, { firstId, isUninstall = false, wish }: Asked = {}) => {
  const facts = rowOf(row)
  const wishes = wish === undefined ? [] : [{ wish, kind: facts.kind, slug: "a" }]
  const [action] = actionsOf(decided([facts], wishes, firstId), { isUninstall, agentId })
  return action
}

/** Of a row that stands as it is: nothing. */
const nothing: RowAction = {
  kind: "entity_types",
  sourceId: 1,
  slug: "a",
  write: null,
  isHeldFirst: false,
  isImplied: false,
  rowId: 10,
  isInTheWay: false,
  managedBy: templateAgentId,
  isBound: true,
  agentId: null,
  isRetired: false,
  isRescheduled: false,
  schedule: null,
  remembered: null,
  forgotten: null,
  change: null,
  isReplaced: false
}
const applied = { copyId: 10, slug: "a", hash: "wanted", adopted: false }
const gone = { isBound: false }

type Case = readonly [of: string, row: Given, done: Partial<RowAction>, asked?: Asked]

const holds = (cases: ReadonlyArray<Case>) => {
  for (const [of, row, done, asked] of cases) {
    assert.deepStrictEqual(actionOf(row, asked), { ...nothing, kind: row.kind ?? nothing.kind, ...done }, of)
  }
}

describe("what is written of a row", () => {
  it("is the template's where it comes, changes or comes back", () => {
    const inserted = {
      write: "insert",
      rowId: null,
      isRescheduled: true,
      remembered: { ...applied, copyId: null }
    } as const
    const updated = { write: "update", remembered: applied, isReplaced: true } as const
    const known = { wanted, entry, copy }
    holds([
      ["a new one", { wanted }, { ...inserted, change: "created" }],
      ["one that changes", known, { ...updated, change: "updated" }],
      [
        "one that another template tagged",
        { ...known, copy: { ...copy, managedBy: other } },
        { ...updated, change: "updated", managedBy: other }
      ],
      [
        "one without a tag",
        { wanted, entry, copy: { slug: "a", name: "A", hash: "applied", deleted: false, retired: false } },
        { ...updated, change: "updated" }
      ],
      [
        "one that was adopted",
        { ...known, entry: { ...entry, adopted: true } },
        { ...updated, change: "updated", remembered: { ...applied, adopted: true } }
      ],
      [
        "one that was hidden",
        { ...known, copy: { ...copy, retired: true } },
        { ...updated, change: "updated", isRescheduled: true }
      ],
      [
        "one that is adopted",
        { wanted, holder },
        { ...updated, change: "adopted", rowId: 90, remembered: { ...applied, copyId: 90, adopted: true } },
        { wish: "adopt" }
      ],
      ["one that is reverted", { ...known, copy: mine }, { ...updated, change: "reverted" }, { wish: "revert" }],
      [
        "one that is restored",
        { ...known, copy: { ...copy, deleted: true } },
        { ...updated, change: "restored", isRescheduled: true },
        { wish: "restore" }
      ],
      [
        "an erased one that is restored",
        { wanted, entry: { ...entry, adopted: true } },
        { ...inserted, change: "restored" },
        { wish: "restore" }
      ]
    ])
  })

  it("is nothing where it stands as it is, but for what is remembered of it", () => {
    const stands = { wanted, entry: { ...entry, appliedHash: "wanted" }, copy: { ...copy, hash: "wanted" } }
    const changed = { wanted, entry, copy: mine }
    const asItWas = { copyId: 10, slug: "a", hash: "applied", adopted: false }
    holds([
      ["one that is as it was applied", stands, {}],
      ["one that the person made the same change to", { ...stands, entry }, { remembered: applied }],
      ["one that was renamed", { ...stands, entry: { ...stands.entry, slug: "b" } }, { remembered: applied }],
      ["one that a sibling brought", { ...stands, entry: { ...stands.entry, own: false } }, { remembered: applied }],
      ["one that the person changed", changed, {}],
      [
        "one that a sibling brought and the person changed",
        { ...changed, entry: { ...entry, own: false } },
        { remembered: asItWas }
      ],
      [
        "one that the person changed, and that was hidden",
        { ...changed, copy: { ...mine, retired: true } },
        { write: "tag", change: "shown", isRescheduled: true }
      ],
      [
        "one that the person deleted",
        { wanted, entry, copy: { ...copy, deleted: true } },
        { rowId: null, isRescheduled: true }
      ],
      ["one that the person erased", { wanted, entry }, { rowId: null, managedBy: null, isRescheduled: true }],
      ["one whose slug is taken", { wanted, entry, copy, holder }, {}],
      ["one whose slug was taken at first", { wanted, holder }, { rowId: null, managedBy: null, isRescheduled: true }]
    ])
  })

  it("is what becomes of it where the publisher withdrew it", () => {
    const passed = {
      ...gone,
      write: "tag",
      change: "passed_on",
      forgotten: "here",
      managedBy: sibling.templateAgentId
    } as const
    const hidden = { ...gone, isRetired: true } as const
    const deleted = { ...copy, deleted: true }
    const forgotten = { ...gone, isRescheduled: true, managedBy: null, forgotten: "everywhere" } as const
    holds([
      [
        "removed",
        { entry, copy },
        { ...gone, write: "delete", change: "removed", forgotten: "everywhere", isReplaced: true }
      ],
      [
        "removed, with a sibling that is not installed",
        { entry, copy, sibling: quiet },
        { ...gone, write: "delete", change: "removed", forgotten: "everywhere", isReplaced: true }
      ],
      ["passed on", { entry, copy, sibling }, passed],
      [
        "passed on, tagged by the sibling",
        { entry, copy: { ...copy, managedBy: other }, sibling },
        { ...passed, managedBy: other }
      ],
      ["kept", { entry, copy: mine }, { ...hidden, write: "tag", change: "hidden" }],
      ["kept, hidden before", { entry, copy: { ...mine, retired: true } }, { ...hidden, isRescheduled: true }],
      ["deleted before", { entry, copy: deleted }, { ...forgotten, write: "tag" }],
      [
        "deleted before, with a sibling that is not installed",
        { entry, copy: deleted, sibling: quiet },
        { ...forgotten, write: "tag" }
      ],
      [
        "deleted before, with a sibling",
        { entry, copy: deleted, sibling },
        { ...forgotten, write: "tag", forgotten: "here", managedBy: sibling.templateAgentId }
      ],
      ["erased before", { entry }, forgotten]
    ])
  })

  it("is visible and the person's after an uninstall, where it stays", () => {
    const asked = { isUninstall: true }
    const adopted = { entry: { ...entry, adopted: true }, copy: { ...copy, retired: true } }
    holds([
      [
        "removed",
        { entry, copy },
        { ...gone, write: "delete", change: "removed", forgotten: "everywhere", isReplaced: true },
        asked
      ],
      ["kept", { entry, copy: mine }, { ...gone, change: "kept" }, asked],
      [
        "kept, and hidden until now",
        { entry, copy: { ...mine, retired: true } },
        { ...gone, write: "tag", change: "kept", isRescheduled: true },
        asked
      ],
      ["kept, adopted", { entry: adopted.entry, copy }, { ...gone, change: "kept" }, asked],
      [
        "kept, adopted, and hidden until now",
        adopted,
        { ...gone, write: "tag", change: "kept", isRescheduled: true, managedBy: null, forgotten: "everywhere" },
        asked
      ],
      [
        "passed on, hidden",
        { entry, copy: { ...copy, retired: true }, sibling },
        {
          ...gone,
          write: "tag",
          change: "passed_on",
          forgotten: "here",
          managedBy: sibling.templateAgentId,
          isRescheduled: true,
          isRetired: true
        },
        asked
      ],
      [
        "passed on",
        { entry, copy, sibling },
        { ...gone, write: "tag", change: "passed_on", forgotten: "here", managedBy: sibling.templateAgentId },
        asked
      ]
    ])
  })

  it("binds a watcher to the agent that has it, and gives it on with the row", () => {
    const stands = {
      kind: "watchers",
      wanted,
      entry: { ...entry, appliedHash: "wanted" },
      copy: { ...copy, hash: "wanted" }
    } as const
    const bound = (agentId: AgentId) => ({ ...stands, copy: { ...stands.copy, agentId } })
    const passed = {
      isBound: false,
      write: "tag",
      change: "passed_on",
      forgotten: "here",
      managedBy: sibling.templateAgentId
    } as const
    holds([
      ["without an agent", stands, { write: "tag" }],
      ["with one", bound(agentId), { isBound: false, agentId }],
      ["with one, customized", { ...bound(agentId), copy: { ...mine, agentId } }, { isBound: false, agentId }],
      [
        "passed on",
        { kind: "watchers", entry, copy: { ...copy, agentId }, sibling },
        { ...passed, agentId: sibling.agentId }
      ],
      [
        "passed on, of another agent",
        { kind: "watchers", entry, copy: { ...copy, agentId: other }, sibling },
        { ...passed, agentId: other }
      ],
      [
        "adopted",
        { kind: "watchers", wanted, holder },
        {
          write: "update",
          change: "adopted",
          rowId: 90,
          isReplaced: true,
          isRescheduled: false,
          remembered: { ...applied, copyId: 90, adopted: true }
        },
        { wish: "adopt" }
      ]
    ])
    assert.isNull(actionOf({ ...stands, kind: "event_classifiers" })?.write)
  })

  it("is due anew where its schedule changes or it comes back, and only then", () => {
    const schedule = "0 7 * * 1"
    const due = (row: Given, asked?: Asked) => {
      const action = actionOf({ kind: "watchers", ...row }, asked)
      return [action?.isRescheduled, action?.schedule]
    }
    const scheduled = { ...wanted, schedule }
    assert.deepStrictEqual(due({ wanted: scheduled }), [true, schedule])
    assert.deepStrictEqual(due({ wanted: scheduled, entry, copy }), [true, schedule])
    assert.deepStrictEqual(due({ wanted: scheduled, entry, copy: { ...copy, schedule } }), [false, schedule])
    assert.deepStrictEqual(due({ wanted: scheduled, entry, copy: { ...copy, schedule, retired: true } }), [
      true,
      schedule
    ])
    assert.deepStrictEqual(due({ wanted: scheduled, holder: { ...holder, schedule } }, { wish: "adopt" }), [
      false,
      schedule
    ])
    assert.deepStrictEqual(due({ wanted: scheduled, holder }, { wish: "adopt" }), [true, schedule])
    assert.deepStrictEqual(due({ wanted, entry, copy: { ...copy, schedule } }), [true, null])
  })
})

describe("rows that take each other's slugs", () => {
  const at = (sourceId: number, from: string | undefined, to: string | undefined, given: Given = {}): RowFacts => ({
    kind: "entity_types",
    sourceId,
    ...(to !== undefined && { wanted: { ...wanted, slug: to } }),
    ...(from !== undefined && {
      entry: { ...entry, copyId: sourceId * 10, slug: from },
      copy: { ...copy, slug: from }
    }),
    ...given
  })
  const inTheWay = (...rows: ReadonlyArray<RowFacts>) =>
    actionsOf(decided(rows), { isUninstall: false, agentId }).flatMap(({ isInTheWay, sourceId }) =>
      isInTheWay ? [sourceId] : []
    )

  it("leave the index of slugs first", () => {
    assert.deepStrictEqual(inTheWay(at(1, "a", "b"), at(2, undefined, "a")), [1])
    assert.deepStrictEqual(inTheWay(at(1, "a", "b"), at(2, "b", "a")), [1, 2])
    assert.deepStrictEqual(inTheWay(at(1, "a", undefined), at(2, undefined, "a")), [1])
    assert.deepStrictEqual(inTheWay(at(1, "a", "a"), at(2, "b", "b")), [])
    assert.deepStrictEqual(inTheWay(at(1, "a", "b"), at(2, undefined, "a", { kind: "watchers" })), [])
    assert.deepStrictEqual(inTheWay(at(1, "a", "b", { copy: { ...copy, deleted: true } }), at(2, undefined, "a")), [])
    // One that stays as it is takes nothing.
    const unchanged = at(2, "a", "a", { copy: { ...copy, hash: "wanted" } })
    assert.deepStrictEqual(inTheWay(at(1, "a", "b"), unchanged), [])
  })
})

it("a copy that is referred to from now on leaves the index of slugs for the row that takes its slug", () => {
  const copied = { ...entry, copyId: 4099 }
  const rows = [
    rowOf({ wanted: { ...wanted, slug: "b", ordinal: 3 }, entry: copied, copy }),
    rowOf({ sourceId: 2, wanted: { ...wanted, hash: "another" } })
  ]
  const actions = actionsOf(decided(rows, [], 4096), { isUninstall: false, agentId })
  assert.deepStrictEqual(
    actions.map(({ isInTheWay, slug, write }) => [slug, write, isInTheWay]),
    [
      ["b", "anchor", true],
      ["a", "insert", false]
    ]
  )
})

describe("what is written where an installation refers to rows", () => {
  const firstId = 100
  const wantedHere = { ...wanted, ordinal: 5 }
  const entryHere = { ...entry, copyId: 105 }
  const bare = { ...entryHere, referred: "bare" } as const
  const anchored = { ...entryHere, referred: "anchored" } as const
  const asked = { firstId }
  const isThere = { rowId: 105, isImplied: true } as const

  it("is nothing of what follows from the revisions, but an anchor of what is referred to or has a say of its own", () => {
    const updated = { change: "updated", isReplaced: true } as const
    const stands = { ...copy, hash: "wanted" }
    const created = { ...isThere, isRescheduled: true, change: "created" } as const
    const watcher = { kind: "watchers", wanted: wantedHere } as const
    holds([
      ["a new type", { wanted: wantedHere }, created, asked],
      ["a new watcher", watcher, { ...created, write: "anchor" }, asked],
      ["a new classifier", { ...watcher, kind: "event_classifiers" }, created, asked],
      ["a type that changes", { wanted: wantedHere, entry: bare, copy }, { ...isThere, ...updated }, asked],
      ["a type that stands", { wanted: wantedHere, entry: bare, copy: stands }, isThere, asked],
      [
        "a watcher without an anchor",
        { ...watcher, entry: bare, copy: { ...stands, agentId } },
        { ...isThere, isBound: false, agentId, write: "anchor" },
        asked
      ],
      [
        "a watcher with an anchor",
        { ...watcher, entry: anchored, copy: { ...stands, agentId } },
        { ...isThere, isBound: false, agentId },
        asked
      ],
      [
        "a watcher that no agent has",
        { ...watcher, entry: anchored, copy: stands },
        { ...isThere, write: "anchor" },
        asked
      ],
      [
        "a watcher that changes",
        { ...watcher, entry: anchored, copy: { ...copy, agentId } },
        { ...isThere, ...updated, isBound: false, agentId },
        asked
      ],
      [
        "a watcher that gets another schedule",
        { ...watcher, entry: anchored, copy: { ...copy, agentId, schedule: "0 7 * * 1" } },
        { ...isThere, ...updated, isBound: false, agentId, isRescheduled: true, write: "anchor" },
        asked
      ],
      // What was a copy, and is referred to again.
      [
        "a copy that changes",
        { wanted: wantedHere, entry: entryHere, copy },
        { ...updated, rowId: 105, write: "anchor", forgotten: "everywhere" },
        asked
      ]
    ])
  })

  it("is a row of its own where the person had a say, where two templates share it, or where it can't be referred to", () => {
    const remembered = { copyId: 105, slug: "a", hash: "wanted", adopted: false }
    const updated = { write: "update", change: "updated", isReplaced: true, rowId: 105, remembered } as const
    const known = { wanted: wantedHere, entry: entryHere, copy }
    const stands = { entry: { ...entryHere, appliedHash: "wanted" }, copy: { ...copy, hash: "wanted" } }
    holds([
      ["a copy that stands", { wanted: wantedHere, ...stands }, { rowId: 105 }, asked],
      [
        "an adopted one",
        { ...known, entry: { ...entryHere, adopted: true } },
        { ...updated, remembered: { ...remembered, adopted: true } },
        asked
      ],
      [
        "one with another id",
        { ...known, entry },
        { ...updated, rowId: 10, remembered: { ...remembered, copyId: 10 } },
        asked
      ],
      ["one without a number", { ...known, wanted }, updated, asked],
      ["one that a sibling has", { ...known, sibling }, updated, asked],
      ["one by copies", known, updated],
      // What was referred to gets what it showed first.
      ["one that is shared from now on", { ...known, entry: bare, sibling }, { ...updated, isHeldFirst: true }, asked],
      [
        "one that the person changed",
        { wanted: wantedHere, entry: bare, copy: mine },
        { rowId: 105, isHeldFirst: true },
        asked
      ]
    ])
  })

  it("is nothing of what goes, but the anchor", () => {
    const removed = { ...gone, rowId: 105, isImplied: true, change: "removed", isReplaced: true } as const
    const kept = { ...gone, rowId: 105, isHeldFirst: true, write: "tag", change: "hidden", isRetired: true } as const
    holds([
      ["without an anchor", { entry: bare, copy }, removed, asked],
      ["with an anchor", { entry: anchored, copy }, { ...removed, write: "delete" }, asked],
      ["in use", { entry: anchored, copy, used: true }, kept, asked]
    ])
  })

  it("is what it shows, of each row, where all is to be its own", () => {
    const rows = [
      rowOf({ wanted: wantedHere, entry: bare, copy: { ...copy, agentId } }),
      rowOf({ sourceId: 2, wanted: wantedHere, entry: { ...anchored, own: false }, copy }),
      rowOf({ sourceId: 3, wanted: wantedHere, entry: entryHere, copy }),
      rowOf({ sourceId: 4, wanted: wantedHere })
    ]
    assert.deepStrictEqual(copying(decided(rows)), [
      { ...nothing, isHeldFirst: true, rowId: 105, isBound: false, agentId }
    ])
  })

  it("keeps the rows that something needs where what was copied is referred to from now on", () => {
    const stands = { entry: { ...entry, appliedHash: "wanted" }, copy: { ...copy, hash: "wanted" } }
    const numbered = { wanted: wantedHere, ...stands }
    const at = (row: Given, leaving: Given = stands) =>
      referringTo(decided([rowOf(row)]), decided([rowOf({ ...leaving, kind: row.kind ?? "entity_types" })]), firstId)
    const told: RowAction = { ...nothing, isBound: false, forgotten: "everywhere" }
    const inBlock = { ...stands.entry, copyId: 105 }
    assert.deepStrictEqual(at({ ...numbered, entry: inBlock }), [{ ...told, rowId: 105, write: "anchor" }])
    assert.deepStrictEqual(at(numbered), [{ ...told, write: "delete" }])
    const others: ReadonlyArray<Given> = [
      { ...numbered, copy: mine },
      { ...numbered, entry: { ...stands.entry, own: false } },
      { ...numbered, entry: { ...stands.entry, adopted: true } },
      { ...numbered, entry: { ...stands.entry, referred: "bare" } },
      { ...numbered, sibling },
      { ...numbered, wanted },
      // Its rows have an agent of their own, or are referred to.
      { ...numbered, kind: "watchers" }
    ]
    for (const [which, row] of others.entries()) assert.deepStrictEqual(at(row), [], `${which}`)
    assert.deepStrictEqual(at(numbered, { ...stands, used: true }), [])
  })
})

describe("what is said of an installation", () => {
  it("is what happened, and by whom", () => {
    assert.deepStrictEqual(eventOf("install", true), { type: "agent.installed", by: "person" })
    assert.deepStrictEqual(eventOf("install", false), { type: "agent.updated", by: "person" })
    assert.deepStrictEqual(eventOf("uninstall", false), { type: "agent.uninstalled", by: "person" })
    assert.deepStrictEqual(eventOf("rollout", false), { type: "agent.updated", by: "publisher" })
  })

  it("is what a roll-out did: nothing where there is nothing to tell of", () => {
    const outcome = (row: Given, isRecorded = false) => {
      const decision = decided([rowOf(row)])
      return rolledOut(decision, { actions: actionsOf(decision, { isUninstall: false, agentId }), isRecorded })
    }
    const stands = { wanted, entry, copy: { ...copy, hash: "wanted" } }
    assert.strictEqual(outcome({ wanted, entry, copy }), "updated")
    assert.strictEqual(outcome(stands), "unchanged")
    assert.strictEqual(outcome(stands, true), "updated")
    assert.strictEqual(outcome({ wanted, holder }, true), "collided")
  })

  it("is how many rows there are afterwards, by kind, and how many had each verdict", () => {
    const none = { entity_types: 0, entity_relationship_types: 0, watchers: 0, event_classifiers: 0 }
    const rows = [
      rowOf({ wanted }),
      rowOf({ sourceId: 2, wanted: { ...wanted, slug: "b" } }),
      rowOf({ sourceId: 3, kind: "watchers", wanted, entry, copy }),
      rowOf({ sourceId: 4, kind: "watchers", wanted: { ...wanted, slug: "b" }, holder }),
      rowOf({ sourceId: 5, kind: "watchers", wanted: { ...wanted, slug: "c" }, entry }),
      rowOf({ sourceId: 6, kind: "watchers", entry: { ...entry, copyId: 60 }, copy: { ...mine, slug: "d" } })
    ]
    const { mirrored, verdicts } = countsOf(decided(rows))
    assert.deepStrictEqual(mirrored, { ...none, entity_types: 2, watchers: 1 })
    assert.sameDeepMembers(
      [...verdicts],
      [
        { kind: "entity_types", verdict: "create", rows: 2 },
        { kind: "watchers", verdict: "update", rows: 1 },
        { kind: "watchers", verdict: "collision", rows: 1 },
        { kind: "watchers", verdict: "deleted_by_owner", rows: 1 },
        { kind: "watchers", verdict: "retire", rows: 1 }
      ]
    )
  })
})

describe("what is written of rows that have an ordinal, or not", () => {
  const inserted = {
    write: "insert",
    rowId: null,
    isRescheduled: true,
    change: "created",
    remembered: { ...applied, copyId: null }
  } as const

  it("is a copy where the installation has no block of ids, or the row no number in it", () => {
    holds([
      ["a number, and no block", { wanted: { ...wanted, ordinal: 3 } }, inserted],
      ["a block, and no number", { wanted }, inserted, { firstId: 4096 }]
    ])
  })

  it("follows from two revisions only where all of it does, and nothing is in the way", () => {
    const collisions = [{ kind: "entity_types", slug: "note", owner: "acme", own: true, adoptable: false }] as const
    const implied = { ...nothing, isImplied: true }
    assert.isTrue(followsFromRevisions({ collisions: [] }, [implied, implied]))
    assert.isFalse(followsFromRevisions({ collisions: [] }, [implied, nothing]))
    assert.isFalse(followsFromRevisions({ collisions }, [implied]))
  })

  it("is the same of other installations, under their own ids", () => {
    const rows = [
      { ...nothing, rowId: 4099, agentId },
      { ...nothing, rowId: null, agentId: sibling.agentId },
      { ...nothing, rowId: 4096 }
    ]
    assert.deepStrictEqual(underOwnIds(rows, { agentId, firstId: 4096 }), [
      { ...nothing, rowId: 3, isBound: true, agentId: null },
      { ...nothing, rowId: null, agentId: sibling.agentId },
      { ...nothing, rowId: 0 }
    ])
  })
})

describe("whether all rows stand as the revision has them afterwards", () => {
  const stands = (row: Given, wish?: WishedRow["wish"]) =>
    standsAfter(decided([rowOf(row)], wish === undefined ? [] : [{ wish, kind: "entity_types", slug: "a" }]))

  it("is so of what is made, brought up to date, left as it is, or taken away", () => {
    assert.isTrue(stands({ wanted }))
    assert.isTrue(stands({ wanted, entry, copy }))
    assert.isTrue(stands({ wanted, entry, copy: { ...copy, hash: "wanted" } }))
    assert.isTrue(stands({ wanted, entry, copy: mine }, "revert"))
    assert.isTrue(stands({ entry, copy }))
    assert.isTrue(stands({ entry, copy, sibling }))
    assert.isTrue(stands({ entry }))
  })

  it("is not so of what a person has a hand in, or something holds", () => {
    assert.isFalse(stands({ wanted, entry, copy: mine }))
    assert.isFalse(stands({ wanted, entry }))
    assert.isFalse(stands({ wanted, holder }))
    assert.isFalse(stands({ wanted, holder }, "adopt"))
    assert.isFalse(stands({ wanted, entry: { ...entry, adopted: true }, copy: { ...copy, hash: "wanted" } }))
    assert.isFalse(stands({ entry, copy, used: true }))
    assert.isFalse(stands({ entry, copy: mine }))
  })

  it("is not so where one of many is not", () => {
    const rows = [rowOf({ wanted, entry, copy: mine }), { ...rowOf({ wanted: { ...wanted, slug: "b" } }), sourceId: 2 }]
    assert.isFalse(standsAfter(decided(rows)))
    assert.isTrue(standsAfter(decided([])))
  })
})

describe("an agent after an update", () => {
  const agent = {
    id: agentId,
    name: "Mine",
    description: "Old",
    templateName: "Old",
    templateDescription: "Old",
    revision: 1,
    pinned: false,
    mode: "copy"
  } as const
  const revision = { revision: 2, name: "New", description: "New" }
  const followed = { templateDescription: "New", revision: 2, pinned: false }

  it("keeps what its person called it, and follows in all else", () => {
    assert.deepStrictEqual(agentAfter(agent, revision, {}), {
      ...followed,
      ...{ name: "Mine", templateName: "Old", description: "New" }
    })
    assert.deepStrictEqual(agentAfter({ ...agent, name: "Old" }, revision, {}), {
      ...followed,
      ...{ name: "New", templateName: "New", description: "New" }
    })
    assert.deepStrictEqual(agentAfter(agent, revision, { name: "Called" }), {
      ...followed,
      ...{ name: "Called", templateName: null, description: "New" }
    })
  })

  it("stays as it is where it is pinned, until a revision is asked for", () => {
    const pinned = { ...agent, name: "Old", pinned: true }
    assert.deepStrictEqual(agentAfter(pinned, revision, {}), {
      ...{ name: "Old", templateName: "Old", description: "Old", templateDescription: "Old" },
      ...{ revision: 2, pinned: true }
    })
    assert.deepStrictEqual(agentAfter(pinned, revision, { revision: "newest" }), {
      ...followed,
      ...{ name: "New", templateName: "New", description: "New" }
    })
  })
})

it("a roll-out has something to tell of where one row of many changed", () => {
  const actions = [nothing, { ...nothing, change: "updated" as const }, nothing]
  assert.strictEqual(rolledOut(decided([]), { actions, isRecorded: false }), "updated")
})

describe("a row that was hidden and is not withdrawn any more", () => {
  it("stays untouched where its person deleted it", () => {
    const retired = { ...copy, hash: "wanted", deleted: true, retired: true }
    assert.strictEqual(actionOf({ wanted, entry, copy: retired })?.write, null)
  })
})

describe("a row that goes to a sibling, or is forgotten", () => {
  const withdrawn = { entry, copy }

  it("is hidden afterwards only where it was before, and a sibling has it", () => {
    assert.isFalse(actionOf({ ...withdrawn, sibling }, { isUninstall: true })?.isRetired)
    const retired = { ...copy, retired: true }
    assert.isTrue(actionOf({ ...withdrawn, copy: retired, sibling }, { isUninstall: true })?.isRetired)
    assert.isFalse(actionOf({ ...withdrawn, copy: retired }, { isUninstall: true })?.isRetired)
  })

  it("is not told of where nothing of it is there any more", () => {
    assert.strictEqual(actionOf({ entry }, { isUninstall: true })?.change, null)
  })

  it("stays the template's where it was adopted, is withdrawn and hidden, and nobody uninstalls", () => {
    const adopted = { entry: { ...entry, adopted: true }, copy: { ...mine, retired: true } }
    assert.strictEqual(actionOf(adopted)?.managedBy, templateAgentId)
    assert.strictEqual(actionOf(adopted, { isUninstall: true })?.managedBy, null)
    // A sibling that has it keeps it.
    const passed = actionOf({ ...adopted, sibling }, { isUninstall: true })
    assert.strictEqual(passed?.managedBy, sibling.templateAgentId)
  })
})
