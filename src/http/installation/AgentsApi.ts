import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import {
  AgentNotFound,
  InvalidRequest,
  ModeNotOffered,
  NoSuchRevision,
  NoSuchRow,
  NotOrgAdmin,
  PlanStale,
  RevisionBroken,
  SchemaCollision,
  Unauthenticated
} from "../../domain/Errors.ts"
import {
  AgentList,
  AgentOverview,
  AgentsQuery,
  InstalledAgent,
  ModeAnswer,
  ModeRequest,
  ResyncAnswer,
  ResyncPlanQuery,
  ResyncRequest,
  UninstallQuery,
  UpdatesRequest
} from "../../domain/installation/Agent.ts"
import { History, HistoryQuery } from "../../domain/installation/History.ts"
import { Plan, Uninstalled, UninstallPlan, UninstallPlanQuery } from "../../domain/installation/Plan.ts"
import { Limited, OwnOrigin } from "../admission/AdmissionApi.ts"
import { inPath, signedIn, templateRefusals, unreadable } from "../Contract.ts"
import { problem } from "../Problem.ts"

/** The refusals of every operation on an installed agent. */
const agentRefusals = Schema.Union(problem(Unauthenticated), problem(AgentNotFound), problem(NotOrgAdmin))

/** The refusals of a resync or its plan, besides those. */
const resyncRefusals = Schema.Union(templateRefusals, problem(NoSuchRevision), problem(RevisionBroken))

const agentPath = Schema.Struct({ id: inPath.agent })

/** The caller's installed agents. */
export class AgentsApi extends HttpApiGroup.make("agents")
  .add(
    HttpApiEndpoint.get("list", "/api/agents")
      .setUrlParams(AgentsQuery)
      .addSuccess(AgentList)
      .addError(Schema.Union(problem(Unauthenticated), problem(InvalidRequest)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "listAgents",
          summary: "The caller's installed agents",
          description:
            "The newest first, each with its template, the revisions, and how many of its rows have which verdict.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.get("view", "/api/agents/:id")
      .setPath(agentPath)
      .addSuccess(AgentOverview)
      .addError(Schema.Union(problem(Unauthenticated), problem(AgentNotFound)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "getAgent",
          summary: "One installed agent",
          description: "With its template, the revisions, and how many of its rows have which verdict.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.get("history", "/api/agents/:id/history")
      .setPath(agentPath)
      .setUrlParams(HistoryQuery)
      .addSuccess(History)
      .addError(Schema.Union(problem(Unauthenticated), problem(InvalidRequest), problem(AgentNotFound)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "getAgentHistory",
          summary: "What was done to an agent's rows",
          description:
            "Installs, resyncs and uninstalls of its template in the organization, newest first: who, when, which revision, and each row before and after. A page ends where its rows would be more than 1 MiB; an entry that is more by itself leaves contents out (omitted).",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.get("planResync", "/api/agents/:id/plan")
      .setPath(agentPath)
      .setUrlParams(ResyncPlanQuery)
      .addSuccess(Plan)
      .addError(problem(InvalidRequest))
      .addError(agentRefusals)
      .addError(resyncRefusals)
      .annotateContext(
        OpenApi.annotations({
          identifier: "planResync",
          summary: "Say what a resync would do",
          description:
            "Judges every row and changes nothing. A resync with this plan's hash as expectedPlan does exactly this.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.post("resync", "/api/agents/:id/resync")
      .setPath(agentPath)
      .setPayload(ResyncRequest)
      .addSuccess(ResyncAnswer)
      .addError(unreadable)
      .addError(agentRefusals)
      .addError(resyncRefusals)
      .addError(problem(NoSuchRow))
      .addError(problem(SchemaCollision))
      .addError(problem(PlanStale))
      .annotateContext(
        OpenApi.annotations({
          identifier: "resyncAgent",
          summary: "Bring an installed agent up to date",
          description:
            "Brings the agent to the newest revision, or to the one it is pinned to. A revision number pins it there (a rollback, where it is an earlier one); newest ends that. All or nothing; repeating it is safe.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.post("mode", "/api/agents/:id/mode")
      .setPath(agentPath)
      .setPayload(ModeRequest)
      .addSuccess(ModeAnswer)
      .addError(unreadable)
      .addError(agentRefusals)
      .addError(problem(ModeNotOffered))
      .addError(problem(PlanStale))
      .annotateContext(
        OpenApi.annotations({
          identifier: "changeMode",
          summary: "Install an agent by reference, or by copy",
          description:
            "Changes nothing that is seen: every change, every deletion, the history and every id that something refers to stay. expectedPlan is the planHash of the agent's plan at its own revision.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.put("updates", "/api/agents/:id/updates")
      .setPath(agentPath)
      .setPayload(UpdatesRequest)
      .addSuccess(InstalledAgent)
      .addError(unreadable)
      .addError(agentRefusals)
      .annotateContext(
        OpenApi.annotations({
          identifier: "setUpdates",
          summary: "Say how an agent is updated",
          description:
            "automatic: roll-outs of the publisher's bring it up to date. manual: they leave it as it is, and its owner updates it by resync.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.get("planUninstall", "/api/agents/:id/uninstall-plan")
      .setPath(agentPath)
      .setUrlParams(UninstallPlanQuery)
      .addSuccess(UninstallPlan)
      .addError(problem(InvalidRequest))
      .addError(agentRefusals)
      .annotateContext(
        OpenApi.annotations({
          identifier: "planUninstall",
          summary: "Say what an uninstall would do",
          description: "Names the rows that would go and those that would stay; changes nothing.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.del("uninstall", "/api/agents/:id")
      .setPath(agentPath)
      .setUrlParams(UninstallQuery)
      .addSuccess(Uninstalled)
      .addError(problem(InvalidRequest))
      .addError(agentRefusals)
      .addError(problem(PlanStale))
      .annotateContext(
        OpenApi.annotations({
          identifier: "uninstallAgent",
          summary: "Take an installed agent away",
          description:
            "With its rows that are unchanged and unused. What is changed, adopted or in use stays and is seen, and a later install finds it again.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .annotate(OpenApi.Description, "Installed agents: seeing them, bringing them up to date, taking them away") {}
