import { Schema } from "effect"
import { AgentId, Slug } from "../Ids.ts"
import { cutPage, limitOf, next } from "../Page.ts"
import { BoundedText } from "../Text.ts"
import { Deprecation } from "./Deprecation.ts"
import { Kind } from "./Kind.ts"
import { Modes } from "./Mode.ts"

const Publisher = Schema.Struct({ slug: Slug, name: Schema.String })

const head = {
  slug: Slug,
  name: Schema.String,
  description: Schema.String,
  publisher: Publisher,
  deprecated: Schema.NullOr(Deprecation)
}

/** A template that anybody can install, as a list shows it. */
export const OfferedTemplate = Schema.Struct({
  ...head,
  definitions: Schema.Int.annotations({ description: "How many rows an install brings." })
})
export type OfferedTemplate = typeof OfferedTemplate.Type

/** A page of templates, by slug; `next` is the `after` of the following page, if there is one. */
export const OfferPage = Schema.Struct({ templates: Schema.Array(OfferedTemplate), next }).annotations({
  identifier: "TemplateList",
  description: "A page of the templates that anybody can install, by slug.",
  examples: [
    {
      templates: [
        {
          slug: Slug.make("personal-finance"),
          name: "Personal finance",
          description: "Keeps track of money and tax",
          publisher: { slug: Slug.make("agent-install-templates"), name: "Agent Install" },
          definitions: 89,
          deprecated: null
        }
      ],
      next: null
    }
  ]
})
export type OfferPage = typeof OfferPage.Type

/** The number of templates on a page, if nothing is said of it. */
export const usualOffers = 20

/** The templates to list: those that contain all the words, after the last one of the previous page. */
export const OffersQuery = Schema.Struct({
  q: Schema.optionalWith(BoundedText(0, 200), { default: () => "" }).annotations({
    description: "Words, all of which slug, name, description or the publisher's name contain; absent: all templates."
  }),
  after: Schema.optionalWith(BoundedText(0, 200), { default: () => "" }).annotations({
    description: "The next of the page before: the templates after that."
  }),
  limit: limitOf("templates", usualOffers)
})
export type OffersQuery = typeof OffersQuery.Type

/** The words of a search, normalized for comparison. */
export const wordsOf = (q: string): ReadonlyArray<string> =>
  q
    .toLowerCase()
    .split(/\s/)
    .filter((word) => word !== "")

/** Makes a page of the templates that were found, which may be one more than fit on it. */
export const offerPage = (found: ReadonlyArray<OfferedTemplate>, { limit }: OffersQuery): OfferPage => {
  const { items, next } = cutPage(found, limit, ({ slug }) => slug)
  return { templates: items, next }
}

/** How many templates to look for: one more than fit on a page, to know whether another page follows. */
export const offersToFind = ({ limit }: OffersQuery): number => limit + 1

/** A row that an install brings; `schedule` is its cron expression, if it has one. */
export const OfferedRow = Schema.Struct({
  kind: Kind,
  slug: Schema.String,
  name: Schema.String,
  description: Schema.String,
  schedule: Schema.NullOr(Schema.String)
})
export type OfferedRow = typeof OfferedRow.Type

/** A template's state in an organization: the agent installed from it, if any, and whether its bot has a phone. */
export const OfferStatus = Schema.Struct({ agentId: Schema.NullOr(AgentId), hasBotPhone: Schema.Boolean })
export type OfferStatus = typeof OfferStatus.Type

/** Everything that a person can see of a template before they install it. */
export const Offer = Schema.Struct({
  ...head,
  templateAgentId: AgentId,
  /** What an install brings: the newest that is not broken. */
  revision: Schema.Int,
  /** Where every revision is broken: why the newest is. Then it can't be installed. */
  broken: Schema.NullOr(Schema.String),
  hasBotPhone: Schema.Boolean,
  modes: Modes,
  rows: Schema.Array(OfferedRow)
})
export type Offer = typeof Offer.Type
