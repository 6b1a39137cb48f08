import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Option, Schema, Stream } from "effect"
import { Kind, type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { Mode } from "../../domain/catalog/Mode.ts"
import { AgentNotFound, PlanStale } from "../../domain/Errors.ts"
import { AgentId, OrganizationId, UserId } from "../../domain/Ids.ts"
import {
  actionsOf,
  agentAfter,
  copying,
  countsOf,
  referringTo,
  rolledOut,
  standsAfter
} from "../../domain/installation/Actions.ts"
import { decide, plannedRows, type WishedRow } from "../../domain/installation/Decide.ts"
import { type Installation, RequestFacts, TargetFacts } from "../../domain/installation/Facts.ts"
import { addImpact, impactOf, noImpact } from "../../domain/installation/Impact.ts"
import {
  leftOut,
  mayChangeMode,
  mayInstall,
  mayUninstall,
  mayWrite,
  modeOf
} from "../../domain/installation/MayInstall.ts"
import { mostNotes, RevisionNotes, uninstallOutcomeOf, wishesOf } from "../../domain/installation/Plan.ts"
import {
  type AnyApplyRequest,
  type AnyPlanRequest,
  type Applied,
  type ApplyRequest,
  type MirrorRequest,
  type ModeRequest,
  type ResyncPlanRequest,
  type ResyncRequest,
  type RolledOut,
  type RollOutRequest,
  TemplateMirror,
  type UninstallRequest
} from "../../services/installation/TemplateMirror.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { dieOfFaults, retryTransient, violates, violatesForeignKey } from "../postgres/Database.ts"
import { makeDecideTogether } from "./DecideTogether.ts"
import { makeDueTimes } from "./DueTimes.ts"
import { type GatherOptions, makeGatherFacts } from "./GatherFacts.ts"
import { isAsPlanned, planHashOf } from "./PlanHash.ts"
import {
  awaitUsesStatement,
  lockAllStatement,
  lockStatement,
  requestFactsStatement,
  targetFactsStatement
} from "./RequestStatements.ts"
import { makeShortCut } from "./ShortCut.ts"
import { trustedArray } from "./TrustedArray.ts"
import { makeWriteDecisions, type SharedWrite } from "./WriteDecisions.ts"

/** How many rows are decided at once about an impact. */
const impactRows = 5_000

const make = (kinds: ReadonlyArray<KindDescription>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    // Made since it was decided: by hand, a row of that slug, or one that refers to what goes, in whichever table; or the agent, by
    // the short cut.
    const isTaken = violates("agents_one_install", ...kinds.map(({ table }) => `${table}_slug`))
    const isConflict = (error: unknown) => isTaken(error) || violatesForeignKey(error)
    const dueTimes = makeDueTimes()
    const shortCut = yield* makeShortCut(kinds, dueTimes)
    const gatherFacts = yield* makeGatherFacts(kinds)
    const decideTogether = yield* makeDecideTogether(kinds)
    const writeDecisions = yield* makeWriteDecisions(kinds, dueTimes)

    const takeTurn = SqlSchema.void({
      Request: OrganizationId,
      execute: (organizationId) => sql.unsafe(lockStatement, [organizationId])
    })

    const findRequestFacts = (locks: boolean) => {
      const text = requestFactsStatement(locks)
      return SqlSchema.single({
        Request: Schema.Struct({
          organizationId: OrganizationId,
          templateAgentId: AgentId,
          userId: UserId,
          revision: Schema.NullOr(Schema.Int)
        }),
        Result: RequestFacts,
        execute: ({ organizationId, revision, templateAgentId, userId }) =>
          sql.unsafe(text, [organizationId, templateAgentId, userId, revision])
      })
    }
    const [findFacts, findFactsLocking] = [findRequestFacts(false), findRequestFacts(true)]
    const askAbout = ({ revision, ...request }: AnyPlanRequest, locks = false) =>
      (locks ? findFactsLocking : findFacts)({
        ...request,
        revision: typeof revision === "number" ? revision : null
      })

    const drawFirstId = SqlSchema.single({
      Request: Schema.Void,
      Result: Schema.Struct({ firstId: Schema.Int }),
      execute: () => sql`SELECT new_first_id()::float8 AS first_id`
    })

    /** What is decided about an installation, and for its plan also the fields that differ. */
    const decideAbout = (
      installation: Installation,
      wishes: ReadonlyArray<WishedRow> = [],
      { firstId, ...options }: GatherOptions & { readonly firstId?: number | undefined } = { withContents: true }
    ) =>
      Effect.map(gatherFacts([installation], options), ([facts = { ...installation, rows: [] }]) =>
        decide({ ...facts, firstId: facts.firstId ?? firstId }, kinds, wishes)
      )

    /** An install or a resync: what is asked, what is decided, what is written. */
    const applyOnce = Effect.fnUntraced(function* (request: AnyApplyRequest) {
      const { expectedPlan, organizationId, templateAgentId, userId } = request
      yield* takeTurn(organizationId)
      const known = yield* askAbout(request, true)
      const { organizationSlug, ...revision } = yield* mayInstall(known, request)
      const mode = yield* modeOf(known, request.mode)
      const isReferring = known.agent === null && mode === "reference"
      const firstId = isReferring ? (yield* drawFirstId()).firstId : undefined
      const installation = { organizationId, organizationSlug, templateAgentId, revision: revision.revision }
      const decision = yield* decideAbout(installation, wishesOf(request), { locks: true, firstId })
      yield* mayWrite(decision, isAsPlanned(decision, expectedPlan))
      const schedules = decision.facts.rows.flatMap(({ wanted }) => wanted?.schedule ?? [])
      shortCut.learn(templateAgentId, { schedules: [...new Set(schedules)], mode })
      const agent = agentAfter(known.agent, revision, request)
      const [made] = yield* writeDecisions([
        {
          ...installation,
          destinations: [{ organizationId, agentId: known.agent?.id }],
          userId,
          agent,
          newBlockStart: firstId,
          action: request.agentId === undefined ? "install" : "resync",
          isRecorded: known.lastRevision !== revision.revision,
          actions: actionsOf(decision, { isUninstall: false, agentId: known.agent?.id }, kinds),
          stands: standsAfter(decision)
        }
      ])
      const agentId = known.agent?.id ?? made
      if (agentId === undefined) return yield* Effect.dieMessage("An install has an agent")
      return {
        agentId,
        created: known.agent === null,
        revision: revision.revision,
        pinned: agent.pinned,
        ...countsOf(decision, kinds)
      } satisfies Applied
    })

    const findNotes = SqlSchema.findAll({
      Request: Schema.Struct({ templateAgentId: AgentId, after: Schema.Int, upTo: Schema.Int }),
      Result: RevisionNotes,
      execute: ({ after, templateAgentId, upTo }) => sql`
        SELECT revision, notes FROM template_revisions
        WHERE template_agent_id = ${templateAgentId} AND revision > ${after} AND revision <= ${upTo}
          AND notes <> '' AND broken IS NULL
        ORDER BY revision DESC LIMIT ${mostNotes}
      `
    })

    const plan = Effect.fnUntraced(function* (request: AnyPlanRequest) {
      const { organizationId, templateAgentId } = request
      const known = yield* askAbout(request)
      const { organizationSlug, revision } = yield* mayInstall(known, request)
      const after = known.agent?.revision ?? revision
      const notes = after < revision ? yield* findNotes({ templateAgentId, after, upTo: revision }) : []
      const decision = yield* decideAbout({ organizationId, organizationSlug, templateAgentId, revision })
      const [planHash, rows] = [planHashOf(decision), plannedRows(decision, kinds)]
      return { templateAgentId, organizationId, revision, planHash, notes, rows }
    })

    const decideUninstall = Effect.fnUntraced(function* (request: UninstallRequest, locks: boolean) {
      const { agentId, organizationId, templateAgentId } = request
      const { organizationSlug } = yield* mayUninstall(yield* askAbout(request, locks), request)
      const installation = { organizationId, organizationSlug, templateAgentId, revision: null }
      const decision = yield* decideAbout(installation, [], { locks })
      return { decision, planned: { agentId, organizationId, ...uninstallOutcomeOf(plannedRows(decision, kinds)) } }
    })

    const removeAgent = SqlSchema.single({
      Request: AgentId,
      Result: Schema.Struct({ outcome: Schema.Literal("removed", "kept", "gone") }),
      execute: (agentId) => sql`SELECT remove_agent(${agentId}) AS outcome`
    })

    const uninstallOnce = Effect.fnUntraced(function* (request: UninstallRequest) {
      const { agentId, expectedPlan } = request
      yield* takeTurn(request.organizationId)
      const { decision, planned } = yield* decideUninstall(request, true)
      if (!isAsPlanned(decision, expectedPlan)) return yield* new PlanStale()
      yield* writeDecisions([
        {
          ...request,
          destinations: [request],
          revision: null,
          agent: undefined,
          action: "uninstall",
          isRecorded: true,
          actions: actionsOf(decision, { isUninstall: true, agentId }, kinds)
        }
      ])
      const { outcome } = yield* removeAgent(agentId)
      if (outcome === "gone") return yield* new AgentNotFound({ agentId })
      return { ...planned, agentRemoved: outcome === "removed" }
    })

    const drawBlock = SqlSchema.single({
      Request: AgentId,
      Result: Schema.Struct({ firstId: Schema.Int }),
      execute: (agentId) => sql`
        UPDATE agents SET first_id = COALESCE(first_id, new_first_id()) WHERE id = ${agentId} RETURNING first_id::float8 AS first_id
      `
    })
    const setMode = SqlSchema.void({
      Request: Schema.Struct({ agentId: AgentId, mode: Mode }),
      execute: ({ agentId, mode }) =>
        sql`UPDATE agents SET mode = ${mode}, stands = false, updated_at = now() WHERE id = ${agentId}`
    })

    const changeModeOnce = Effect.fnUntraced(function* (request: ModeRequest) {
      const { agentId, expectedPlan, mode, organizationId, templateAgentId } = request
      yield* takeTurn(organizationId)
      const { isChange, organizationSlug, revision } = yield* mayChangeMode(yield* askAbout(request, true), request)
      const installation = { organizationId, organizationSlug, templateAgentId, revision }
      const decision = yield* decideAbout(installation, [], { locks: true })
      if (!isAsPlanned(decision, expectedPlan)) return yield* new PlanStale()
      if (!isChange) return
      const actions =
        mode === "copy"
          ? copying(decision)
          : referringTo(
              decision,
              yield* decideAbout({ ...installation, revision: null }, [], { locks: true }),
              (yield* drawBlock(agentId)).firstId,
              kinds
            )
      const change = { action: "mode" as const, isRecorded: true, agent: undefined, actions }
      yield* writeDecisions([{ ...request, ...change, destinations: [request], revision }])
      yield* setMode({ agentId, mode })
    })

    const takeTurns = SqlSchema.void({
      Request: trustedArray<OrganizationId>(),
      execute: (organizationIds) => sql.unsafe(lockAllStatement, [organizationIds])
    })
    const awaitUses = SqlSchema.void({
      Request: trustedArray<OrganizationId>(),
      execute: (organizationIds) => sql.unsafe(awaitUsesStatement, [organizationIds])
    })
    const findTargets = SqlSchema.findAll({
      Request: Schema.Struct({ templateAgentId: AgentId, organizationIds: trustedArray<OrganizationId>() }),
      Result: TargetFacts,
      execute: ({ organizationIds, templateAgentId }) =>
        sql.unsafe(targetFactsStatement, [templateAgentId, organizationIds])
    })
    const findRevision = SqlSchema.single({
      Request: Schema.Struct({ templateAgentId: AgentId, revision: Schema.Int }),
      Result: Schema.Struct({ revision: Schema.Int, name: Schema.String, description: Schema.String }),
      execute: ({ revision, templateAgentId }) => sql`
        SELECT revision, name, description FROM template_revisions
        WHERE template_agent_id = ${templateAgentId} AND revision = ${revision}
      `
    })
    const rollOut = Effect.fnUntraced(function* ({ organizationIds, ...request }: RollOutRequest) {
      const { templateAgentId } = request
      yield* takeTurns(organizationIds)
      yield* awaitUses(organizationIds)
      const revision = yield* findRevision(request)
      const found = yield* findTargets({ templateAgentId, organizationIds })
      const became = new Map<OrganizationId, Omit<RolledOut, "organizationId">>()
      for (const { agent, organizationIds } of found) {
        const outcome = leftOut(agent)
        for (const one of organizationIds) if (outcome !== null) became.set(one, { outcome, collisions: [] })
      }
      const installations = found.flatMap((target) =>
        leftOut(target.agent) !== null
          ? []
          : target.organizationIds.map((organizationId, at) => ({
              ...request,
              organizationId,
              organizationSlug: target.organizationSlugs[at] ?? "",
              agentId: target.agentIds[at],
              target
            }))
      )
      const decided = yield* decideTogether(installations, { locks: true, leavesOut: "unwritten" })
      const writes = decided.flatMap(({ actions, decision, idOffsets, installations }) =>
        [...new Set(installations.map(({ target }) => target))].flatMap((target): ReadonlyArray<SharedWrite> => {
          const alike = installations.filter((one) => one.target === target)
          const write: SharedWrite = {
            ...request,
            destinations: alike.map(({ agentId, organizationId }) => ({
              organizationId,
              agentId,
              idOffset: idOffsets.get(organizationId)
            })),
            userId: null,
            agent: agentAfter(target.agent, revision, {}),
            action: "rollout",
            isRecorded: target.lastRevision !== revision.revision,
            actions: actions(alike[0]?.agentId),
            // The rows that were left out stand as they stood.
            stands: standsAfter(decision) ? undefined : false
          }
          const outcome = rolledOut(decision, write)
          for (const one of alike) became.set(one.organizationId, { outcome, collisions: decision.collisions })
          return outcome === "updated" ? [write] : []
        })
      )
      if (writes.length > 0) yield* writeDecisions(writes)
      return organizationIds.map((organizationId): RolledOut => {
        const { collisions, outcome } = became.get(organizationId) ?? { outcome: "gone" as const, collisions: [] }
        return { organizationId, outcome, collisions }
      })
    })

    const findRows = SqlSchema.findAll({
      Request: Schema.Struct({ templateAgentId: AgentId, revision: Schema.Int }),
      Result: Schema.Struct({
        kind: Kind,
        sourceId: Schema.NumberFromString,
        slug: Schema.String,
        hash: Schema.String
      }),
      execute: ({ revision, templateAgentId }) => sql`
        SELECT kind, source_id::text AS source_id, slug, hash FROM template_revision_rows
        WHERE template_agent_id = ${templateAgentId} AND revision = ${revision}
      `
    })
    const findInstallations = SqlSchema.findAll({
      Request: Schema.Struct({ templateAgentId: AgentId, after: Schema.String, limit: Schema.Int }),
      Result: Schema.Struct({
        organizationId: OrganizationId,
        organizationSlug: Schema.String,
        pinned: Schema.Boolean
      }),
      execute: ({ after, limit, templateAgentId }) => sql`
        SELECT o.id AS organization_id, o.slug AS organization_slug, a.pinned
        FROM agents a JOIN organization o ON o.id = a.organization_id
        WHERE a.template_agent_id = ${templateAgentId} AND a.organization_id > ${after}
        ORDER BY a.organization_id LIMIT ${limit}
      `
    })
    const impact = Effect.fnUntraced(function* (templateAgentId: AgentId, revision: number, since: number) {
      const count = impactOf(yield* findRows({ templateAgentId, revision: since }))
      const rows = yield* findRows({ templateAgentId, revision })
      const limit = Math.max(1, Math.floor(impactRows / Math.max(1, rows.length)))
      const batches = Stream.paginateEffect("", (after) =>
        Effect.gen(function* () {
          const installed = yield* findInstallations({ templateAgentId, after, limit })
          const installations = installed.map((one) => ({ ...one, templateAgentId, revision }))
          const decided = yield* decideTogether(installations, { leavesOut: "untouched" })
          const last = installed.length < limit ? undefined : installed.at(-1)?.organizationId
          return [decided, Option.fromNullable(last)]
        })
      )
      // The next batch is gathered while one is counted.
      return yield* Stream.buffer(batches, { capacity: 1 }).pipe(
        Stream.runFold(noImpact, (impact, decided) =>
          addImpact(
            impact,
            decided.flatMap(({ decision, installations }) => {
              const counts = count(decision)
              return installations.map(({ organizationId, organizationSlug, pinned }) => ({
                ...{ organizationId, organizationSlug, pinned },
                ...counts
              }))
            })
          )
        )
      )
    })

    const transactionally = <A, E, R>(step: Effect.Effect<A, E, R>) =>
      sql.withTransaction(step).pipe(retryTransient(isConflict))

    return TemplateMirror.of({
      apply: traced("TemplateMirror.apply")((request: ApplyRequest) =>
        shortCut.installOrConfirm(request).pipe(
          retryTransient(isConflict),
          Effect.flatMap(Option.match({ onNone: () => transactionally(applyOnce(request)), onSome: Effect.succeed })),
          // An install names neither an agent nor a revision.
          Effect.catchTag("AgentNotFound", "NoSuchRevision", Effect.die),
          dieOfFaults
        )
      ),
      resync: traced("TemplateMirror.resync")((request: ResyncRequest) =>
        // An agent that is there has its mode, whether or not others may have it.
        transactionally(applyOnce(request)).pipe(
          Effect.catchTag("TemplateDeprecated", "ModeNotOffered", Effect.die),
          dieOfFaults
        )
      ),
      rollOut: traced("TemplateMirror.rollOut")((request: RollOutRequest) =>
        Effect.orDie(transactionally(rollOut(request)))
      ),
      plan: traced("TemplateMirror.plan")((request: MirrorRequest) =>
        plan(request).pipe(Effect.catchTag("AgentNotFound", "NoSuchRevision", Effect.die), dieOfFaults)
      ),
      planResync: traced("TemplateMirror.planResync")((request: ResyncPlanRequest) =>
        plan(request).pipe(Effect.catchTag("TemplateDeprecated", Effect.die), dieOfFaults)
      ),
      uninstall: traced("TemplateMirror.uninstall")((request: UninstallRequest) =>
        transactionally(uninstallOnce(request)).pipe(dieOfFaults)
      ),
      changeMode: traced("TemplateMirror.changeMode")((request: ModeRequest) =>
        transactionally(changeModeOnce(request)).pipe(dieOfFaults)
      ),
      planUninstall: traced("TemplateMirror.planUninstall")((request: UninstallRequest) =>
        Effect.map(decideUninstall(request, false), ({ decision, planned }) => ({
          ...planned,
          planHash: planHashOf(decision)
        })).pipe(dieOfFaults)
      ),
      impact: traced("TemplateMirror.impact")((templateAgentId: AgentId, revision: number, since: number) =>
        Effect.orDie(impact(templateAgentId, revision, since))
      )
    })
  })

/**
 * The mirror in Postgres. Most installs are one statement. Everything else that writes is one transaction: it takes the organization's
 * turn, reads, decides and writes, in a number of statements that does not grow with the template.
 */
export const TemplateMirrorLive = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(TemplateMirror, make(kinds))
