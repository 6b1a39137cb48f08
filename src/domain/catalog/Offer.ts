import { Schema } from "effect"
import { AgentId, Slug } from "../Ids.ts"
import { BoundedText } from "../Text.ts"
import { Kind } from "./Kind.ts"

const Publisher = Schema.Struct({ slug: Slug, name: Schema.String })

const head = { slug: Slug, name: Schema.String, description: Schema.String, publisher: Publisher }

/** A template that anybody may install, as a list shows it. */
export const OfferedTemplate = Schema.Struct({ ...head, definitions: Schema.Int })
export type OfferedTemplate = typeof OfferedTemplate.Type

/** The templates of a page by slug; `next` is the `after` of the page that follows, if any. */
export interface OfferPage {
  readonly templates: ReadonlyArray<OfferedTemplate>
  readonly next: string | null
}

/** How many templates a page of the list has. */
const pageOfOffers = 20

/** Which templates are wanted: those that have all the words, after the last of the page before. */
export const OffersQuery = Schema.Struct({
  q: Schema.optionalWith(BoundedText(0, 200), { default: () => "" }),
  after: Schema.optionalWith(BoundedText(0, 200), { default: () => "" })
})
export type OffersQuery = typeof OffersQuery.Type

/** The words that are searched for, in the form they are compared in. */
export const wordsOf = (q: string): ReadonlyArray<string> =>
  q
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")

/** A page of what was found, of which there may be one more than the page holds. */
export const offerPage = (found: ReadonlyArray<OfferedTemplate>): OfferPage => ({
  templates: found.slice(0, pageOfOffers),
  next: found.length > pageOfOffers ? (found[pageOfOffers - 1]?.slug ?? null) : null
})

/** How many to look for, so that it is known whether a page follows. */
export const offersToFind = pageOfOffers + 1

/** A row that an install brings; `schedule` is the cron expression of one that runs. */
export const OfferedRow = Schema.Struct({
  kind: Kind,
  slug: Schema.String,
  name: Schema.String,
  description: Schema.String,
  schedule: Schema.NullOr(Schema.String)
})
export type OfferedRow = typeof OfferedRow.Type

/** What a template is to an organization: the agent installed from it there, if any, and whether its bot has a phone. */
export const OfferStatus = Schema.Struct({ agentId: Schema.NullOr(AgentId), hasBotPhone: Schema.Boolean })
export type OfferStatus = typeof OfferStatus.Type

/** All that a person is told of a template before they install it. */
export const Offer = Schema.Struct({
  ...head,
  templateAgentId: AgentId,
  revision: Schema.Int,
  hasBotPhone: Schema.Boolean,
  rows: Schema.Array(OfferedRow)
})
export type Offer = typeof Offer.Type
