import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Option, Schema } from "effect"
import { NoPersonalOrg, UnknownTemplateSlug } from "../domain/Errors.ts"
import { AgentId, OrganizationId, Slug, UserId } from "../domain/Ids.ts"
import { CleanText } from "../domain/Text.ts"
import { OrgResolver } from "../services/OrgResolver.ts"

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const findPersonalOrg = SqlSchema.findOne({
    Request: UserId,
    Result: Schema.Struct({ id: OrganizationId, slug: Slug }),
    execute: (userId) => sql`
      SELECT o.id, o.slug
      FROM organization o
      JOIN member m ON m.organization_id = o.id AND m.user_id = ${userId} AND m.role = 'owner'
      WHERE o.metadata ->> 'personal_org_for_user_id' = ${userId} AND o.visibility = 'private'
    `
  })

  const findTemplate = SqlSchema.findOne({
    Request: Schema.String,
    Result: Schema.Struct({ id: AgentId }),
    execute: (slug) => sql`
      SELECT a.id
      FROM agents a
      JOIN organization o ON o.id = a.organization_id
      WHERE a.slug = ${slug} AND a.revision IS NOT NULL AND o.visibility = 'public'
    `
  })

  return OrgResolver.of({
    personalOrg: Effect.fn("OrgResolver.personalOrg")(function* (userId) {
      const found = yield* findPersonalOrg(userId).pipe(Effect.orDie)
      return yield* Option.match(found, {
        onNone: () => new NoPersonalOrg({ userId }),
        onSome: Effect.succeed
      })
    }),
    template: Effect.fn("OrgResolver.template")(function* (slug) {
      const found = Schema.is(CleanText)(slug) ? yield* findTemplate(slug).pipe(Effect.orDie) : Option.none()
      return yield* Option.match(found, {
        onNone: () => new UnknownTemplateSlug({ slug }),
        onSome: ({ id }) => Effect.succeed(id)
      })
    })
  })
})

/** Organizations and templates in Postgres. */
export const OrgResolverLive = Layer.effect(OrgResolver, make)
