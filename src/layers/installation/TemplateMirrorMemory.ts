import { DateTime, Effect, Either, Layer } from "effect"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { type AgentNotFound, type ModeNotOffered, type NotOrgAdmin, PlanStale } from "../../domain/Errors.ts"
import { AgentId } from "../../domain/Ids.ts"
import { actionsOf, agentAfter, countsOf, rolledOut } from "../../domain/installation/Actions.ts"
import { decide, plannedRows } from "../../domain/installation/Decide.ts"
import { addImpact, impactOf, noImpact } from "../../domain/installation/Impact.ts"
import {
  leftOut,
  mayChangeMode,
  mayInstall,
  mayUninstall,
  mayWrite,
  modeOf
} from "../../domain/installation/MayInstall.ts"
import { mostNotes, type Plan, type Uninstalled, uninstallOutcomeOf, wishesOf } from "../../domain/installation/Plan.ts"
import {
  type AnyApplyRefusal,
  type AnyApplyRequest,
  type AnyPlanRequest,
  type Applied,
  type ModeRequest,
  type RolledOut,
  type RollOutRequest,
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
      const mode = yield* modeOf(known, request.mode)
      const installation = { organizationId, organizationSlug, templateAgentId, revision: revision.revision }
      const decision = decide(installationFacts(state, installation, kinds), kinds, wishesOf(request))
      yield* mayWrite(decision, isAsPlanned(decision, expectedPlan))

      const existing = state.agents.find(({ id }) => id === known.agent?.id)
      const made = existing?.made ?? state.nextId
      const { templateDescription, templateName, ...after } = agentAfter(known.agent, revision, request)
      const agent: AgentRecord = {
        ...existing,
        ...after,
        id: existing?.id ?? AgentId.make(`agent_${made}`),
        made,
        mode,
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
        isNew: existing === undefined,
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

/** What a roll-out does to one organization. */
const rollOutTo = (
  kinds: Kinds,
  state: MemoryState,
  {
    organizationId,
    revision,
    templateAgentId
  }: Omit<RollOutRequest, "organizationIds"> & Pick<RolledOut, "organizationId">,
  at: DateTime.Utc
): readonly [RolledOut, MemoryState] => {
  const agent = state.agents.find(
    (one) => one.organizationId === organizationId && one.templateAgentId === templateAgentId
  )
  const left = leftOut(
    agent === undefined ? null : { pinned: agent.pinned === true, updates: agent.updates ?? "automatic" }
  )
  const published = state.revisions.find((one) => one.templateAgentId === templateAgentId && one.revision === revision)
  if (left !== null || agent === undefined || published === undefined) {
    return [{ organizationId, outcome: left ?? "gone", collisions: [] }, state]
  }
  const organizationSlug = state.organizations.find(({ id }) => id === organizationId)?.slug ?? ""
  const installation = { organizationId, organizationSlug, templateAgentId, revision }
  const decision = decide(installationFacts(state, installation, kinds), kinds)
  const last = state.history.findLast(
    (one) => one.organizationId === organizationId && one.templateAgentId === templateAgentId
  )
  const write = {
    ...installation,
    userId: null,
    agentId: agent.id,
    action: "rollout" as const,
    isNew: false,
    isRecorded: (last?.revision ?? null) !== revision,
    actions: actionsOf(decision, { isUninstall: false, agentId: agent.id }, kinds)
  }
  const outcome = rolledOut(decision, write)
  const answer: RolledOut = { organizationId, outcome, collisions: decision.collisions }
  if (outcome !== "updated") return [answer, state]
  const { templateDescription, templateName, ...after } = agentAfter(
    {
      ...agent,
      templateName: agent.templateName ?? null,
      templateDescription: agent.templateDescription ?? null,
      revision: agent.revision ?? null,
      pinned: false,
      mode: agent.mode ?? "copy"
    },
    published,
    {}
  )
  const brought: AgentRecord = {
    ...agent,
    ...after,
    templateName: templateName ?? undefined,
    templateDescription: templateDescription ?? undefined
  }
  const agents = state.agents.map((one) => (one.id === agent.id ? brought : one))
  return [answer, written({ ...state, agents }, write, kinds, at)]
}

const rollOut =
  (kinds: Kinds) =>
  ({ organizationIds, ...request }: RollOutRequest, at: DateTime.Utc): Change<ReadonlyArray<RolledOut>> =>
  (state) => {
    const answers: Array<RolledOut> = []
    let next = state
    for (const organizationId of organizationIds) {
      const [answer, after] = rollOutTo(kinds, next, { ...request, organizationId }, at)
      answers.push(answer)
      next = after
    }
    return Either.right([answers, next])
  }

const plan = (kinds: Kinds, state: MemoryState, request: AnyPlanRequest) => {
  const known = requestFacts(state, request)
  return Either.map(mayInstall(known, request), ({ organizationSlug, revision }): Plan => {
    const { organizationId, templateAgentId } = request
    const installation = { organizationId, organizationSlug, templateAgentId, revision }
    const decision = decide(installationFacts(state, installation, kinds), kinds)
    const after = known.agent?.revision ?? revision
    const notes = state.revisions
      .filter(
        (one) =>
          one.templateAgentId === templateAgentId &&
          one.revision > after &&
          one.revision <= revision &&
          one.notes !== "" &&
          one.broken === undefined
      )
      .toReversed()
      .slice(0, mostNotes)
      .map(({ notes, revision }) => ({ revision, notes }))
    return {
      templateAgentId,
      organizationId,
      revision,
      planHash: planHashOf(decision),
      notes,
      rows: plannedRows(decision, kinds)
    }
  })
}

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
      const write = {
        ...request,
        revision: null,
        action: "uninstall" as const,
        isNew: false,
        isRecorded: true,
        actions
      }
      const isKept = state.uses.includes(agentId)
      return Either.right([
        { ...planned, agentRemoved: !isKept },
        withoutAgent(written(state, write, kinds, at), agentId, isKept)
      ])
    })

