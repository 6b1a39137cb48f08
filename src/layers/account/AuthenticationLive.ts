import { Layer } from "effect"
import { ApiKeysLive } from "./ApiKeysLive.ts"
import { AuthLive, AuthRoutesLive, BetterAuthLive, type BetterAuthOptions } from "./BetterAuthLive.ts"

/** Sessions, the routes under `/api/auth` and keys, all by better-auth on the one pool. */
export const AuthenticationLive = (options: BetterAuthOptions) =>
  Layer.mergeAll(AuthLive, AuthRoutesLive, ApiKeysLive).pipe(Layer.provide(BetterAuthLive(options)))
