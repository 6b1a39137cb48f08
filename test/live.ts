import { Layer, Redacted } from "effect"
import { ServicesLive } from "../src/layers/AppLive.ts"
import { AuthenticationLive } from "../src/layers/BetterAuthLive.ts"
import { MigrationsLive, PgPoolLive, SqlClientLive } from "../src/layers/Database.ts"
import { limits } from "./worlds.ts"

const authentication = {
  baseUrl: "http://127.0.0.1:3000",
  ownOrigins: ["http://127.0.0.1:3000"],
  secret: Redacted.make("a secret of at least thirty-two characters")
}

/** The live services on a database that is brought up to date first. */
export const servicesOn = (url: Redacted.Redacted<string>) =>
  AuthenticationLive(authentication).pipe(
    Layer.provideMerge(ServicesLive({ limits, defaultCountry: "GB" })),
    Layer.provideMerge(MigrationsLive),
    Layer.provideMerge(SqlClientLive),
    Layer.provideMerge(PgPoolLive({ url, maxConnections: 4 }))
  )
