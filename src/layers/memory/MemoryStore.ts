import { Context, type DateTime, Effect, Either, FiberRef, GlobalValue, Layer, Record } from "effect"
import type { Mail } from "../../domain/account/Mail.ts"
import { contentText, objectText } from "../../domain/catalog/Content.ts"
import type { Deprecation } from "../../domain/catalog/Deprecation.ts"
import type { Kind } from "../../domain/catalog/Kind.ts"
import type { Mode, Modes } from "../../domain/catalog/Mode.ts"
import type { EventContent } from "../../domain/events/Event.ts"
import type { AgentId, OrganizationId, Slug, UserId } from "../../domain/Ids.ts"
import type { Updates } from "../../domain/installation/Agent.ts"
import type { HistoryEntry, RecordedRow } from "../../domain/installation/History.ts"
import type { Outcome, RolloutStatus, Waves } from "../../domain/rollout/Rollout.ts"

/*
 * The state behind the in-memory layers: the content of the tables, as one immutable value. A change is a function from
 * state to state, so a change that fails has changed nothing.
 */

export interface UserRecord {
  readonly id: UserId
  readonly name: string
  readonly email: string
  readonly emailVerified: boolean
  /** The token of the user's one session; empty if there is none. */
  readonly session: string
  /** Absent if the account has none. */
  readonly password?: string | undefined
}

/** The id of a user's one session. */
export const sessionId = ({ id }: UserRecord): string => `session_${id}`

export interface OrganizationRecord {
  readonly id: OrganizationId
  readonly slug: Slug
  readonly name: string
  readonly visibility: "public" | "private"
  readonly personalFor?: UserId | undefined
}

/**
 * Whether an organization is a personal one. Personal organizations have slugs of their own: another organization may
 * have the same.
 */
export const isPersonal = ({ personalFor, visibility }: OrganizationRecord): boolean =>
  personalFor !== undefined && visibility === "private"

export interface MemberRecord {
  readonly organizationId: OrganizationId
  readonly userId: UserId
  readonly role: "owner" | "admin" | "member"
  /** Since when, where that is known. */
  readonly since?: DateTime.Utc | undefined
}

/** A key of an organization, stored as it is. */
export interface KeyRecord {
  readonly id: string
  readonly organizationId: OrganizationId
  readonly name: string
  readonly scopes: ReadonlyArray<"publish" | "read">
  readonly text: string
  readonly createdAt: DateTime.Utc
  readonly lastUsedAt: DateTime.Utc | null
}

/** An invitation to an organization that nobody has accepted yet. */
export interface InvitationRecord {
  readonly id: string
  readonly organizationId: OrganizationId
  readonly email: string
  readonly role: MemberRecord["role"]
  readonly token: string
  readonly expiresAt: DateTime.Utc
}

export interface AgentRecord {
  readonly id: AgentId
  readonly organizationId: OrganizationId
  readonly slug?: Slug | undefined
  readonly name: string
  readonly description: string
  readonly botPhone?: string | null | undefined
  readonly templateAgentId?: AgentId | undefined
  readonly revision?: number | undefined
  readonly pinned?: boolean | undefined
  /** Of a template: why nobody is to begin with it, and what to take instead. */
  readonly deprecated?: Deprecation | undefined
  /** Of a template: whether it was withdrawn for good. */
  readonly withdrawn?: boolean | undefined
  /** Of a template: how it may be installed. */
  readonly modes?: Modes | undefined
  /** Of an installed agent. This store copies either way: what is seen is the same. */
  readonly mode?: Mode | undefined
  readonly updates?: Updates | undefined
  readonly templateName?: string | undefined
  readonly templateDescription?: string | undefined
  /** For an installed agent: a number higher than those of all agents before it. */
  readonly made?: number | undefined
}

/** A definition of any kind; `references` holds ids by column, `due` is when a scheduled one runs next. */
export interface DefinitionRecord {
  readonly id: number
  readonly kind: Kind
  readonly organizationId: OrganizationId
  readonly slug: string
  readonly name: string
  readonly description: string
  readonly extensions: Record.ReadonlyRecord<string, unknown>
  readonly content: Record.ReadonlyRecord<string, unknown>
  readonly references: Record.ReadonlyRecord<string, number | null>
  readonly agentId?: AgentId | undefined
  readonly due?: Date | undefined
  /** When its person paused it. */
  readonly paused?: Date | undefined
  readonly managedBy?: AgentId | undefined
  readonly sourceOrganizationId?: OrganizationId | undefined
  readonly deleted: boolean
  /** Withdrawn by the publisher, and hidden because it could not be removed. */
  readonly retired?: boolean | undefined
}

