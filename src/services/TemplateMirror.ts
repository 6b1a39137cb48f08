import { Context, type Effect } from "effect"
import type {
  NotOrgAdmin,
  PlanStale,
  SchemaCollision,
  SelfInstall,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic
} from "../domain/Errors.ts"
import type { AgentId, OrganizationId, UserId } from "../domain/Ids.ts"
import type { KindCounts } from "../domain/Kind.ts"
import type { Plan } from "../domain/Plan.ts"

/** Which template to put into which organization, and on whose behalf. */
export interface MirrorRequest {
  readonly userId: UserId
  readonly organizationId: OrganizationId
  readonly templateAgentId: AgentId
}

/** An install, as the person wants it. */
export interface ApplyRequest extends MirrorRequest {
  /** The hash of the plan the person agreed to; absent means whatever there is to do. */
  readonly expectedPlan?: string | undefined
  /** What the person wants the agent called; absent leaves that to the template, or as it stands. */
  readonly name?: string | undefined
}

/** The installed agent, and the template's rows that stand in the organization afterwards. */
export interface Applied {
  readonly agentId: AgentId
  readonly created: boolean
  readonly revision: number
  readonly mirrored: KindCounts
}

/** Why a template is not for this caller to put into this organization, in the order in which they refuse. */
export type MirrorRefusal = TemplateNotFound | TemplateIsInstalled | SelfInstall | TemplateNotPublic | NotOrgAdmin

/** Puts a template into an organization. */
export class TemplateMirror extends Context.Tag("agent-install/TemplateMirror")<
  TemplateMirror,
  {
    /**
     * Installs the template's newest revision, or brings an installed one up to it: the agent and every row land
     * together or not at all, in a fixed number of statements. Rows the person authored, changed or deleted are left
     * as they are. Called at once for one (organization, template), every call answers with the same agent.
     */
    readonly apply: (request: ApplyRequest) => Effect.Effect<Applied, MirrorRefusal | SchemaCollision | PlanStale>
    /**
     * Says what `apply` would do with each row of the newest revision, and with those that are withdrawn; changes nothing.
     * An apply that expects the plan's hash does exactly that, or fails.
     */
    readonly plan: (request: MirrorRequest) => Effect.Effect<Plan, MirrorRefusal>
  }
>() {}
