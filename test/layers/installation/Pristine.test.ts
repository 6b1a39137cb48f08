import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Mode } from "../../../src/domain/catalog/Mode.ts"
import type { Definition } from "../../../src/domain/catalog/Template.ts"
import { UserId } from "../../../src/domain/Ids.ts"
import { AppLive } from "../../../src/layers/AppLive.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { definition, oneOfEach, template } from "../../fixtures/templates.ts"
import { ownerNamed } from "../../people.ts"
import { PgTest } from "../../pg.ts"
import { appOptions } from "../../worlds.ts"

const Live = AppLive(appOptions).pipe(Layer.provideMerge(PgTest), Layer.orDie)

const use = (slug: string) =>
  `INSERT INTO entities (organization_id, entity_type_id, name)
   SELECT $1, id, 'one' FROM vocabulary.entity_types WHERE organization_id = $1 AND slug = '${slug}'`

/** What people do before a roll-out, in SQL with their organization for `$1`, and which template they install besides. */
interface Course {
  readonly hands?: ReadonlyArray<string>
  readonly also?: "copied" | "sibling" | "receipts"
  /** Whether it is refused once the template has the slug. */
  readonly mayFail?: true
}

const courses: Readonly<Record<string, Course>> = {
  nothing: {},
  "nothing either": {},
  "nothing at all": {},
  uses: { hands: [use("invoice")] },
  "uses what will go": { hands: [use("receipt")] },
  customizes: {
    hands: ["UPDATE vocabulary.entity_types SET name = 'Mine' WHERE organization_id = $1 AND slug = 'invoice'"]
  },
  deletes: { hands: ["DELETE FROM vocabulary.entity_types WHERE organization_id = $1 AND slug = 'invoice'"] },
  "has another row": {
    hands: ["INSERT INTO entity_types (organization_id, slug, name) VALUES ($1, 'other', 'Other')"]
  },
  "has the slug that comes": {
    hands: ["INSERT INTO entity_types (organization_id, slug, name) VALUES ($1, 'receipt', 'Mine')"],
    mayFail: true
  },
  "unbinds the watcher": { hands: ["UPDATE watchers SET agent_id = NULL WHERE organization_id = $1"] },
  pauses: { hands: ["UPDATE watchers SET paused_at = '2026-01-01' WHERE organization_id = $1"] },
  "lacks an anchor": {
    hands: [
      `DELETE FROM watchers WHERE organization_id = $1
         AND set_config('agent_install.let_go', concat(id, ' ', id), true) <> ''`
    ]
  },
  "has a row in the place of what comes": {
    hands: [
      `INSERT INTO entity_types (id, organization_id, slug, name)
       SELECT first_id + (SELECT max(ordinal) + at FROM template_revision_rows r WHERE r.template_agent_id = a.template_agent_id),
         $1, 'old-' || at, 'Old'
       FROM agents a, generate_series(1, 2) at WHERE organization_id = $1`
    ]
  },
  "names the agent": { hands: ["UPDATE agents SET name = 'Mine' WHERE organization_id = $1"] },
  "copies another template": { also: "copied" },
  "has a sibling": { also: "sibling" },
  "refers to the slug that comes": { also: "receipts", mayFail: true }
}

// A sibling has the first row, which stays as it is.
const shared = definition("entity_types", "shared")
const renamed = (word: string) => oneOfEach.map((one) => ({ ...one, name: `${one.name} ${word}` }))

