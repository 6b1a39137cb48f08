import { it } from "@effect/vitest"
import { authLaws } from "agent-install/testing"
import { Effect } from "effect"
import { Hands, worlds } from "../../worlds.ts"

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`Auth (${label})`, (it) => {
    const laws = authLaws({ signUp: (name) => Effect.flatMap(Hands, (hands) => hands.signUp(name)) })
    for (const { holds, name } of laws) it.effect(name, () => holds)
  })
}
