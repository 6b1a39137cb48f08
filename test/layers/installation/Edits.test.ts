import { SqlClient, SqlSchema } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { type Kind, kindDescriptions } from "../../../src/domain/catalog/Kind.ts"
import { AppLive } from "../../../src/layers/AppLive.ts"
import { contentColumns } from "../../../src/layers/catalog/KindSql.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { InstalledAgents } from "../../../src/services/installation/InstalledAgents.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { definition, oneOfEach, otherValues, template } from "../../fixtures/templates.ts"
import { ownerNamed } from "../../people.ts"
import { PgTest } from "../../pg.ts"
import { appOptions } from "../../worlds.ts"

const Live = AppLive(appOptions).pipe(Layer.provideMerge(PgTest), Layer.orDie)

const counting = kindDescriptions.filter(({ edits }) => edits !== undefined)

let made = 0

/** Somebody who has installed a template with a row of each kind, and what they see of it. */
const installed = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const catalog = yield* TemplateCatalog
  const mirror = yield* TemplateMirror
  const agents = yield* InstalledAgents
  const at = ++made
  const { organizationId, userId } = yield* ownerNamed(`person-${at}`)
  const slug = `template-${at}`
  const { templateAgentId } = yield* catalog.publish(template(slug, oneOfEach))
  const person = { userId, organizationId, templateAgentId }
  const { agentId } = yield* mirror.apply(person)

  /** How many edits each copy has, and with how many it was applied. */
  const edits = SqlSchema.findAll({
    Request: Schema.Void,
    Result: Schema.Struct({ kind: Schema.String, edits: Schema.Int, applied: Schema.NullOr(Schema.Int) }),
    execute: () =>
      sql.unsafe(
        `SELECT l.kind, t.edits, l.applied_edits AS applied FROM mirror_ledger l JOIN (
           ${counting.map(({ kind, table }) => `SELECT '${kind}' AS kind, id, edits FROM ${table}`).join(" UNION ALL ")}
         ) t ON t.kind = l.kind AND t.id = l.copy_id WHERE l.organization_id = $1 ORDER BY l.kind`,
        [organizationId]
      )
  })()
  return {
    ...person,
    slug,
    agentId,
    edits: Effect.map(edits, (rows) => rows.map(({ applied, edits, kind }) => [kind, edits, applied])),
    verdicts: Effect.map(mirror.plan(person), ({ rows }) => rows.map(({ kind, verdict }) => [kind, verdict])),
    counted: Effect.map(agents.overview(userId, agentId), ({ counts }) => counts)
  }
})

