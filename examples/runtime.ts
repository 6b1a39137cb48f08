import { SqlClient, SqlSchema } from "@effect/sql"
import { nextDue } from "agent-install/catalog"
import { Clock, type Duration, Effect, Option, Schedule, Schema } from "effect"

/* A runtime: takes watchers that are due and has their work done. Any number of processes may run it (docs/runtime.md). */

const Due = Schema.Struct({
  id: Schema.String,
  organizationId: Schema.String,
  agentId: Schema.NullOr(Schema.String),
  schedule: Schema.NullOr(Schema.String),
  sources: Schema.Unknown,
  prompt: Schema.String,
  extractionSchema: Schema.Unknown,
  /** Until when the watcher is this process's own. */
  lease: Schema.DateFromSelf
})
export type DueWatcher = typeof Due.Type

/** Takes what is due and has `work` do it, a few at a time, until interrupted. A lease is longer than any work takes. */
export const runWatchers = <E, R>(
  work: (watcher: DueWatcher) => Effect.Effect<void, E, R>,
  { atOnce = 4, leaseSeconds = 600, pause = "5 seconds" as Duration.DurationInput } = {}
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    // One short statement: no lock is held while the work is done, and what a process that dies had taken is due again later.
    const take = SqlSchema.findAll({
      Request: Schema.Void,
      Result: Due,
      execute: () => sql`
        WITH due AS (
          SELECT w.id FROM watchers w JOIN vocabulary.used_watchers u ON u.id = w.id
          WHERE w.next_run_at <= now() AND w.paused_at IS NULL AND w.retired_at IS NULL
            AND (w.deleted_at IS NULL OR w.inherits IS NOT NULL) AND u.current_version_id IS NOT NULL
          ORDER BY w.next_run_at LIMIT ${atOnce} FOR UPDATE OF w SKIP LOCKED
        ), taken AS (
          UPDATE watchers w SET next_run_at = date_trunc('milliseconds', now()) + make_interval(secs => ${leaseSeconds})
          FROM due WHERE w.id = due.id RETURNING w.id, w.next_run_at
        )
        SELECT w.id::text, w.organization_id AS "organizationId", w.agent_id AS "agentId", w.schedule, w.sources,
          w.prompt, w.extraction_schema AS "extractionSchema", taken.next_run_at AS lease
        FROM taken JOIN vocabulary.used_watchers w ON w.id = taken.id`
    })
    // Only while the lease holds: what was resumed or given another schedule meanwhile has its own next time already.
    const settle = ({ id, lease, schedule }: DueWatcher, now: number) => {
      const next = Option.flatMap(Option.fromNullable(schedule), (cron) => nextDue(cron, new Date(now)))
      return sql`UPDATE watchers SET next_run_at = ${Option.getOrNull(next)} WHERE id = ${id}::bigint AND next_run_at = ${lease}`
    }
    const one = (watcher: DueWatcher) =>
      Effect.flatMap(Effect.zipRight(work(watcher), Clock.currentTimeMillis), (now) => settle(watcher, now)).pipe(
        Effect.catchAllCause((cause) => Effect.logError(`Watcher ${watcher.id} is tried again later`, cause))
      )
    const round = Effect.tap(take(), (due) => Effect.forEach(due, one, { concurrency: atOnce, discard: true }))
    return yield* round.pipe(Effect.repeat({ while: (due) => due.length > 0 }), Effect.repeat(Schedule.spaced(pause)))
  })