/** What a template published of one row. `content` is the row's content, with source ids as references. */
export interface RevisionRowRecord {
  readonly templateAgentId: AgentId
  readonly revision: number
  readonly kind: Kind
  readonly slug: string
  readonly sourceId: number
  readonly was: ReadonlyArray<string>
  readonly content: DefinitionRecord
  readonly hash: string
}

export interface LedgerRecord {
  readonly organizationId: OrganizationId
  readonly templateAgentId: AgentId
  readonly kind: Kind
  readonly sourceId: number
  readonly copyId: number
  readonly slug: string
  readonly appliedHash: string
  /** Whether the copy was an authored row that its person let the template adopt. */
  readonly adopted: boolean
}

/** One published state of a template; its rows are `RevisionRowRecord`s. */
export interface RevisionRecord {
  readonly templateAgentId: AgentId
  readonly revision: number
  readonly hash: string
  readonly name: string
  readonly description: string
  readonly extensions: Record.ReadonlyRecord<string, unknown>
  readonly notes: string
  /** Why it is broken, where it is marked so. */
  readonly broken?: string | undefined
  readonly publishedAt: DateTime.Utc
}

/** A roll-out, and what became of each organization, in the order in which it comes to them. */
export interface RolloutRecord
  extends Pick<
    RolloutStatus,
    "rolloutId" | "revision" | "state" | "because" | "wave" | "advance" | "stopAbove" | "startedAt" | "endedAt"
  > {
  readonly templateAgentId: AgentId
  readonly waves: Waves
  readonly sizes: ReadonlyArray<number>
  readonly attempt: number
  readonly targets: ReadonlyArray<{
    readonly organizationId: OrganizationId
    readonly wave: number
    readonly outcome: Outcome | null
    readonly reason: string | null
  }>
}

/** An event; its place is its number. */
export type EventRecord = EventContent & { readonly at: DateTime.Utc; readonly organizationId: OrganizationId }

/** What an install, a resync or an uninstall did. */
export interface HistoryRecord {
  readonly id: number
  readonly organizationId: OrganizationId
  readonly templateAgentId: AgentId
  /** Nobody, where the publisher did it. */
  readonly userId: UserId | null
  readonly action: HistoryEntry["action"]
  readonly revision: number | null
  readonly at: DateTime.Utc
  readonly rows: ReadonlyArray<RecordedRow>
}

/** `user` is the person whose `$member` entity has the identifier. */
export interface IdentityRecord {
  readonly organizationId: OrganizationId
  readonly user: UserId
  readonly namespace: string
  readonly identifier: string
  readonly state: "claimed" | "verified" | "displaced"
  /** For identifiers of senders: the row's id, its link, and the form in which a gateway sent it. */
  readonly id?: number | undefined
  readonly link?: string | undefined
  readonly address?: string | undefined
}

/**
 * A link, open until both the person and the sender have agreed. Times are milliseconds of the clock; `sender` is every
 * identifier by which the sender was ever known here, even after the identities have ended.
 */
export interface LinkRecord {
  readonly sender: ReadonlyArray<{ readonly namespace: string; readonly identifier: string }>
  readonly id: string
  readonly organizationId: OrganizationId
  readonly user: UserId
  readonly platform: string
  readonly origin: "typed" | "code"
  readonly senderAgreed: boolean
  readonly personAgreed: boolean
  readonly expiresAt: number
  readonly open: boolean
}

/** A sender's no: the identifier, and the person it was not to be linked to. */
export interface RefusalRecord {
  readonly organizationId: OrganizationId
  readonly user: UserId
  readonly namespace: string
  readonly identifier: string
}

/** The one code of a person and template. */
export interface CodeRecord {
  readonly user: UserId
  readonly templateAgentId: AgentId
  readonly code: string
  readonly expiresAt: number
  readonly used: boolean
}

