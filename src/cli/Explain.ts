import { HttpServerError, Error as PlatformError } from "@effect/platform"
import { SqlError } from "@effect/sql/SqlError"
import { ConfigError, Effect, Either, Option } from "effect"
import { PublishRefused } from "../domain/catalog/Template.ts"
import { refusals } from "../domain/Errors.ts"
import { isUnavailable } from "../domain/Faults.ts"
import { connectionOf, DatabaseAddressRefused } from "../layers/postgres/DatabaseAddress.ts"
import { DatabaseUnfit } from "../layers/postgres/DatabaseCheck.ts"
import { EmbeddedPostgresError } from "../layers/runtime/EmbeddedPostgres.ts"
import { describeConfigError, type Settings, settings } from "../layers/runtime/Settings.ts"
import { WithdrawalNotAgreed } from "../services/catalog/PublishTemplate.ts"
import { CommandFailed } from "./Output.ts"

const causeOf = ({ cause }: { readonly cause?: unknown }) => (cause instanceof Error ? cause.message : String(cause))

/**
 * The message of Postgres, its driver or Node: the first error in the chain of causes that has a code or is the
 * driver's own.
 */
interface Said {
  readonly code: string
  readonly message: string
}

const noTls = "The server does not support SSL connections"

const saidIn = (fault: unknown): Said | undefined => {
  let at = fault
  for (let depth = 0; depth < 8 && at instanceof Error; depth++) {
    if ("code" in at && typeof at.code === "string") return { code: at.code, message: at.message }
    if (at.message === noTls) return { code: "", message: noTls }
    at = at.cause
  }
  return undefined
}

/** The name of the database in the settings, for the operator, and its role, if that is known. */
export interface NamedDatabase {
  readonly name: string
  readonly role?: string | undefined
}

/** The database in the settings. */
export const databaseNamed = (given: Option.Option<Pick<Settings, "databaseUrl">>): NamedDatabase => {
  if (Option.isNone(given)) return { name: "The database of DATABASE_URL" }
  const { databaseUrl } = given.value
  return Option.match(databaseUrl, {
    onNone: () => ({ name: "The embedded Postgres in DATA_DIR" }),
    onSome: (url) => ({
      name: "The database of DATABASE_URL",
      role: Either.match(connectionOf(url), { onLeft: () => undefined, onRight: ({ options }) => options.user })
    })
  })
}

const grant = (message: string, role = "…") => {
  const [, schema] = /for schema (\S+)/.exec(message) ?? []
  return schema === undefined
    ? `The service's tables have to belong to role ${role}, which has to have all rights on them.`
    : `Run as the database's owner: GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${role}`
}

const namePrimary = "Name the primary in DATABASE_URL."

/**
 * What prevents a start although the server answers, and what to do about it.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const remedies: ReadonlyArray<readonly [code: RegExp, remedy: (message: string, role: string | undefined) => string]> =
  [
    [
      /^28...$/,
      (message) =>
        /no encryption/.test(message)
          ? "Say sslmode=require in DATABASE_URL, or let it in by the server's pg_hba.conf."
          : "Check user and password in DATABASE_URL, and the server's pg_hba.conf."
    ],
    [
      /^3D000$/,
      () => "Make it by CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, or name another in DATABASE_URL."
    ],
    [/^3F000$/, (_, role) => `Run as the database's owner: GRANT USAGE, CREATE ON SCHEMA public TO ${role ?? "…"}`],
    [/^42501$/, grant],
    [
      /^25006$/,
      () => `${namePrimary} Where it is the primary, let default_transaction_read_only be off for this role.`
    ],
    [
      /^53300$/,
      () =>
        "Each process group takes ten connections: let fewer run, or raise max_connections, or the role's or database's limit."
    ],
    [/^53100$/, () => "Its disk is full: make room there."],
    [/^53[24]00$/, () => "The server lacks memory, or reaches a limit of its configuration: see its log."],
    [
      /^55000$/,
      (message) =>
        /recovery/.test(message)
          ? namePrimary
          : /not currently accepting connections/.test(message)
            ? "Run ALTER DATABASE … ALLOW_CONNECTIONS true, or name another in DATABASE_URL."
            : "See the server's log."
    ],
    [
      /^(55P03|57014)$/,
      () => "Something else holds what the start waits for, or its time is too short: try again, and see pg_locks."
    ],
    [/^0A000$/, () => "Use Postgres 15 or later."],
    // System and internal errors, and those of its configuration; a full disk may also be among them.
    [/^(58|F0|XX)...$/, () => "See the server's log, and whether its disk is full."]
  ]

/**
 * Node refuses the server's certificate, or the server ours:
 * https://nodejs.org/docs/latest-v20.x/api/tls.html#x509-certificate-error-codes
 */
