import { SqlClient } from "@effect/sql"
import { fromRecord, make as makeMigrator } from "@effect/sql/Migrator"
import { SqlError } from "@effect/sql/SqlError"
import { PgClient } from "@effect/sql-pg"
import {
  type Cause,
  Context,
  Duration,
  Effect,
  Layer,
  Option,
  Predicate,
  type Redacted,
  Schedule,
  String as Str
} from "effect"
import type { ParseError } from "effect/ParseResult"
import Pg from "pg"
import { migrations } from "../../../migrations/index.ts"
import { constraintOf, foreignKeyViolation, isTransient, sqlStateOf } from "../../domain/Faults.ts"
import { poolInUse, poolWaiting } from "../../services/runtime/Metrics.ts"
import { isOutdated, PreparingClient, roleSettingsStatement, settingsStatement } from "./Connection.ts"
import { connectionOf } from "./DatabaseAddress.ts"
import { unspannedClient } from "./Unspanned.ts"

/** The one pool of connections, for the libraries that talk to Postgres themselves. */
export class PgPool extends Context.Tag("agent-install/PgPool")<
  PgPool,
  Pg.Pool & {
    /** Whether a pooler in between hands the server's connections from one client to the next. */
    readonly isPooled: boolean
    /** How long a statement may take, in milliseconds; 0 for as long as it takes. */
    readonly statementTimeout: number
  }
>() {}

export interface DatabaseOptions {
  /** `postgres://…`; with `pgbouncer=true` among its parameters statements are not prepared by name. */
  readonly url: Redacted.Redacted<string>
  readonly maxConnections: number
  /** How long a statement may take; absent: as long as it takes. */
  readonly statementTimeout?: Duration.DurationInput | undefined
}

const closeTimeout = "2 seconds"

/** Closes the pool. A connection that is still in use after the timeout belongs to a request that was cut off, and may wait for ever. */
const closePool = (pool: Pg.Pool, clients: ReadonlySet<Pg.PoolClient>) =>
  Effect.promise(() => pool.end()).pipe(
    Effect.interruptible,
    Effect.timeoutOption(closeTimeout),
    Effect.filterOrElse(Option.isSome, () =>
      Effect.sync(() => {
        for (const client of clients) if (client instanceof Pg.Client) client.end()
      })
    )
  )

/** Gives a connection its settings. A time limit of the role may cancel that before its first setting lifts the limit: then again. */
const applySettings = (client: Pg.ClientBase, settings: string, tries = 5): Promise<unknown> =>
  client
    .query(settings)
    .catch((error) =>
      tries > 1 && sqlStateOf(error) === "57014" ? applySettings(client, settings, tries - 1) : Promise.reject(error)
    )

const acquirePool = ({ maxConnections, statementTimeout = 0, url }: DatabaseOptions) =>
  Effect.gen(function* () {
    // The address was validated with the settings.
    const { options, pooled } = yield* Effect.orDie(connectionOf(url))
    const timeout = Duration.toMillis(statementTimeout)
    const settings = settingsStatement("SESSION", timeout)
    const pool = new Pg.Pool({
      application_name: "agent-install",
      ...(pooled ? {} : { Client: PreparingClient }),
      // The pool waits for it before it hands a connection out.
      onConnect: (client) => applySettings(client, settings),
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
    })
    const measure = () => {
      poolInUse.unsafeUpdate(pool.totalCount - pool.idleCount, [])
      poolWaiting.unsafeUpdate(pool.waitingCount, [])
    }
    for (const event of ["acquire", "release", "remove"] as const) pool.on(event, measure)
    yield* Effect.addFinalizer(() => closePool(pool, clients))
    return Object.assign(pool, { isPooled: pooled, statementTimeout: timeout })
  })

/** The pool of connections to the database of that address. Nothing connects before the first query. */
export const PgPoolLive = (options: DatabaseOptions) => Layer.scoped(PgPool, acquirePool(options))

// Each row has the names of its columns again, of which there are only as many as the statements name.
const camelNames = new Map<string, string>()
const camelNameOf = (column: string): string => {
  const known = camelNames.get(column)
  if (known !== undefined) return known
  const name = Str.snakeToCamel(column)
  camelNames.set(column, name)
  return name
}

