import { Effect, Layer, Option } from "effect"
import { AppLive, DatabaseLive, ServicesLive } from "../layers/AppLive.ts"
import { BetterAuthAlone } from "../layers/account/BetterAuthLive.ts"
import { keptSecret } from "../layers/runtime/Secrets.ts"
import type { Settings } from "../layers/runtime/Settings.ts"
import { DatabaseUrl, onDatabase } from "./Database.ts"

/* From the settings to the options of the application's layers. */

/** The services that need only the database. */
export const ServicesFrom = (settings: Settings) =>
  ServicesLive(settings).pipe(Layer.provide(onDatabase(settings)(DatabaseLive)))

/** The secret that signs sessions: the one in the settings, otherwise one that is generated and kept. */
const secretOf = ({ authSecret, dataDir }: Settings) =>
  Option.isSome(authSecret) ? Effect.succeed(authSecret.value) : keptSecret(dataDir, "auth-secret")

/**
 * The gateway's token: the one in the settings; otherwise, with the embedded database, one that is generated and kept
 * beside it.
 */
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
      const mail = Option.map(settings.smtpUrl, (url) => ({ url, from: settings.mailFrom }))
      return Layer.merge(AppLive({ ...settings, secret, gatewayToken, mail }), BetterAuthAlone)
    })
  ).pipe(Layer.provide(onDatabase(settings)(DatabaseLive)))

/** Carries roll-outs on beside the service. Loaded once that is there: nobody waits for it. */
export const RolloutRunnerFrom = Layer.scopedDiscard(
  Effect.gen(function* () {
    const url = yield* DatabaseUrl
    yield* Effect.promise(() => import("../layers/rollout/RolloutRunnerLive.ts")).pipe(
      Effect.flatMap(({ RolloutRunnerLive }) =>
        Layer.launch(RolloutRunnerLive({ url, statementTimeout: "2 minutes" }))
      ),
      Effect.forkScoped
    )
  })
)
