import { Effect, Layer, Option } from "effect"
import { AuthenticationLive } from "./BetterAuthLive.ts"
import { MigrationsLive, PgPoolLive, SqlClientLive } from "./Database.ts"
import { open } from "./EmbeddedPostgres.ts"
import { GatewayLive } from "./GatewayLive.ts"
import { HealthLive } from "./HealthLive.ts"
import { IdentityLinkerLive } from "./IdentityLinkerLive.ts"
import { InstallCodesLive } from "./InstallCodesLive.ts"
import { OrgResolverLive } from "./OrgResolverLive.ts"
import { PersonalOrgsLive } from "./PersonalOrgsLive.ts"
import { RateLimiterLive } from "./RateLimiterLive.ts"
import { keptSecret } from "./Secrets.ts"
import type { Settings } from "./Settings.ts"
import { TemplateCatalogLive } from "./TemplateCatalogLive.ts"
import { TemplateMirrorLive } from "./TemplateMirrorLive.ts"
import { TransactorLive } from "./TransactorLive.ts"

const maxConnections = 10

/** The database that is named, or the embedded one, with its schema up to date. */
export const DatabaseLive = ({ dataDir, databaseUrl }: Pick<Settings, "dataDir" | "databaseUrl">) =>
  Layer.unwrapScoped(
    Effect.gen(function* () {
      const url = Option.isSome(databaseUrl) ? databaseUrl.value : (yield* open({ dataDir })).url
      return MigrationsLive.pipe(
        Layer.provideMerge(SqlClientLive),
        Layer.provideMerge(PgPoolLive({ url, maxConnections }))
      )
    })
  )

/** Services that need nothing but the database. */
export const ServicesLive = ({
  defaultCountry,
  limits,
  routeOnClaim
}: Pick<Settings, "defaultCountry" | "limits"> & Partial<Pick<Settings, "routeOnClaim">>) =>
  Layer.mergeAll(
    HealthLive,
    IdentityLinkerLive({ defaultCountry, routeOnClaim }),
    OrgResolverLive,
    PersonalOrgsLive,
    RateLimiterLive(limits),
    TemplateCatalogLive,
    TemplateMirrorLive,
    TransactorLive
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

/** Every service, live. */
export const AppLive = (settings: Settings) =>
  Layer.merge(SessionsLive(settings), ChatLive(settings)).pipe(
    Layer.provideMerge(ServicesLive(settings)),
    Layer.provide(DatabaseLive(settings))
  )