const changeMode =
  (kinds: Kinds) =>
  (request: ModeRequest, at: DateTime.Utc): Change<void, AgentNotFound | NotOrgAdmin | ModeNotOffered | PlanStale> =>
  (state) =>
    Either.gen(function* () {
      const { agentId, expectedPlan, mode, organizationId, templateAgentId } = request
      const { isChange, organizationSlug, revision } = yield* mayChangeMode(requestFacts(state, request), request)
      const installation = { organizationId, organizationSlug, templateAgentId, revision }
      const decision = decide(installationFacts(state, installation, kinds), kinds)
      if (!isAsPlanned(decision, expectedPlan)) return yield* Either.left(new PlanStale())
      if (!isChange) return [undefined, state] as const
      const write = { ...request, revision, action: "mode" as const, isNew: false, isRecorded: true, actions: [] }
      const agents = state.agents.map((one) => (one.id === agentId ? { ...one, mode } : one))
      return [undefined, written({ ...state, agents }, write, kinds, at)] as const
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
        resync: (request) => Effect.catchTag(applied(request), "TemplateDeprecated", "ModeNotOffered", Effect.die),
        rollOut: (request) => Effect.flatMap(DateTime.now, (now) => change(rollOut(kinds)(request, now))),
        plan: (request) => Effect.catchTag(planned(request), "AgentNotFound", "NoSuchRevision", Effect.die),
        planResync: (request) => Effect.catchTag(planned(request), "TemplateDeprecated", Effect.die),
        uninstall: (request) => Effect.flatMap(DateTime.now, (now) => change(uninstall(kinds)(request, now))),
        changeMode: (request) => Effect.flatMap(DateTime.now, (now) => change(changeMode(kinds)(request, now))),
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
