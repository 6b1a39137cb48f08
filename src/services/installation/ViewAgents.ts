import type { Effect } from "effect"
import type { AgentNotFound, InvalidRequest, RateLimitExceeded, Unauthenticated } from "../../domain/Errors.ts"
import type { AgentList, AgentOverview, AgentsQuery } from "../../domain/installation/Agent.ts"
import type { History, HistoryQuery } from "../../domain/installation/History.ts"
import type { Auth, Credential } from "../account/Auth.ts"
import { admit } from "../admission/Admission.ts"
import type { RateLimiter } from "../admission/RateLimiter.ts"
import { traced } from "../runtime/Traced.ts"
import { InstalledAgents } from "./InstalledAgents.ts"

type Dependencies = Auth | RateLimiter | InstalledAgents

/** The caller's installed agents, each with the state of its rows, page by page. */
export const listAgents: <R>(
  credential: Credential,
  page: Effect.Effect<AgentsQuery, InvalidRequest, R>
) => Effect.Effect<AgentList, Unauthenticated | RateLimitExceeded | InvalidRequest, Dependencies | R> = traced(
  "listAgents"
)(function* (credential, page) {
  const agents = yield* InstalledAgents
  const userId = yield* admit("read", credential)
  return yield* agents.list(userId, yield* page)
})

/** One of them. */
export const viewAgent: (
  credential: Credential,
  agentId: string
) => Effect.Effect<AgentOverview, Unauthenticated | RateLimitExceeded | AgentNotFound, Dependencies> = traced(
  "viewAgent"
)(function* (credential, agentId) {
  const agents = yield* InstalledAgents
  const userId = yield* admit("read", credential)
  return yield* agents.overview(userId, agentId)
})

/** What was done to the rows of one of them, page by page. */
export const viewHistory: <R>(
  credential: Credential,
  agentId: string,
  page: Effect.Effect<HistoryQuery, InvalidRequest, R>
) => Effect.Effect<History, Unauthenticated | RateLimitExceeded | InvalidRequest | AgentNotFound, Dependencies | R> =
  traced("viewHistory")(function* (credential, agentId, page) {
    const agents = yield* InstalledAgents
    const userId = yield* admit("read", credential)
    const wanted = yield* page
    const agent = yield* agents.find(userId, agentId)
    return yield* agents.history(agent, wanted)
  })
