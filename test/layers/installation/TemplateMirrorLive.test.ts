import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Schedule } from "effect"
import { ServicesLive } from "../../../src/layers/AppLive.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { entityTypes, template } from "../../fixtures/templates.ts"
import { ownerNamed } from "../../people.ts"
import { connection, PgTest } from "../../pg.ts"
import { appOptions } from "../../worlds.ts"

const Live = ServicesLive(appOptions).pipe(Layer.provideMerge(PgTest), Layer.orDie)

/** Somebody waits for what another connection has locked. */
const somebodyWaits = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.repeat(sql`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`, {
    until: (rows) => rows.length > 0,
    schedule: Schedule.spaced("10 millis")
  })
)

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("the mirror on Postgres", (it) => {
  it.scoped("installs the revision that is newest when its turn comes, not when it began to wait", () =>
    Effect.gen(function* () {
      const catalog = yield* TemplateCatalog
      const mirror = yield* TemplateMirror
      const ada = yield* ownerNamed("ada")
      const { templateAgentId } = yield* catalog.publish(template("raced", entityTypes(2)))
      const other = yield* connection
      const says = (text: string) => Effect.promise(() => other.query(text))
      yield* says("BEGIN")
      yield* says("SELECT FROM organization WHERE id = 'org_ada' FOR UPDATE")
      const install = yield* Effect.fork(mirror.apply({ ...ada, templateAgentId }))
      yield* somebodyWaits
      yield* catalog.publish(template("raced", entityTypes(5)))
      yield* says("COMMIT")
      const { mirrored, revision } = yield* Fiber.join(install)
      assert.deepStrictEqual([revision, mirrored.entity_types], [2, 5])
    })
  )

  it.scoped("goes on with the agent that somebody else makes at the same time", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const catalog = yield* TemplateCatalog
      const mirror = yield* TemplateMirror
      const eve = yield* ownerNamed("eve")
      const { templateAgentId } = yield* catalog.publish(template("shared", entityTypes(2)))
      const other = yield* connection
      yield* Effect.promise(() => other.query("BEGIN"))
      // As the short cut does, which does not wait for the organization's turn.
      yield* Effect.promise(() =>
        other.query(
          "INSERT INTO agents (organization_id, template_agent_id, name, owner_user_id, revision) VALUES ('org_eve', $1, 'A', 'eve', 1)",
          [templateAgentId]
        )
      )
      const install = yield* Effect.fork(mirror.apply({ ...eve, templateAgentId }))
      yield* somebodyWaits
      yield* Effect.promise(() => other.query("COMMIT"))
      const { created, mirrored } = yield* Fiber.join(install)
      assert.deepStrictEqual([created, mirrored.entity_types], [false, 2])
      const agents = yield* sql`SELECT FROM agents WHERE organization_id = 'org_eve'`
      assert.lengthOf(agents, 1)
    })
  )

  // What takes the square of the rows takes minutes: without statistics Postgres expects one row wherever there are thousands.
  it.scoped(
    "judges thousands of rows, their collisions and their impact before Postgres knows how many there are",
    () =>
      Effect.gen(function* () {
        const catalog = yield* TemplateCatalog
        const mirror = yield* TemplateMirror
        const bob = yield* ownerNamed("bob")
        const count = 4_000
        const first = yield* catalog.publish(template("first", entityTypes(count)))
        const second = yield* catalog.publish(template("second", entityTypes(count)))
        yield* mirror.apply({ ...bob, templateAgentId: first.templateAgentId })
        const { rows } = yield* mirror.plan({ ...bob, templateAgentId: second.templateAgentId })
        assert.strictEqual(rows.filter(({ verdict }) => verdict === "collision").length, count)
        const refused = yield* Effect.flip(mirror.apply({ ...bob, templateAgentId: second.templateAgentId }))
        assert(refused._tag === "SchemaCollision" && refused.collisions.length === count)
        const next = yield* catalog.publish(
          template(
            "first",
            entityTypes(count).map((one) => ({ ...one, description: "Another" }))
          )
        )
        const { total } = yield* mirror.impact(next.templateAgentId, next.revision, next.since)
        assert.strictEqual(total.updates, count)
      }),
    40_000
  )
})
