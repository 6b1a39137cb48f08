import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Schema } from "effect"
import { NoPersonalOrg, UnknownTemplateSlug } from "../../domain/Errors.ts"
import { AgentId, OrganizationId, Slug, UserId } from "../../domain/Ids.ts"
import { isCleanText } from "../../domain/Text.ts"
import { OrgResolver } from "../../services/account/OrgResolver.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { batched } from "../postgres/Batched.ts"

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const find = SqlSchema.findAll({
    Request: Schema.Struct({ userIds: Schema.Array(UserId), slugs: Schema.Array(Schema.NullOr(Schema.String)) }),
    Result: Schema.Struct({
      id: Schema.NullOr(OrganizationId),
      slug: Schema.NullOr(Slug),
      templateAgentId: Schema.NullOr(AgentId)
    }),
    // One person owns one personal organization, and one template has a name: the limits say so to the planner.
    execute: ({ slugs, userIds }) => sql`
      SELECT own.id, own.slug, template.id AS template_agent_id
      FROM unnest(${userIds}::text[], ${slugs}::text[]) WITH ORDINALITY AS asked (user_id, slug, at)
      LEFT JOIN LATERAL (
        SELECT o.id, o.slug
        FROM organization o
        JOIN member m ON m.organization_id = o.id AND m.user_id = asked.user_id AND m.role = 'owner'
        WHERE o.metadata ->> 'personal_org_for_user_id' = asked.user_id AND o.visibility = 'private'
        LIMIT 1
      ) AS own ON true
      LEFT JOIN LATERAL (
        SELECT a.id
        FROM agents a
        JOIN organization o ON o.id = a.organization_id
        WHERE a.slug = asked.slug AND a.revision IS NOT NULL AND o.visibility = 'public'
        LIMIT 1
      ) AS template ON true
      ORDER BY asked.at
    `
  })
  const findBoth = batched((asked: ReadonlyArray<{ readonly userId: UserId; readonly slug: string | null }>) =>
    Effect.orDie(find({ userIds: asked.map(({ userId }) => userId), slugs: asked.map(({ slug }) => slug) }))
  )

  return OrgResolver.of({
    personalOrg: traced("OrgResolver.personalOrg")(function* (userId) {
      const { id, slug } = yield* findBoth({ userId, slug: null })
      return id === null || slug === null ? yield* new NoPersonalOrg({ userId }) : { id, slug }
    }),
    resolve: traced("OrgResolver.resolve")(function* ({ slug, userId }) {
      if (!isCleanText(slug)) return yield* new UnknownTemplateSlug({ slug })
      const { id, slug: own, templateAgentId } = yield* findBoth({ userId, slug })
      if (templateAgentId === null) return yield* new UnknownTemplateSlug({ slug })
      if (id === null || own === null) return yield* new NoPersonalOrg({ userId })
      return { organization: { id, slug: own }, templateAgentId }
    })
  })
})

/** Organizations and templates in Postgres. */
export const OrgResolverLive = Layer.effect(OrgResolver, make)
