import { chooseUpdates } from "../../services/installation/ChooseUpdates.ts"
import { planResync, resyncAgent } from "../../services/installation/ResyncAgent.ts"
import { planUninstall, uninstallAgent } from "../../services/installation/UninstallAgent.ts"
import { listAgents, viewAgent, viewHistory } from "../../services/installation/ViewAgents.ts"
import { Api } from "../Api.ts"
import { group } from "../Handlers.ts"

export const AgentsHttp = group(Api, "agents", {
  list: ({ credential, query }) => listAgents(credential, query),
  view: ({ credential, path }) => viewAgent(credential, path.id),
  history: ({ credential, path, query }) => viewHistory(credential, path.id, query),
  planResync: ({ credential, path, query }) => planResync({ credential, agentId: path.id, body: query }),
  resync: ({ body, credential, path }) => resyncAgent({ credential, agentId: path.id, body }),
  updates: ({ body, credential, path }) => chooseUpdates({ credential, agentId: path.id, body }),
  planUninstall: ({ credential, path }) => planUninstall({ credential, agentId: path.id }),
  uninstall: ({ credential, path, query }) => uninstallAgent({ credential, agentId: path.id, body: query })
})
