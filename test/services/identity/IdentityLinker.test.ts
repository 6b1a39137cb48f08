import { it } from "@effect/vitest"
import { identityLinkerLaws } from "agent-install/testing"
import { Effect } from "effect"
import { Hands, newPerson, worlds } from "../../worlds.ts"

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`IdentityLinker (${label})`, (it) => {
    const laws = identityLinkerLaws({
      newPerson: Effect.suspend(() => newPerson()),
      identities: (organizationId) => Effect.flatMap(Hands, (hands) => hands.identities(organizationId)),
      verifyPhones: (organizationId) => Effect.flatMap(Hands, (hands) => hands.verifyPhones(organizationId))
    })
    for (const { holds, name } of laws) it.effect(name, () => holds)
  })
}
