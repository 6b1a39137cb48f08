import { Layer, type Redacted } from "effect"
import { ServicesLive } from "../src/layers/AppLive.ts"
import { AuthenticationLive } from "../src/layers/account/BetterAuthLive.ts"
import { MigrationsLive, PgPoolLive, SqlClientLive } from "../src/layers/postgres/Database.ts"
import { authentication, limits } from "./worlds.ts"

/** The live services on a database that is brought up to date first. */
export const servicesOn = (url: Redacted.Redacted<string>) =>
  AuthenticationLive(authentication).pipe(
    Layer.provideMerge(ServicesLive({ limits, defaultCountry: "GB" })),
    Layer.provideMerge(MigrationsLive),
    Layer.provideMerge(SqlClientLive),
    Layer.provideMerge(PgPoolLive({ url, maxConnections: 4 }))
  )
