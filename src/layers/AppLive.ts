import { Effect, Layer, Option } from "effect"
import { AuthenticationLive } from "./account/BetterAuthLive.ts"
import { OrgResolverLive } from "./account/OrgResolverLive.ts"
import { PersonalOrgsLive } from "./account/PersonalOrgsLive.ts"
import { RateLimiterLive } from "./admission/RateLimiterLive.ts"
import { TemplateCatalogLive } from "./catalog/TemplateCatalogLive.ts"
import { TemplateOffersLive } from "./catalog/TemplateOffersLive.ts"
import { GatewayLive } from "./identity/GatewayLive.ts"
import { IdentityLinkerLive } from "./identity/IdentityLinkerLive.ts"
import { InstallCodesLive } from "./identity/InstallCodesLive.ts"
import { InstalledAgentsLive } from "./installation/InstalledAgentsLive.ts"
import { RowPairsLive } from "./installation/RowPairsLive.ts"
import { TemplateMirrorLive } from "./installation/TemplateMirrorLive.ts"
import { WatchersLive } from "./installation/WatchersLive.ts"
import { DatabaseUrl, MigrationsLive, PgPoolLive, SqlClientLive } from "./postgres/Database.ts"
import { DatabaseFitLive } from "./postgres/DatabaseCheck.ts"
import { open } from "./runtime/EmbeddedPostgres.ts"
import { HealthLive } from "./runtime/HealthLive.ts"
import { keptSecret } from "./runtime/Secrets.ts"
import type { Settings } from "./runtime/Settings.ts"
import { SweepLive } from "./runtime/SweepLive.ts"
import { TransactorLive } from "./runtime/TransactorLive.ts"

const allConnections = 10

/** How long a statement of a request may take; none of ours takes a hundredth of it. */
const statementTimeout = "30 seconds"

/** What each process has of the connections, at the least what a sign-up and what follows it need. */
export const connectionsOf = (workers: number): number => Math.max(2, Math.floor(allConnections / workers))

/** The database that is named, or the embedded one, which runs for as long as it is wanted. */
export const DatabaseUrlLive = ({ dataDir, databaseUrl }: Pick<Settings, "dataDir" | "databaseUrl">) =>
  Layer.scoped(
    DatabaseUrl,
    Option.isSome(databaseUrl) ? Effect.succeed(databaseUrl.value) : Effect.map(open({ dataDir }), ({ url }) => url)
  )

/** The database, as it is. */
export const ConnectionLive = ({ workers }: Pick<Settings, "workers">) =>
  Layer.unwrapEffect(
    Effect.map(DatabaseUrl, (url) =>
      SqlClientLive.pipe(
        Layer.provideMerge(PgPoolLive({ url, statementTimeout, maxConnections: connectionsOf(workers) }))
      )
    )
  )

/** The database, found fit to serve, with its schema up to date. */
export const DatabaseLive = (settings: Pick<Settings, "workers">) =>
  MigrationsLive.pipe(Layer.provide(DatabaseFitLive), Layer.provideMerge(ConnectionLive(settings)))

/** Services that need nothing but the database. */
export const ServicesLive = ({
  defaultCountry,
  limits,
  routeOnClaim
}: Pick<Settings, "defaultCountry" | "limits"> & Partial<Pick<Settings, "routeOnClaim">>) =>
  Layer.mergeAll(
    HealthLive,
    IdentityLinkerLive({ defaultCountry, routeOnClaim }),
    InstalledAgentsLive,
    OrgResolverLive,
    PersonalOrgsLive,
    RateLimiterLive(limits),
    RowPairsLive,
    TemplateCatalogLive,
    TemplateMirrorLive,
    TemplateOffersLive,
    TransactorLive,
    WatchersLive
  )

const SessionsLive = ({ authSecret, baseUrl, dataDir, ownOrigins }: Settings) =>
  Layer.unwrapEffect(
    Effect.map(
      Option.isSome(authSecret) ? Effect.succeed(authSecret.value) : keptSecret(dataDir, "auth-secret"),
      (secret) => Layer.merge(AuthenticationLive({ baseUrl, ownOrigins, secret }), InstallCodesLive(secret))
    )
  )

/** The gateway's token as it is given, else, with the embedded database, a generated one that is kept beside it. */
const ChatLive = ({ databaseUrl, dataDir, gatewayToken }: Settings) =>
  Layer.unwrapEffect(
    Effect.map(
      Option.isSome(gatewayToken) || Option.isSome(databaseUrl)
        ? Effect.succeed(gatewayToken)
        : Effect.asSome(keptSecret(dataDir, "gateway-token")),
      GatewayLive
    )
  )

/** Every service, live, and the sweep of what is old. */
export const AppLive = (settings: Settings) =>
  Layer.mergeAll(SessionsLive(settings), ChatLive(settings), SweepLive(settings.kept)).pipe(
    Layer.provideMerge(ServicesLive(settings)),
    Layer.provide(DatabaseLive(settings))
  )
