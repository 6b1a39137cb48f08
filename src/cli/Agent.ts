import { Prompt } from "@effect/cli"
import { Chunk, Console, Effect, Layer, Option, Schema, Stream } from "effect"
import { kindDescriptions } from "../domain/catalog/Kind.ts"
import { typeOf } from "../domain/catalog/Template.ts"
import type { AgentError, NoSuchRevision } from "../domain/Errors.ts"
import type { AgentId } from "../domain/Ids.ts"
import type { AgentList, AgentOverview, AgentsQuery } from "../domain/installation/Agent.ts"
import {
  type Plan,
  type Uninstalled,
  type UninstallPlan,
  Verdict,
  WantedRevision
} from "../domain/installation/Plan.ts"
import { settings } from "../layers/runtime/Settings.ts"
import { Accounts } from "../services/account/Accounts.ts"
import { InstalledAgents } from "../services/installation/InstalledAgents.ts"
import { type ApplyRefusal, TemplateMirror } from "../services/installation/TemplateMirror.ts"
import { ServicesFrom } from "./Application.ts"
import { DatabaseUrlFrom } from "./Database.ts"
import { type AsJson, CommandFailed, print, type Row, table } from "./Output.ts"
import { clientOf, failedAt } from "./OverHttp.ts"

/* A person's installed agents, in the database of the settings or over HTTP. */

const Services = Layer.unwrapEffect(
  Effect.map(settings, (given) => ServicesFrom(given).pipe(Layer.provide(DatabaseUrlFrom(given))))
)

interface OfPerson extends AsJson {
  /** A service to ask over HTTP; without it the database is asked. */
  readonly url: Option.Option<string>
  /** With the database: whose agents they are. */
  readonly as: Option.Option<string>
}

interface OfAgent extends OfPerson {
  readonly agentId: string
}

/** What a resync came to. */
interface Resynced {
  readonly agentId: AgentId
  readonly revision: number
  readonly pinned: boolean
}

/** Why something is not done with an agent. */
type AgentCommandError = AgentError | NoSuchRevision | ApplyRefusal | CommandFailed

/** The agents of one person, wherever they are asked for. */
interface AgentsOfPerson {
  readonly list: (page: AgentsQuery) => Effect.Effect<AgentList, AgentCommandError>
  readonly view: (agentId: string) => Effect.Effect<AgentOverview, AgentCommandError>
  readonly planResync: (agentId: string, revision?: WantedRevision) => Effect.Effect<Plan, AgentCommandError>
  readonly resync: (agentId: string, revision?: WantedRevision) => Effect.Effect<Resynced, AgentCommandError>
  readonly planUninstall: (agentId: string) => Effect.Effect<UninstallPlan, AgentCommandError>
  readonly uninstall: (agentId: string, expectedPlan: string) => Effect.Effect<Uninstalled, AgentCommandError>
}

const to = (revision: WantedRevision | undefined) => (revision === undefined ? {} : { revision })

/** In the database of the settings, in the name of the person with that address. */
const inDatabase = (email: string) =>
  Effect.gen(function* () {
    const agents = yield* InstalledAgents
    const mirror = yield* TemplateMirror
    const found = yield* Effect.flatMap(Accounts, (accounts) => accounts.withEmail(email))
    if (Option.isNone(found)) return yield* new CommandFailed({ message: `Nobody has an account with ${email}.` })
    const userId = found.value
    const requestOf = (agentId: string) =>
      Effect.map(agents.find(userId, agentId), ({ agentId, organizationId, template: { templateAgentId } }) => ({
        userId,
        organizationId,
        templateAgentId,
        agentId
      }))
    return {
      list: (page) => agents.list(userId, page),
      view: (agentId) => agents.overview(userId, agentId),
      planResync: (agentId, revision) =>
        Effect.flatMap(requestOf(agentId), (request) => mirror.planResync({ ...request, ...to(revision) })),
      resync: (agentId, revision) =>
        Effect.flatMap(requestOf(agentId), (request) => mirror.resync({ ...request, ...to(revision) })),
      planUninstall: (agentId) => Effect.flatMap(requestOf(agentId), mirror.planUninstall),
      uninstall: (agentId, expectedPlan) =>
        Effect.flatMap(requestOf(agentId), (request) => mirror.uninstall({ ...request, expectedPlan }))
    } satisfies AgentsOfPerson
  })

