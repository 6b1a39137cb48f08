import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Option, Schema } from "effect"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { Offer, OfferedTemplate, OfferStatus, offerPage, offersToFind, wordsOf } from "../../domain/catalog/Offer.ts"
import { UnknownTemplateSlug } from "../../domain/Errors.ts"
import { AgentId, OrganizationId } from "../../domain/Ids.ts"
import { isCleanText } from "../../domain/Text.ts"
import { TemplateOffers } from "../../services/catalog/TemplateOffers.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { deprecatedOf } from "./OfferedSql.ts"

const make = (kinds: ReadonlyArray<KindDescription>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const crons = kinds.flatMap(({ kind, schedule }) => (schedule === undefined ? [] : [[kind, schedule.cron]]))
    const cronOf = JSON.stringify(Object.fromEntries(crons))

    const findOffers = SqlSchema.findAll({
      Request: Schema.Struct({ words: Schema.Array(Schema.String), after: Schema.String, limit: Schema.Int }),
      Result: OfferedTemplate,
      execute: ({ after, limit, words }) => sql`
      SELECT a.slug, a.name, a.description, jsonb_build_object('slug', o.slug, 'name', o.name) AS publisher,
        (SELECT count(*)::integer FROM template_revision_rows r
          WHERE r.template_agent_id = a.id AND r.revision = COALESCE(offered_revision(a.id), a.revision)) AS definitions,
        ${sql.unsafe(deprecatedOf("a"))} AS deprecated
      FROM agents a
      JOIN organization o ON o.id = a.organization_id
      WHERE a.slug COLLATE "C" > ${after} AND a.revision IS NOT NULL AND o.visibility = 'public'
        AND NOT EXISTS (
          SELECT FROM jsonb_array_elements_text(${JSON.stringify(words)}::jsonb) word
          WHERE strpos(lower(concat_ws(' ', a.slug, a.name, a.description, o.name)), word) = 0
        )
      ORDER BY a.slug COLLATE "C"
      LIMIT ${limit}
    `
    })

    const findOffer = SqlSchema.findOne({
      Request: Schema.String,
      Result: Offer,
      execute: (slug) => sql`
      SELECT a.slug, a.name, a.description, jsonb_build_object('slug', o.slug, 'name', o.name) AS publisher,
        a.id AS template_agent_id, offered.revision, v.broken, ${sql.unsafe(deprecatedOf("a"))} AS deprecated, a.bot_phone IS NOT NULL AS has_bot_phone, a.modes,
        COALESCE((
          SELECT jsonb_agg(jsonb_build_object(
            'kind', r.kind, 'slug', r.slug, 'name', r.content ->> 'name', 'description', r.content ->> 'description',
            'schedule', r.content ->> (${cronOf}::jsonb ->> r.kind)) ORDER BY r.slug COLLATE "C")
          FROM template_revision_rows r WHERE r.template_agent_id = a.id AND r.revision = offered.revision
        ), '[]') AS rows
      FROM agents a
      JOIN organization o ON o.id = a.organization_id
      CROSS JOIN LATERAL (SELECT COALESCE(offered_revision(a.id), a.revision) AS revision) offered
      LEFT JOIN template_revisions v ON v.template_agent_id = a.id AND v.revision = offered.revision
      WHERE a.slug = ${slug} AND a.revision IS NOT NULL AND o.visibility = 'public'
    `
    })

    const findStatus = SqlSchema.findOne({
      Request: Schema.Struct({ organizationId: OrganizationId, templateAgentId: AgentId }),
      Result: OfferStatus,
      execute: ({ organizationId, templateAgentId }) => sql`
      SELECT t.bot_phone IS NOT NULL AS has_bot_phone,
        (SELECT i.id FROM agents i WHERE i.organization_id = ${organizationId} AND i.template_agent_id = t.id) AS agent_id
      FROM agents t WHERE t.id = ${templateAgentId}
    `
    })

    return TemplateOffers.of({
      statusIn: traced("TemplateOffers.statusIn")((organizationId, templateAgentId) =>
        Effect.map(
          Effect.orDie(findStatus({ organizationId, templateAgentId })),
          Option.getOrElse(() => ({ agentId: null, hasBotPhone: false }))
        )
      ),
      search: traced("TemplateOffers.search")((query) =>
        Effect.map(
          Effect.orDie(findOffers({ after: query.after, words: wordsOf(query.q), limit: offersToFind(query) })),
          (found) => offerPage(found, query)
        )
      ),
      find: traced("TemplateOffers.find")(function* (slug) {
        // Postgres can't store unclean text, so no template has such a slug, and asking would be an error.
        const found = isCleanText(slug) ? yield* Effect.orDie(findOffer(slug)) : Option.none()
        return yield* Effect.mapError(found, () => new UnknownTemplateSlug({ slug }))
      })
    })
  })

/** Offers in Postgres. */
export const TemplateOffersLive = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(TemplateOffers, make(kinds))
