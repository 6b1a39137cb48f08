import { Context, type Effect } from "effect"
import type { KindCounts } from "../../domain/catalog/Kind.ts"
import type { Mode } from "../../domain/catalog/Mode.ts"
import type {
  AgentNotFound,
  Collision,
  ModeNotOffered,
  NoSuchRevision,
  NoSuchRow,
  NotOrgAdmin,
  PlanStale,
  RevisionBroken,
  SchemaCollision,
  SelfInstall,
  TemplateDeprecated,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic
} from "../../domain/Errors.ts"
import type { AgentId, OrganizationId, UserId } from "../../domain/Ids.ts"
import type { Impact } from "../../domain/installation/Impact.ts"
import type {
  Plan,
  Uninstalled,
  UninstallPlan,
  VerdictCount,
  WantedRevision,
  Wishes
} from "../../domain/installation/Plan.ts"
import type { Outcome } from "../../domain/rollout/Rollout.ts"

/** Which template to put into which organization, and on whose behalf. */
export interface MirrorRequest {
  readonly userId: UserId
  readonly organizationId: OrganizationId
  readonly templateAgentId: AgentId
}

/** An install, as the person wants it. */
export interface ApplyRequest extends MirrorRequest, Wishes {
  /** The hash of the plan the person agreed to; absent means whatever there is to do. */
  readonly expectedPlan?: string | undefined
  /** The agent's name, as the person chooses it; absent: the template's name, or the one the agent has. */
  readonly name?: string | undefined
  /** How it is to be installed where it is not yet; absent leaves that to the template. */
  readonly mode?: Mode | undefined
}

/** An agent that is installed, and the revision to judge it by: absent means the newest, or the one it is pinned to. */
export interface ResyncPlanRequest extends MirrorRequest {
  readonly agentId: AgentId
  readonly revision?: WantedRevision | undefined
}

/** A resync of an agent that is installed. A revision pins it there; `newest` ends that. */
export interface ResyncRequest extends ApplyRequest, ResyncPlanRequest {}

/** A request for a plan: of an install, or of the resync of an agent. */
export interface AnyPlanRequest extends MirrorRequest, Partial<Pick<ResyncPlanRequest, "agentId" | "revision">> {}

/** An install, or the resync of an agent. */
export interface AnyApplyRequest extends ApplyRequest, AnyPlanRequest {}

/** An agent to uninstall. */
export interface UninstallRequest extends MirrorRequest {
  readonly agentId: AgentId
  readonly expectedPlan?: string | undefined
}

/** An agent whose mode is to be another, and the hash of the plan at its own revision that the person agreed to. */
export interface ModeRequest extends MirrorRequest {
  readonly agentId: AgentId
  readonly mode: Mode
  readonly expectedPlan?: string | undefined
}

/** Installations to bring to a revision, whoever they are of. */
export interface RollOutRequest {
  readonly templateAgentId: AgentId
  readonly revision: number
  readonly organizationIds: ReadonlyArray<OrganizationId>
}

/** What became of one of them, and, where it collided, which of the template's rows were in the way of what. */
export interface RolledOut {
  readonly organizationId: OrganizationId
  readonly outcome: Exclude<Outcome, "failed">
  readonly collisions: ReadonlyArray<Collision>
}

/** The installed agent, and how many of the template's rows the organization has afterwards. */
export interface Applied {
  readonly agentId: AgentId
  readonly created: boolean
  readonly revision: number
  /** Whether the agent stays at this revision until a resync says otherwise. */
  readonly pinned: boolean
  readonly mirrored: KindCounts
  /** What the rows were judged to be before anything was done with them. */
  readonly verdicts: ReadonlyArray<VerdictCount>
}

/** Why this caller may not install a template into this organization, in the order in which this is checked. */
export type MirrorRefusal =
  | TemplateNotFound
  | TemplateIsInstalled
  | SelfInstall
  | TemplateNotPublic
  | NotOrgAdmin
  | RevisionBroken

/** Why an install is refused: nothing is written then. */
export type ApplyRefusal = MirrorRefusal | NoSuchRow | SchemaCollision | PlanStale

/** Why an install or a resync is not done. */
export type AnyApplyRefusal = AgentNotFound | NoSuchRevision | TemplateDeprecated | ModeNotOffered | ApplyRefusal

/** Installs a template into an organization, keeps it up to date there, and uninstalls it. */
export class TemplateMirror extends Context.Tag("agent-install/TemplateMirror")<
  TemplateMirror,
  {
    /**
     * Installs the template's newest revision that is not broken, or brings an installed one up to it (or to the one it is pinned to): the
     * agent and every row are written together or not at all, in a fixed number of statements. Rows the person authored, changed
     * or deleted stay as they are, except for those named in `adopt`, `revert` and `restore`. Concurrent calls for one organization
     * and template all answer with the same agent. To interrupt a call may come too late: it is made then all the same, as a whole.
     */
    readonly apply: (
      request: ApplyRequest
    ) => Effect.Effect<Applied, ApplyRefusal | TemplateDeprecated | ModeNotOffered>
    /** As `apply`, for an agent that is there, and to any published revision. */
    readonly resync: (request: ResyncRequest) => Effect.Effect<Applied, AgentNotFound | NoSuchRevision | ApplyRefusal>
    /**
     * Says what `apply` would do with each row of the revision, and with those that are withdrawn; changes nothing. An
     * `apply` that expects the plan's hash does exactly that, or fails.
     */
    readonly plan: (request: MirrorRequest) => Effect.Effect<Plan, MirrorRefusal | TemplateDeprecated>
    /** As `plan`, for `resync`. */
    readonly planResync: (
      request: ResyncPlanRequest
    ) => Effect.Effect<Plan, AgentNotFound | NoSuchRevision | MirrorRefusal>
    /**
     * As `resync` of each organization by its own owner, on the publisher's behalf: those that are pinned, and those whose owners
     * update by hand, are left out; one that collides is left as it was. All that is written lands together.
     */
    readonly rollOut: (request: RollOutRequest) => Effect.Effect<ReadonlyArray<RolledOut>>
    /**
     * Removes the agent with its mirrored rows, all or nothing. Rows that are customized, adopted or in use stay, with their tags and
     * their entries in the ledger, and become visible if they were hidden. Rows that a sibling has too pass on to it. An adopted row
     * that was withdrawn becomes the person's own again, and copies they deleted lose their tags.
     */
    readonly uninstall: (
      request: UninstallRequest
    ) => Effect.Effect<Uninstalled, AgentNotFound | NotOrgAdmin | PlanStale>
    /**
     * Installs an agent by reference from now on, or by copy. Nothing that is seen changes: what the person changed or deleted stays as
     * it is, and every id that something refers to.
     */
    readonly changeMode: (
      request: ModeRequest
    ) => Effect.Effect<void, AgentNotFound | NotOrgAdmin | ModeNotOffered | PlanStale>
    /** Says what `uninstall` would do; changes nothing. */
    readonly planUninstall: (request: UninstallRequest) => Effect.Effect<UninstallPlan, AgentNotFound | NotOrgAdmin>
    /**
     * Says what a revision of a template, compared to an earlier one (0: to nothing), would do to all installations. Reads them in
     * batches.
     */
    readonly impact: (templateAgentId: AgentId, revision: number, since: number) => Effect.Effect<Impact>
  }
>() {}