/** Over HTTP, with the session of the person. */
const overHttp = (url: string) =>
  Effect.gen(function* () {
    const { agents } = yield* clientOf(url, "token")
    const asked = <A, E>(answer: Effect.Effect<A, E>) => Effect.mapError(answer, failedAt(url, "token"))
    return {
      list: (urlParams) => asked(agents.list({ urlParams })),
      view: (id) => asked(agents.view({ path: { id } })),
      planResync: (id, revision) => asked(agents.planResync({ path: { id }, urlParams: to(revision) })),
      resync: (id, revision) => asked(agents.resync({ path: { id }, payload: to(revision) })),
      planUninstall: (id) => asked(agents.planUninstall({ path: { id }, urlParams: {} })),
      uninstall: (id, expectedPlan) => asked(agents.uninstall({ path: { id }, urlParams: { expectedPlan } }))
    } satisfies AgentsOfPerson
  })

/** Does something with a person's agents, where they are. */
const withAgents = <A, E, R>({ as, url }: OfPerson, use: (agents: AgentsOfPerson) => Effect.Effect<A, E, R>) =>
  Option.match(url, {
    onSome: (address) => Effect.flatMap(overHttp(address), use),
    onNone: () =>
      Option.match(as, {
        onNone: () => new CommandFailed({ message: "Say whose agents with --as EMAIL, or which service with --url." }),
        onSome: (email) => inDatabase(email).pipe(Effect.flatMap(use), Effect.provide(Services))
      })
  })

const pageSize = 100

/** Every agent, page by page. */
const all = (agents: AgentsOfPerson) =>
  Stream.runCollect(
    Stream.paginateChunkEffect(undefined as string | undefined, (before) =>
      Effect.map(agents.list({ limit: pageSize, ...(before !== undefined && { before }) }), ({ agents, next }) => [
        Chunk.fromIterable(agents),
        Option.fromNullable(next)
      ])
    )
  ).pipe(Effect.map(Chunk.toReadonlyArray))

const revisionOf = ({ newestRevision, pinned, revision }: AgentOverview) =>
  `${revision} of ${newestRevision ?? "none"}${pinned ? ", pinned" : ""}`

/** Lists the agents that a person has installed. */
export const list = (given: OfPerson) =>
  withAgents(given, (agents) =>
    Effect.gen(function* () {
      const found = yield* all(agents)
      yield* print(
        given.json,
        found,
        table(
          found.map((agent) => ({
            agent: agent.agentId,
            template: `${agent.template.publisher}/${agent.template.slug ?? ""}`,
            organization: agent.organizationSlug,
            revision: revisionOf(agent)
          }))
        )
      )
    })
  )

const describe = (agent: AgentOverview): string =>
  [
    `${agent.name} (${agent.agentId}) in ${agent.organizationSlug}`,
    `${agent.template.publisher}/${agent.template.slug ?? ""}, revision ${revisionOf(agent)}, by ${agent.mode}, updates ${agent.updates}`,
    "",
    table(
      kindDescriptions.map(({ kind }) => ({
        type: typeOf(kind),
        ...Object.fromEntries(Verdict.literals.map((verdict) => [verdict, agent.counts[kind][verdict]]))
      }))
    ),
    ...(agent.customized.length === 0
      ? []
      : [
          "",
          "Changed by the person:",
          table(
            agent.customized.map(({ fields, kind, slug }) => ({ type: typeOf(kind), slug, fields: fields.join(", ") }))
          )
        ]),
    ...(agent.retired.length === 0
      ? []
      : [
          "",
          "Withdrawn by the publisher, and hidden:",
          table(agent.retired.map(({ because, kind, slug }) => ({ type: typeOf(kind), slug, because })))
        ])
  ].join("\n")

