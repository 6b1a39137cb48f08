import { type SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Option, Schema } from "effect"
import { NotOrgAdmin } from "../../domain/Errors.ts"
import { OrganizationId, UserId } from "../../domain/Ids.ts"

/** Refuses whoever is neither owner nor admin of an organization. */
export const makeRequireAdmin = (sql: SqlClient.SqlClient) => {
  const administers = SqlSchema.findOne({
    Request: Schema.Struct({ organizationId: OrganizationId, userId: UserId }),
    Result: Schema.Struct({ role: Schema.String }),
    execute: ({ organizationId, userId }) => sql`
      SELECT role FROM member
      WHERE organization_id = ${organizationId} AND user_id = ${userId} AND role IN ('owner', 'admin')
    `
  })
  return (member: { readonly organizationId: OrganizationId; readonly userId: UserId }) =>
    Effect.flatMap(
      administers(member),
      Option.match({
        onNone: () => new NotOrgAdmin({ organizationId: member.organizationId }),
        onSome: () => Effect.void
      })
    )
}