/** The SQL client over the pool. Column names are snake case in SQL and camel case in rows; JSON values stay as they are. */
export const SqlClientLive = Layer.unwrapEffect(
  Effect.map(PgPool, (pool) =>
    Layer.map(
      PgClient.layerFromPool({
        acquire: Effect.succeed(pool),
        transformQueryNames: Str.camelToSnake,
        transformResultNames: camelNameOf,
        transformJson: false
      }),
      (clients) => {
        const client = unspannedClient(Context.get(clients, PgClient.PgClient))
        return Context.make(PgClient.PgClient, client).pipe(Context.add(SqlClient.SqlClient, client))
      }
    )
  )
)

/** The pool and the client over it, without migrations. */
export const ConnectionLive = (options: DatabaseOptions) => SqlClientLive.pipe(Layer.provideMerge(PgPoolLive(options)))

const migrationLock = 7_203_114

/**
 * Brings the schema up to date, in one transaction under an advisory lock: processes that start at once take turns, and a
 * migration that fails leaves everything as it was. Answers with the number and name of each that was applied.
 */
export const migrate = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { isPooled, statementTimeout } = yield* PgPool
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`SET TRANSACTION READ WRITE, ISOLATION LEVEL READ COMMITTED`
      yield* sql.unsafe(settingsStatement("LOCAL", 0))
      yield* sql`SELECT pg_advisory_xact_lock(${migrationLock})`
      if (isPooled) yield* sql.unsafe(roleSettingsStatement(statementTimeout))
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

const shortPauses = Schedule.intersect(Schedule.jittered(Schedule.exponential("2 millis")), Schedule.recurs(8))

/** Retries a step up to eight times, with short pauses, as long as it fails with a transient error. */
export const retryWhile =
  (isTransientError: (error: unknown) => boolean) =>
  <A, E, R>(step: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.retry(step, { while: isTransientError, schedule: shortPauses })

const isTransientSqlError = (error: unknown): boolean =>
  error instanceof SqlError && (isTransient(error.cause) || isOutdated(error.cause))

type Fault = SqlError | ParseError | Cause.NoSuchElementException

const isFault = <E>(error: E): error is Extract<E, Fault> =>
  Predicate.isTagged(error, "SqlError") ||
  Predicate.isTagged(error, "ParseError") ||
  Predicate.isTagged(error, "NoSuchElementException")

/** Makes a fault of the database, or of a row in it, a defect: no caller can act on it. */
export const dieOfFaults = <A, E, R>(
  step: Effect.Effect<A, E, R>
): Effect.Effect<A, Exclude<E, Extract<E, Fault>>, R> => Effect.catchIf(step, isFault<E>, Effect.die)

/** Runs statements on a connection of their own, so that they stay if a transaction around them is rolled back. */
export const outsideTransaction = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.serviceOption(SqlClient.TransactionConnection), (transaction) =>
    Option.isNone(transaction)
      ? effect
      : Effect.mapInputContext(
          effect,
          Context.omit(SqlClient.TransactionConnection) as (context: Context.Context<R>) => Context.Context<R>
        )
  )

/** Whether a statement violated a constraint or unique index of one of these names. */
export const violates =
  (...constraints: ReadonlyArray<string>) =>
  (error: unknown): boolean =>
    error instanceof SqlError && constraints.includes(constraintOf(error.cause) ?? "")

/** Whether a statement violated a foreign key, whichever it is. */
export const violatesForeignKey = (error: unknown): boolean =>
  error instanceof SqlError && sqlStateOf(error.cause) === foreignKeyViolation

/** Whether a statement gave up waiting for a lock. */
export const isLockedOut = (error: unknown): boolean => error instanceof SqlError && sqlStateOf(error.cause) === "55P03"

/**
 * Retries a step that failed with a transient fault, or where `isConflict` says that another transaction inserted or deleted a row
 * first: the next try sees that.
 */
export const retryTransient = (isConflict: (error: unknown) => boolean = () => false) =>
  retryWhile((error) => isTransientSqlError(error) || isConflict(error))
