import { SqlClient, SqlSchema } from "@effect/sql"
import { Data, Effect, Layer, Option, Schema } from "effect"
import { sqlStateOf } from "../../domain/Faults.ts"

/** What a database says of itself, names quoted as SQL wants them. */
export const DatabaseFacts = Schema.Struct({
  /** As `server_version_num`: 150004. */
  version: Schema.Int,
  encoding: Schema.String,
  database: Schema.String,
  role: Schema.String,
  /** Where tables are made; null where the role may use no schema of its search path. */
  schema: Schema.NullOr(Schema.String),
  mayCreate: Schema.Boolean,
  standby: Schema.Boolean,
  readOnly: Schema.Boolean,
  migrated: Schema.Boolean,
  /** Whom the service's tables belong to, where the role can't act as that one. */
  otherOwner: Schema.NullOr(Schema.String)
})
export type DatabaseFacts = typeof DatabaseFacts.Type

/** What was looked at, how it stands, and, where it can't stay so, what to do. */
export interface DatabaseFinding {
  readonly check: "database" | "encoding" | "writable" | "rights"
  readonly found: string
  readonly remedy?: string
}

const oldestMajor = 15

const writable = ({ readOnly, role, standby }: DatabaseFacts): DatabaseFinding => {
  const check = "writable"
  if (standby) {
    return {
      check,
      found: "the server is a standby, which only reads",
      remedy: "Name the primary in DATABASE_URL."
    }
  }
  return readOnly
    ? {
        check,
        found: `role ${role} only reads there by default`,
        remedy: `Run ALTER ROLE ${role} SET default_transaction_read_only = off, or let it be off for the database or the server.`
      }
    : { check, found: "the server takes writes" }
}

const rights = ({ mayCreate, otherOwner, role, schema }: DatabaseFacts): DatabaseFinding => {
  const check = "rights"
  if (schema === null || !mayCreate) {
    return {
      check,
      found:
        schema === null
          ? `role ${role} may use no schema of its search path`
          : `role ${role} may not create tables in schema ${schema}`,
      remedy: `Run as the database's owner: GRANT USAGE, CREATE ON SCHEMA ${schema ?? "public"} TO ${role}`
    }
  }
  return otherOwner === null
    ? { check, found: `role ${role} may create tables in schema ${schema}` }
    : {
        check,
        found: `the service's tables belong to role ${otherOwner}, not to ${role}`,
        remedy: `Connect as ${otherOwner}, or run: GRANT ${otherOwner} TO ${role}`
      }
}

/** What the service needs of a database, against what that says of itself. */
export const findingsOf = (facts: DatabaseFacts): ReadonlyArray<DatabaseFinding> => {
  const major = Math.floor(facts.version / 10_000)
  return [
    {
      check: "database",
      found: `Postgres ${major}`,
      ...(major >= oldestMajor ? {} : { remedy: `Use Postgres ${oldestMajor} or later.` })
    },
    {
      check: "encoding",
      found: `database ${facts.database} is encoded in ${facts.encoding}`,
      ...(facts.encoding === "UTF8"
        ? {}
        : {
            remedy: `It can't hold every name, and keeps its encoding: make another by CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name that one.`
          })
    },
    writable(facts),
    rights(facts)
  ]
}

/** The database can't be used as it is. */
export class DatabaseUnfit extends Data.TaggedError("DatabaseUnfit")<{
  readonly problems: ReadonlyArray<DatabaseFinding>
}> {
  override get message() {
    return this.problems.map(({ found, remedy = "" }) => `${found}. ${remedy}`).join(" ")
  }
}

/** Asks the database for its facts. */
export const databaseFacts = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const ask = SqlSchema.single({
    Request: Schema.Void,
    Result: DatabaseFacts,
    execute: () => sql`
      SELECT current_setting('server_version_num')::integer AS version, current_setting('server_encoding') AS encoding,
        quote_ident(current_database()) AS database, quote_ident(current_user) AS role,
        quote_ident(current_schema()) AS schema,
        COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
        pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS read_only,
        to_regclass('effect_sql_migrations') IS NOT NULL AS migrated,
        (
          SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class
          WHERE oid = to_regclass('effect_sql_migrations') AND NOT pg_has_role(relowner, 'USAGE')
        ) AS other_owner
    `
  })
  return yield* ask().pipe(Effect.catchTag("ParseError", "NoSuchElementException", Effect.die))
})