const untrusted =
  /^(SELF_SIGNED|DEPTH_ZERO_|UNABLE_TO_|CERT_|CRL_|INVALID_CA|INVALID_PURPOSE|ERR_TLS_|ERR_SSL_|HOSTNAME_)/

/** A prepared statement does not exist, or exists already: the connection now leads to another server session. */
const handedOn = /^(26000|42P05)$/

/** What is wrong with a database that can't be used, and what to do about it. */
export interface DatabaseProblem {
  readonly what: string
  readonly remedy?: string
}

/** The database problem in a fault; none if it is about something else. */
export const databaseProblemOf = (error: unknown, role?: string): Option.Option<DatabaseProblem> => {
  if (error instanceof DatabaseUnfit) return Option.some({ what: `can't be used: ${error.message}` })
  const said = saidIn(error)
  if (said !== undefined) {
    const { code, message } = said
    const [, remedy] = remedies.find(([pattern]) => pattern.test(code)) ?? []
    if (remedy !== undefined) return Option.some({ what: `can't be used: ${message}`, remedy: remedy(message, role) })
    if (message === noTls) {
      return Option.some({
        what: `can't be reached: ${message}`,
        remedy: "Turn TLS on there, or say sslmode=prefer in DATABASE_URL."
      })
    }
    if (untrusted.test(code)) {
      return Option.some({
        what: `can't be trusted: ${message}`,
        remedy: "Check host, sslmode, sslrootcert, sslcert and sslkey in DATABASE_URL."
      })
    }
    if (handedOn.test(code)) {
      return Option.some({
        what: "seems to be behind a pooler in transaction mode: add pgbouncer=true to the parameters of DATABASE_URL"
      })
    }
  }
  if (error instanceof SqlError && isUnavailable(error)) {
    return Option.some({ what: `can't be reached: ${causeOf(error)}` })
  }
  return Option.none()
}

const isRefusal = (error: unknown): error is Error => refusals.some((refusal) => error instanceof refusal)

/** One line about what stopped the program, for the person who started it; `database` is the one that it was to use. */
export const explain = (error: unknown, { name, role }: NamedDatabase): Option.Option<string> => {
  if (ConfigError.isConfigError(error)) return Option.some(describeConfigError(error))
  if (error instanceof WithdrawalNotAgreed) {
    return Option.some(`Nothing was published. ${error.message} See template diff, and say --yes to publish it.`)
  }
  if (
    error instanceof EmbeddedPostgresError ||
    error instanceof PublishRefused ||
    error instanceof CommandFailed ||
    error instanceof DatabaseAddressRefused ||
    isRefusal(error)
  ) {
    return Option.some(error.message)
  }
  if (error instanceof HttpServerError.ServeError) {
    return Option.some(`Can't listen: ${causeOf(error)}. Set HOST and PORT to an address that is free.`)
  }
  if (PlatformError.isPlatformError(error)) return Option.some(`DATA_DIR can't be used: ${error.message}`)
  return Option.map(databaseProblemOf(error, role), ({ remedy, what }) =>
    remedy === undefined ? `${name} ${what}` : `${name} ${what}. ${remedy}`
  )
}

/** The same line, for the database in the settings. */
export const explainWith = (error: unknown): Effect.Effect<Option.Option<string>> =>
  Effect.map(Effect.option(settings), (given) => explain(error, databaseNamed(given)))
