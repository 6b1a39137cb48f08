import { createHash } from "node:crypto"
import { SqlClient } from "@effect/sql"
import { fromRecord, make as makeMigrator } from "@effect/sql/Migrator"
import { SqlError } from "@effect/sql/SqlError"
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer, Option, type Redacted, Schedule, String as Str } from "effect"
import Pg from "pg"
import { migrations } from "../../migrations/index.ts"
import { poolInUse, poolWaiting } from "../services/Measures.ts"
import { connectionOf } from "./DatabaseAddress.ts"

/** The one pool of connections, for the libraries that talk to Postgres themselves. */
export class PgPool extends Context.Tag("agent-install/PgPool")<PgPool, Pg.Pool>() {}

/** Where the database is. */
export class DatabaseUrl extends Context.Tag("agent-install/DatabaseUrl")<DatabaseUrl, Redacted.Redacted<string>>() {}

export interface DatabaseOptions {
  /** `postgres://…`; with `pgbouncer=true` among its parameters statements are not prepared by name. */
  readonly url: Redacted.Redacted<string>
  readonly maxConnections: number
}

// A name a text: Postgres plans a named statement once a connection instead of at every call.
const names = new Map<string, string>()
const nameOf = (text: string): string => {
  const known = names.get(text)
  if (known !== undefined) return known
  const name = createHash("sha256").update(text).digest("base64url").slice(0, 32)
  names.set(text, name)
  return name
}

const prepareStatements = (client: Pg.PoolClient) => {
  client.query = new Proxy(client.query, {
    apply: (query, self, args: Array<unknown>) => {
      const [text, values, ...rest] = args
      return typeof text === "string" && Array.isArray(values) && values.length > 0
        ? Reflect.apply(query, self, [{ name: nameOf(text), text, values }, ...rest])
        : Reflect.apply(query, self, args)
    }
  })
}

// Statements find their rows by key: one plan serves all values, and must be that for large tables from the start, since a plan
// made while a table is empty is kept while it grows.
const planning = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off"

const patience = "2 seconds"

/** Closes the pool. A connection still in use then serves a request that was cut off: what it waits for may never come. */
const closePool = (pool: Pg.Pool, clients: ReadonlySet<Pg.PoolClient>) =>
  Effect.promise(() => pool.end()).pipe(
    Effect.interruptible,
    Effect.timeoutOption(patience),
    Effect.filterOrElse(Option.isSome, () =>
      Effect.sync(() => {
        for (const client of clients) if (client instanceof Pg.Client) client.end()
      })
    )
  )

const acquirePool = ({ maxConnections, url }: DatabaseOptions) =>
  Effect.gen(function* () {
    // The settings have looked at it.
    const { options, pooled } = yield* Effect.orDie(connectionOf(url))
    const pool = new Pg.Pool({
      application_name: "agent-install",
      // The pool waits for it before it hands a connection out.
      ...(pooled ? {} : { onConnect: (client) => client.query(planning) }),
      max: maxConnections,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 600_000,
      keepAlive: true,
      ...options
    })
    // A connection that breaks is dropped by the pool, and its query fails; without a listener the event itself, on the pool
    // for an idle connection and on the client for one in use, would end the process.
    pool.on("error", () => {})
    const clients = new Set<Pg.PoolClient>()
    pool.on("remove", (client) => clients.delete(client))
    pool.on("connect", (client) => {
      clients.add(client)
      client.on("error", () => {})
      if (!pooled) prepareStatements(client)
    })
    const measure = () => {
      poolInUse.unsafeUpdate(pool.totalCount - pool.idleCount, [])
      poolWaiting.unsafeUpdate(pool.waitingCount, [])
    }
    for (const event of ["acquire", "release", "remove"] as const) pool.on(event, measure)
    yield* Effect.addFinalizer(() => closePool(pool, clients))
    return pool
  })

/** The pool of connections to the database of that address. Nothing connects before the first query. */
export const PgPoolLive = (options: DatabaseOptions) => Layer.scoped(PgPool, acquirePool(options))

/** The SQL client over the pool. Column names are snake case in SQL and camel case in rows; JSON values stay as they are. */
export const SqlClientLive = Layer.unwrapEffect(
  Effect.map(PgPool, (pool) =>
    PgClient.layerFromPool({
      acquire: Effect.succeed(pool),
      transformQueryNames: Str.camelToSnake,
      transformResultNames: Str.snakeToCamel,
      transformJson: false
    })
  )
)

const migrationLock = 7_203_114

/**
 * Brings the schema up to date, in one transaction under an advisory lock: processes that start at once take turns, and a
 * migration that fails leaves everything as it was. Answers with the number and name of each that was applied.
 */
export const migrate = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`SELECT pg_advisory_xact_lock(${migrationLock})`
      // The migrator looks for its table with a query that fails where there is none, which would end this transaction.
      yield* sql`
        CREATE TABLE IF NOT EXISTS effect_sql_migrations (
          migration_id integer PRIMARY KEY,
          created_at timestamptz NOT NULL DEFAULT now(),
          name text NOT NULL
        )
      `
      return yield* makeMigrator({})({ loader: fromRecord(migrations) })
    })
  )
})

/** The migrations, applied when the layer is built. */
export const MigrationsLive = Layer.effectDiscard(migrate)

// What another writer's row or lock can cause: unique_violation, foreign_key_violation, deadlock_detected,
// serialization_failure.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const passing = new Set(["23503", "23505", "40P01", "40001"])

const again = Schedule.intersect(Schedule.jittered(Schedule.exponential("2 millis")), Schedule.recurs(8))

/** Runs a step again, a moment later and up to eight times, where it failed for a reason that passes. */
export const retryWhile =
  (passes: (error: unknown) => boolean) =>
  <A, E, R>(step: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.retry(step, { while: passes, schedule: again })

/** Whether a fault came of another transaction at the same time, so that the same step may succeed when run again. */
export const isPassing = (fault: unknown): boolean =>
  fault instanceof SqlError && passing.has((fault.cause as { code?: string }).code ?? "")
