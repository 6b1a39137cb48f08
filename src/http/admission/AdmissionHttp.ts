import { HttpServerRequest } from "@effect/platform"
import { Effect, Layer } from "effect"
import type { Auth } from "../../services/account/Auth.ts"
import type { ServerConfig } from "../ServerConfig.ts"
import { Limited, OwnOrigin } from "./AdmissionApi.ts"
import { refuseForeignOrigin } from "./Caller.ts"

const OwnOriginHttp = Layer.effect(
  OwnOrigin,
  Effect.map(Effect.context<Auth | ServerConfig>(), (context) =>
    Effect.provide(Effect.flatMap(HttpServerRequest.HttpServerRequest, refuseForeignOrigin), context)
  )
)

// The programs under `src/services` ask the limiter; the endpoint only says that they do.
const LimitedHttp = Layer.succeed(Limited, Effect.void)

export const AdmissionHttp = Layer.merge(OwnOriginHttp, LimitedHttp)
