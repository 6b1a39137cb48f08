import { SqlClient } from "@effect/sql"
import { assert, describe, it, layer } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Redacted } from "effect"
import pg from "pg"
import {
  PgPool,
  PgPoolLive,
  retryTransient,
  violates,
  violatesForeignKey
} from "../../../src/layers/postgres/Database.ts"
import { Auth } from "../../../src/services/account/Auth.ts"
import { OrgResolver } from "../../../src/services/account/OrgResolver.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { InstalledAgents } from "../../../src/services/installation/InstalledAgents.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { askAuth } from "../../askAuth.ts"
import { oneOfEach, template } from "../../fixtures/templates.ts"
import { servicesOn } from "../../live.ts"
import { administrator, ownDatabase, PgTest } from "../../pg.ts"
import { pooled } from "../../pgbouncer.ts"
import { lacks } from "../../programs.ts"
import { credential } from "../../worlds.ts"

/**
 * Settings of a role under which hardly a statement of ours would end, or say what it should. The time of a statement is what a busy
 * machine needs for the first of a connection, which lifts the limit.
 */
const hostile = {
  statement_timeout: "1s",
  lock_timeout: "1ms",
  idle_in_transaction_session_timeout: "1ms",
  idle_session_timeout: "1s",
  exit_on_error: "on",
  default_transaction_read_only: "on",
  default_transaction_isolation: "serializable",
  default_transaction_deferrable: "on",
  search_path: "nowhere",
  DateStyle: "SQL, DMY",
  IntervalStyle: "sql_standard",
  TimeZone: "Asia/Kathmandu",
  bytea_output: "escape",
  extra_float_digits: "-15",
  standard_conforming_strings: "off",
  array_nulls: "off",
  transform_null_equals: "on",
  jit: "on",
  jit_above_cost: "0",
  plan_cache_mode: "force_custom_plan"
} as const

let roles = 0

/** A database whose owner has all of these settings, and so has the database itself. */
const hostileDatabase = Effect.gen(function* () {
  const role = `hostile_${process.pid}_${++roles}`
  const url = yield* ownDatabase("template0")
  const address = new URL(Redacted.value(url))
  const database = address.pathname.slice(1)
  yield* Effect.acquireRelease(administrator(`CREATE ROLE ${role} LOGIN`), () =>
    administrator(`REASSIGN OWNED BY ${role} TO agent_install`, database).pipe(
      Effect.zipRight(administrator(`DROP OWNED BY ${role}`, database)),
      Effect.zipRight(administrator(`DROP ROLE ${role}`))
    )
  )
  yield* administrator(`ALTER DATABASE ${database} OWNER TO ${role}`)
  yield* administrator(`ALTER SCHEMA public OWNER TO ${role}`, database)
  for (const [name, value] of Object.entries(hostile)) {
    yield* administrator(`ALTER ROLE ${role} SET ${name} = '${value}'`)
    yield* administrator(`ALTER DATABASE ${database} SET ${name} = '${value}'`)
  }
  address.searchParams.set("user", role)
  return Redacted.make(address.toString())
})

let people = 0

const account = () => ({ name: "Somebody", email: `somebody-${++people}@example.org`, password: "a long password" })

/** Signs up, publishes, installs, reads: what a day with the service asks of the database. */
const day = Effect.gen(function* () {
  const auth = yield* Auth
  const orgs = yield* OrgResolver
  const catalog = yield* TemplateCatalog
  const mirror = yield* TemplateMirror
  const agents = yield* InstalledAgents
  const slug = `helper-${++people}`
  const { templateAgentId } = yield* catalog.publish(template(slug, oneOfEach))
  const response = yield* askAuth("sign-up/email", account())
  assert.strictEqual(response.status, 200)
  const bearer = `Bearer ${response.headers.get("set-auth-token")}`
  const { userId } = yield* auth.identify(credential({ bearer }))
  const organization = yield* orgs.personalOrg(userId)
  const request = { userId, organizationId: organization.id, templateAgentId }
  const { agentId } = yield* mirror.apply(request)
  const again = yield* mirror.apply(request)
  assert.deepStrictEqual([again.agentId, again.created], [agentId, false])
  const overview = yield* agents.overview(userId, agentId)
  assert.strictEqual(overview.counts.watchers.unchanged, 1)
  const { entries } = yield* agents.history(overview, { limit: 10, rows: "changed" })
  assert.deepStrictEqual(
    entries.map(({ action }) => action),
    ["install"]
  )
  yield* mirror.uninstall({ ...request, agentId })
})

