import { layer } from "@effect/vitest"
import { rateLimiterLaws } from "agent-install/testing"
import { Effect } from "effect"
import { Hands, limits, worlds } from "../../worlds.ts"

// One that all processes share, and one of each process.
const policies = ["install", "read"] as const
const cases = worlds.flatMap(([label, world]) => policies.map((policy) => ({ label, world, policy })))

for (const { label, policy, world } of cases) {
  layer(world, { timeout: "60 seconds" })(`RateLimiter (${label}, ${policy})`, (it) => {
    const laws = rateLimiterLaws({
      ...limits[policy],
      policy,
      otherPolicy: "auth",
      elapse: (time) => Effect.flatMap(Hands, (hands) => hands.elapse(time))
    })
    for (const { holds, name } of laws) it.effect(name, () => holds)
  })
}
