import { DateTime, Effect, Either, Layer } from "effect"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { type AgentNotFound, type NotOrgAdmin, PlanStale } from "../../domain/Errors.ts"
import { AgentId } from "../../domain/Ids.ts"
import { actionsOf, agentAfter, countsOf } from "../../domain/installation/Actions.ts"
import { decide, plannedRows } from "../../domain/installation/Decide.ts"
import { addImpact, impactOf, noImpact } from "../../domain/installation/Impact.ts"
import { mayInstall, mayUninstall, mayWrite } from "../../domain/installation/MayInstall.ts"
import { type Plan, type Uninstalled, uninstallOutcomeOf, wishesOf } from "../../domain/installation/Plan.ts"
import {
  type AnyApplyRefusal,
  type AnyApplyRequest,
  type AnyPlanRequest,
  type Applied,
  TemplateMirror,
  type UninstallRequest
} from "../../services/installation/TemplateMirror.ts"
import { type AgentRecord, type Change, type MemoryState, MemoryStore } from "../memory/MemoryStore.ts"
import { installationFacts, requestFacts } from "./FactsMemory.ts"
import { isAsPlanned, planHashOf } from "./PlanHash.ts"
import { written } from "./WritesMemory.ts"

type Kinds = ReadonlyArray<KindDescription>

const apply =
  (kinds: Kinds) =>
  (request: AnyApplyRequest, at: DateTime.Utc): Change<Applied, AnyApplyRefusal> =>
  (state) =>
    Either.gen(function* () {
      const { expectedPlan, organizationId, templateAgentId, userId } = request
      const known = requestFacts(state, request)
      const { organizationSlug, ...revision } = yield* mayInstall(known, request)
      const installation = { organizationId, organizationSlug, templateAgentId, revision: revision.revision }
      const decision = decide(installationFacts(state, installation, kinds), kinds, wishesOf(request))
      yield* mayWrite(decision, isAsPlanned(decision, expectedPlan))

      const existing = state.agents.find(({ id }) => id === known.agent?.id)
      const made = existing?.made ?? state.nextId
      const { templateDescription, templateName, ...after } = agentAfter(known.agent, revision, request)
      const agent: AgentRecord = {
        ...after,
        id: existing?.id ?? AgentId.make(`agent_${made}`),
        made,
        organizationId,
        templateAgentId,
        templateName: templateName ?? undefined,
        templateDescription: templateDescription ?? undefined
      }
      const withAgent: MemoryState = {
        ...state,
        nextId: state.nextId + 1,
        agents:
          existing === undefined
            ? [...state.agents, agent]
            : state.agents.map((one) => (one.id === agent.id ? agent : one))
      }
      const write = {
        ...installation,
        userId,
        agentId: agent.id,
        action: request.agentId === undefined ? ("install" as const) : ("resync" as const),
        isRecorded: known.lastRevision !== revision.revision,
        actions: actionsOf(decision, { isUninstall: false, agentId: agent.id }, kinds)
      }
      return [
        {
          agentId: agent.id,
          created: existing === undefined,
          revision: revision.revision,
          pinned: after.pinned,
          ...countsOf(decision, kinds)
        },
        written(withAgent, write, kinds, at)
      ] as const
    })

const plan = (kinds: Kinds, state: MemoryState, request: AnyPlanRequest) =>
  Either.map(mayInstall(requestFacts(state, request), request), ({ organizationSlug, revision }): Plan => {
    const { organizationId, templateAgentId } = request
    const installation = { organizationId, organizationSlug, templateAgentId, revision }
    const decision = decide(installationFacts(state, installation, kinds), kinds)
    return {
      templateAgentId,
      organizationId,
      revision,
      planHash: planHashOf(decision),
      rows: plannedRows(decision, kinds)
    }
  })

