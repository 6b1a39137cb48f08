import { SqlClient, SqlSchema } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Schema } from "effect"
import { kindDescriptions } from "../../../src/domain/catalog/Kind.ts"
import type { Definition } from "../../../src/domain/catalog/Template.ts"
import { Slug } from "../../../src/domain/Ids.ts"
import { countVerdicts } from "../../../src/domain/installation/Plan.ts"
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

let made = 0

/** Somebody who has installed a template with a row of each kind, and what is known of their agents without reading the rows. */
const installed = (options: Parameters<typeof template>[2] = {}) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const catalog = yield* TemplateCatalog
    const mirror = yield* TemplateMirror
    const agents = yield* InstalledAgents
    const at = ++made
    const { organizationId, userId } = yield* ownerNamed(`hand-${at}`)
    const publish = (rows: ReadonlyArray<Definition>, name = `of-hand-${at}`) =>
      catalog.publish(template(name, rows, { publisher: Slug.make(`hands-${at}`), ...options }))
    const { templateAgentId } = yield* publish(oneOfEach)
    const person = { userId, organizationId, templateAgentId }
    const { agentId } = yield* mirror.apply(person)
    const findKnown = SqlSchema.single({
      Request: Schema.Void,
      Result: Schema.Struct({ noted: Schema.Boolean, stands: Schema.Boolean }),
      execute: () => sql`
        SELECT EXISTS (SELECT FROM hand_edited_organizations WHERE organization_id = ${organizationId}) AS noted, stands
        FROM agents WHERE id = ${agentId}
      `
    })
    return {
      ...{ sql, mirror, agents, publish, person, agentId, at },
      known: findKnown(),
      /** The list must say what a plan says, which reads every row. */
      agree: (message = "") =>
        Effect.gen(function* () {
          const { counts } = yield* agents.overview(userId, agentId)
          const { rows } = yield* mirror.planResync({ ...person, agentId })
          const expected = kindDescriptions.map(({ kind }) => [
            kind,
            Object.fromEntries(
              countVerdicts(rows)
                .filter((one) => one.kind === kind)
                .map(({ rows, verdict }) => [verdict, rows])
            )
          ])
          const said = kindDescriptions.map(({ kind }) => [
            kind,
            Object.fromEntries(Object.entries(counts[kind]).filter(([, rows]) => rows > 0))
          ])
          assert.deepStrictEqual(said, expected, message)
        })
    }
  })

const untouched = { noted: false, stands: true }

/** What people and their programs do to a row of each kind and to its versions. */
const byHand = kindDescriptions.flatMap((kind) => {
  const { agent, references = {}, table, versions } = kind
  const own = `organization_id = $1 AND managed_by_template_agent_id IS NOT NULL`
  const ownVersions = versions && `${versions.owner} IN (SELECT id FROM ${table} WHERE ${own})`
  return [
    ...Object.entries(contentColumns(kind)).map(([column, type]) => {
      if (column in references) return `UPDATE ${table} SET ${column} = NULL WHERE ${own}`
      const isVersioned = versions !== undefined && column in versions.columns
      const change = `SET ${column} = ${otherValues[type as keyof typeof otherValues]}`
      return isVersioned
        ? `UPDATE ${versions.table} ${change} WHERE ${ownVersions}`
        : `UPDATE ${table} ${change} WHERE ${own}`
    }),
    `UPDATE ${table} SET slug = 'moved' WHERE ${own}`,
    `UPDATE ${table} SET deleted_at = now() WHERE ${own}`,
    `UPDATE ${table} SET retired_at = now() WHERE ${own}`,
    `DELETE FROM ${table} WHERE ${own}`,
    ...(agent === undefined ? [] : [`UPDATE ${table} SET ${agent} = NULL WHERE ${own}`])
  ]
})

