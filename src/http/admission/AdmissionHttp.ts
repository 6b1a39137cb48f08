import { HttpServerRequest } from "@effect/platform"
import { Effect, Layer } from "effect"
import type { Auth } from "../../services/account/Auth.ts"
import { RateLimiter } from "../../services/admission/RateLimiter.ts"
import type { ServerConfig } from "../ServerConfig.ts"
import { Limited, OwnOrigin } from "./AdmissionApi.ts"
import { refuseForeignOrigin } from "./Caller.ts"
import { reportingLimiter } from "./RateLimitFields.ts"

const OwnOriginHttp = Layer.effect(
  OwnOrigin,
  Effect.map(Effect.context<Auth | ServerConfig>(), (context) =>
    Effect.provide(Effect.flatMap(HttpServerRequest.HttpServerRequest, refuseForeignOrigin), context)
  )
)

const LimitedHttp = Layer.effect(Limited, Effect.map(RateLimiter, reportingLimiter))

export const AdmissionHttp = Layer.merge(OwnOriginHttp, LimitedHttp)