const revisions: ReadonlyArray<ReadonlyArray<Definition>> = [
  [shared, ...oneOfEach],
  // Everything says something else, a watcher runs at another time, a type and a watcher come.
  [
    shared,
    ...renamed("2").map((one) =>
      one.kind === "watchers" ? { ...one, content: { ...one.content, schedule: "0 8 * * 2" } } : one
    ),
    definition("entity_types", "receipt"),
    definition("watchers", "outbox")
  ],
  // To this one people come from both.
  [shared, ...renamed("3"), definition("entity_types", "receipt"), definition("watchers", "outbox")],
  // A type has another slug, and what came is withdrawn.
  [
    shared,
    ...oneOfEach.filter(({ slug }) => slug !== "invoice"),
    definition("entity_types", "bill", { was: [definition("entity_types", "invoice").slug] })
  ]
]

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("a roll-out to installations by reference", (it) => {
  it.effect("does to all of them together what it does to each alone", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const catalog = yield* TemplateCatalog
      const mirror = yield* TemplateMirror
      const publish = (slug: string, definitions: ReadonlyArray<Definition>) =>
        Effect.orDie(
          catalog.publish(
            template(slug, definitions, { modes: ["reference", "copy"], publisher: template("all", []).publisher })
          )
        )
      const [first = [], ...later] = revisions
      const { templateAgentId } = yield* publish("main", first)
      const sibling = yield* publish("sibling", first.slice(0, 1))
      const elsewhere = (slug: string, row: string, mode: Mode) =>
        catalog.publish(template(slug, [definition("entity_types", row)], { modes: [mode] }))
      const copied = yield* elsewhere("copied", "elsewhere", "copy")
      const receipts = yield* elsewhere("receipts", "receipt", "reference")
      const besides = {
        copied: copied.templateAgentId,
        sibling: sibling.templateAgentId,
        receipts: receipts.templateAgentId
      }
      let people = 0

      const installed = (course: string) =>
        Effect.gen(function* () {
          const at = ++people
          const { organizationId, userId } = yield* ownerNamed(`person-${at}`)
          yield* mirror.apply({ userId, organizationId, templateAgentId })
          const { also, hands = [], mayFail } = courses[course] ?? {}
          const done = Effect.gen(function* () {
            if (also !== undefined) yield* mirror.apply({ userId, organizationId, templateAgentId: besides[also] })
            for (const text of hands) yield* sql.unsafe(text, [organizationId])
          })
          yield* mayFail === true ? Effect.ignore(done) : done
          return organizationId
        })

      /** All that is seen and written of an organization, by what has no id of its own. */
      const written = (organizationId: string) =>
        sql.unsafe(
          `SELECT 'type' AS what, slug, name, origin AS of, deleted_at IS NULL AND retired_at IS NULL AS seen, NULL AS more
           FROM vocabulary.entity_types WHERE organization_id = $1
           UNION ALL SELECT 'watcher', w.slug, w.name, w.origin, w.deleted_at IS NULL AND w.retired_at IS NULL,
             concat_ws(' ', w.schedule, w.next_run_at, w.paused_at, (SELECT a.revision FROM agents a WHERE a.id = w.agent_id))
           FROM vocabulary.watchers w WHERE w.organization_id = $1
           UNION ALL SELECT 'classifier', c.slug, c.name, c.origin, c.deleted_at IS NULL AND c.retired_at IS NULL, w.slug
           FROM vocabulary.event_classifiers c LEFT JOIN vocabulary.used_watchers w ON w.id = c.watcher_id WHERE c.organization_id = $1
           UNION ALL SELECT 'table', slug, name, inherits::text, deleted_at IS NULL, agent_id IS NULL FROM (
             SELECT slug, name, inherits, deleted_at, NULL AS agent_id FROM entity_types WHERE organization_id = $1
             UNION ALL SELECT slug, name, inherits, deleted_at, agent_id FROM watchers WHERE organization_id = $1
           ) kept
           UNION ALL SELECT 'ledger', slug, applied_hash, template_agent_id, adopted, NULL FROM mirror_ledger WHERE organization_id = $1
           UNION ALL SELECT 'agent', template_agent_id, name, revision::text, pinned, description FROM agents WHERE organization_id = $1
           UNION ALL SELECT 'history', action, revision::text, template_agent_id, NULL, history_rows(h)::text
           FROM mirror_history h WHERE organization_id = $1
           UNION ALL SELECT 'event', type, data ->> 'revision', data ->> 'templateAgentId', NULL, data ->> 'by' FROM events
           WHERE organization_id = $1
           ORDER BY 1, 2, 3, 4, 5, 6`.replace("agent_id IS NULL FROM (", "(agent_id IS NULL)::text FROM ("),
          [organizationId]
        )

      const [oldTogether, oldAlone] = [yield* installed("nothing"), yield* installed("nothing")]
      for (const [at, definitions] of later.entries()) {
        const courseOf = [...Object.keys(courses), ...(at === 1 ? ["nothing for long"] : [])]
        const newTogether = yield* Effect.forEach(Object.keys(courses), installed)
        const newAlone = yield* Effect.forEach(Object.keys(courses), installed)
        const [together, alone] =
          at === 1
            ? [
                [...newTogether, oldTogether],
                [...newAlone, oldAlone]
              ]
            : [newTogether, newAlone]
        const { revision, since } = yield* publish("main", definitions)
        if (at === 0) {
          const { installations, total } = yield* mirror.impact(templateAgentId, revision, since)
          const plans = yield* Effect.forEach([...together, ...alone, oldTogether, oldAlone], (organizationId) =>
            mirror.plan({
              userId: UserId.make(organizationId.replace("org_", "")),
              organizationId,
              templateAgentId
            })
          )
          const count = (verdict: string) =>
            plans.flatMap(({ rows }) => rows.filter((row) => row.verdict === verdict)).length
          assert.deepStrictEqual(
            [installations, total.updates, total.creates, total.collisions],
            [plans.length, count("update"), count("create"), count("collision")]
          )
        }
        const all = yield* mirror.rollOut({ templateAgentId, revision, organizationIds: together })
        const each = yield* Effect.forEach(alone, (one) =>
          Effect.map(mirror.rollOut({ templateAgentId, revision, organizationIds: [one] }), ([done]) => done)
        )
        for (const [at, course] of courseOf.entries()) {
          const told = ({ collisions, outcome }: (typeof all)[number]) => [
            outcome,
            ...collisions.map(({ slug }) => slug)
          ]
          const [mine, theirs] = [all[at], each[at]]
          assert.isDefined(mine)
          assert.isDefined(theirs)
          if (mine === undefined || theirs === undefined) return
          assert.deepStrictEqual(told(mine), told(theirs), course)
          assert.deepStrictEqual(yield* written(together[at] ?? ""), yield* written(alone[at] ?? ""), course)
        }
        const outcomes = Object.fromEntries(courseOf.map((course, at) => [course, all[at]?.outcome]))
        assert.strictEqual(outcomes.nothing, "updated")
        assert.strictEqual(outcomes["has the slug that comes"], revision === 2 ? "collided" : outcomes.nothing)
      }
    })
  )
})