describe("a role on which every setting is hostile", () => {
  it.scopedLive("does not change what the service does", () =>
    Effect.gen(function* () {
      const url = yield* hostileDatabase
      const atOnce = Effect.forEach(
        Array.from({ length: 12 }, () => account()),
        (given) => askAuth("sign-up/email", given),
        { concurrency: "unbounded" }
      )
      const longerThanTheRoleMay = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT pg_sleep(1.3)`)
      const signedUp = yield* Effect.provide(
        Effect.zipRight(Effect.all([day, day, longerThanTheRoleMay]), atOnce),
        servicesOn(url)
      )
      assert.deepStrictEqual([...new Set(signedUp.map(({ status }) => status))], [200])
    })
  )

  it.scopedLive("does not end connections that wait for work", () =>
    Effect.gen(function* () {
      const url = yield* hostileDatabase
      const pool = yield* Effect.map(Layer.build(PgPoolLive({ url, maxConnections: 1 })), Context.get(PgPool))
      const pid = Effect.promise(async () => (await pool.query("SELECT pg_backend_pid() AS pid")).rows[0].pid)
      const before = yield* pid
      yield* Effect.sleep("1600 millis")
      assert.strictEqual(yield* pid, before)
    })
  )

  const ifPooler = lacks("pgbouncer") ? it.scopedLive.skip : it.scopedLive
  ifPooler("means nothing behind a pooler either, whose connections nobody can set", () =>
    Effect.gen(function* () {
      const url = yield* hostileDatabase
      yield* Effect.provide(Effect.zipRight(day, day), servicesOn(Redacted.make(yield* pooled(url))))
      // A connection that the pooler makes for anybody has them from the start.
      const client = new pg.Client({ connectionString: Redacted.value(url) })
      const jit = yield* Effect.promise(async () => {
        await client.connect()
        const { rows } = await client.query("SHOW jit")
        await client.end()
        return rows[0].jit
      })
      assert.strictEqual(jit, "off")
    })
  )
})

/** The services on a database of the suite's own. */
const Services = Layer.unwrapScoped(Effect.map(ownDatabase(), servicesOn))

const inRealTime = Effect.withClock(Clock.make())

layer(Services, { timeout: "60 seconds" })("a statement that is prepared", (it) => {
  it.effect("outlives a column that is added to what it reads, also within a transaction", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const given = account()
      yield* Effect.replicateEffect(day, 2, { concurrency: 2 })
      assert.strictEqual((yield* askAuth("sign-up/email", given)).status, 200)
      assert.strictEqual((yield* askAuth("sign-in/email", given)).status, 200)
      for (const table of ["user", "session", "account", "agents", "entity_types"]) {
        yield* sql`ALTER TABLE ${sql(table)} ADD COLUMN added_meanwhile text`
      }
      for (let at = 0; at < 6; at++) {
        assert.strictEqual((yield* askAuth("sign-in/email", given)).status, 200)
        assert.strictEqual((yield* askAuth("sign-up/email", account())).status, 200)
      }
      yield* day
      const everything = sql`SELECT * FROM "user" WHERE ${true}::boolean`
      yield* everything
      yield* sql`ALTER TABLE "user" ADD COLUMN added_again text`
      yield* retryTransient()(sql.withTransaction(Effect.zipRight(sql`SELECT ${1}::integer`, everything)))
    }).pipe(inRealTime)
  )

  it.effect("outlives the server that it was prepared on", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const pool = yield* PgPool
      const given = account()
      yield* Effect.replicateEffect(day, 2, { concurrency: 2 })
      assert.strictEqual((yield* askAuth("sign-up/email", given)).status, 200)
      const forget = Effect.promise(async () => {
        const clients = await Promise.all(Array.from({ length: 4 }, () => pool.connect()))
        for (const client of clients) {
          await client.query("DEALLOCATE ALL")
          client.release()
        }
      })
      yield* forget
      assert.strictEqual((yield* askAuth("sign-in/email", given)).status, 200)
      yield* forget
      yield* day
      yield* forget
      yield* retryTransient()(sql.withTransaction(sql`SELECT ${1}::integer`))
    }).pipe(inRealTime)
  )
})

layer(Services, { timeout: "60 seconds" })("what another transaction came between", (it) => {
  it.effect("is asked again, also where a library asks", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      // A sequence counts on where the transaction is undone: every other try fails.
      yield* sql`CREATE SEQUENCE tries`
      yield* sql`
        CREATE FUNCTION fail_every_other_time() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF nextval('tries') % 2 = 1 THEN
            RAISE EXCEPTION 'could not serialize access' USING ERRCODE = TG_ARGV[0];
          END IF;
          RETURN NEW;
        END
        $$
      `
      for (const [table, code] of [
        ["user", "40001"],
        ["agents", "40P01"]
      ] as const) {
        yield* sql.unsafe(
          `CREATE TRIGGER fails BEFORE INSERT ON "${table}" FOR EACH ROW EXECUTE FUNCTION fail_every_other_time('${code}')`
        )
      }
      for (let at = 0; at < 4; at++) yield* day
    }).pipe(inRealTime)
  )
})

layer(PgTest, { timeout: "60 seconds" })("a step that another transaction's row refuses", (it) => {
  it.effect("is run again for the constraints that it names, and for no other", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE parents (id integer PRIMARY KEY)`
      yield* sql`CREATE TABLE children (slug text CONSTRAINT children_slug UNIQUE, parent integer REFERENCES parents (id))`
      yield* sql`INSERT INTO children (slug) VALUES ('taken')`
      const tries = (isConflict: (error: unknown) => boolean, statement: Effect.Effect<unknown, unknown>) =>
        Effect.gen(function* () {
          let tried = 0
          yield* Effect.suspend(() => {
            tried++
            return statement
          }).pipe(retryTransient(isConflict), Effect.ignore)
          return tried
        })
      const taken = sql`INSERT INTO children (slug) VALUES ('taken')`
      const orphan = sql`INSERT INTO children (slug, parent) VALUES ('orphan', 1)`
      assert.deepStrictEqual(
        yield* Effect.all([
          tries(violates("children_slug"), taken),
          tries(violates("children_slug"), orphan),
          tries(violates("children_parent_fkey"), orphan),
          tries(violatesForeignKey, orphan),
          tries(violatesForeignKey, taken)
        ]),
        [9, 1, 9, 9, 1]
      )
    }).pipe(inRealTime)
  )
})
