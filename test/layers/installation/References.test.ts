import { readFile } from "node:fs/promises"
import { SqlClient, type SqlError } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect, Either, Fiber, Layer } from "effect"
import pg from "pg"
import type { Mode } from "../../../src/domain/catalog/Mode.ts"
import type { Definition } from "../../../src/domain/catalog/Template.ts"
import { AgentId } from "../../../src/domain/Ids.ts"
import { AppLive } from "../../../src/layers/AppLive.ts"
import { blockSize } from "../../../src/layers/catalog/KindSql.ts"
import { PgPool } from "../../../src/layers/postgres/Database.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { definition, oneOfEach, template } from "../../fixtures/templates.ts"
import { ownerNamed } from "../../people.ts"
import { PgTest } from "../../pg.ts"
import { appOptions } from "../../worlds.ts"

const Live = AppLive(appOptions).pipe(Layer.provideMerge(PgTest), Layer.orDie)

let made = 0

/** A person with an organization, and a template of these definitions that may be installed either way. */
const prepared = (definitions: ReadonlyArray<Definition> = oneOfEach) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const catalog = yield* TemplateCatalog
    const mirror = yield* TemplateMirror
    const at = ++made
    const slug = `referred-${at}`
    const publish = (given: ReadonlyArray<Definition>) =>
      Effect.orDie(catalog.publish(template(slug, given, { modes: ["reference", "copy"] })))
    const { templateAgentId } = yield* publish(definitions)
    const newPerson = (name: string) =>
      Effect.gen(function* () {
        return { ...(yield* ownerNamed(`${name}-${at}`)), templateAgentId }
      })
    const ada = yield* newPerson("ada")
    const types = (organizationId = ada.organizationId) =>
      sql<{
        readonly id: string
        readonly slug: string
        readonly name: string
        readonly origin: string
      }>`SELECT id::text, slug, name, origin FROM vocabulary.entity_types
        WHERE organization_id = ${organizationId} AND deleted_at IS NULL AND retired_at IS NULL ORDER BY slug`
    const idOf = (slug: string, organizationId = ada.organizationId) =>
      Effect.map(types(organizationId), (rows) => rows.find((row) => row.slug === slug)?.id ?? "none")
    const use = (id: string, organizationId = ada.organizationId) =>
      sql`INSERT INTO entities (organization_id, entity_type_id, name) VALUES (${organizationId}, ${id}::bigint, 'one')`
    return { ada, idOf, mirror, newPerson, publish, slug, sql, types, use }
  })

/** The code of the error a statement fails with. */
const codeOf = (statement: Effect.Effect<unknown, SqlError.SqlError>) =>
  Effect.suspend(() => statement).pipe(
    Effect.as("done"),
    Effect.catchAll(({ cause }) => Effect.succeed((cause as { readonly code: string }).code))
  )

/** Tables that an organization has rows in, and how many. */
const rowsOf = (sql: SqlClient.SqlClient, organizationId: string) =>
  Effect.gen(function* () {
    const tables = yield* sql<{ readonly name: string }>`
      SELECT c.table_name AS name FROM information_schema.columns c
      JOIN information_schema.tables t USING (table_schema, table_name)
      WHERE c.table_schema = 'public' AND c.column_name = 'organization_id' AND t.table_type = 'BASE TABLE'
        AND c.table_name <> 'member'
    `
    const counts = yield* Effect.forEach(tables, ({ name }) =>
      Effect.map(
        sql.unsafe<{ readonly rows: number }>(
          `SELECT count(*)::integer AS rows FROM ${name} WHERE organization_id = $1`,
          [organizationId]
        ),
        ([row]) => [name, row?.rows ?? 0] as const
      )
    )
    return Object.fromEntries(counts.filter(([, rows]) => rows > 0))
  })

