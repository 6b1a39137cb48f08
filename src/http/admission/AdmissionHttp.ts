import { HttpServerRequest } from "@effect/platform"
import { Effect, Layer } from "effect"
import { Limited, OwnOrigin } from "./AdmissionApi.ts"
import { refuseForeignOrigin } from "./Caller.ts"

const OwnOriginHttp = Layer.effect(
  OwnOrigin,
  Effect.map(refuseForeignOrigin, (refuse) => Effect.flatMap(HttpServerRequest.HttpServerRequest, refuse))
)

// The programs under `src/services` ask the limiter; the endpoint only says that they do.
const LimitedHttp = Layer.succeed(Limited, Effect.void)

export const AdmissionHttp = Layer.merge(OwnOriginHttp, LimitedHttp)
