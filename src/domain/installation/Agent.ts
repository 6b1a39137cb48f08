import { Schema } from "effect"
import { Deprecation } from "../catalog/Deprecation.ts"
import { byKind, Kind, KindCounts, type KindDescription, kindDescriptions } from "../catalog/Kind.ts"
import { Mode, Modes } from "../catalog/Mode.ts"
import { AgentId, exampleIds, OrganizationId, Slug } from "../Ids.ts"
import { firstThatFit, pageQuery } from "../Page.ts"
import { type Decision, plannedRows } from "./Decide.ts"
import {
  countVerdicts,
  expectedPlan,
  KeepReason,
  keptRows,
  latestRevision,
  namedRow,
  namesEachRowOnce,
  planFilter,
  type Verdict,
  WantedRevision,
  Wishes
} from "./Plan.ts"

/** Whether an agent follows its publisher's roll-outs, or its owner updates it by hand. */
export const Updates = Schema.Literal("automatic", "manual")
export type Updates = typeof Updates.Type

/** The body of `PUT /api/agents/:id/updates`. */
export const UpdatesRequest = Schema.Struct({ updates: Updates }).annotations({
  identifier: "UpdatesRequest",
  description: "How the agent is to be updated.",
  examples: [{ updates: "manual" }]
})
export type UpdatesRequest = typeof UpdatesRequest.Type

/** The path of an agent's page. */
export const agentPath = (organizationSlug: string, agentId: string): `/${string}` =>
  `/${organizationSlug}/agents/${agentId}`

const agentFields = {
  agentId: AgentId,
  organizationId: OrganizationId,
  organizationSlug: Slug,
  name: Schema.String,
  description: Schema.String,
  template: Schema.Struct({
    templateAgentId: AgentId,
    slug: Schema.NullOr(Schema.String),
    name: Schema.String,
    publisher: Schema.String,
    available: Schema.Boolean.annotations({ description: "Whether the publisher still offers it to everybody." }),
    modes: Modes.annotations({ description: "The modes in which the publisher offers it." }),
    deprecated: Schema.NullOr(Deprecation)
  }),
  revision: Schema.Int.annotations({ description: "The revision that was applied last." }),
  newestRevision: Schema.NullOr(Schema.Int).annotations({
    description: "The newest revision that the publisher has not marked as broken: where an update goes."
  }),
  broken: Schema.NullOr(Schema.String).annotations({
    description: "Why the publisher has marked the revision that was applied last as broken; null where they have not."
  }),
  pinned: Schema.Boolean.annotations({ description: "Whether it stays at its revision until a resync changes that." }),
  mode: Mode,
  updates: Updates.annotations({
    description: "Whether roll-outs of the publisher's bring it up to date, or its owner alone does."
  }),
  offered: Schema.NullOr(Schema.Int).annotations({
    description:
      "The revision of the publisher's last roll-out, where that left the agent as it was because its owner updates it by hand; else null."
  })
}

const exampleAgent = {
  agentId: exampleIds.agentId,
  organizationId: exampleIds.organizationId,
  organizationSlug: Slug.make("ada-lovelace"),
  name: "Personal finance",
  description: "Keeps track of money and tax",
  template: {
    templateAgentId: exampleIds.templateAgentId,
    slug: "personal-finance",
    name: "Personal finance",
    publisher: "agent-install-templates",
    available: true,
    modes: ["copy", "reference"],
    deprecated: null
  },
  revision: 1,
  newestRevision: 2,
  broken: null,
  pinned: false,
  mode: "copy",
  updates: "automatic",
  offered: null
} as const

/** An agent that is installed, its template, and the revision each is at. */
export const InstalledAgent = Schema.Struct(agentFields).annotations({
  identifier: "InstalledAgent",
  description: "An agent that is installed, its template, and the revision each is at.",
  examples: [exampleAgent]
})
export type InstalledAgent = typeof InstalledAgent.Type

/** The revision an agent's rows are judged by: the one a resync would install; if none is possible, the applied one. */
export const judgedRevision = ({ newestRevision, pinned, revision, template }: InstalledAgent): number =>
  pinned || !template.available ? revision : (newestRevision ?? revision)

