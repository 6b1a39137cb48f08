import { HttpApiBuilder } from "@effect/platform"
import { Effect } from "effect"
import { Health } from "../../services/runtime/Health.ts"
import { Api } from "../Api.ts"

const ok = { status: "ok" } as const

export const HealthHttp = HttpApiBuilder.group(Api, "health", (handlers) =>
  handlers
    .handle("live", () => Effect.succeed(ok))
    .handle("ready", () => Effect.flatMap(Health, (health) => Effect.as(health.ready, ok)))
)
