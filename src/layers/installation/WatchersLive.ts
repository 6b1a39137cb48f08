import { SqlClient, SqlSchema } from "@effect/sql"
import { DateTime, Effect, Layer, Option, Schema } from "effect"
import { WatcherNotFound } from "../../domain/Errors.ts"
import { AgentId, OrganizationId } from "../../domain/Ids.ts"
import type { InstalledAgent } from "../../domain/installation/Agent.ts"
import { AgentWatcher, dueOnResume } from "../../domain/installation/Watcher.ts"
import { isCleanText } from "../../domain/Text.ts"
import { Watchers } from "../../services/installation/Watchers.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { dieOfFaults } from "../postgres/Database.ts"
import { makeRequireAdmin } from "./RequireAdmin.ts"

const time = Schema.NullOr(Schema.DateTimeUtcFromDate)

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const Of = Schema.Struct({
    agentId: AgentId,
    organizationId: OrganizationId,
    templateAgentId: AgentId,
    slug: Schema.NullOr(Schema.String)
  })

  // A watcher that two sibling templates share runs for one of the two agents, and belongs to the other too.
  const mine = ({ agentId, organizationId, slug, templateAgentId }: typeof Of.Encoded) => sql`
    w.organization_id = ${organizationId} AND w.deleted_at IS NULL AND w.retired_at IS NULL
    AND (${slug}::text IS NULL OR w.slug = ${slug})
    AND (w.agent_id = ${agentId} OR EXISTS (
      SELECT FROM mirror_ledger l WHERE l.organization_id = ${organizationId} AND l.template_agent_id = ${templateAgentId}
        AND l.kind = 'watchers' AND l.copy_id = w.id
    ))
  `

  const find = SqlSchema.findAll({
    Request: Of,
    Result: Schema.Struct({ ...AgentWatcher.fields, nextRunAt: time, pausedAt: time }),
    execute: (of) => sql`
      SELECT w.slug, w.name, w.description, w.schedule,
        CASE WHEN w.paused_at IS NULL THEN w.next_run_at END AS next_run_at, w.paused_at
      FROM vocabulary.watchers w WHERE ${mine(of)} ORDER BY w.slug COLLATE "C"
    `
  })

  // Each has a row of its own for its times, also where it only refers to what it says.
  const rows = (of: typeof Of.Encoded) => sql`(SELECT w.id FROM vocabulary.watchers w WHERE ${mine(of)})`

  const pause = SqlSchema.void({
    Request: Of,
    execute: (of) => sql`UPDATE watchers SET paused_at = now() WHERE paused_at IS NULL AND id IN ${rows(of)}`
  })

  const findDue = SqlSchema.findOne({
    Request: Of,
    Result: Schema.Struct({ schedule: Schema.NullOr(Schema.String), nextRunAt: Schema.NullOr(Schema.DateFromSelf) }),
    execute: (of) =>
      sql`
      SELECT u.schedule, w.next_run_at FROM watchers w JOIN vocabulary.used_watchers u ON u.id = w.id
      WHERE w.paused_at IS NOT NULL AND w.id IN ${rows(of)} FOR UPDATE OF w
    `
  })

  const resume = SqlSchema.void({
    Request: Schema.Struct({ ...Of.fields, due: Schema.NullOr(Schema.DateFromSelf) }),
    execute: ({ due, ...of }) =>
      sql`UPDATE watchers SET paused_at = NULL, next_run_at = ${due} WHERE paused_at IS NOT NULL AND id IN ${rows(of)}`
  })

  const requireAdmin = makeRequireAdmin(sql)

  const of = ({ agentId, organizationId, template }: InstalledAgent, slug: string | null): typeof Of.Type => ({
    agentId,
    organizationId,
    templateAgentId: template.templateAgentId,
    slug
  })

  return Watchers.of({
    list: traced("Watchers.list")((agent) => Effect.orDie(find(of(agent, null)))),
    set: traced("Watchers.set")(function* (change, { agent, slug, userId }) {
      const { organizationId } = agent
      const request = of(agent, slug)
      const now = yield* DateTime.nowAsDate
      const write =
        change === "pause"
          ? pause(request)
          : Effect.flatMap(
              findDue(request),
              Option.match({
                onNone: () => Effect.void,
                onSome: ({ nextRunAt, schedule }) => resume({ ...request, due: dueOnResume(schedule, nextRunAt, now) })
              })
            )
      if (!isCleanText(slug)) return yield* new WatcherNotFound({ slug })
      yield* requireAdmin({ organizationId, userId }).pipe(dieOfFaults)
      yield* Effect.orDie(sql.withTransaction(write))
      const [watcher] = yield* Effect.orDie(find(request))
      return watcher ?? (yield* new WatcherNotFound({ slug }))
    })
  })
})

/** Watchers in Postgres. */
export const WatchersLive = Layer.effect(Watchers, make)
