import { SqlClient, SqlSchema } from "@effect/sql"
import { Array as Arr, Effect, Layer, Option, Schema } from "effect"
import { boundedMap } from "../../domain/BoundedMap.ts"
import { Deprecation } from "../../domain/catalog/Deprecation.ts"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { Mode, Modes } from "../../domain/catalog/Mode.ts"
import { AgentNotFound, NotOrgAdmin } from "../../domain/Errors.ts"
import { AgentId, OrganizationId, Slug, UserId } from "../../domain/Ids.ts"
import {
  AgentCursor,
  type AgentsQuery,
  agentsThatFit,
  type InstalledAgent,
  judgedRevision,
  overviewOf,
  Updates
} from "../../domain/installation/Agent.ts"
import { decide } from "../../domain/installation/Decide.ts"
import { HistoryEntry, type HistoryQuery } from "../../domain/installation/History.ts"
import { isCleanText } from "../../domain/Text.ts"
import { InstalledAgents } from "../../services/installation/InstalledAgents.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { batched } from "../postgres/Batched.ts"
import { agentsStatement } from "./AgentsStatement.ts"
import { makeGatherFacts } from "./GatherFacts.ts"
import { historyStatement } from "./HistoryStatement.ts"
import { trustedArray } from "./TrustedArray.ts"

/** An agent as `agentsStatement` says it. */
const Found = Schema.parseJson(
  Schema.Struct({
    agentId: AgentId,
    organizationId: OrganizationId,
    organizationSlug: Slug,
    name: Schema.String,
    description: Schema.String,
    revision: Schema.Int,
    pinned: Schema.Boolean,
    mode: Mode,
    updates: Updates,
    offered: Schema.NullOr(Schema.Int),
    templateAgentId: AgentId,
    templateSlug: Schema.NullOr(Schema.String),
    templateName: Schema.String,
    publisher: Schema.String,
    newestRevision: Schema.NullOr(Schema.Int),
    broken: Schema.NullOr(Schema.String),
    deprecated: Schema.NullOr(Deprecation),
    available: Schema.Boolean,
    modes: Modes,
    next: Schema.String,
    rows: Schema.Int,
    intact: Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.Int }))
  })
)
const decodeFound = Schema.decodeSync(Found)
const decodeCursor = Schema.decode(Schema.NullOr(AgentCursor))

/** Of how many agents it is kept what was found of them last. */
const mostKnown = 1_024

/** Whose agents are asked for: all of them or one, from a place in their order on, so many at most; and whether rows are counted. */
interface Asked {
  readonly userId: UserId
  readonly agentId: string | null
  readonly before: string | null
  readonly limit: number
  readonly counts: boolean
}