/** Says how an agent compares with its template. */
export const show = (given: OfAgent) =>
  withAgents(given, (agents) =>
    Effect.flatMap(agents.view(given.agentId), (agent) => print(given.json, agent, describe(agent)))
  )

interface Resync extends OfAgent {
  readonly revision: Option.Option<string>
  readonly dryRun: boolean
}

const isRevision = Schema.is(WantedRevision)

const readRevision = (given: Option.Option<string>): Effect.Effect<WantedRevision | undefined, CommandFailed> => {
  const revision = Option.getOrUndefined(Option.map(given, (text) => (text === "newest" ? text : Number(text))))
  return revision === undefined || isRevision(revision)
    ? Effect.succeed(revision)
    : new CommandFailed({ message: "--revision must be the number of a revision, or newest." })
}

const describePlan = ({ revision, rows }: Plan): string => {
  const affected = rows.filter(({ verdict }) => verdict !== "unchanged")
  return [
    `A resync to revision ${revision}: ${rows.length - affected.length} rows stay as they are.`,
    ...(affected.length === 0
      ? []
      : [
          "",
          table(
            affected.map(({ fate, fields, kind, slug, verdict }) => ({
              verdict,
              type: typeOf(kind),
              slug,
              fields: fields.join(", "),
              fate
            }))
          )
        ])
  ].join("\n")
}

/** Brings an agent up to date or, for a dry run, says what that would do. */
export const resync = (given: Resync) =>
  Effect.flatMap(readRevision(given.revision), (revision) =>
    withAgents(given, (agents) =>
      Effect.gen(function* () {
        if (given.dryRun) {
          const plan = yield* agents.planResync(given.agentId, revision)
          return yield* print(given.json, plan, describePlan(plan))
        }
        const done = yield* agents.resync(given.agentId, revision)
        yield* print(
          given.json,
          done,
          `${done.agentId} is at revision ${done.revision}${done.pinned ? " and stays there" : ""}.`
        )
      })
    )
  )

interface Uninstall extends OfAgent {
  readonly yes: boolean
}

const rowsOf = (heading: string, rows: ReadonlyArray<Row>) => (rows.length === 0 ? [] : ["", heading, table(rows)])

const describeOutcome = (line: string, { kept, passedOn, removed }: Omit<UninstallPlan, "planHash">): string =>
  [
    line,
    `${removed.length} rows are removed.`,
    ...rowsOf(
      "These stay:",
      kept.map(({ because, kind, slug }) => ({ type: typeOf(kind), slug, because }))
    ),
    ...rowsOf(
      "These stay with another agent of the same publisher:",
      passedOn.map(({ kind, slug }) => ({ type: typeOf(kind), slug }))
    )
  ].join("\n")

/** Takes an agent away, once somebody has agreed to what that does. */
export const uninstall = (given: Uninstall) =>
  withAgents(given, (agents) =>
    Effect.gen(function* () {
      const plan = yield* agents.planUninstall(given.agentId)
      if (!given.yes) {
        const line = `Taking ${plan.agentId} away:`
        if (given.json || !process.stdin.isTTY || !process.stdout.isTTY) {
          return yield* new CommandFailed({
            message: `${describeOutcome(line, plan)}\n\nNothing was done. Say --yes to do it.`
          })
        }
        yield* Console.log(describeOutcome(line, plan))
        // The prompt catches Ctrl-C itself.
        const agreed = yield* Prompt.confirm({ message: "Do it?", initial: false }).pipe(
          Effect.catchTag("QuitException", () => Effect.interrupt)
        )
        if (!agreed) return yield* new CommandFailed({ message: "Nothing was done." })
      }
      const done = yield* agents.uninstall(given.agentId, plan.planHash)
      yield* print(given.json, done, describeOutcome(`${done.agentId} is taken away.`, done))
    })
  )
