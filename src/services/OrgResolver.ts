import { Context, type Effect } from "effect"
import type { NoPersonalOrg, UnknownTemplateSlug } from "../domain/Errors.ts"
import type { AgentId, OrganizationId, Slug, UserId } from "../domain/Ids.ts"

/** An organization as its URL and its rows name it. */
export interface Organization {
  readonly id: OrganizationId
  readonly slug: Slug
}

/** Which organization is this user's own? Which template does this slug name? */
export class OrgResolver extends Context.Tag("agent-install/OrgResolver")<
  OrgResolver,
  {
    /** The private organization made for the user, provided they are its owner. */
    readonly personalOrg: (userId: UserId) => Effect.Effect<Organization, NoPersonalOrg>
    /** The published template of that slug; one in a private organization counts as unknown. */
    readonly template: (slug: string) => Effect.Effect<AgentId, UnknownTemplateSlug>
  }
>() {}
