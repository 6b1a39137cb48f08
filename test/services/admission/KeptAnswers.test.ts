import { layer } from "@effect/vitest"
import { keptAnswersLaws } from "agent-install/testing"
import { Effect } from "effect"
import { Hands, newPerson, worlds } from "../../worlds.ts"

for (const [label, world] of worlds) {
  layer(world, { timeout: "60 seconds" })(`KeptAnswers (${label})`, (it) => {
    const laws = keptAnswersLaws({
      newPerson: newPerson(),
      elapse: (time) => Effect.flatMap(Hands, (hands) => hands.elapse(time))
    })
    for (const { holds, name } of laws) it.effect(name, () => holds)
  })
}
