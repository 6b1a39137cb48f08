import { assert, it } from "@effect/vitest"
import { InstalledAgents, PlanStale, TemplateMirror } from "agent-install/installation"
import { AppMemory, entity, failing, person, signedInAs, template } from "agent-install/testing"
import { Effect } from "effect"
import { installStarterSet, starterSet } from "./starter-set.ts"

/* A test of a workflow of one's own, with a service that fails half-way. */

const ada = person("Ada")
const world = AppMemory({
  people: [ada],
  templates: starterSet.map((slug) => template(slug, [entity(`${slug}-note`)]))
})

const agents = Effect.flatMap(InstalledAgents, ({ list }) =>
  Effect.map(list(ada.id, { limit: 10 }), (page) => page.agents.length)
)

it.effect("installs the whole set", () =>
  Effect.gen(function* () {
    const installed = yield* installStarterSet(signedInAs(ada))
    assert.deepStrictEqual(
      installed.map(({ created }) => created),
      [true, true, true]
    )
    assert.strictEqual(yield* agents, 3)
  }).pipe(Effect.provide(world))
)

it.effect("leaves nothing where the second template fails", () =>
  Effect.gen(function* () {
    const refusal = yield* Effect.flip(installStarterSet(signedInAs(ada)))
    assert.strictEqual(refusal._tag, "PlanStale")
    assert.strictEqual(yield* agents, 0)
  }).pipe(Effect.provide(world.pipe(failing(TemplateMirror, { apply: { fails: new PlanStale(), at: 2 } }))))
)
