import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Metric, TestClock } from "effect"
import {
  type InstallError,
  NotOrgAdmin,
  PlanStale,
  SchemaCollision,
  SelfInstall,
  TemplateNotFound
} from "../../../src/domain/Errors.ts"
import { AgentId, OrganizationId } from "../../../src/domain/Ids.ts"
import {
  countRows,
  installDuration,
  installs,
  measuredInstall,
  rowsMirrored
} from "../../../src/services/installation/InstallMetrics.ts"

const template = AgentId.make("agent_measured")

const landed = (created: boolean): Effect.Effect<{ readonly created: boolean }, InstallError> =>
  Effect.succeed({ created })

describe("what is measured of an install", () => {
  const counted = (labels: { readonly outcome: string; readonly template: string }) =>
    Effect.map(Effect.tagMetrics(Metric.value(installs), labels), ({ count }) => count)

  const cases: ReadonlyArray<readonly [outcome: string, template: string, install: ReturnType<typeof landed>]> = [
    ["created", template, landed(true)],
    ["updated", template, landed(false)],
    ["self_install", template, new SelfInstall({ templateAgentId: template })],
    ["not_org_admin", template, new NotOrgAdmin({ organizationId: OrganizationId.make("org_measured") })],
    ["schema_collision", template, new SchemaCollision({ collisions: [] })],
    ["plan_stale", template, new PlanStale()],
    ["template_not_found", "none", new TemplateNotFound({ templateAgentId: template })],
    ["internal", "none", Effect.dieMessage("a fault")]
  ]
  for (const [outcome, label, install] of cases) {
    it.effect(`is ${outcome} of ${label === "none" ? "none that is known to exist" : "its template"}`, () =>
      Effect.gen(function* () {
        const before = yield* counted({ outcome, template: label })
        const exit = yield* Effect.exit(measuredInstall({ template }, install))
        assert.strictEqual((yield* counted({ outcome, template: label })) - before, 1)
        assert.deepStrictEqual(exit, yield* Effect.exit(install))
      })
    )
  }

  it.effect("has the labels of whoever composes the install, too", () =>
    Effect.gen(function* () {
      const labels = { outcome: "created", template, tenant: "a" }
      const [before, without] = [yield* counted(labels), yield* counted({ outcome: "created", template })]
      yield* Effect.tagMetrics(measuredInstall({ template }, landed(true)), { tenant: "a" })
      assert.strictEqual((yield* counted(labels)) - before, 1)
      assert.strictEqual(yield* counted({ outcome: "created", template }), without)
    })
  )

  it.effect("is how long it took, by its outcome", () =>
    Effect.gen(function* () {
      const took = (outcome: string) => Effect.tagMetrics(Metric.value(installDuration), { outcome })
      const [created, updated] = [yield* took("created"), yield* took("updated")]
      const install = yield* Effect.fork(measuredInstall({ template }, Effect.delay(landed(true), "3 seconds")))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(install)
      const { count, sum } = yield* took("created")
      assert.strictEqual(count - created.count, 1)
      assert.closeTo(sum - created.sum, 3, 0.001)
      assert.strictEqual((yield* took("updated")).count, updated.count)
    })
  )

  it.effect("is how many rows of each kind were judged to be what", () =>
    Effect.gen(function* () {
      const create = { kind: "watchers", verdict: "create", rows: 3 } as const
      const update = { kind: "entity_types", verdict: "update", rows: 40 } as const
      const rows = Effect.forEach([create, update], ({ kind, verdict }) =>
        Effect.map(Effect.tagMetrics(Metric.value(rowsMirrored), { kind, verdict }), ({ count }) => count)
      )
      const before = yield* rows
      yield* countRows({ verdicts: [create, update] })
      assert.deepStrictEqual(
        (yield* rows).map((count, at) => count - (before[at] ?? 0)),
        [3, 40]
      )
    })
  )
})
