import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Schema } from "effect"
import { type InstalledAgent, judgedRevision, overviewOf } from "../domain/Agent.ts"
import { AgentNotFound } from "../domain/Errors.ts"
import { HistoryEntry, type HistoryQuery } from "../domain/History.ts"
import { AgentId, OrganizationId, Slug, UserId } from "../domain/Ids.ts"
import { CleanText } from "../domain/Text.ts"
import { InstalledAgents } from "../services/InstalledAgents.ts"
import { Kinds } from "../services/Kinds.ts"
import { makeInstallationPlans } from "./InstallationPlans.ts"
import { historyStatement } from "./MirrorStatements.ts"

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const kinds = yield* Kinds

  const findAgents = SqlSchema.findAll({
    Request: Schema.Struct({ userId: UserId, agentId: Schema.NullOr(Schema.String) }),
    Result: Schema.Struct({
      agentId: AgentId,
      organizationId: OrganizationId,
      organizationSlug: Slug,
      name: Schema.String,
      description: Schema.String,
      revision: Schema.Int,
      pinned: Schema.Boolean,
      templateAgentId: AgentId,
      templateSlug: Schema.NullOr(Schema.String),
      templateName: Schema.String,
      publisher: Schema.String,
      newestRevision: Schema.NullOr(Schema.Int),
      available: Schema.Boolean
    }),
    execute: ({ agentId, userId }) => sql`
      SELECT a.id AS agent_id, o.id AS organization_id, o.slug AS organization_slug, a.name, a.description, a.revision, a.pinned,
        t.id AS template_agent_id, t.slug AS template_slug, t.name AS template_name, p.slug AS publisher,
        t.revision AS newest_revision,
        t.slug IS NOT NULL AND t.revision IS NOT NULL AND p.visibility = 'public' AS available
      FROM member m
      JOIN organization o ON o.id = m.organization_id
      JOIN agents a ON a.organization_id = o.id AND a.template_agent_id IS NOT NULL AND a.revision IS NOT NULL
      JOIN agents t ON t.id = a.template_agent_id
      JOIN organization p ON p.id = t.organization_id
      WHERE m.user_id = ${userId} AND (${agentId}::text IS NULL OR a.id = ${agentId})
      ORDER BY a.created_at, a.id
    `
  })

  const agentsOf = (userId: UserId, agentId: string | null) =>
    Effect.map(
      Effect.orDie(findAgents({ userId, agentId })),
      (found): ReadonlyArray<InstalledAgent> =>
        found.map(({ available, publisher, templateAgentId, templateName, templateSlug, ...agent }) => ({
          ...agent,
          template: { templateAgentId, slug: templateSlug, name: templateName, publisher, available }
        }))
    )

  const plansOf = yield* makeInstallationPlans
  const withRows = (agents: ReadonlyArray<InstalledAgent>) =>
    agents.length === 0
      ? Effect.succeed([])
      : Effect.map(
          Effect.orDie(
            plansOf(
              agents.map((agent) => ({
                organization_id: agent.organizationId,
                template_agent_id: agent.template.templateAgentId,
                revision: judgedRevision(agent)
              }))
            )
          ),
          (planned) =>
            agents.map((agent) => {
              const own = planned.find(
                ({ organizationId, templateAgentId }) =>
                  organizationId === agent.organizationId && templateAgentId === agent.template.templateAgentId
              )
              return overviewOf(agent, own?.rows ?? [], kinds)
            })
        )

  const find = Effect.fn("InstalledAgents.find")(function* (userId: UserId, agentId: string) {
    // Postgres can't even be asked for other text, and nothing has such an id.
    const [agent] = Schema.is(CleanText)(agentId) ? yield* agentsOf(userId, agentId) : []
    if (agent === undefined) return yield* new AgentNotFound({ agentId })
    return agent
  })

  const historyText = historyStatement(kinds)
  const findHistory = SqlSchema.findAll({
    Request: Schema.Struct({
      organizationId: OrganizationId,
      templateAgentId: AgentId,
      before: Schema.NullOr(Schema.String),
      limit: Schema.Int
    }),
    Result: Schema.Struct({
      ...HistoryEntry.fields,
      at: Schema.DateTimeUtcFromDate
    }),
    execute: ({ before, limit, organizationId, templateAgentId }) =>
      sql.unsafe(historyText, [organizationId, templateAgentId, before, limit])
  })

  return InstalledAgents.of({
    find,
    overview: Effect.fn("InstalledAgents.overview")(function* (userId, agentId) {
      const agent = yield* find(userId, agentId)
      const [overview] = yield* withRows([agent])
      return overview ?? overviewOf(agent, [], kinds)
    }),
    list: Effect.fn("InstalledAgents.list")((userId: UserId) => Effect.flatMap(agentsOf(userId, null), withRows)),
    history: Effect.fn("InstalledAgents.history")(function* (agent: InstalledAgent, { before, limit }: HistoryQuery) {
      const found = yield* Effect.orDie(
        findHistory({
          organizationId: agent.organizationId,
          templateAgentId: agent.template.templateAgentId,
          before: before ?? null,
          limit: limit + 1
        })
      )
      const entries = found.slice(0, limit)
      return { entries, next: found.length > limit ? (entries.at(-1)?.id ?? null) : null }
    })
  })
})

/** Installed agents in Postgres: a statement for the agents and one for the rows of all of them. */
export const InstalledAgentsLive = Layer.effect(InstalledAgents, make)