const verdictsWith = (kind: Kind, verdict: string) =>
  kindDescriptions.map((one) => [one.kind, one.kind === kind ? verdict : "unchanged"])

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("the edits of copies", (it) => {
  it.effect("are remembered with whatever is applied", () =>
    Effect.gen(function* () {
      const catalog = yield* TemplateCatalog
      const mirror = yield* TemplateMirror
      const sql = yield* SqlClient.SqlClient
      const { agentId, edits, organizationId, slug, templateAgentId, userId } = yield* installed
      const person = { userId, organizationId, templateAgentId }
      const by = (watchers: number, types: number) => [
        ["entity_relationship_types", 0, 0],
        ["entity_types", types, types],
        ["watchers", watchers, watchers]
      ]
      assert.deepStrictEqual(yield* edits, by(0, 0))
      yield* catalog.publish(
        template(
          slug,
          oneOfEach.map((one) =>
            one.kind === "watchers" ? { ...one, content: { ...one.content, prompt: "Look again" } } : one
          )
        )
      )
      yield* mirror.apply(person)
      assert.deepStrictEqual(yield* edits, by(1, 0))
      // What is only hidden, bound or due at another time says what it said.
      yield* sql`UPDATE watchers SET paused_at = now(), next_run_at = now() WHERE organization_id = ${organizationId}`
      assert.deepStrictEqual(yield* edits, by(1, 0))
      yield* sql`UPDATE entity_types SET name = 'Mine' WHERE organization_id = ${organizationId} AND slug = 'invoice'`
      yield* mirror.apply({ ...person, revert: [{ kind: "entity_types", slug: "invoice" }] })
      assert.deepStrictEqual(yield* edits, by(1, 2))
      yield* mirror.resync({ ...person, agentId, revision: 1 })
      assert.deepStrictEqual(yield* edits, by(2, 2))
    })
  )

  it.effect("count what any program writes, in whichever column, and nobody sets them", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      for (const kind of counting) {
        const { table, versions } = kind
        for (const [column, type] of Object.entries(contentColumns(kind))) {
          const { counted, organizationId, verdicts } = yield* installed
          const isVersioned = versions !== undefined && column in versions.columns
          const change = `SET ${column} = ${otherValues[type as keyof typeof otherValues]}`
          yield* sql.unsafe(
            isVersioned
              ? `UPDATE ${versions.table} ${change} WHERE ${versions.owner} IN (SELECT id FROM ${table} WHERE organization_id = $1)`
              : `UPDATE ${table} ${change}, edits = 0 WHERE organization_id = $1 AND managed_by_template_agent_id IS NOT NULL`,
            [organizationId]
          )
          assert.deepStrictEqual(yield* verdicts, verdictsWith(kind.kind, "customized"), `${table}.${column}`)
          assert.strictEqual((yield* counted)[kind.kind].customized, 1, `${table}.${column}`)
        }
      }
    })
  )

  it.effect("are those of the row, not of another that has its id later", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { organizationId, verdicts } = yield* installed
      yield* sql`
        WITH gone AS (SELECT * FROM entity_types WHERE organization_id = ${organizationId} AND slug = 'invoice')
        SELECT set_config('test.gone', (SELECT to_jsonb(gone) || '{"name": "Mine"}' FROM gone)::text, false)
      `.pipe(
        Effect.zipRight(sql`DELETE FROM entity_types WHERE organization_id = ${organizationId} AND slug = 'invoice'`),
        Effect.zipRight(sql`
          INSERT INTO entity_types SELECT * FROM jsonb_populate_record(NULL::entity_types, current_setting('test.gone')::jsonb)
        `),
        sql.withTransaction
      )
      assert.deepStrictEqual(yield* verdicts, verdictsWith("entity_types", "customized"))
    })
  )

  it.effect("tell what was written in the transaction of the install", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const catalog = yield* TemplateCatalog
      const mirror = yield* TemplateMirror
      const { organizationId, userId } = yield* installed
      const second = yield* catalog.publish(template(`second-${made}`, [definition("entity_types", "receipt")]))
      const person = { userId, organizationId, templateAgentId: second.templateAgentId }
      yield* mirror
        .apply(person)
        .pipe(
          Effect.zipRight(
            sql`UPDATE entity_types SET name = 'Mine' WHERE organization_id = ${organizationId} AND slug = 'receipt'`
          ),
          sql.withTransaction
        )
      const { rows } = yield* mirror.plan(person)
      assert.deepStrictEqual(
        rows.map(({ verdict }) => verdict),
        ["customized"]
      )
    })
  )

  it.effect("of a classifier are not counted: what it is bound to is looked at", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const catalog = yield* TemplateCatalog
      const mirror = yield* TemplateMirror
      const agents = yield* InstalledAgents
      const { organizationId, userId } = yield* installed
      const loose = yield* catalog.publish(template(`loose-${made}`, [definition("event_classifiers", "loose")]))
      const person = { userId, organizationId, templateAgentId: loose.templateAgentId }
      const { agentId } = yield* mirror.apply(person)
      yield* sql`INSERT INTO watchers (organization_id, slug, name) VALUES (${organizationId}, 'own', 'Own')`
      yield* sql`
        UPDATE event_classifiers SET watcher_id = (
          SELECT id FROM watchers WHERE organization_id = ${organizationId} AND slug = 'own'
        ) WHERE organization_id = ${organizationId} AND slug = 'loose'
      `
      const { verdicts } = yield* mirror.apply(person)
      assert.deepStrictEqual(
        verdicts.map(({ verdict }) => verdict),
        ["customized"]
      )
      assert.strictEqual((yield* agents.overview(userId, agentId)).counts.event_classifiers.customized, 1)
    })
  )
})