/** Refuses a database that can't serve, before anything is made in it. */
export const DatabaseFitLive = Layer.effectDiscard(
  Effect.gen(function* () {
    const problems = findingsOf(yield* databaseFacts).filter(({ remedy }) => remedy !== undefined)
    if (problems.length > 0) return yield* new DatabaseUnfit({ problems })
  })
)

const Connections = Schema.Struct({
  /** How many the server, the role and the database allow, and how many each of them has; a negative limit is none. */
  server: Schema.Struct({ limit: Schema.Int, taken: Schema.Int }),
  role: Schema.Struct({ limit: Schema.Int, taken: Schema.Int }),
  database: Schema.Struct({ limit: Schema.Int, taken: Schema.Int }),
  /** Those of this service among them. */
  own: Schema.Int
})
export type Connections = typeof Connections.Type

/** How many connections this service may have in all, with those it has. */
export const connectionsFree = ({ own, ...limits }: Connections): number =>
  own +
  Math.min(...Object.values(limits).map(({ limit, taken }) => (limit < 0 ? Number.POSITIVE_INFINITY : limit - taken)))

/** Counts the server's connections, as every role may. */
export const databaseConnections = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const ask = SqlSchema.single({
    Request: Schema.Void,
    Result: Connections,
    execute: () => sql`
      SELECT jsonb_build_object('taken', count(*), 'limit', current_setting('max_connections')::integer
          - current_setting('superuser_reserved_connections')::integer
          - COALESCE(current_setting('reserved_connections', true)::integer, 0)) AS server,
        jsonb_build_object('taken', count(*) FILTER (WHERE usename = current_user),
          'limit', (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user)) AS role,
        jsonb_build_object('taken', count(*) FILTER (WHERE datname = current_database()),
          'limit', (SELECT datconnlimit FROM pg_database WHERE datname = current_database())) AS database,
        (count(*) FILTER (WHERE usename = current_user AND datname = current_database()
          AND application_name = current_setting('application_name')))::integer AS own
      FROM pg_stat_activity WHERE datname IS NOT NULL
    `
  })
  return yield* ask().pipe(Effect.catchTag("ParseError", "NoSuchElementException", Effect.die))
})

// Lists, and what they are joined with; a `used_…` view is asked by id.
const listed = [
  ...["entity_types", "entity_relationship_types", "watchers", "event_classifiers"],
  ...["watcher_versions", "event_classifier_versions"]
]

/**
 * Queries of any program that read a list of the schema `vocabulary` without naming an organization, for which Postgres puts together
 * the rows of all: those that took most time, at most three. None where the database has no `pg_stat_statements` to tell.
 */
export const unboundQueries = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const findExtension = SqlSchema.findOne({
    Request: Schema.Void,
    Result: Schema.Struct({ schema: Schema.String }),
    execute: () =>
      sql`SELECT extnamespace::regnamespace::text AS schema FROM pg_extension WHERE extname = 'pg_stat_statements'`
  })
  const extension = yield* findExtension()
  if (Option.isNone(extension)) return Option.none<ReadonlyArray<string>>()
  const find = SqlSchema.findAll({
    Request: Schema.Void,
    Result: Schema.Struct({ query: Schema.String }),
    execute: () => sql`
      SELECT left(btrim(regexp_replace(query, '\\s+', ' ', 'g')), 200) AS query
      FROM ${sql.unsafe(`${extension.value.schema}.pg_stat_statements`)}
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND query ~* '^\\s*(select|with|update|delete)\\M' AND query !~* '\\morganization_id\\M'
        AND query ~* ${`\\mvocabulary\\.(${listed.join("|")})\\M(?! *\\()`}
      ORDER BY total_exec_time DESC LIMIT 3
    `
  })
  const found = yield* find().pipe(
    Effect.asSome,
    // The extension is made, and the server does not load it.
    Effect.catchIf(
      (error) => error._tag === "SqlError" && sqlStateOf(error.cause) === "55000",
      () => Effect.succeedNone
    )
  )
  return Option.map(found, (rows) => rows.map(({ query }) => query))
}).pipe(Effect.catchTag("ParseError", Effect.die))
