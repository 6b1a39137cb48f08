import { Effect, Either, Layer } from "effect"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { modesUnsaid } from "../../domain/catalog/Mode.ts"
import { AgentNotFound, NotOrgAdmin } from "../../domain/Errors.ts"
import type { AgentId, OrganizationId, UserId } from "../../domain/Ids.ts"
import { agentsThatFit, type InstalledAgent, judgedRevision, overviewOf } from "../../domain/installation/Agent.ts"
import { decide } from "../../domain/installation/Decide.ts"
import { historyPage } from "../../domain/installation/History.ts"
import { InstalledAgents } from "../../services/installation/InstalledAgents.ts"
import { deprecatedOf, offeredRevision } from "../catalog/OfferedMemory.ts"
import { type MemoryState, MemoryStore } from "../memory/MemoryStore.ts"
import { installationFacts } from "./FactsMemory.ts"

const publisherOf = ({ agents, organizations }: MemoryState, templateAgentId: AgentId) =>
  organizations.find(({ id }) => id === agents.find((agent) => agent.id === templateAgentId)?.organizationId)

/** The revision that the template's last roll-out left the organization out of, for it updates by hand. */
const offeredTo = ({ rollouts }: MemoryState, templateAgentId: AgentId, organizationId: OrganizationId) => {
  const last = rollouts.filter((one) => one.templateAgentId === templateAgentId).at(-1)
  const target = last?.targets.find((one) => one.organizationId === organizationId)
  return target?.outcome === "manual" ? (last?.revision ?? null) : null
}

const agentsOf = (state: MemoryState, userId: UserId): ReadonlyArray<InstalledAgent> => {
  const { agents, members, organizations, revisions } = state
  return agents.flatMap((agent): ReadonlyArray<InstalledAgent> => {
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
          available: slug !== null && revision !== undefined && publisher?.visibility === "public",
          modes: template.modes ?? modesUnsaid,
          deprecated: deprecatedOf(agents, template)
        },
        revision: agent.revision,
        newestRevision: offeredRevision(revisions, template),
        broken:
          revisions.find((one) => one.templateAgentId === template.id && one.revision === agent.revision)?.broken ??
          null,
        pinned: agent.pinned === true,
        mode: agent.mode ?? "copy",
        updates: agent.updates ?? "automatic",
        offered: offeredTo(state, template.id, organization.id)
      }
    ]
  })
}

const withRows = (state: MemoryState, agent: InstalledAgent, kinds: ReadonlyArray<KindDescription>) => {
  const { templateAgentId } = agent.template
  const decision = decide(
    installationFacts(state, { ...agent, templateAgentId, revision: judgedRevision(agent) }, kinds),
    kinds
  )
  return overviewOf(agent, decision, kinds)
}

/** Installed agents in memory. */
export const InstalledAgentsMemory = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(
    InstalledAgents,
    Effect.map(MemoryStore, ({ change, read }) => {
      const find = (userId: UserId, agentId: string) =>
        read((state) => agentsOf(state, userId).find((agent) => agent.agentId === agentId)).pipe(
          Effect.filterOrFail(
            (agent) => agent !== undefined,
            () => new AgentNotFound({ agentId })
          )
        )
      return InstalledAgents.of({
        find,
        setUpdates: (userId, agentId, updates) =>
          Effect.flatMap(find(userId, agentId), ({ organizationId }) =>
            change((state) =>
              state.members.some(
                (one) => one.organizationId === organizationId && one.userId === userId && one.role !== "member"
              )
                ? Either.right([
                    undefined,
                    {
                      ...state,
                      agents: state.agents.map((one) => (one.id === agentId ? { ...one, updates } : one))
                    }
                  ] as const)
                : Either.left(new NotOrgAdmin({ organizationId }))
            )
          ).pipe(Effect.zipRight(find(userId, agentId))),
        overview: (userId, agentId) =>
          Effect.flatMap(find(userId, agentId), (agent) => read((state) => withRows(state, agent, kinds))),
        list: (userId, { before, limit }) =>
          read((state) => {
            // Numbers rise with every agent that is made, and never change.
            const made = ({ agentId }: InstalledAgent) => state.agents.find(({ id }) => id === agentId)?.made ?? 0
            const found = agentsOf(state, userId)
              .filter((agent) => before === undefined || made(agent) < Number.parseInt(before, 10))
              .sort((a, b) => made(b) - made(a))
            const page = agentsThatFit(
              found,
              limit,
              ({ organizationId, template }) =>
                state.ledger.filter(
                  (entry) =>
                    entry.organizationId === organizationId && entry.templateAgentId === template.templateAgentId
                ).length
            )
            const last = page.at(-1)
            return {
              agents: page.map((agent) => withRows(state, agent, kinds)),
              next: last !== undefined && page.length < found.length ? `${made(last)}-${last.agentId}` : null
            }
          }),
        history: (agent, page) =>
          read((state) =>
            historyPage(
              state.history
                .filter(
                  (one) =>
                    one.organizationId === agent.organizationId &&
                    one.templateAgentId === agent.template.templateAgentId &&
                    (page.before === undefined || one.id < Number(page.before))
                )
                .toReversed()
                .map(({ action, at, id, revision, rows, templateAgentId, userId }) => ({
                  id: String(id),
                  at,
                  by: {
                    userId,
                    name:
                      userId === null
                        ? (publisherOf(state, templateAgentId)?.name ?? null)
                        : (state.users.find((user) => user.id === userId)?.name ?? null)
                  },
                  action,
                  revision,
                  rows
                })),
              page
            )
          )
      })
    })
  )
