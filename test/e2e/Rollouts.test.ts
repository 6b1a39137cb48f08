import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Random, Redacted, Schedule } from "effect"
import { fillInstalls, fillPeople, query } from "../../bench/seed.ts"
import { publish, templateOf } from "../../bench/templates.ts"
import type { AgentId } from "../../src/domain/Ids.ts"
import { ServicesLive } from "../../src/layers/AppLive.ts"
import { ConnectionLive } from "../../src/layers/postgres/Database.ts"
import { rollOut } from "../../src/services/rollout/RollOut.ts"
import { Rollouts } from "../../src/services/rollout/Rollouts.ts"
import { ownDatabase } from "../pg.ts"
import { appOptions } from "../worlds.ts"
import { secret, serve } from "./processes.ts"

const organizations = 2_000
const types = 12
const slug = "rolled-out"

/** Which organizations are what: by their numbers. */
const isPinned = "at % 40 = 1"
const isManual = "at % 40 = 2"
const isCollided = "at % 40 = 3"
const isCustomized = "at % 40 IN (4, 5)"
const isDeleted = "at % 40 = 6"

const numbered = (which: string) =>
  `SELECT 'org_' || md5(at::text) FROM generate_series(1, ${organizations}) AS at WHERE ${which}`

/** What everybody has afterwards, whoever did it and however often they were cut off: ids and times apart. */
const outcomeOf = Effect.gen(function* () {
  const { rows } = yield* query(
    `SELECT md5(string_agg(line, E'\\n' ORDER BY organization_id, line)) AS everything FROM (
       SELECT organization_id, concat_ws(' ', 'row', slug, description, deleted_at IS NOT NULL, managed_by_template_agent_id IS NULL) AS line
       FROM entity_types WHERE slug NOT LIKE '$%'
       UNION ALL SELECT organization_id, concat_ws(' ', 'agent', revision, pinned, name) FROM agents
       UNION ALL SELECT organization_id, concat_ws(' ', 'ledger', slug, applied_hash) FROM mirror_ledger
       UNION ALL SELECT organization_id, concat_ws(' ', 'history', action, revision, user_id,
         (SELECT string_agg((one ->> 2) || (one ->> 3), ',') FROM jsonb_array_elements(rows) one)) FROM mirror_history
       UNION ALL SELECT organization_id, concat_ws(' ', 'event', type, data ->> 'revision', data ->> 'by') FROM events
       UNION ALL SELECT organization_id, concat_ws(' ', 'target', outcome, reason) FROM rollout_targets
     ) lines WHERE organization_id IN (${numbered("true")})`
  )
  return String(rows[0]?.everything)
})

const prepare = Effect.gen(function* () {
  const url = yield* ownDatabase()
  const superuser = new URL(Redacted.value(url))
  superuser.searchParams.set("user", "postgres")
  const Database = ConnectionLive({ url: Redacted.make(superuser.toString()), maxConnections: 4 })
  const context = yield* Layer.build(ServicesLive(appOptions).pipe(Layer.provideMerge(Database), Layer.orDie))
  const ask = <A, E>(
    effect: Effect.Effect<
      A,
      E,
      Layer.Layer.Success<typeof Database> | Layer.Layer.Success<ReturnType<typeof ServicesLive>>
    >
  ) => Effect.provide(effect, context)
  const templateAgentId = yield* ask(
    Effect.gen(function* () {
      const { templateAgentId } = yield* publish(templateOf(slug, types))
      yield* fillPeople(1, organizations)
      yield* fillInstalls(slug, 1, organizations)
      yield* query(
        `UPDATE agents SET pinned = true WHERE organization_id IN (${numbered(isPinned)}) AND template_agent_id IS NOT NULL`
      )
      yield* query(
        `UPDATE agents SET updates = 'manual' WHERE organization_id IN (${numbered(isManual)}) AND template_agent_id IS NOT NULL`
      )
      yield* query(
        `INSERT INTO entity_types (organization_id, slug, name) SELECT o, 'type-${types}', 'Mine' FROM (${numbered(isCollided)}) AS mine (o)`
      )
      yield* query(
        `UPDATE entity_types SET description = 'Mine' WHERE slug = 'type-0' AND organization_id IN (${numbered(isCustomized)})`
      )
      yield* query(
        `UPDATE entity_types SET deleted_at = now() WHERE slug = 'type-1' AND organization_id IN (${numbered(isDeleted)})`
      )
      const { definitions, ...rest } = templateOf(slug, types + 1)
      yield* publish({
        ...rest,
        definitions: definitions.map((one, at) => (at < 2 ? { ...one, description: "Changed" } : one))
      })
      yield* query("DELETE FROM events")
      return templateAgentId
    })
  )
  const start = ask(
    Effect.flatMap(Rollouts, (rollouts) =>
      rollouts.start(templateAgentId, { revision: 2, waves: [10, 50, 100], advance: "automatic", stopAbove: 1 })
    )
  )
  return { ask, start, templateAgentId, url }
})

