import { Effect } from "effect"
import { Health } from "../../services/runtime/Health.ts"
import { Api } from "../Api.ts"
import { group } from "../Handlers.ts"

const ok = { status: "ok" } as const

export const HealthHttp = group(Api, "health", {
  live: () => Effect.succeed(ok),
  ready: () => Effect.flatMap(Health, (health) => Effect.as(health.ready, ok))
})
