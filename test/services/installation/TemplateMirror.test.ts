import { it } from "@effect/vitest"
import { templateMirrorLaws } from "agent-install/testing"
import { mirrorHands, worldsOfBothModes } from "../../worlds.ts"

for (const [label, world] of worldsOfBothModes) {
  it.layer(world, { timeout: "60 seconds" })(`TemplateMirror (${label})`, (it) => {
    for (const { holds, name } of templateMirrorLaws(mirrorHands)) it.effect(name, () => holds)
  })
}
