import { Context, type Effect } from "effect"
import type { Offer, OfferPage, OfferStatus, OffersQuery } from "../../domain/catalog/Offer.ts"
import type { UnknownTemplateSlug } from "../../domain/Errors.ts"
import type { AgentId, OrganizationId } from "../../domain/Ids.ts"

/** What people can choose from. */
export class TemplateOffers extends Context.Tag("agent-install/TemplateOffers")<
  TemplateOffers,
  {
    /**
     * The published templates of public organizations that have all the words in slug, name, description or publisher's name,
     * page by page, by slug.
     */
    readonly search: (query: OffersQuery) => Effect.Effect<OfferPage>
    /** What an install of one brings; one in a private organization counts as unknown. */
    readonly find: (slug: string) => Effect.Effect<Offer, UnknownTemplateSlug>
    /** Whether a template's bot has a phone, and the agent that is installed from it in an organization. */
    readonly statusIn: (organizationId: OrganizationId, templateAgentId: AgentId) => Effect.Effect<OfferStatus>
  }
>() {}