export interface MemoryState {
  readonly nextId: number
  readonly users: ReadonlyArray<UserRecord>
  readonly organizations: ReadonlyArray<OrganizationRecord>
  readonly members: ReadonlyArray<MemberRecord>
  /** Newest first. */
  readonly keys: ReadonlyArray<KeyRecord>
  readonly invitations: ReadonlyArray<InvitationRecord>
  readonly agents: ReadonlyArray<AgentRecord>
  readonly definitions: ReadonlyArray<DefinitionRecord>
  /** The ids of definitions and agents that entities, relationships or rows of other programs refer to. */
  readonly uses: ReadonlyArray<number | AgentId>
  readonly revisions: ReadonlyArray<RevisionRecord>
  readonly revisionRows: ReadonlyArray<RevisionRowRecord>
  readonly ledger: ReadonlyArray<LedgerRecord>
  readonly history: ReadonlyArray<HistoryRecord>
  readonly events: ReadonlyArray<EventRecord>
  readonly rollouts: ReadonlyArray<RolloutRecord>
  readonly identities: ReadonlyArray<IdentityRecord>
  readonly links: ReadonlyArray<LinkRecord>
  readonly refusals: ReadonlyArray<RefusalRecord>
  readonly codes: ReadonlyArray<CodeRecord>
  readonly hits: Record.ReadonlyRecord<string, ReadonlyArray<number>>
  /** The mails that were sent, oldest first. */
  readonly mails: ReadonlyArray<Mail>
}

const empty: MemoryState = {
  nextId: 1,
  users: [],
  organizations: [],
  members: [],
  keys: [],
  invitations: [],
  agents: [],
  definitions: [],
  uses: [],
  revisions: [],
  revisionRows: [],
  ledger: [],
  history: [],
  events: [],
  rollouts: [],
  identities: [],
  links: [],
  refusals: [],
  codes: [],
  hits: {},
  mails: []
}

/** The content of a definition, by field; references as `referred` writes them. */
export const contentOf = (
  { content, description, extensions, name, references, slug }: DefinitionRecord,
  referred: (id: number) => unknown
): Record.ReadonlyRecord<string, unknown> => ({
  ...content,
  ...Record.map(references, (id) => (id === null ? null : referred(id))),
  slug,
  name,
  description,
  extensions
})

/** The fields as texts, which are equal if the contents are. */
export const fieldsOf = (
  definition: DefinitionRecord,
  referred: (id: number) => unknown
): Record.ReadonlyRecord<string, string> => Record.map(contentOf(definition, referred), contentText)

/** All of a definition's fields as one text, used in place of the hash that the tables store. */
export const hashOf = (fields: ReturnType<typeof fieldsOf>): string => objectText(fields)

/** A change: its answer and the state after it, or why it fails. */
export type Change<A, E = never> = (state: MemoryState) => Either.Either<readonly [A, MemoryState], E>

const insideStep = GlobalValue.globalValue("agent-install/MemoryStore/insideStep", () => FiberRef.unsafeMake(false))

/** The state all in-memory layers share. */
export class MemoryStore extends Context.Tag("agent-install/MemoryStore")<
  MemoryStore,
  {
    /** Changes the state atomically, after any step that is in progress. */
    readonly change: <A, E>(change: Change<A, E>) => Effect.Effect<A, E>
    /** Reads the state. */
    readonly read: <A>(read: (state: MemoryState) => A) => Effect.Effect<A>
    /** Runs an effect as one step: no other change comes in between, and a failure rolls all of its changes back. */
    readonly step: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  }
>() {}

/** An empty store. */
export const MemoryStoreLive = Layer.effect(
  MemoryStore,
  Effect.gen(function* () {
    let state = empty
    const turn = yield* Effect.makeSemaphore(1)
    const inTurn = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.flatMap(FiberRef.get(insideStep), (inside) => (inside ? effect : turn.withPermits(1)(effect)))

    return MemoryStore.of({
      change: (change) =>
        inTurn(
          Effect.suspend(() =>
            Either.map(change(state), ([answer, next]) => {
              state = next
              return answer
            })
          )
        ),
      read: (read) => inTurn(Effect.sync(() => read(state))),
      step: (effect) =>
        inTurn(
          Effect.suspend(() => {
            const before = state
            return effect.pipe(
              Effect.locally(insideStep, true),
              Effect.onError(() =>
                Effect.sync(() => {
                  state = before
                })
              )
            )
          })
        )
    })
  })
)