const VerdictCounts = Schema.Struct({
  deleted_by_owner: Schema.Int,
  collision: Schema.Int,
  retire: Schema.Int,
  customized: Schema.Int,
  create: Schema.Int,
  update: Schema.Int,
  unchanged: Schema.Int
} satisfies Record<Verdict, unknown>)

const noVerdicts: typeof VerdictCounts.Type = {
  collision: 0,
  deleted_by_owner: 0,
  retire: 0,
  customized: 0,
  create: 0,
  update: 0,
  unchanged: 0
}

const exampleOverview = {
  ...exampleAgent,
  counts: {
    entity_types: { ...noVerdicts, update: 1, customized: 1, unchanged: 41 },
    entity_relationship_types: { ...noVerdicts, unchanged: 42 },
    watchers: { ...noVerdicts, retire: 1, unchanged: 1 },
    event_classifiers: { ...noVerdicts, unchanged: 2 }
  },
  customized: [{ kind: "entity_types", slug: "bank-account", name: "My accounts", fields: ["name"] }],
  retired: [{ kind: "watchers", slug: "inbox", name: "Inbox", because: "in_use" }]
} as const

/** An installed agent with the state of its rows: what a resync would do with them. */
export const AgentOverview = Schema.Struct({
  ...agentFields,
  counts: Schema.Struct(byKind(() => VerdictCounts)).annotations({
    description: "How many rows of each kind have each verdict."
  }),
  customized: Schema.Array(
    Schema.Struct({ kind: Kind, slug: Schema.String, name: Schema.String, fields: Schema.Array(Schema.String) })
  ).annotations({ description: "Rows the person changed, with the fields in which they differ from the template's." }),
  retired: Schema.Array(
    Schema.Struct({ kind: Kind, slug: Schema.String, name: Schema.String, because: KeepReason })
  ).annotations({ description: "Rows the publisher withdrew that are still here, and why." })
}).annotations({
  identifier: "AgentOverview",
  description: "An installed agent, its template, and how its rows compare with the template's.",
  examples: [exampleOverview]
})
export type AgentOverview = typeof AgentOverview.Type

/** An agent with what is decided about its rows. */
export const overviewOf = (
  agent: InstalledAgent,
  decision: Decision,
  kinds: ReadonlyArray<KindDescription> = kindDescriptions
): AgentOverview => {
  const rows = plannedRows(decision, kinds)
  const counted = new Map(countVerdicts(rows).map(({ kind, rows, verdict }) => [`${kind} ${verdict}`, rows]))
  const count = (kind: Kind, verdict: Verdict) => counted.get(`${kind} ${verdict}`) ?? 0
  return {
    ...agent,
    counts: byKind(
      (kind) => ({
        deleted_by_owner: count(kind, "deleted_by_owner"),
        collision: count(kind, "collision"),
        retire: count(kind, "retire"),
        customized: count(kind, "customized"),
        create: count(kind, "create"),
        update: count(kind, "update"),
        unchanged: count(kind, "unchanged") + (decision.facts.leftOut?.[kind] ?? 0)
      }),
      kinds
    ),
    customized: rows
      .filter(({ verdict }) => verdict === "customized")
      .map((row) => ({ ...namedRow(row), fields: row.fields })),
    retired: keptRows(rows)
  }
}

/** Where a page of agents ends: when its last agent was made (in microseconds since 1970), and its id. */
const agentCursor = /^\d{1,18}-[^\0]{1,200}$/u
export const AgentCursor = Schema.String.pipe(Schema.pattern(agentCursor))

/** The parameters of `GET /api/agents`: the page. */
export const AgentsQuery = Schema.Struct(pageQuery("agents", agentCursor, 100))
export type AgentsQuery = typeof AgentsQuery.Type

/** How many rows the agents of a page have at most, as their ledger counts them: an overview may name each. */
const maxRows = 10_000

/** The first page of some agents, the newest first. */
export const agentsThatFit = <A>(agents: ReadonlyArray<A>, limit: number, rowsOf: (agent: A) => number) =>
  firstThatFit(agents, limit, [{ of: rowsOf, max: maxRows }])

/**
 * What `GET /api/agents` answers: the newest first; `next` is the `before` of the page that follows, if any. A page ends before
 * `limit` where its agents would have more than 10,000 rows.
 */
