import { Context, type Effect } from "effect"
import type { NoPersonalOrg, UnknownTemplateSlug } from "../../domain/Errors.ts"
import type { AgentId, OrganizationId, Slug, UserId } from "../../domain/Ids.ts"

/** An organization as its URL and its rows name it. */
export interface Organization {
  readonly id: OrganizationId
  readonly slug: Slug
}

/** Whose request it is, and the slug of the template they name. */
export interface ResolveRequest {
  readonly userId: UserId
  readonly slug: string
}

/** A template, and the organization of whoever asked for it. */
export interface ResolvedTemplate {
  readonly organization: Organization
  readonly templateAgentId: AgentId
}

/** Which organization is this user's own? Which template does this slug name? */
export class OrgResolver extends Context.Tag("agent-install/OrgResolver")<
  OrgResolver,
  {
    /** The private organization made for the user, provided they are its owner. */
    readonly personalOrg: (userId: UserId) => Effect.Effect<Organization, NoPersonalOrg>
    /**
     * Both at once: the user's own organization, and the published template of that slug; one in a private organization
     * counts as unknown. An unknown slug is refused first.
     */
    readonly resolve: (named: ResolveRequest) => Effect.Effect<ResolvedTemplate, UnknownTemplateSlug | NoPersonalOrg>
  }
>() {}