const make = (kinds: ReadonlyArray<KindDescription>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    const agentsText = agentsStatement(kinds)
    const findAll = SqlSchema.findAll({
      Request: trustedArray<Asked>(),
      Result: Schema.Struct({ at: Schema.Int, agent: Schema.String }),
      execute: (asked) =>
        sql.unsafe(agentsText, [
          asked.map(({ userId }) => userId),
          asked.map(({ agentId }) => agentId),
          asked.map(({ before }) => before),
          asked.map(({ counts }) => counts),
          asked.map(({ limit }) => limit)
        ])
    })

    const read = (text: string) => {
      const { intact, next, rows, ...found } = decodeFound(text)
      const { available, deprecated, modes, publisher, templateAgentId, templateName, templateSlug, ...rest } = found
      const agent: InstalledAgent = {
        ...rest,
        template: { templateAgentId, slug: templateSlug, name: templateName, publisher, available, modes, deprecated }
      }
      const installation = { ...rest, templateAgentId, revision: judgedRevision(agent) }
      const overview =
        intact !== null && installation.revision === agent.revision
          ? overviewOf(agent, decide({ ...installation, rows: [], leftOut: intact }, kinds), kinds)
          : undefined
      const counted = intact === null ? rows : Object.values(intact).reduce((all, some) => all + some, 0)
      return { agent, installation, next, rows: counted, overview }
    }
    /** Agents as they were found last, with their overviews where those follow from it: the same text says the same. */
    const known = boundedMap<string, ReturnType<typeof read>>(mostKnown)
    const agentOf = (text: string) => {
      const agent = known.get(text) ?? read(text)
      known.set(text, agent)
      return agent
    }
    const findAgents = batched((asked: ReadonlyArray<Asked>) =>
      Effect.map(Effect.orDie(findAll(asked)), (found) => {
        const byAsked = Arr.groupBy(found, ({ at }) => String(at))
        return asked.map((_, at) => (byAsked[at + 1] ?? []).map(({ agent }) => agentOf(agent)))
      })
    )
    type Found = Effect.Effect.Success<ReturnType<typeof findAgents>>[number]

    const gatherFacts = yield* makeGatherFacts(kinds)
    /** Agents with the state of their rows, which are read where that does not follow from what was found. */
    const withRows = Effect.fnUntraced(function* (found: ReadonlyArray<Found>) {
      const others = found.filter(({ overview }) => overview === undefined)
      const gathered = yield* gatherFacts(
        others.map(({ installation }) => installation),
        { withContents: true, leavesOut: "untouched" }
      )
      const decided = new Map(
        Arr.zipWith(others, gathered, ({ agent }, facts) => [
          agent.agentId,
          overviewOf(agent, decide(facts, kinds), kinds)
        ])
      )
      return found.flatMap(({ agent, overview }) => overview ?? decided.get(agent.agentId) ?? [])
    }, Effect.orDie)

    const findOne = Effect.fnUntraced(function* (userId: UserId, agentId: string, counts: boolean) {
      // Postgres can't store unclean text, so no agent has such an id, and asking would be an error.
      const [agent] = isCleanText(agentId) ? yield* findAgents({ userId, agentId, before: null, limit: 1, counts }) : []
      return agent ?? (yield* new AgentNotFound({ agentId }))
    })
    const find = traced("InstalledAgents.find")((userId: UserId, agentId: string) =>
      Effect.map(findOne(userId, agentId, false), ({ agent }) => agent)
    )

    const historyText = historyStatement(kinds)
    const findHistory = SqlSchema.findAll({
      Request: Schema.Struct({
        organizationId: OrganizationId,
        templateAgentId: AgentId,
        before: Schema.NullOr(Schema.String),
        limit: Schema.Int,
        whole: Schema.Boolean
      }),
      Result: Schema.Struct({
        ...HistoryEntry.fields,
        at: Schema.DateTimeUtcFromDate,
        more: Schema.Boolean
      }),
      execute: ({ before, limit, organizationId, templateAgentId, whole }) =>
        sql.unsafe(historyText, [organizationId, templateAgentId, before, limit, whole])
    })

    const writeUpdates = SqlSchema.findOne({
      Request: Schema.Struct({ userId: UserId, agentId: AgentId, updates: Updates }),
      Result: Schema.Struct({ id: AgentId }),
      execute: ({ agentId, updates, userId }) => sql`
        UPDATE agents a SET updates = ${updates} WHERE a.id = ${agentId} AND EXISTS (
          SELECT FROM member m
          WHERE m.organization_id = a.organization_id AND m.user_id = ${userId} AND m.role IN ('owner', 'admin')
        ) RETURNING a.id
      `
    })

    return InstalledAgents.of({
      find,
      setUpdates: traced("InstalledAgents.setUpdates")(function* (userId, agentId, updates) {
        const { organizationId, ...agent } = yield* find(userId, agentId)
        const written = yield* Effect.orDie(writeUpdates({ userId, agentId: agent.agentId, updates }))
        if (Option.isNone(written)) return yield* new NotOrgAdmin({ organizationId })
        return yield* find(userId, agentId)
      }),
      overview: traced("InstalledAgents.overview")(function* (userId, agentId) {
        const [overview] = yield* withRows([yield* findOne(userId, agentId, true)])
        return overview ?? (yield* Effect.dieMessage("An agent has an overview"))
      }),
      list: traced("InstalledAgents.list")(function* (userId: UserId, { before, limit }: AgentsQuery) {
        const after = yield* Effect.orDie(decodeCursor(before ?? null))
        const found = yield* findAgents({ userId, agentId: null, before: after, limit: limit + 1, counts: true })
        const page = agentsThatFit(found, limit, ({ rows }) => rows)
        const agents = yield* withRows(page)
        return { agents, next: page.length < found.length ? (page.at(-1)?.next ?? null) : null }
      }),
      history: traced("InstalledAgents.history")(function* (
        { organizationId, template: { templateAgentId } }: InstalledAgent,
        { before, limit, rows }: HistoryQuery
      ) {
        const found = yield* Effect.orDie(
          findHistory({ organizationId, templateAgentId, before: before ?? null, limit, whole: rows === "whole" })
        )
        const last = found.at(-1)
        return { entries: found.map(({ more: _, ...entry }) => entry), next: last?.more === true ? last.id : null }
      })
    })
  })

/** Installed agents in Postgres: a statement for the agents and one for the rows of all of them. */
export const InstalledAgentsLive = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(InstalledAgents, make(kinds))