export const AgentList = Schema.Struct({
  agents: Schema.Array(AgentOverview),
  next: Schema.NullOr(Schema.String)
}).annotations({
  identifier: "AgentList",
  description: "A page of the person's agents, the newest first.",
  examples: [{ agents: [exampleOverview], next: null }]
})
export type AgentList = typeof AgentList.Type

const revision = Schema.optionalWith(WantedRevision, { exact: true }).annotations({
  description:
    "A published revision to pin the agent to, or newest to follow the publisher again; absent: the newest, or the one the agent is pinned to."
})

/** The body of `POST /api/agents/:id/resync`; an empty one counts as `{}`. */
export const ResyncRequest = Schema.Struct({ revision, expectedPlan, ...Wishes })
  .annotations({
    description: "Which revision to go to, and what the person wants of it.",
    examples: [{ revert: [{ kind: "entity_types", slug: "bank-account" }] }]
  })
  .pipe(
    Schema.filter(namesEachRowOnce),
    Schema.annotations({
      identifier: "ResyncRequest"
    })
  )
export type ResyncRequest = typeof ResyncRequest.Type

/** The body of `POST /api/agents/:id/mode`. */
export const ModeRequest = Schema.Struct({ mode: Mode, expectedPlan }).annotations({
  identifier: "ModeRequest",
  description: "The mode that the agent is to have, and the plan that was agreed to.",
  examples: [{ mode: "reference" }]
})
export type ModeRequest = typeof ModeRequest.Type

/** What `POST /api/agents/:id/mode` answers. */
export const ModeAnswer = Schema.Struct({
  agentId: AgentId,
  organizationId: OrganizationId,
  organizationSlug: Slug,
  mode: Mode,
  redirectTo: Schema.String
}).annotations({
  identifier: "ModeAnswer",
  description: "The agent in its mode, and where its page is.",
  examples: [
    {
      agentId: exampleIds.agentId,
      organizationId: exampleIds.organizationId,
      organizationSlug: Slug.make("ada-lovelace"),
      mode: "reference",
      redirectTo: `/ada-lovelace/agents/${exampleIds.agentId}`
    }
  ]
})
export type ModeAnswer = typeof ModeAnswer.Type

/** What `POST /api/agents/:id/resync` answers. */
export const ResyncAnswer = Schema.Struct({
  agentId: AgentId,
  organizationId: OrganizationId,
  organizationSlug: Slug,
  revision: Schema.Int.annotations({ description: "The template's revision that is applied now." }),
  pinned: Schema.Boolean,
  mirrored: KindCounts.annotations({ description: "How many of the template's rows the organization has now." }),
  redirectTo: Schema.String
}).annotations({
  identifier: "ResyncAnswer",
  description: "The agent as the resync left it.",
  examples: [
    {
      agentId: exampleIds.agentId,
      organizationId: exampleIds.organizationId,
      organizationSlug: Slug.make("ada-lovelace"),
      revision: 2,
      pinned: false,
      mirrored: { entity_types: 43, entity_relationship_types: 42, watchers: 2, event_classifiers: 2 },
      redirectTo: `/ada-lovelace/agents/${exampleIds.agentId}`
    }
  ]
})
export type ResyncAnswer = typeof ResyncAnswer.Type

/** The parameters of `GET /api/agents/:id/plan`, where a number is a text. */
export const ResyncPlanQuery = Schema.Struct({
  revision: Schema.optionalWith(
    Schema.Union(
      Schema.Literal("newest"),
      Schema.compose(Schema.NumberFromString, Schema.Int.pipe(Schema.between(1, latestRevision)))
    ).annotations({
      message: () => ({ message: "Expected a revision's number, or newest", override: true }),
      jsonSchema: { oneOf: [{ type: "integer", minimum: 1, maximum: latestRevision }, { const: "newest" }] }
    }),
    { exact: true }
  ).annotations({
    description: "The revision to plan for: a number, or newest. Absent: the one a resync would go to."
  }),
  ...planFilter
})
export type ResyncPlanQuery = typeof ResyncPlanQuery.Type

/** The parameters of `DELETE /api/agents/:id`. */
export const UninstallQuery = Schema.Struct({ expectedPlan })
export type UninstallQuery = typeof UninstallQuery.Type
