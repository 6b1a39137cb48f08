import { Effect, Layer } from "effect"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { modesUnsaid } from "../../domain/catalog/Mode.ts"
import { type Offer, type OfferedRow, offerPage, offersToFind, wordsOf } from "../../domain/catalog/Offer.ts"
import { UnknownTemplateSlug } from "../../domain/Errors.ts"
import { TemplateOffers } from "../../services/catalog/TemplateOffers.ts"
import { type MemoryState, MemoryStore } from "../memory/MemoryStore.ts"
import { deprecatedOf, offeredRevision } from "./OfferedMemory.ts"

const offersOf = (
  { agents, organizations, revisionRows, revisions }: MemoryState,
  kinds: ReadonlyArray<KindDescription>
): ReadonlyArray<Offer> =>
  agents.flatMap((template): ReadonlyArray<Offer> => {
    const { botPhone, description, id, modes = modesUnsaid, name, organizationId, slug } = template
    const publisher = organizations.find((one) => one.id === organizationId)
    const revision = offeredRevision(revisions, template) ?? template.revision
    if (slug === undefined || revision === undefined || publisher?.visibility !== "public") return []
    const head = revisions.find((one) => one.templateAgentId === id && one.revision === revision)
    const rows = revisionRows
      .filter((row) => row.templateAgentId === id && row.revision === revision)
      .map(({ content, kind, slug }): OfferedRow => {
        const cron = kinds.find((one) => one.kind === kind)?.schedule?.cron
        return {
          kind,
          slug,
          name: content.name,
          description: content.description,
          schedule: cron === undefined ? null : String(content.content[cron])
        }
      })
      .toSorted((a, b) => (a.slug < b.slug ? -1 : 1))
    return [
      {
        slug,
        name,
        description,
        publisher: { slug: publisher.slug, name: publisher.name },
        templateAgentId: id,
        revision,
        broken: head?.broken ?? null,
        deprecated: deprecatedOf(agents, template),
        hasBotPhone: (botPhone ?? null) !== null,
        modes,
        rows
      }
    ]
  })

/** Offers in memory. */
export const TemplateOffersMemory = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(
    TemplateOffers,
    Effect.map(MemoryStore, ({ read }) =>
      TemplateOffers.of({
        statusIn: (organizationId, templateAgentId) =>
          read(({ agents }) => ({
            agentId:
              agents.find((one) => one.organizationId === organizationId && one.templateAgentId === templateAgentId)
                ?.id ?? null,
            hasBotPhone: (agents.find(({ id }) => id === templateAgentId)?.botPhone ?? null) !== null
          })),
        search: (query) =>
          read((state) =>
            offerPage(
              offersOf(state, kinds)
                .filter(({ description, name, publisher, slug }) => {
                  const text = [slug, name, description, publisher.name].join(" ").toLowerCase()
                  return slug > query.after && wordsOf(query.q).every((word) => text.includes(word))
                })
                .toSorted((a, b) => (a.slug < b.slug ? -1 : 1))
                .slice(0, offersToFind(query))
                .map(({ deprecated, description, name, publisher, rows, slug }) => ({
                  slug,
                  deprecated,
                  name,
                  description,
                  publisher,
                  definitions: rows.length
                })),
              query
            )
          ),
        find: (slug) =>
          Effect.filterOrFail(
            read((state) => offersOf(state, kinds).find((offer) => offer.slug === slug)),
            (offer) => offer !== undefined,
            () => new UnknownTemplateSlug({ slug })
          )
      })
    )
  )
