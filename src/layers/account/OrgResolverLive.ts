import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Option, Schema } from "effect"
import { NoPersonalOrg, UnknownTemplateSlug } from "../../domain/Errors.ts"
import { AgentId, OrganizationId, Slug, UserId } from "../../domain/Ids.ts"
import { CleanText } from "../../domain/Text.ts"
import { OrgResolver } from "../../services/account/OrgResolver.ts"
import { traced } from "../../services/runtime/Traced.ts"

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const personalOrg = (userId: string) => sql`
    SELECT o.id, o.slug
    FROM organization o
    JOIN member m ON m.organization_id = o.id AND m.user_id = ${userId} AND m.role = 'owner'
    WHERE o.metadata ->> 'personal_org_for_user_id' = ${userId} AND o.visibility = 'private'
  `

  const findPersonalOrg = SqlSchema.findOne({
    Request: UserId,
    Result: Schema.Struct({ id: OrganizationId, slug: Slug }),
    execute: personalOrg
  })

  const findBoth = SqlSchema.single({
    Request: Schema.Struct({ userId: UserId, slug: Schema.String }),
    Result: Schema.Struct({
      templateAgentId: Schema.NullOr(AgentId),
      id: Schema.NullOr(OrganizationId),
      slug: Schema.NullOr(Slug)
    }),
    execute: ({ slug, userId }) => sql`
      SELECT own.id, own.slug, template.id AS template_agent_id
      FROM (SELECT) AS asked
      LEFT JOIN (${personalOrg(userId)}) AS own ON true
      LEFT JOIN (
        SELECT a.id
        FROM agents a
        JOIN organization o ON o.id = a.organization_id
        WHERE a.slug = ${slug} AND a.revision IS NOT NULL AND o.visibility = 'public'
      ) AS template ON true
    `
  })

  return OrgResolver.of({
    personalOrg: traced("OrgResolver.personalOrg")(function* (userId) {
      const found = yield* findPersonalOrg(userId).pipe(Effect.orDie)
      return yield* Option.match(found, {
        onNone: () => new NoPersonalOrg({ userId }),
        onSome: Effect.succeed
      })
    }),
    resolve: traced("OrgResolver.resolve")(function* ({ slug, userId }) {
      if (!Schema.is(CleanText)(slug)) return yield* new UnknownTemplateSlug({ slug })
      const { id, slug: own, templateAgentId } = yield* findBoth({ userId, slug }).pipe(Effect.orDie)
      if (templateAgentId === null) return yield* new UnknownTemplateSlug({ slug })
      if (id === null || own === null) return yield* new NoPersonalOrg({ userId })
      return { organization: { id, slug: own }, templateAgentId }
    })
  })
})

/** Organizations and templates in Postgres. */
export const OrgResolverLive = Layer.effect(OrgResolver, make)
