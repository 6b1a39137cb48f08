import { Effect, Layer } from "effect"
import { type InstalledAgent, judgedRevision, overviewOf } from "../domain/Agent.ts"
import { AgentNotFound } from "../domain/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import type { KindDescription } from "../domain/Kind.ts"
import { InstalledAgents } from "../services/InstalledAgents.ts"
import { Kinds } from "../services/Kinds.ts"
import { judge, plannedRows } from "./Judgement.ts"
import { World, type WorldState } from "./World.ts"

const agentsOf = ({ agents, members, organizations }: WorldState, userId: UserId): ReadonlyArray<InstalledAgent> =>
  agents.flatMap((agent): ReadonlyArray<InstalledAgent> => {
    const isMember = members.some((one) => one.organizationId === agent.organizationId && one.userId === userId)
    const organization = organizations.find(({ id }) => id === agent.organizationId)
    const template = agents.find(({ id }) => id === agent.templateAgentId)
    const publisher = organizations.find(({ id }) => id === template?.organizationId)
    if (!isMember || organization === undefined || template === undefined || agent.revision === undefined) return []
    const { slug = null, name, revision } = template
    return [
      {
        agentId: agent.id,
        organizationId: organization.id,
        organizationSlug: organization.slug,
        name: agent.name,
        description: agent.description,
        template: {
          templateAgentId: template.id,
          slug,
          name,
          publisher: publisher?.slug ?? "",
          available: slug !== null && revision !== undefined && publisher?.visibility === "public"
        },
        revision: agent.revision,
        newestRevision: revision ?? null,
        pinned: agent.pinned === true
      }
    ]
  })

const withRows = (state: WorldState, agent: InstalledAgent, kinds: ReadonlyArray<KindDescription>) => {
  const { organizationId, template } = agent
  const target = { organizationId, templateAgentId: template.templateAgentId, revision: judgedRevision(agent) }
  return overviewOf(agent, plannedRows(state, judge(state, target, kinds), kinds), kinds)
}

/** Installed agents of the world. */
export const InstalledAgentsMemory = Layer.effect(
  InstalledAgents,
  Effect.map(Effect.all([World, Kinds]), ([{ read }, kinds]) => {
    const find = (userId: UserId, agentId: string) =>
      read((state) => agentsOf(state, userId).find((agent) => agent.agentId === agentId)).pipe(
        Effect.filterOrFail(
          (agent) => agent !== undefined,
          () => new AgentNotFound({ agentId })
        )
      )
    return InstalledAgents.of({
      find,
      overview: (userId, agentId) =>
        Effect.flatMap(find(userId, agentId), (agent) => read((state) => withRows(state, agent, kinds))),
      list: (userId) => read((state) => agentsOf(state, userId).map((agent) => withRows(state, agent, kinds))),
      history: (agent, { before, limit }) =>
        read(({ history, users }) => {
          const found = history
            .filter(
              (one) =>
                one.organizationId === agent.organizationId &&
                one.templateAgentId === agent.template.templateAgentId &&
                (before === undefined || one.id < Number(before))
            )
            .toReversed()
          const entries = found.slice(0, limit).map(({ action, at, id, revision, rows, userId }) => ({
            id: String(id),
            at,
            by: { userId, name: users.find((user) => user.id === userId)?.name ?? null },
            action,
            revision,
            rows
          }))
          return { entries, next: found.length > limit ? (entries.at(-1)?.id ?? null) : null }
        })
    })
  })
)