/** What they do to the versions of a classifier besides. */
const versions = "event_classifier_versions"
const ofTopic = "classifier_id IN (SELECT id FROM event_classifiers WHERE organization_id = $1)"
const versionsByHand = [
  `DELETE FROM ${versions} WHERE ${ofTopic}`,
  `UPDATE ${versions} SET is_current = false WHERE ${ofTopic}`,
  `WITH last AS (UPDATE ${versions} SET is_current = false WHERE ${ofTopic} RETURNING classifier_id, version)
   INSERT INTO ${versions} (classifier_id, version, is_current, attribute_values)
   SELECT classifier_id, version + 1, false, '["other"]' FROM last`
]

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("edits by hand", (it) => {
  it.effect("are nothing that the mirror does, whatever is published", () =>
    Effect.gen(function* () {
      const { agentId, agree, known, mirror, person, publish } = yield* installed()
      assert.deepStrictEqual(yield* known, untouched)
      const { organizationId, templateAgentId } = person
      const revisions = [
        oneOfEach.map((one) => ({ ...one, name: "New" })),
        [
          ...oneOfEach.map((one) => (one.kind === "event_classifiers" ? { ...one, references: {} } : one)),
          definition("entity_types", "receipt")
        ],
        oneOfEach.filter(({ kind }) => kind === "entity_types" || kind === "watchers"),
        oneOfEach
      ]
      for (const [at, rows] of revisions.entries()) {
        const { revision } = yield* publish(rows)
        yield* agree(`published ${revision}`)
        if (at % 2 === 0) yield* mirror.resync({ ...person, agentId })
        else yield* mirror.rollOut({ templateAgentId, revision, organizationIds: [organizationId] })
        assert.deepStrictEqual(yield* known, untouched, `revision ${revision}`)
        yield* agree(`moved to ${revision}`)
      }
      yield* mirror.apply(person)
      yield* mirror.resync({ ...person, agentId, revision: 2 })
      yield* agree("gone back")
      assert.deepStrictEqual(yield* known, untouched)
    })
  )

  it.effect("are nothing of an install by the short cut", () =>
    Effect.gen(function* () {
      const { at, mirror, person, sql } = yield* installed()
      const another = yield* ownerNamed(`another-${at}`)
      const { agentId } = yield* mirror.apply({ ...person, ...another })
      const found = yield* sql`
        SELECT stands, EXISTS (
          SELECT FROM hand_edited_organizations WHERE organization_id = ${another.organizationId}
        ) AS noted FROM agents WHERE id = ${agentId}
      `
      assert.deepStrictEqual(found, [untouched])
    })
  )

  it.effect("are noted, whatever they change", () =>
    Effect.gen(function* () {
      for (const text of [...byHand, ...versionsByHand]) {
        const { agree, known, person, sql } = yield* installed()
        yield* sql.unsafe(text, [person.organizationId])
        assert.deepStrictEqual(yield* known, { noted: true, stands: true }, text)
        yield* agree(text)
      }
    })
  )

  it.effect("are noted in the transaction of the install too", () =>
    Effect.gen(function* () {
      const { agents, at, mirror, person, publish, sql } = yield* installed()
      const second = yield* publish([definition("event_classifiers", "later")], `later-${at}`)
      const { agentId } = yield* sql.withTransaction(
        Effect.gen(function* () {
          const applied = yield* mirror.apply({ ...person, templateAgentId: second.templateAgentId })
          yield* sql`
            UPDATE event_classifier_versions SET fallback_value = 'mine' WHERE classifier_id = (
              SELECT id FROM event_classifiers WHERE organization_id = ${person.organizationId} AND slug = 'later'
            )
          `
          const { counts } = yield* agents.overview(person.userId, applied.agentId)
          assert.strictEqual(counts.event_classifiers.customized, 1)
          return applied
        })
      )
      const { counts } = yield* agents.overview(person.userId, agentId)
      assert.strictEqual(counts.event_classifiers.customized, 1)
    })
  )

  it.effect("are noted where an update meets them before they are committed", () =>
    Effect.gen(function* () {
      const { agentId, agree, known, mirror, person, publish, sql } = yield* installed()
      yield* publish(oneOfEach.map((one) => (one.kind === "entity_types" ? { ...one, name: "New" } : one)))
      const [isWritten, isDone] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const edit = yield* Effect.fork(
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql.unsafe(`UPDATE ${versions} SET fallback_value = 'mine' WHERE ${ofTopic}`, [
              person.organizationId
            ])
            yield* Deferred.succeed(isWritten, undefined)
            yield* Deferred.await(isDone)
          })
        )
      )
      yield* Deferred.await(isWritten)
      yield* mirror.resync({ ...person, agentId })
      assert.deepStrictEqual(yield* known, untouched)
      yield* agree("before it is committed")
      yield* Deferred.succeed(isDone, undefined)
      yield* Fiber.join(edit)
      assert.deepStrictEqual(yield* known, { noted: true, stands: true })
      yield* agree("after")
    })
  )

  it.effect("are not what a runtime does, nor what people do to rows of their own", () =>
    Effect.gen(function* () {
      const { known, person, sql } = yield* installed()
      const { organizationId } = person
      yield* sql`UPDATE watchers SET next_run_at = now(), paused_at = now() WHERE organization_id = ${organizationId}`
      yield* sql`INSERT INTO entity_types (organization_id, slug, name) VALUES (${organizationId}, 'own', 'Own')`
      yield* sql`UPDATE entity_types SET name = 'Mine' WHERE organization_id = ${organizationId} AND slug = 'own'`
      yield* sql`DELETE FROM entity_types WHERE organization_id = ${organizationId} AND slug = 'own'`
      assert.deepStrictEqual(yield* known, untouched)
    })
  )

  it.effect("by one person say nothing of another", () =>
    Effect.gen(function* () {
      const [one, another] = [yield* installed(), yield* installed()]
      yield* one.sql`UPDATE entity_types SET name = 'Mine' WHERE organization_id = ${one.person.organizationId}`
      assert.deepStrictEqual(yield* one.known, { noted: true, stands: true })
      assert.deepStrictEqual(yield* another.known, untouched)
    })
  )

  it.effect("are not needed for an agent whose rows another template of the publisher takes further", () =>
    Effect.gen(function* () {
      const { agentId, agree, at, known, mirror, person, publish } = yield* installed()
      const further = oneOfEach.map((one) => ({ ...one, name: "Further" }))
      yield* publish(further)
      const { templateAgentId } = yield* publish(further, `further-${at}`)
      yield* mirror.resync({ ...person, agentId, revision: 1 })
      yield* agree("before the other is installed")
      yield* mirror.apply({ ...person, templateAgentId })
      yield* agree("after")
      assert.deepStrictEqual(yield* known, { noted: false, stands: false })
    })
  )

  it.effect("are not needed for rows that are withdrawn and in use", () =>
    Effect.gen(function* () {
      for (const isRolledOut of [false, true]) {
        const { agentId, agents, agree, known, mirror, person, publish, sql } = yield* installed()
        const { organizationId, templateAgentId } = person
        yield* sql`
          INSERT INTO entities (organization_id, entity_type_id, name)
          SELECT organization_id, id, 'One' FROM entity_types
          WHERE organization_id = ${organizationId} AND slug = 'invoice'
        `
        const { revision } = yield* publish(oneOfEach.filter(({ kind }) => kind !== "entity_types"))
        if (isRolledOut) yield* mirror.rollOut({ templateAgentId, revision, organizationIds: [organizationId] })
        else yield* mirror.resync({ ...person, agentId })
        yield* agree()
        const { retired } = yield* agents.overview(person.userId, agentId)
        assert.deepStrictEqual(
          retired.map(({ because, slug }) => [slug, because]),
          [["invoice", "in_use"]]
        )
        assert.deepStrictEqual(yield* known, { noted: false, stands: false })
      }
    })
  )

  it.effect("are not what the mirror does where rows take each other's slugs", () =>
    Effect.gen(function* () {
      const { agentId, agree, known, mirror, person, publish } = yield* installed()
      const [a, b] = [Slug.make("a"), Slug.make("b")]
      yield* publish([
        ...oneOfEach,
        definition("entity_types", a, { name: "A" }),
        definition("entity_types", b, { name: "B" })
      ])
      yield* mirror.resync({ ...person, agentId })
      yield* publish([
        ...oneOfEach,
        definition("entity_types", b, { name: "A", was: [a] }),
        definition("entity_types", a, { name: "B", was: [b] })
      ])
      yield* mirror.resync({ ...person, agentId })
      yield* agree()
      assert.deepStrictEqual(yield* known, untouched)
    })
  )

  it.effect("are seen of an agent that referred for a while", () =>
    Effect.gen(function* () {
      const { agentId, agree, known, mirror, person, sql } = yield* installed({ modes: ["copy", "reference"] })
      yield* mirror.changeMode({ ...person, agentId, mode: "reference" })
      yield* sql`
        UPDATE vocabulary.entity_types SET name = 'Mine' WHERE organization_id = ${person.organizationId} AND slug = 'invoice'
      `
      yield* agree("by reference")
      yield* mirror.changeMode({ ...person, agentId, mode: "copy" })
      yield* agree("as copies again")
      assert.isFalse((yield* known).stands)
    })
  )

  it.effect("are forgotten with their organization", () =>
    Effect.gen(function* () {
      const { person, sql } = yield* installed()
      yield* sql`UPDATE entity_types SET name = 'Mine' WHERE organization_id = ${person.organizationId}`
      yield* sql`DELETE FROM organization WHERE id = ${person.organizationId}`
      const { person: other } = yield* installed()
      yield* sql`DELETE FROM organization WHERE id = ${other.organizationId}`
      const noted = yield* sql`
        SELECT FROM hand_edited_organizations WHERE organization_id IN ${sql.in([person.organizationId, other.organizationId])}
      `
      assert.lengthOf(noted, 0)
    })
  )
})
