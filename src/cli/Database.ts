import { Context, Effect, Layer, Option, type Redacted } from "effect"
import { ConnectionLive, type DatabaseOptions } from "../layers/postgres/Database.ts"
import { DatabaseFitLive } from "../layers/postgres/DatabaseCheck.ts"
import { open } from "../layers/runtime/EmbeddedPostgres.ts"
import type { Settings } from "../layers/runtime/Settings.ts"

/* From the settings to the database. */

/** Where the database is. */
export class DatabaseUrl extends Context.Tag("agent-install/DatabaseUrl")<DatabaseUrl, Redacted.Redacted<string>>() {}

/** The database in the settings, or the embedded one, which runs while the scope is open. */
export const DatabaseUrlFrom = ({ dataDir, databaseUrl }: Settings) =>
  Layer.scoped(
    DatabaseUrl,
    Option.isSome(databaseUrl) ? Effect.succeed(databaseUrl.value) : Effect.map(open({ dataDir }), ({ url }) => url)
  )

const allConnections = 10

/** The number of connections of each process: at least what a sign-up and its follow-up need. */
export const connectionsOf = (workers: number): number => Math.max(2, Math.floor(allConnections / workers))

/** The time limit of a request's statement; none of ours takes a hundredth of it. */
const statementTimeout = "30 seconds"

/** Builds a layer on the database. */
export const onDatabase =
  ({ workers }: Settings) =>
  <A, E, R>(database: (options: DatabaseOptions) => Layer.Layer<A, E, R>) =>
    Layer.unwrapEffect(
      Effect.map(DatabaseUrl, (url) => database({ url, statementTimeout, maxConnections: connectionsOf(workers) }))
    )

/** The database, checked but not migrated. */
export const FitDatabaseFrom = (settings: Settings) =>
  DatabaseFitLive.pipe(Layer.provideMerge(onDatabase(settings)(ConnectionLive)))
