import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
import {
  AgentList,
  AgentOverview,
  ResyncAnswer,
  ResyncPlanQuery,
  ResyncRequest,
  UninstallQuery
} from "../domain/Agent.ts"
import { History, HistoryQuery } from "../domain/History.ts"
import { Plan, Uninstalled, UninstallPlan } from "../domain/Plan.ts"
import { planResync, resyncAgent } from "../services/ResyncAgent.ts"
import { planUninstall, uninstallAgent } from "../services/UninstallAgent.ts"
import { listAgents, viewAgent, viewHistory } from "../services/ViewAgents.ts"
import { Api } from "./Api.ts"
import { readOptionalJson, readQuery } from "./Body.ts"
import { credentialOf, refuseForeignOrigin } from "./Caller.ts"
import { withRateLimitFields } from "./RateLimitFields.ts"

const answers = {
  list: HttpServerResponse.schemaJson(AgentList),
  view: HttpServerResponse.schemaJson(AgentOverview),
  history: HttpServerResponse.schemaJson(History),
  plan: HttpServerResponse.schemaJson(Plan),
  resync: HttpServerResponse.schemaJson(ResyncAnswer),
  uninstallPlan: HttpServerResponse.schemaJson(UninstallPlan),
  uninstall: HttpServerResponse.schemaJson(Uninstalled)
}

export const AgentsHttp = HttpApiBuilder.group(Api, "agents", (handlers) =>
  handlers
    .handleRaw("list", ({ request }) =>
      Effect.flatMap(listAgents(credentialOf(request)), (found) => Effect.orDie(answers.list(found)))
    )
    .handleRaw("view", ({ path, request }) =>
      Effect.flatMap(viewAgent(credentialOf(request), path.id), (found) => Effect.orDie(answers.view(found)))
    )
    .handleRaw("history", ({ path, request }) =>
      Effect.flatMap(viewHistory(credentialOf(request), path.id, readQuery(request, HistoryQuery)), (found) =>
        Effect.orDie(answers.history(found))
      )
    )
    .handleRaw("planResync", ({ path, request }) =>
      planResync({
        credential: credentialOf(request),
        agentId: path.id,
        body: readQuery(request, ResyncPlanQuery)
      }).pipe(
        withRateLimitFields,
        Effect.flatMap((planned) => Effect.orDie(answers.plan(planned)))
      )
    )
    .handleRaw("resync", ({ path, request }) =>
      refuseForeignOrigin(request).pipe(
        Effect.zipRight(
          resyncAgent({
            credential: credentialOf(request),
            agentId: path.id,
            body: readOptionalJson(request, ResyncRequest)
          })
        ),
        withRateLimitFields,
        Effect.flatMap((resynced) => Effect.orDie(answers.resync(resynced)))
      )
    )
    .handleRaw("planUninstall", ({ path, request }) =>
      planUninstall({ credential: credentialOf(request), agentId: path.id }).pipe(
        withRateLimitFields,
        Effect.flatMap((planned) => Effect.orDie(answers.uninstallPlan(planned)))
      )
    )
    .handleRaw("uninstall", ({ path, request }) =>
      refuseForeignOrigin(request).pipe(
        Effect.zipRight(
          uninstallAgent({
            credential: credentialOf(request),
            agentId: path.id,
            body: readQuery(request, UninstallQuery)
          })
        ),
        withRateLimitFields,
        Effect.flatMap((uninstalled) => Effect.orDie(answers.uninstall(uninstalled)))
      )
    )
)
