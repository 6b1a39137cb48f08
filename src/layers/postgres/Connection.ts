import { createHash } from "node:crypto"
import Pg from "pg"

/*
 * The settings of a connection, which hold whatever those of the role, the database and the server are.
 */

// One name for each text: Postgres plans a named statement once per connection instead of at every call.
const names = new Map<string, string>()
const nameOf = (text: string): string => {
  const known = names.get(text)
  if (known !== undefined) return known
  const name = createHash("sha256").update(text).digest("base64url").slice(0, 32)
  names.set(text, name)
  return name
}

/**
 * Whether a prepared statement can't be run any more: a table has got another column (0A000), or the connection now leads to another
 * server, which does not know it (26000).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export const isOutdated = (fault: unknown): boolean => {
  if (typeof fault !== "object" || fault === null || !("code" in fault)) return false
  return (
    fault.code === "26000" ||
    (fault.code === "0A000" && "routine" in fault && fault.routine === "RevalidateCachedQuery")
  )
}

type Done = (error: Error | null, result?: unknown) => void

// What outdates one statement outdates others, on every connection: all are prepared again, under new names.
let renewals = 0

/**
 * A connection that prepares each statement with parameters by name, and prepares an outdated one again. Outside a transaction it
 * repeats the statement at once, since the failed one did nothing. Within a transaction, which has failed, the next try repeats it.
 */
export class PreparingClient extends Pg.Client {
  // The library's overloads come down to this: a text and its values, and a callback or a promise of the result.
  override query(...args: ReadonlyArray<unknown>): never {
    const [text, values, callback] = args
    const plainly = super.query as (...args: ReadonlyArray<unknown>) => unknown
    if (typeof text !== "string" || !Array.isArray(values) || values.length === 0) {
      return Reflect.apply(plainly, this, args) as never
    }
    const run = (done: Done, mayRepeat: boolean): void => {
      const at = renewals
      const name = at === 0 ? nameOf(text) : `${nameOf(text)}.${at}`
      Reflect.apply(plainly, this, [
        { name, text, values },
        (error: Error | null, result: unknown) => {
          if (!isOutdated(error)) return done(error, result)
          renewals = Math.max(renewals, at + 1)
          // As it was when the server was last ready: before this statement.
          const alone = this.getTransactionStatus() === "I"
          return mayRepeat && alone ? run(done, false) : done(error, result)
        }
      ])
    }
    if (typeof callback === "function") return run(callback as Done, true) as never
    return new Promise((resolve, reject) =>
      run((error, result) => (error === null || error === undefined ? resolve(result) : reject(error)), true)
    ) as never
  }
}

/**
 * The settings the service relies on, which a role, a database or a server may have set otherwise: time limits, text formats, the
 * behaviour of transactions, and the planning of statements.
 */
const neededSettings: Readonly<Record<string, string>> = {
  lock_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  exit_on_error: "off",
  default_transaction_read_only: "off",
  default_transaction_deferrable: "off",
  default_transaction_isolation: "read committed",
  client_encoding: "UTF8",
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  bytea_output: "hex",
  extra_float_digits: "1",
  standard_conforming_strings: "on",
  array_nulls: "on",
  transform_null_equals: "off",
  // Compiling a statement takes seconds, and our most expensive ones take milliseconds.
  jit: "off",
  // Statements find their rows by key: one plan is right for all values.
  plan_cache_mode: "force_generic_plan"
}

/** The schema of the service's tables: where they exist already, by the role's search path; else `public`. */
const ownSchema = `COALESCE((
  SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = pg_catalog.to_regclass('effect_sql_migrations')
), 'public')`

/**
 * Sets all of these for a session, or for a transaction (`LOCAL`), at its beginning. A statement may take `statementTimeout`
 * milliseconds; 0 means no limit.
 */
export const settingsStatement = (scope: "SESSION" | "LOCAL", statementTimeout: number): string =>
  [
    // First, since a limit of the role applies to these statements too.
    `SET ${scope} statement_timeout = ${statementTimeout}`,
    ...Object.entries(neededSettings).map(([name, value]) => `SET ${scope} ${name} = '${value}'`),
    // Postgres 17 has one more.
    `SELECT pg_catalog.set_config('transaction_timeout', '0', ${scope === "LOCAL"})
    WHERE pg_catalog.current_setting('server_version_num')::integer >= 170000`,
    `SELECT pg_catalog.set_config('search_path', ${ownSchema}, ${scope === "LOCAL"})`
  ].join(";\n")

// Whether the role has a setting in this database.
const hasSetting = (name: string, value: string) => `EXISTS (
      SELECT FROM pg_db_role_setting s
      JOIN pg_database d ON d.oid = s.setdatabase AND d.datname = current_database()
      JOIN pg_roles r ON r.oid = s.setrole AND r.rolname = current_user
      WHERE s.setconfig @> ARRAY[${name} || '=' || ${value}]
    )`

/**
 * Gives the role these settings in this database permanently, since behind a pooler no client owns a connection and could set them.
 * Writes nothing if the role has them.
 */
export const roleSettingsStatement = (statementTimeout: number): string => `DO $$
DECLARE
  wanted text[] := ARRAY[${Object.entries({ statement_timeout: String(statementTimeout), ...neededSettings })
    .map(([name, value]) => `['${name}', '${value}']`)
    .join(", ")}] || ARRAY[['search_path', current_setting('search_path')]];
  one text[];
BEGIN
  FOREACH one SLICE 1 IN ARRAY wanted LOOP
    CONTINUE WHEN ${hasSetting("one[1]", "one[2]")};
    EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET %s = %L', current_database(), one[1], one[2]);
  END LOOP;
END
$$`

/** The names of the settings that the role lacks in this database. */
export const missingSettingsStatement = `SELECT wanted.name
FROM (VALUES ${Object.entries(neededSettings)
  .map(([name, value]) => `('${name}', '${value}')`)
  .join(", ")}) AS wanted (name, value)
WHERE NOT ${hasSetting("wanted.name", "wanted.value")}`
