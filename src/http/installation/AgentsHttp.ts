import { HttpApiBuilder } from "@effect/platform"
import {
  AgentList,
  AgentOverview,
  AgentsQuery,
  ResyncAnswer,
  ResyncPlanQuery,
  ResyncRequest,
  UninstallQuery
} from "../../domain/installation/Agent.ts"
import { History, HistoryQuery } from "../../domain/installation/History.ts"
import { Plan, Uninstalled, UninstallPlan } from "../../domain/installation/Plan.ts"
import { planResync, resyncAgent } from "../../services/installation/ResyncAgent.ts"
import { planUninstall, uninstallAgent } from "../../services/installation/UninstallAgent.ts"
import { listAgents, viewAgent, viewHistory } from "../../services/installation/ViewAgents.ts"
import { answer, fromOwnOrigin } from "../Answer.ts"
import { Api } from "../Api.ts"
import { credentialOf } from "../admission/Caller.ts"
import { withRateLimitFields } from "../admission/RateLimitFields.ts"
import { readOptionalJson, readQuery } from "../Body.ts"

const list = answer(AgentList)
const overview = answer(AgentOverview)
const history = answer(History)
const plan = answer(Plan)
const resynced = answer(ResyncAnswer)
const uninstallPlan = answer(UninstallPlan)
const uninstalled = answer(Uninstalled)

export const AgentsHttp = HttpApiBuilder.group(Api, "agents", (handlers) =>
  handlers
    .handleRaw("list", ({ request }) =>
      listAgents(credentialOf(request), readQuery(request, AgentsQuery)).pipe(withRateLimitFields, list)
    )
    .handleRaw("view", ({ path, request }) =>
      viewAgent(credentialOf(request), path.id).pipe(withRateLimitFields, overview)
    )
    .handleRaw("history", ({ path, request }) =>
      viewHistory(credentialOf(request), path.id, readQuery(request, HistoryQuery)).pipe(withRateLimitFields, history)
    )
    .handleRaw("planResync", ({ path, request }) =>
      planResync({
        credential: credentialOf(request),
        agentId: path.id,
        body: readQuery(request, ResyncPlanQuery)
      }).pipe(withRateLimitFields, plan)
    )
    .handleRaw("resync", ({ path, request }) =>
      resyncAgent({
        credential: credentialOf(request),
        agentId: path.id,
        body: readOptionalJson(request, ResyncRequest)
      }).pipe(fromOwnOrigin(request), withRateLimitFields, resynced)
    )
    .handleRaw("planUninstall", ({ path, request }) =>
      planUninstall({ credential: credentialOf(request), agentId: path.id }).pipe(withRateLimitFields, uninstallPlan)
    )
    .handleRaw("uninstall", ({ path, request }) =>
      uninstallAgent({
        credential: credentialOf(request),
        agentId: path.id,
        body: readQuery(request, UninstallQuery)
      }).pipe(fromOwnOrigin(request), withRateLimitFields, uninstalled)
    )
)