const decideUninstall = (kinds: Kinds, state: MemoryState, request: UninstallRequest) =>
  Either.map(mayUninstall(requestFacts(state, request), request), ({ organizationSlug }) => {
    const { agentId, organizationId, templateAgentId } = request
    const installation = { organizationId, organizationSlug, templateAgentId, revision: null }
    const decision = decide(installationFacts(state, installation, kinds), kinds)
    const planned = { agentId, organizationId, ...uninstallOutcomeOf(plannedRows(decision, kinds)) }
    return { decision, planned }
  })

/** The state without an agent; if something refers to it, it stays as one of the person's own. */
const withoutAgent = (state: MemoryState, agentId: AgentId, isKept: boolean): MemoryState => ({
  ...state,
  agents: state.agents.flatMap(
    ({ description, id, name, organizationId, ...rest }): ReadonlyArray<AgentRecord> =>
      id !== agentId
        ? [{ ...rest, description, id, name, organizationId }]
        : isKept
          ? [{ description, id, name, organizationId }]
          : []
  ),
  definitions: isKept
    ? state.definitions
    : state.definitions.map((row) => (row.agentId === agentId ? { ...row, agentId: undefined } : row))
})

const uninstall =
  (kinds: Kinds) =>
  (request: UninstallRequest, at: DateTime.Utc): Change<Uninstalled, AgentNotFound | NotOrgAdmin | PlanStale> =>
  (state) =>
    Either.flatMap(decideUninstall(kinds, state, request), ({ decision, planned }) => {
      const { agentId, expectedPlan } = request
      if (!isAsPlanned(decision, expectedPlan)) return Either.left(new PlanStale())
      const actions = actionsOf(decision, { isUninstall: true, agentId }, kinds)
      const write = { ...request, revision: null, action: "uninstall" as const, isRecorded: true, actions }
      const isKept = state.uses.includes(agentId)
      return Either.right([
        { ...planned, agentRemoved: !isKept },
        withoutAgent(written(state, write, kinds, at), agentId, isKept)
      ])
    })

const impact = (kinds: Kinds, state: MemoryState, templateAgentId: AgentId, revision: number, since: number) => {
  const earlier = state.revisionRows.filter((row) => row.templateAgentId === templateAgentId && row.revision === since)
  const count = impactOf(earlier)
  const installed = state.agents.filter((agent) => agent.templateAgentId === templateAgentId)
  return addImpact(
    noImpact,
    installed.map(({ organizationId, pinned = false }) => {
      const organizationSlug = state.organizations.find(({ id }) => id === organizationId)?.slug ?? ""
      const installation = { organizationId, organizationSlug, templateAgentId, revision }
      const decision = decide(installationFacts(state, installation, kinds), kinds)
      return { organizationId, organizationSlug, pinned, ...count(decision) }
    })
  )
}

/** The mirror in memory. */
export const TemplateMirrorMemory = (kinds: Kinds = kindDescriptions) =>
  Layer.effect(
    TemplateMirror,
    Effect.map(MemoryStore, ({ change, read }) => {
      const applied = (request: AnyApplyRequest) =>
        Effect.flatMap(DateTime.now, (now) => change(apply(kinds)(request, now)))
      const planned = (request: AnyPlanRequest) => Effect.flatten(read((state) => plan(kinds, state, request)))
      return TemplateMirror.of({
        // An install names neither an agent nor a revision, so it can't be refused for them.
        apply: (request) => Effect.catchTag(applied(request), "AgentNotFound", "NoSuchRevision", Effect.die),
        resync: applied,
        plan: (request) => Effect.catchTag(planned(request), "AgentNotFound", "NoSuchRevision", Effect.die),
        planResync: planned,
        uninstall: (request) => Effect.flatMap(DateTime.now, (now) => change(uninstall(kinds)(request, now))),
        planUninstall: (request) =>
          Effect.flatten(
            read((state) =>
              Either.map(decideUninstall(kinds, state, request), ({ decision, planned }) => ({
                ...planned,
                planHash: planHashOf(decision)
              }))
            )
          ),
        impact: (templateAgentId, revision, since) =>
          read((state) => impact(kinds, state, templateAgentId, revision, since))
      })
    })
  )