type Prepared = Effect.Effect.Success<typeof prepare>

const statusOf = ({ ask }: Prepared, templateAgentId: AgentId, rolloutId: string) =>
  ask(Effect.flatMap(Rollouts, (rollouts) => rollouts.status(templateAgentId, rolloutId)))

describe("a roll-out in several processes", () => {
  it.scopedLive(
    "is done once for everybody, whatever is killed meanwhile, and as if nothing had been",
    () =>
      Effect.gen(function* () {
        const [cut, whole] = [yield* prepare, yield* prepare]

        // Without a fault, in this process.
        const calm = yield* whole.start
        yield* whole.ask(rollOut({ rolloutId: calm, attempt: 1 }))

        const given = { DATABASE_URL: Redacted.value(cut.url), AUTH_SECRET: secret }
        const begin = Effect.tap(serve(given), ({ ready }) => ready)
        const servers = yield* Effect.all([begin, begin, begin], { concurrency: "unbounded" })
        const rolloutId = yield* cut.start
        const kill = (at: number) =>
          Effect.gen(function* () {
            const server = servers[at]
            server?.child.kill("SIGKILL")
            yield* server?.exited ?? Effect.void
          })
        const replace = (at: number) =>
          Effect.map(begin, (server) => {
            servers[at] = server
          })
        const open = Effect.map(statusOf(cut, cut.templateAgentId, rolloutId), (status) => status.open)
        const until = (most: number) =>
          Effect.repeat(open, { until: (left) => left <= most, schedule: Schedule.spaced("20 millis") })

        // One by one, at any moment of a batch.
        for (const most of [organizations - 1, 1_500, 1_200]) {
          yield* until(most)
          yield* Effect.sleep(`${yield* Random.nextIntBetween(0, 300)} millis`)
          const at = yield* Random.nextIntBetween(0, 3)
          yield* kill(at)
          yield* replace(at)
        }
        // All connections to the database, as when that goes away.
        yield* until(900)
        yield* cut
          .ask(
            query(
              "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
          )
          .pipe(Effect.catchAllCause(() => Effect.void))
        // All processes at once.
        yield* until(500)
        yield* Effect.forEach([0, 1, 2], kill, { concurrency: "unbounded" })
        yield* Effect.forEach([0, 1, 2], replace, { concurrency: "unbounded" })
        yield* until(0)
        const ended = statusOf(cut, cut.templateAgentId, rolloutId)
        yield* Effect.repeat(ended, { until: ({ state }) => state === "done", schedule: Schedule.spaced("50 millis") })
        const status = yield* ended

        const each = organizations / 40
        assert.deepStrictEqual(status.outcomes, {
          updated: organizations - 3 * each,
          unchanged: 0,
          pinned: each,
          manual: each,
          gone: 0,
          collided: each,
          failed: 0
        })
        const { rows } = yield* cut.ask(
          query(
            `SELECT count(*)::int AS entries, count(DISTINCT organization_id)::int AS organizations FROM mirror_history WHERE action = 'rollout'`
          )
        )
        assert.deepStrictEqual(rows, [{ entries: organizations - 3 * each, organizations: organizations - 3 * each }])
        assert.strictEqual(yield* cut.ask(outcomeOf), yield* whole.ask(outcomeOf).pipe(Effect.orDie))
        // The engine keeps little, however many organizations there are.
        const kept = yield* cut.ask(query("SELECT count(*)::int AS messages FROM cluster_messages"))
        assert.isBelow(Number(kept.rows[0]?.messages), 200)
      }),
    600_000
  )
})
