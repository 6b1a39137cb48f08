import { Effect, Layer, Option } from "effect"
import { AppLive, DatabaseLive, ServicesLive } from "../layers/AppLive.ts"
import { ConnectionLive, type DatabaseOptions, DatabaseUrl } from "../layers/postgres/Database.ts"
import { DatabaseFitLive } from "../layers/postgres/DatabaseCheck.ts"
import { open } from "../layers/runtime/EmbeddedPostgres.ts"
import { keptSecret } from "../layers/runtime/Secrets.ts"
import type { Settings } from "../layers/runtime/Settings.ts"

/* From the settings to the options of the application's layers. */

const allConnections = 10

/** How many connections each process has: at the least what a sign-up and what follows it need. */
export const connectionsOf = (workers: number): number => Math.max(2, Math.floor(allConnections / workers))

/** How long a statement of a request may take; none of ours takes a hundredth of it. */
const statementTimeout = "30 seconds"

/** The database that is named, or the embedded one, which runs for as long as it is wanted. */
export const DatabaseUrlFrom = ({ dataDir, databaseUrl }: Settings) =>
  Layer.scoped(
    DatabaseUrl,
    Option.isSome(databaseUrl) ? Effect.succeed(databaseUrl.value) : Effect.map(open({ dataDir }), ({ url }) => url)
  )

const onDatabase =
  ({ workers }: Settings) =>
  <A, E, R>(database: (options: DatabaseOptions) => Layer.Layer<A, E, R>) =>
    Layer.unwrapEffect(
      Effect.map(DatabaseUrl, (url) => database({ url, statementTimeout, maxConnections: connectionsOf(workers) }))
    )

/** The database, found fit to serve, its schema as it is. */
export const FitDatabaseFrom = (settings: Settings) =>
  DatabaseFitLive.pipe(Layer.provideMerge(onDatabase(settings)(ConnectionLive)))

/** The services that need nothing but the database. */
export const ServicesFrom = (settings: Settings) =>
  ServicesLive(settings).pipe(Layer.provide(onDatabase(settings)(DatabaseLive)))

/** The secret that signs sessions: as it is given, else a generated one that is kept. */
const secretOf = ({ authSecret, dataDir }: Settings) =>
  Option.isSome(authSecret) ? Effect.succeed(authSecret.value) : keptSecret(dataDir, "auth-secret")

/** The gateway's token as it is given, else, with the embedded database, a generated one that is kept beside it. */
const gatewayTokenOf = ({ databaseUrl, dataDir, gatewayToken }: Settings) =>
  Option.isSome(gatewayToken) || Option.isSome(databaseUrl)
    ? Effect.succeed(gatewayToken)
    : Effect.asSome(keptSecret(dataDir, "gateway-token"))

/** The whole application. */
export const AppFrom = (settings: Settings) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const secret = yield* secretOf(settings)
      const gatewayToken = yield* gatewayTokenOf(settings)
      return AppLive({ ...settings, secret, gatewayToken })
    })
  ).pipe(Layer.provide(onDatabase(settings)(DatabaseLive)))
