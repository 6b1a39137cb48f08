import { Schema } from "effect"
import { Deprecation } from "../catalog/Deprecation.ts"
import { Kind } from "../catalog/Kind.ts"
import { Mode, Modes } from "../catalog/Mode.ts"
import { AgentId, OrganizationId } from "../Ids.ts"
import { Updates } from "./Agent.ts"

/*
 * What is known before anything is decided: gathered from the tables by SQL, or from the memory store. An absent field means that there
 * is no such thing.
 */

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/** A definition's fields, references as ids of source rows. */
const Content = Schema.Record({ key: Schema.String, value: Schema.Unknown })

/** What is known of one row: what the revision says, what the ledger remembers, and what the organization has. */
export const RowFacts = Schema.Struct({
  kind: Kind,
  /** The publisher's row. */
  sourceId: Schema.Int,
  /** What the revision says; absent where the publisher withdrew the row. */
  wanted: optional(
    Schema.Struct({
      slug: Schema.String,
      name: Schema.String,
      hash: Schema.String,
      schedule: optional(Schema.String),
      /** The row's number in its template, by which it can be referred to. */
      ordinal: optional(Schema.Int)
    })
  ),
  /** What the ledger remembers: this template's entry, or else that of the sibling below. */
  entry: optional(
    Schema.Struct({
      own: Schema.Boolean,
      copyId: Schema.Int,
      slug: Schema.String,
      appliedHash: Schema.String,
      adopted: Schema.Boolean,
      /**
       * Of a row that an installation refers to: nothing is remembered of it, and the copy is what the revision says that was applied
       * last. Whether it has an anchor.
       */
      referred: optional(Schema.Literal("anchored", "bare"))
    })
  ),
  /** Another template of the publisher that has the row here: of several the one whose agent was installed first, if any is. */
  sibling: optional(Schema.Struct({ templateAgentId: AgentId, agentId: optional(AgentId) })),
  /** The copy that the entry names; absent where it was erased. */
  copy: optional(
    Schema.Struct({
      slug: Schema.String,
      name: Schema.String,
      hash: Schema.String,
      deleted: Schema.Boolean,
      retired: Schema.Boolean,
      managedBy: optional(AgentId),
      agentId: optional(AgentId),
      schedule: optional(Schema.String),
      /**
       * Of a copy that would be as it was applied, did it refer in these columns to these source rows, of which the copies are gone: it
       * lost those references with them. A row that is only referred to shows none there.
       */
      lost: optional(Schema.Record({ key: Schema.String, value: Schema.String }))
    })
  ),
  /** Another row of the organization that has the wanted slug; `owner` is the slug of the organization it came from. */
  holder: optional(
    Schema.Struct({
      id: Schema.Int,
      owner: Schema.String,
      authored: Schema.Boolean,
      schedule: optional(Schema.String)
    })
  ),
  /** Of a withdrawn row: whether rows that no template brings, as entities of the type, refer to the copy. */
  used: optional(Schema.Boolean),
  /** Of a withdrawn row: the definitions in the organization that refer to the copy. */
  referredBy: optional(Schema.Array(Schema.Struct({ kind: Kind, id: Schema.Int }))),
  /** Where contents are asked for and differ: what the revision says and what the copy says. */
  contents: optional(Schema.Struct({ wanted: Content, copy: Content }))
})
export type RowFacts = typeof RowFacts.Type

/** A template at a revision in an organization. Without a revision all its rows count as withdrawn: it is uninstalled. */
export interface Installation {
  readonly organizationId: OrganizationId
  readonly organizationSlug: string
  readonly templateAgentId: AgentId
  readonly revision: number | null
}

/** What is known of an installation: every row of the revision, and every other one that the ledger remembers for the template. */
export interface InstallationFacts extends Installation {
  /** Of one that is installed by reference: the first of its block of ids. */
  readonly firstId?: number | undefined
  readonly rows: ReadonlyArray<RowFacts>
  /** How many rows were left out, by kind: they are as they were applied, and nothing is done to them. */
  readonly leftOut?: Readonly<Partial<Record<Kind, number>>>
}

/** An installed agent as it is. */
const AgentFacts = Schema.Struct({
  id: AgentId,
  name: Schema.String,
  description: Schema.String,
  /** What the template gave it last: where that is not what it has, the person chose their own. */
  templateName: Schema.NullOr(Schema.String),
  templateDescription: Schema.NullOr(Schema.String),
  revision: Schema.NullOr(Schema.Int),
  pinned: Schema.Boolean,
  mode: Mode
})

/** What is known of organizations that a roll-out comes to: of all of which it is the same. */
export const TargetFacts = Schema.Struct({
  organizationIds: Schema.Array(OrganizationId),
  organizationSlugs: Schema.Array(Schema.String),
  /** The agent of each; none where they have none. */
  agentIds: Schema.Array(AgentId),
  /** How their agents are; the id is that of one of them. */
  agent: Schema.NullOr(Schema.extend(AgentFacts, Schema.Struct({ updates: Updates }))),
  /** The revision of the last entry of the history; null where there is none, and after an uninstall. */
  lastRevision: Schema.NullOr(Schema.Int)
})
export type TargetFacts = typeof TargetFacts.Type

/** What is known of a template, of who asks for it, and of the agent that is installed from it. */
export const RequestFacts = Schema.Struct({
  /** The slug of the organization it is asked for; null where there is none. */
  organizationSlug: Schema.NullOr(Schema.String),
  /** Whether the caller is an owner or administrator of that organization. */
  administers: Schema.Boolean,
  template: Schema.NullOr(
    Schema.Struct({
      organizationId: OrganizationId,
      /** Whether that organization is public, and whether the caller belongs to it. */
      isPublic: Schema.Boolean,
      isMember: Schema.Boolean,
      /** Whether it is an installed agent itself. */
      isInstalled: Schema.Boolean,
      /** Whether it has a slug to be found by. */
      isNamed: Schema.Boolean,
      modes: Modes,
      newest: Schema.NullOr(Schema.Int),
      /** The newest revision that is not marked as broken. */
      offered: Schema.NullOr(Schema.Int),
      deprecated: Schema.NullOr(Deprecation)
    })
  ),
  agent: Schema.NullOr(AgentFacts),
  /** The newest revision, the one that is offered, the agent's and the one asked for, as far as they exist; with why one is broken. */
  revisions: Schema.Array(
    Schema.Struct({
      revision: Schema.Int,
      name: Schema.String,
      description: Schema.String,
      broken: Schema.NullOr(Schema.String)
    })
  ),
  /** The revision of the last entry of the history; null where there is none, and after an uninstall. */
  lastRevision: Schema.NullOr(Schema.Int)
})
export type RequestFacts = typeof RequestFacts.Type
