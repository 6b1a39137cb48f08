import { Duration, Effect, Fiber } from "effect"
import type { AgentId } from "../src/domain/Ids.ts"
import type { PgPool } from "../src/layers/postgres/Database.ts"
import { TemplateMirror } from "../src/services/installation/TemplateMirror.ts"
import { rollOut } from "../src/services/rollout/RollOut.ts"
import { Rollouts } from "../src/services/rollout/Rollouts.ts"
import { newPeople } from "./database.ts"
import { compare, isSelected } from "./report.ts"
import { fillInstalls, fillPeople, query } from "./seed.ts"
import { changing, publish, templateOf } from "./templates.ts"

/* A roll-out that changes one definition of 41 for everybody, against one UPDATE … FROM over the same copies; and installs meanwhile. */

const slug = "forty-one-types"
const types = 41
const organizations = 2_000

/** Publishes a revision in which one row says something else. */
const changeOne = changing(slug, types)

/** Rolls what that publishes out to everybody who has the template. */
export const rollOutOf = <E, R>(
  publishing: Effect.Effect<{ readonly templateAgentId: AgentId; readonly revision: number }, E, R>
) =>
  Effect.gen(function* () {
    const rollouts = yield* Rollouts
    const { revision, templateAgentId } = yield* publishing
    const rolloutId = yield* rollouts.start(templateAgentId, {
      revision,
      waves: [100],
      advance: "automatic",
      stopAbove: 1
    })
    yield* rollOut({ rolloutId, attempt: 1 })
  })

const rollOutOne = rollOutOf(changeOne)

const rowsPerSecond = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.timed(effect), ([took]) => organizations / Duration.toSeconds(took))

// What they say already, so that they stay as they were applied.
const updateAll = query(
  `UPDATE entity_types e SET description = r.content ->> 'description'
   FROM agents t
   JOIN template_revision_rows r ON r.template_agent_id = t.id AND r.revision = t.revision AND r.slug = 'type-0'
   JOIN mirror_ledger l ON l.template_agent_id = t.id AND l.kind = r.kind AND l.source_id = r.source_id
   WHERE t.slug = $1 AND e.id = l.copy_id`,
  [slug]
)

/** The 95th percentile of so many installs one after the other, as installs a second. */
const installs = (count: number) =>
  Effect.gen(function* () {
    const mirror = yield* TemplateMirror
    const { templateAgentId } = yield* publish(templateOf("installed-meanwhile", types))
    const people = yield* newPeople(count)
    const times = yield* Effect.forEach(people, ({ organizationId, userId }) =>
      Effect.map(Effect.timed(mirror.apply({ organizationId, userId, templateAgentId })), ([took]) =>
        Duration.toSeconds(took)
      )
    )
    return 1 / (times.toSorted((a, b) => a - b)[Math.floor(count * 0.95)] ?? 1)
  })

export const benchRollout = Effect.gen(function* () {
  if (!isSelected("rollout/one-of-41") && !isSelected("rollout/installs")) return
  yield* changeOne
  yield* fillPeople(1, organizations)
  yield* fillInstalls(slug, 1, organizations)
  type Rolled = typeof rollOutOne
  yield* compare<Effect.Effect.Error<Rolled>, Effect.Effect.Context<Rolled> | PgPool>(
    { name: "rollout/one-of-41", unit: "rows/s", turns: 3, target: 0.5 },
    rowsPerSecond(rollOutOne),
    rowsPerSecond(updateAll)
  )
  const meanwhile = Effect.gen(function* () {
    const rolling = yield* Effect.fork(rollOutOne)
    const measured = yield* installs(100)
    yield* Fiber.join(rolling)
    return measured
  })
  yield* compare<Effect.Effect.Error<typeof meanwhile>, Effect.Effect.Context<typeof meanwhile>>(
    { name: "rollout/installs", unit: "installs/s, p95", turns: 3, target: 0.5 },
    meanwhile,
    installs(100)
  )
})
