import { HttpServerResponse } from "@effect/platform"
import { Effect, Schema } from "effect"
import { type AgentList, AgentOverview } from "../../domain/installation/Agent.ts"
import { chosenOutcome, chosenRows } from "../../domain/installation/Plan.ts"
import { oncePer } from "../../domain/OncePer.ts"
import { changeMode } from "../../services/installation/ChangeMode.ts"
import { chooseUpdates } from "../../services/installation/ChooseUpdates.ts"
import { planResync, resyncAgent } from "../../services/installation/ResyncAgent.ts"
import { planUninstall, uninstallAgent } from "../../services/installation/UninstallAgent.ts"
import { listAgents, viewAgent, viewHistory } from "../../services/installation/ViewAgents.ts"
import { Api } from "../Api.ts"
import { group, Written } from "../Handlers.ts"

// What is found again as it was before is the same object, so its text is made once.
const encodeAgent = Schema.encodeSync(AgentOverview)
const textOf = oncePer((agent: AgentOverview) => JSON.stringify(encodeAgent(agent)))

const listed = ({ agents, next }: AgentList) => {
  const text = `{"agents":[${agents.map(textOf).join(",")}],"next":${JSON.stringify(next)}}`
  return new Written<AgentList>({ response: HttpServerResponse.text(text, { contentType: "application/json" }) })
}

export const AgentsHttp = group(Api, "agents", {
  list: ({ credential, query }) => Effect.map(listAgents(credential, query), listed),
  view: ({ credential, path }) => viewAgent(credential, path.id),
  history: ({ credential, path, query }) => viewHistory(credential, path.id, query),
  planResync: ({ credential, path, query }) =>
    Effect.zipWith(
      planResync({
        credential,
        agentId: path.id,
        body: Effect.map(query, ({ revision }) => (revision === undefined ? {} : { revision }))
      }),
      query,
      chosenRows
    ),
  resync: ({ body, credential, path }) => resyncAgent({ credential, agentId: path.id, body }),
  mode: ({ body, credential, path }) => changeMode({ credential, agentId: path.id, body }),
  updates: ({ body, credential, path }) => chooseUpdates({ credential, agentId: path.id, body }),
  planUninstall: ({ credential, path, query }) =>
    Effect.zipWith(planUninstall({ credential, agentId: path.id }), query, chosenOutcome),
  uninstall: ({ credential, path, query }) => uninstallAgent({ credential, agentId: path.id, body: query })
})