const types = (count: number) => Array.from({ length: count }, (_, at) => definition("entity_types", `type-${at}`))
const twoWatchers = ["a", "b"].map((slug) => definition("watchers", slug, { content: { schedule: "0 7 * * 1" } }))

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("an installation by reference", (it) => {
  it.effect("draws blocks of the size that the statements count with", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const drawn = yield* sql`SELECT (- new_first_id() + new_first_id())::integer AS ids`
      assert.deepStrictEqual(drawn, [{ ids: blockSize }])
    })
  )

  it.effect("writes as few rows for a thousand definitions as for ten", () =>
    Effect.gen(function* () {
      for (const count of [10, 1000]) {
        const { ada, mirror, newPerson, sql, types: shown } = yield* prepared([...types(count), ...twoWatchers])
        const { mirrored } = yield* mirror.apply(ada)
        assert.deepStrictEqual([mirrored.entity_types, mirrored.watchers], [count, 2])
        const expected = { agents: 1, events: 1, mirror_history: 1, watchers: 2 }
        assert.deepStrictEqual(yield* rowsOf(sql, ada.organizationId), expected)
        // The second goes the short way.
        const grace = yield* newPerson("grace")
        yield* mirror.apply(grace)
        assert.deepStrictEqual(yield* rowsOf(sql, grace.organizationId), expected)
        assert.lengthOf(yield* shown(grace.organizationId), count)
        assert.deepStrictEqual(
          [...new Set((yield* shown(grace.organizationId)).map(({ origin }) => origin))],
          ["referenced"]
        )
      }
    })
  )

  it.effect("moves to another revision without a row for what is not used", () =>
    Effect.gen(function* () {
      const { ada, idOf, mirror, publish, sql, types: shown, use } = yield* prepared(types(20))
      yield* mirror.apply(ada)
      const id = yield* idOf("type-0")
      yield* use(id)
      yield* publish(types(20).map((one) => ({ ...one, name: `${one.name} 2` })))
      yield* mirror.apply(ada)
      assert.deepStrictEqual(yield* rowsOf(sql, ada.organizationId), {
        agents: 1,
        events: 2,
        entities: 1,
        entity_types: 1,
        mirror_history: 2
      })
      assert.isTrue((yield* shown()).every(({ name }) => name.endsWith(" 2")))
      assert.strictEqual(yield* idOf("type-0"), id)
      assert.deepStrictEqual(
        yield* sql`SELECT t.name FROM entities e JOIN vocabulary.used_entity_types t ON t.id = e.entity_type_id
          WHERE e.organization_id = ${ada.organizationId}`,
        [{ name: "type-0 2" }]
      )
    })
  )

  it.effect("lets nobody refer to what they do not see", () =>
    Effect.gen(function* () {
      const { ada, idOf, mirror, newPerson, publish, sql, use } = yield* prepared(types(4))
      const grace = yield* newPerson("grace")
      const { agentId } = yield* mirror.apply(ada)
      yield* mirror.apply(grace)
      const [used, hidden, withdrawn] = [yield* idOf("type-0"), yield* idOf("type-1"), yield* idOf("type-2")]
      assert.strictEqual(yield* codeOf(use(yield* idOf("type-0", grace.organizationId))), "23503")
      const [source] = yield* sql<{ readonly id: string }>`
        SELECT source_id::text AS id FROM published_entity_types WHERE template_agent_id = ${ada.templateAgentId} LIMIT 1
      `
      assert.strictEqual(yield* codeOf(use(source?.id ?? "")), "23503")
      assert.strictEqual(yield* codeOf(use(String(BigInt(used) + 4000n))), "23503")
      assert.strictEqual(yield* codeOf(use(used)), "done")

      yield* sql`DELETE FROM vocabulary.entity_types WHERE id = ${hidden}::bigint AND organization_id = ${ada.organizationId}`
      assert.strictEqual(yield* codeOf(use(hidden)), "23503")
      const soft = yield* idOf("type-3")
      yield* sql`UPDATE vocabulary.entity_types SET deleted_at = now() WHERE id = ${soft}::bigint
        AND organization_id = ${ada.organizationId}`
      assert.strictEqual(yield* codeOf(use(soft)), "23503")
      yield* publish(types(2))
      yield* mirror.apply(ada)
      assert.strictEqual(yield* codeOf(use(withdrawn)), "23503")
      assert.strictEqual(yield* codeOf(use(used)), "done")
      yield* mirror.uninstall({ ...ada, agentId })
      // In use: it stays, as the organization's own; all else of the block is gone.
      assert.strictEqual(yield* codeOf(use(used)), "done")
      for (const id of [hidden, withdrawn]) assert.strictEqual(yield* codeOf(use(id)), "23503")
      assert.lengthOf(
        yield* sql`SELECT FROM vocabulary.entity_types WHERE organization_id = ${grace.organizationId}`,
        4
      )
    })
  )

  it.effect("keeps a withdrawn type for those who use it, hidden and readable", () =>
    Effect.gen(function* () {
      const { ada, idOf, mirror, publish, sql, types: shown, use } = yield* prepared(types(2))
      yield* mirror.apply(ada)
      const id = yield* idOf("type-1")
      yield* use(id)
      yield* publish(types(1))
      const { verdicts } = yield* mirror.apply(ada)
      assert.deepInclude(verdicts, { kind: "entity_types", verdict: "retire", rows: 1 })
      assert.deepStrictEqual(
        (yield* shown()).map(({ slug }) => slug),
        ["type-0"]
      )
      const [row] = yield* sql<{ readonly slug: string; readonly description: string; readonly hidden: boolean }>`
        SELECT slug, description, retired_at IS NOT NULL AS hidden FROM vocabulary.used_entity_types WHERE id = ${id}::bigint`
      assert.deepStrictEqual(row, { slug: "type-1", description: "What type-1 is", hidden: true })
      yield* publish(types(2))
      yield* mirror.apply(ada)
      assert.strictEqual(yield* idOf("type-1"), id)
    })
  )

  it.effect("makes a row the person's own where they write to the view, under its id, and takes it back", () =>
    Effect.gen(function* () {
      const { ada, idOf, mirror, sql, types: shown, use } = yield* prepared(types(3))
      const { agentId } = yield* mirror.apply(ada)
      const id = yield* idOf("type-0")
      const where = sql`organization_id = ${ada.organizationId} AND slug = 'type-0'`
      yield* sql`UPDATE vocabulary.entity_types SET name = name WHERE ${where}`
      assert.deepStrictEqual(yield* rowsOf(sql, ada.organizationId), { agents: 1, events: 1, mirror_history: 1 })
      const [changed] =
        yield* sql`UPDATE vocabulary.entity_types SET name = 'Mine', icon = NULL WHERE ${where} RETURNING name, icon, color`
      assert.deepStrictEqual(changed, { name: "Mine", icon: null, color: "#336699" })
      yield* use(id)
      assert.deepStrictEqual((yield* shown())[0], { id, slug: "type-0", name: "Mine", origin: "customized" })
      const rowNames = [{ kind: "entity_types" as const, slug: "type-0" }]
      yield* mirror.resync({ ...ada, agentId, revert: rowNames })
      assert.deepStrictEqual((yield* shown())[0], { id, slug: "type-0", name: "type-0", origin: "referenced" })
      assert.deepStrictEqual(yield* rowsOf(sql, ada.organizationId), {
        agents: 1,
        events: 2,
        entities: 1,
        entity_types: 1,
        hand_edited_organizations: 1,
        mirror_history: 2
      })
      // By the table, too, since the row is there.
      yield* sql`UPDATE entity_types SET description = 'Mine' WHERE id = ${id}::bigint`
      const [own] = yield* sql`SELECT name, description, icon FROM entity_types WHERE id = ${id}::bigint`
      assert.deepStrictEqual(own, { name: "type-0", description: "Mine", icon: "box" })

      yield* sql`DELETE FROM vocabulary.entity_types WHERE organization_id = ${ada.organizationId} AND slug = 'type-1'`
      const { rows } = yield* mirror.plan(ada)
      assert.deepStrictEqual(
        rows.map(({ verdict }) => verdict),
        ["customized", "deleted_by_owner", "unchanged"]
      )
      assert.strictEqual(
        yield* codeOf(
          sql`DELETE FROM vocabulary.entity_types WHERE id = ${id}::bigint AND organization_id = ${ada.organizationId}`
        ),
        "23503"
      )
    })
  )

  it.effect("keeps the slugs that it shows, until they are deleted or renamed", () =>
    Effect.gen(function* () {
      const { ada, mirror, publish, sql, types: shown } = yield* prepared(types(2))
      yield* mirror.apply(ada)
      const { organizationId } = ada
      const author = (into: string, slug: string) =>
        sql.unsafe(`INSERT INTO ${into} (organization_id, slug, name) VALUES ($1, $2, 'Own')`, [organizationId, slug])
      for (const into of ["entity_types", "vocabulary.entity_types"]) {
        assert.strictEqual(yield* codeOf(author(into, "type-0")), "23505")
      }
      yield* author("vocabulary.entity_types", "mine")
      for (const table of ["entity_types", "vocabulary.entity_types"]) {
        const renamed = sql.unsafe(`UPDATE ${table} SET slug = 'type-1' WHERE organization_id = $1 AND slug = 'mine'`, [
          organizationId
        ])
        assert.strictEqual(yield* codeOf(renamed), "23505")
      }
      yield* sql`DELETE FROM vocabulary.entity_types WHERE organization_id = ${organizationId} AND slug = 'type-0'`
      yield* author("entity_types", "type-0")
      yield* author("entity_types", "type-2")
      // An own row that a revision meets: the installation does not move.
      yield* publish(types(3).map((one) => ({ ...one, name: "New" })))
      const refused = yield* Effect.flip(mirror.apply(ada))
      assert(refused._tag === "SchemaCollision")
      assert.deepStrictEqual(
        refused.collisions.map(({ slug }) => slug),
        ["type-2"]
      )
      assert.deepStrictEqual(
        (yield* shown()).map(({ name, origin, slug }) => [slug, name, origin]),
        [
          ["mine", "Own", "own"],
          ["type-0", "Own", "own"],
          ["type-1", "type-1", "referenced"],
          ["type-2", "Own", "own"]
        ]
      )
    })
  )

  it.effect("remembers what is deleted from a table, as of a copy", () =>
    Effect.gen(function* () {
      const { ada, idOf, mirror, sql, types: shown, use } = yield* prepared([...types(2), ...oneOfEach])
      const { agentId } = yield* mirror.apply(ada)
      const id = yield* idOf("type-0")
      yield* use(id)
      assert.strictEqual(yield* codeOf(sql`DELETE FROM entity_types WHERE id = ${id}::bigint`), "23503")
      yield* sql`DELETE FROM entities WHERE organization_id = ${ada.organizationId}`
      yield* sql`DELETE FROM entity_types WHERE id = ${id}::bigint`
      yield* sql`DELETE FROM watchers WHERE organization_id = ${ada.organizationId}`
      assert.deepStrictEqual(
        (yield* shown()).map(({ slug }) => slug),
        ["invoice", "type-1"]
      )
      assert.deepStrictEqual(
        yield* sql`SELECT slug FROM vocabulary.watchers WHERE organization_id = ${ada.organizationId}`,
        []
      )
      assert.strictEqual(yield* codeOf(use(id)), "23503")
      const { rows } = yield* mirror.plan(ada)
      assert.deepStrictEqual(
        rows.flatMap(({ slug, verdict }) => (verdict === "unchanged" ? [] : [[slug, verdict]])),
        [
          ["type-0", "deleted_by_owner"],
          ["inbox", "deleted_by_owner"]
        ]
      )
      yield* mirror.resync({ ...ada, agentId, restore: [{ kind: "entity_types", slug: "type-0" }] })
      assert.lengthOf(yield* shown(), 3)
      // With the organization all of it goes, anchors too.
      yield* use(yield* idOf("type-1"))
      yield* sql`DELETE FROM entities WHERE organization_id = ${ada.organizationId}`
      yield* sql`DELETE FROM organization WHERE id = ${ada.organizationId}`
      assert.deepStrictEqual(yield* rowsOf(sql, ada.organizationId), {})
    })
  )

  it.scoped("has each kind listed by its function, whole and by slug", () =>
    Effect.gen(function* () {
      const { ada, mirror, sql } = yield* prepared()
      yield* mirror.apply(ada)
      for (const { kind, slug } of oneOfEach) {
        for (const wanted of [null, slug]) {
          const listed = yield* sql`SELECT slug FROM ${sql(`vocabulary.${kind}_of`)}(${ada.organizationId}, ${wanted})`
          assert.deepStrictEqual(listed, [{ slug }], `${kind}_of`)
        }
      }
    })
  )

  it.scoped(
    "hides what a row of one's own has the slug of that came while it was installed, and shows that row once",
    () =>
      Effect.gen(function* () {
        const { ada, mirror, sql, types: shown } = yield* prepared(types(2))
        const { options } = yield* PgPool
        const author = yield* Effect.acquireRelease(
          Effect.promise(async () => {
            const client = new pg.Client(options)
            await client.connect()
            await client.query("BEGIN")
            return client
          }),
          (client) => Effect.promise(() => client.end())
        )
        yield* Effect.promise(() =>
          author.query("INSERT INTO entity_types (organization_id, slug, name) VALUES ($1, 'type-0', 'Own')", [
            ada.organizationId
          ])
        )
        yield* mirror.apply(ada)
        yield* Effect.promise(() => author.query("COMMIT"))
        const seen = [
          ["type-0", "own"],
          ["type-1", "referenced"]
        ]
        assert.deepStrictEqual(
          (yield* shown()).map(({ origin, slug }) => [slug, origin]),
          seen
        )
        const listed = yield* sql`SELECT slug, name FROM vocabulary.entity_types_of(${ada.organizationId}, 'type-0')`
        assert.deepStrictEqual(listed, [{ slug: "type-0", name: "Own" }])
        const { rows } = yield* mirror.plan(ada)
        assert.deepStrictEqual(
          rows.map(({ slug, verdict }) => [slug, verdict]),
          [
            ["type-0", "collision"],
            ["type-1", "unchanged"]
          ]
        )
        assert.strictEqual((yield* Effect.flip(mirror.apply(ada)))._tag, "SchemaCollision")
        yield* sql`DELETE FROM entity_types WHERE organization_id = ${ada.organizationId} AND slug = 'type-0'`
        assert.deepStrictEqual(
          (yield* shown()).map(({ origin }) => origin),
          ["referenced", "referenced"]
        )
      })
  )

  it.scoped("takes turns with another in the organization that would show the same slug", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* prepared(types(2)), yield* prepared(types(2))]
      for (const { mirror, newPerson } of [one, other]) yield* mirror.apply(yield* newPerson("first"))
      const { mirror, sql, types: shown } = one
      const { options } = yield* PgPool
      const holder = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const client = new pg.Client(options)
          await client.connect()
          await client.query("BEGIN")
          await client.query("SELECT FROM organization WHERE id = $1 FOR NO KEY UPDATE", [one.ada.organizationId])
          return client
        }),
        (client) => Effect.promise(() => client.end())
      )
      const installing = yield* Effect.fork(
        Effect.all(
          [one, other].map(({ ada: { templateAgentId } }) =>
            Effect.either(mirror.apply({ ...one.ada, templateAgentId }))
          ),
          { concurrency: 2 }
        )
      )
      while ((yield* sql`SELECT FROM pg_locks WHERE NOT granted`).length < 2) yield* Effect.sleep("10 millis")
      yield* Effect.promise(() => holder.query("COMMIT"))
      const refusals = (yield* Fiber.join(installing)).flatMap((answer) =>
        Either.isLeft(answer) ? [answer.left._tag] : []
      )
      assert.deepStrictEqual(refusals, ["SchemaCollision"])
      assert.deepStrictEqual(
        (yield* shown()).map(({ slug }) => slug),
        ["type-0", "type-1"]
      )
    })
  )

  it.effect("has its watchers that are due found by an index, as the documents say to take them", () =>
    Effect.gen(function* () {
      const { ada, mirror, sql } = yield* prepared(twoWatchers)
      yield* mirror.apply(ada)
      const documents = yield* Effect.promise(() =>
        readFile(new URL("../../../docs/runtime.md", import.meta.url), "utf8")
      )
      const take = /```sql\n(WITH due AS [^`]+)```/.exec(documents)?.[1] ?? ""
      const plan = yield* sql.withTransaction(
        Effect.zipRight(sql`SET LOCAL enable_seqscan = off`, sql.unsafe(`EXPLAIN ${take}`))
      )
      assert.include(JSON.stringify(plan), "watchers_due_seen")
      yield* sql`UPDATE watchers SET next_run_at = now() WHERE organization_id = ${ada.organizationId}`
      assert.isAtLeast((yield* sql.unsafe(take)).length, 2)
      assert.lengthOf(
        yield* sql`SELECT FROM watchers WHERE organization_id = ${ada.organizationId} AND next_run_at <= now()`,
        0
      )
    })
  )

  it.effect("is found by the impact of a revision whose new slug is one of its own rows'", () =>
    Effect.gen(function* () {
      const { ada, mirror, newPerson, publish, sql } = yield* prepared(types(1))
      const grace = yield* newPerson("grace")
      yield* mirror.apply(ada)
      yield* mirror.apply(grace)
      yield* sql`INSERT INTO entity_types (organization_id, slug, name) VALUES (${ada.organizationId}, 'type-1', 'Own')`
      const { revision } = yield* publish(types(2))
      const { installations, mostAffected } = yield* mirror.impact(ada.templateAgentId, revision, revision - 1)
      assert.strictEqual(installations, 2)
      assert.deepStrictEqual(
        mostAffected.map(({ collisions, organizationId }) => [organizationId, collisions]).sort(),
        [
          [ada.organizationId, 1],
          [grace.organizationId, 0]
        ]
      )
    })
  )

  it.effect("changes its mode, and nothing that is seen", () =>
    Effect.gen(function* () {
      const { ada, idOf, mirror, sql, types: shown, use } = yield* prepared([...types(5), ...oneOfEach])
      const seen = Effect.gen(function* () {
        const rows = yield* sql`
          SELECT 'type' AS kind, slug, name, description, metadata_schema::text AS says FROM vocabulary.entity_types
          WHERE organization_id = ${ada.organizationId} AND deleted_at IS NULL
          UNION ALL SELECT 'watcher', w.slug, w.name, w.next_run_at::text, v.prompt FROM vocabulary.watchers w
          JOIN vocabulary.watcher_versions v ON v.id = w.current_version_id WHERE w.organization_id = ${ada.organizationId}
          UNION ALL SELECT 'classifier', c.slug, c.name, w.slug, v.attribute_values::text FROM vocabulary.event_classifiers c
          JOIN vocabulary.event_classifier_versions v ON v.classifier_id = c.id AND v.is_current
          LEFT JOIN vocabulary.watchers w ON w.id = c.watcher_id WHERE c.organization_id = ${ada.organizationId}
          ORDER BY 1, 2`
        return { rows, plan: (yield* mirror.plan(ada)).planHash }
      })
      const byMode = (mode: Mode) =>
        Effect.gen(function* () {
          const { agentId } = yield* mirror.apply({ ...ada, mode })
          const used = yield* idOf("type-0")
          yield* use(used)
          yield* sql`UPDATE vocabulary.entity_types SET name = 'Mine' WHERE organization_id = ${ada.organizationId} AND slug = 'type-1'`
          yield* sql`DELETE FROM vocabulary.entity_types WHERE organization_id = ${ada.organizationId} AND slug = 'type-2'`
          const before = yield* seen
          const customized = yield* idOf("type-1")
          const stale = yield* Effect.flip(
            mirror.changeMode({ ...ada, agentId, mode: "reference", expectedPlan: "0".repeat(64) })
          )
          assert.strictEqual(stale._tag, "PlanStale")
          for (const other of ["copy", "reference", "copy", "reference"] as const) {
            yield* mirror.changeMode({ ...ada, agentId, mode: other, expectedPlan: before.plan })
            assert.deepStrictEqual(yield* seen, before)
            assert.deepStrictEqual([yield* idOf("type-0"), yield* idOf("type-1")], [used, customized])
            const origins = new Set((yield* shown()).map(({ origin }) => origin))
            assert.strictEqual(origins.has("referenced"), other === "reference")
          }
          return agentId
        })
      const agentId = yield* byMode("reference")
      yield* sql`DELETE FROM entities WHERE organization_id = ${ada.organizationId}`
      yield* sql`DELETE FROM vocabulary.entity_types WHERE organization_id = ${ada.organizationId} AND slug = 'type-1'`
      yield* mirror.uninstall({ ...ada, agentId })
      yield* sql`DELETE FROM mirror_ledger WHERE organization_id = ${ada.organizationId}`
      yield* byMode("copy")
    })
  )

  it.effect("is refused a mode that its publisher does not offer", () =>
    Effect.gen(function* () {
      const { ada, mirror, slug } = yield* prepared()
      const catalog = yield* TemplateCatalog
      yield* Effect.orDie(catalog.publish(template(slug, oneOfEach, { modes: ["copy"] })))
      assert.strictEqual((yield* Effect.flip(mirror.apply({ ...ada, mode: "reference" })))._tag, "ModeNotOffered")
      const { agentId } = yield* mirror.apply(ada)
      const refused = yield* Effect.flip(mirror.changeMode({ ...ada, agentId, mode: "reference" }))
      assert.strictEqual(refused._tag, "ModeNotOffered")
    })
  )

  it.effect(
    "stays readable when its publisher goes private, whose template is not deleted as long as somebody has it",
    () =>
      Effect.gen(function* () {
        const { ada, mirror, newPerson, sql, types: shown } = yield* prepared(types(2))
        yield* mirror.apply(ada)
        yield* sql`UPDATE organization SET visibility = 'private'
        WHERE id = (SELECT organization_id FROM agents WHERE id = ${ada.templateAgentId})`
        assert.lengthOf(yield* shown(), 2)
        const grace = yield* newPerson("grace")
        assert.strictEqual((yield* Effect.flip(mirror.apply(grace)))._tag, "TemplateNotFound")
        assert.strictEqual(yield* codeOf(sql`DELETE FROM agents WHERE id = ${ada.templateAgentId}`), "23503")
        const publisher = sql`DELETE FROM organization
          WHERE id = (SELECT organization_id FROM agents WHERE id = ${ada.templateAgentId})`
        assert.strictEqual(yield* codeOf(publisher), "23503")
        const revision = sql`DELETE FROM template_revisions WHERE template_agent_id = ${ada.templateAgentId}`
        assert.strictEqual(yield* codeOf(revision), "23503")
        assert.lengthOf(yield* shown(), 2)
        assert.strictEqual(yield* codeOf(sql`UPDATE published_entity_types SET name = 'Other'`), "23001")
      })
  )

  for (const isolation of ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]) {
    /** Somebody who uses a type for the first time, in a transaction of their own that has begun already. */
    const beginning = (pool: pg.Pool) =>
      Effect.acquireRelease(
        Effect.promise(async () => {
          const client = new pg.Client(pool.options)
          await client.connect()
          await client.query(`BEGIN ISOLATION LEVEL ${isolation}`)
          await client.query("SELECT count(*) FROM agents")
          return client
        }),
        (client) => Effect.promise(() => client.end())
      )
    const insert = "INSERT INTO entities (organization_id, entity_type_id, name) VALUES ($1, $2, 'one')"

    it.scoped(`waits for a first use that is under way, and sees it (${isolation})`, () =>
      Effect.gen(function* () {
        const { ada, idOf, mirror, types: shown } = yield* prepared(types(2))
        const { agentId } = yield* mirror.apply(ada)
        const id = yield* idOf("type-0")
        const user = yield* beginning(yield* PgPool)
        yield* Effect.promise(() => user.query(insert, [ada.organizationId, id]))
        const leaving = yield* Effect.fork(mirror.uninstall({ ...ada, agentId }))
        yield* waiting
        yield* Effect.promise(() => user.query("COMMIT"))
        const { kept, removed } = yield* Fiber.join(leaving)
        assert.deepStrictEqual(
          [kept.map(({ slug }) => slug), removed.map(({ slug }) => slug)],
          [["type-0"], ["type-1"]]
        )
        assert.deepStrictEqual(
          (yield* shown()).map((row) => row.id),
          [id]
        )
      })
    )

    it.scoped(`keeps what is used for the first time while a roll-out withdraws it (${isolation})`, () =>
      Effect.gen(function* () {
        const { ada, idOf, mirror, newPerson, publish, sql } = yield* prepared(types(2))
        const grace = yield* newPerson("grace")
        yield* mirror.apply(ada)
        yield* mirror.apply({ ...grace, mode: "copy" })
        const id = yield* idOf("type-1")
        const user = yield* beginning(yield* PgPool)
        yield* Effect.promise(() => user.query(insert, [ada.organizationId, id]))
        const { revision, templateAgentId } = yield* publish(types(1))
        const organizationIds = [ada.organizationId, grace.organizationId]
        const rolling = yield* Effect.fork(mirror.rollOut({ templateAgentId, revision, organizationIds }))
        yield* waiting
        yield* Effect.promise(() => user.query("COMMIT"))
        assert.deepStrictEqual(
          (yield* Fiber.join(rolling)).map(({ outcome }) => outcome),
          ["updated", "updated"]
        )
        const kept = yield* sql`SELECT t.id::text, t.name, t.retired_at IS NOT NULL AS hidden FROM entities e
          JOIN vocabulary.used_entity_types t ON t.id = e.entity_type_id WHERE e.organization_id = ${ada.organizationId}`
        assert.deepStrictEqual(kept, [{ id, name: "type-1", hidden: true }])
      })
    )

    it.scoped(`refuses a first use of what went meanwhile (${isolation})`, () =>
      Effect.gen(function* () {
        const codes: Array<unknown> = []
        for (const change of ["uninstall", "withdraw", "delete"] as const) {
          const { ada, idOf, mirror, publish, sql } = yield* prepared(types(2))
          const { agentId } = yield* mirror.apply(ada)
          const id = yield* idOf("type-1")
          const user = yield* beginning(yield* PgPool)
          if (change === "uninstall") yield* mirror.uninstall({ ...ada, agentId })
          if (change === "withdraw") yield* publish(types(1)).pipe(Effect.zipRight(mirror.apply(ada)))
          if (change === "delete") {
            yield* sql`DELETE FROM vocabulary.entity_types WHERE organization_id = ${ada.organizationId} AND id = ${id}::bigint`
          }
          codes.push(
            yield* Effect.promise(() =>
              user.query(insert, [ada.organizationId, id]).then(
                () => "done",
                (error) => error.code
              )
            )
          )
        }
        const refused = isolation === "READ COMMITTED" ? "23503" : "40001"
        assert.deepStrictEqual(codes, [refused, refused, refused])
      })
    )
  }

  /** Until somebody waits for a lock. */
  const waiting = Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    while ((yield* sql`SELECT FROM pg_locks WHERE NOT granted`).length === 0) yield* Effect.sleep("10 millis")
  })

  it.effect("is one agent and shows one of each, however many install, publish, use and change at once", () =>
    Effect.gen(function* () {
      const { ada, idOf, mirror, publish, sql, types: shown, use } = yield* prepared([...types(6), ...oneOfEach])
      const { agentId } = yield* mirror.apply(ada)
      const modes = ["copy", "reference"] as const
      yield* Effect.all(
        [
          ...Array.from({ length: 6 }, () => mirror.apply(ada)),
          ...Array.from({ length: 6 }, (_, at) =>
            mirror.changeMode({ ...ada, agentId, mode: modes[at % 2] ?? "copy" })
          ),
          ...Array.from({ length: 3 }, (_, at) =>
            publish([...types(6), ...oneOfEach].map((one) => ({ ...one, description: `At ${at}` })))
          ),
          ...Array.from({ length: 6 }, (_, at) => Effect.flatMap(idOf(`type-${at}`), (id) => Effect.option(use(id)))),
          ...Array.from({ length: 4 }, (_, at) =>
            Effect.option(
              sql`UPDATE vocabulary.entity_types SET name = 'Mine' WHERE organization_id = ${ada.organizationId} AND slug = ${`type-${at}`}`
            )
          )
        ],
        { concurrency: 8, discard: true }
      )
      yield* mirror.apply(ada)
      assert.deepStrictEqual(
        (yield* shown()).map(({ slug }) => slug),
        ["invoice", ...types(6).map(({ slug }) => slug as string)]
      )
      const dangling = yield* sql`
        SELECT e.id FROM entities e LEFT JOIN vocabulary.used_entity_types t ON t.id = e.entity_type_id AND t.deleted_at IS NULL
        WHERE e.organization_id = ${ada.organizationId} AND t.id IS NULL`
      assert.deepStrictEqual(dangling, [])
      const agents = yield* sql<{
        readonly id: string
      }>`SELECT id FROM agents WHERE organization_id = ${ada.organizationId}`
      assert.deepStrictEqual(
        agents.map(({ id }) => AgentId.make(id)),
        [agentId]
      )
    })
  )
})
