import { Effect } from "effect"
import { AgentNotFound, Unauthenticated } from "../../domain/Errors.ts"
import { UserId } from "../../domain/Ids.ts"
import { agentPath } from "../../domain/installation/Agent.ts"
import { InstalledAgents } from "../../services/installation/InstalledAgents.ts"
import type { Visit } from "../pages/PageRoutes.tsx"

/**
 * The agent that a path names, with the path of its page. An agent in an organization that the visitor does not belong
 * to, or that is not the one in the path, is not found, like one that does not exist.
 */
export const agentAt = ({ part, visitor }: Visit) =>
  Effect.gen(function* () {
    const agents = yield* InstalledAgents
    if (visitor === undefined) return yield* new Unauthenticated()
    const agent = yield* agents.find(UserId.make(visitor.userId), part("id"))
    if (agent.organizationSlug !== part("organization")) return yield* new AgentNotFound({ agentId: part("id") })
    return { agent, path: agentPath(agent.organizationSlug, agent.agentId) }
  })
