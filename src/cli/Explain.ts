import { HttpServerError, Error as PlatformError } from "@effect/platform"
import { SqlError } from "@effect/sql/SqlError"
import { ConfigError, Option } from "effect"
import { isDatabaseAway } from "../domain/Faults.ts"
import { PublishRefused } from "../domain/Template.ts"
import { EmbeddedPostgresError } from "../layers/EmbeddedPostgres.ts"
import { describeConfigError, type Settings } from "../layers/Settings.ts"
import { WithdrawalNotAgreed } from "../services/PublishTemplate.ts"
import { DemoFailed } from "./Demo.ts"

const causeOf = ({ cause }: { readonly cause?: unknown }) => (cause instanceof Error ? cause.message : String(cause))

const codeOf = ({ cause }: SqlError) => (cause instanceof Error && "code" in cause ? String(cause.code) : "")

/** Postgres refuses who asks: a wrong password or user (class 28), or a database that does not exist. */
const refused = /^(28...|3D000)$/

/** A statement prepared by name was gone, or there already: the connection behind is not the same any more. */
const handedOn = /^(26000|42P05)$/

/** What to call the database that the settings name, to whoever set them. */
export const databaseName = (given: Option.Option<Pick<Settings, "databaseUrl">>): string =>
  Option.exists(given, ({ databaseUrl }) => Option.isNone(databaseUrl))
    ? "The embedded Postgres in DATA_DIR"
    : "The database of DATABASE_URL"

/** What stopped the program, as a line for the person who started it; `database` is what to call the one it was to use. */
export const explain = (error: unknown, database: string): Option.Option<string> => {
  if (ConfigError.isConfigError(error)) return Option.some(describeConfigError(error))
  if (error instanceof WithdrawalNotAgreed) {
    return Option.some(`Nothing was published. ${error.message} See template diff, and say --yes to publish it.`)
  }
  if (error instanceof EmbeddedPostgresError || error instanceof PublishRefused || error instanceof DemoFailed) {
    return Option.some(error.message)
  }
  if (error instanceof SqlError && isDatabaseAway(error)) {
    return Option.some(`${database} can't be reached: ${causeOf(error)}`)
  }
  if (error instanceof SqlError && refused.test(codeOf(error))) {
    return Option.some(`${database} can't be used: ${causeOf(error)}`)
  }
  if (error instanceof SqlError && handedOn.test(codeOf(error))) {
    return Option.some(
      `${database} seems to be behind a pooler in transaction mode: add ?pgbouncer=true to DATABASE_URL`
    )
  }
  if (error instanceof HttpServerError.ServeError) {
    return Option.some(`Can't listen: ${causeOf(error)}. Set HOST and PORT to an address that is free.`)
  }
  if (PlatformError.isPlatformError(error)) return Option.some(`DATA_DIR can't be used: ${error.message}`)
  return Option.none()
}
