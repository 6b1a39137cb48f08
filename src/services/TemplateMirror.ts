import { Context, type Effect } from "effect"
import type {
  NotOrgAdmin,
  SchemaCollision,
  SelfInstall,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic
} from "../domain/Errors.ts"
import type { AgentId, OrganizationId, UserId } from "../domain/Ids.ts"
import type { KindCounts } from "../domain/Kind.ts"

/** Which template to put into which organization, and on whose behalf. */
export interface ApplyRequest {
  readonly userId: UserId
  readonly organizationId: OrganizationId
  readonly templateAgentId: AgentId
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

/** Puts a template into an organization. */
export class TemplateMirror extends Context.Tag("agent-install/TemplateMirror")<
  TemplateMirror,
  {
    /**
     * Installs the template's newest revision, or brings an installed one up to it: the agent and every row land
     * together or not at all, in a fixed number of statements. Rows the person authored, changed or deleted are left
     * as they are. Called at once for one (organization, template), every call answers with the same agent.
     */
    readonly apply: (
      request: ApplyRequest
    ) => Effect.Effect<
      Applied,
      TemplateNotFound | TemplateIsInstalled | SelfInstall | TemplateNotPublic | NotOrgAdmin | SchemaCollision
    >
  }
>() {}
