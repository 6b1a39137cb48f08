import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * Publishers and people don't take each other's slugs: each kind of organization has an index of its own in place of the one
 * over both. What is a person's own is what `organization_personal_for_user` says.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`ALTER TABLE organization DROP CONSTRAINT organization_slug_key`
  yield* sql`
    CREATE UNIQUE INDEX organization_personal_slug ON organization (slug)
    WHERE visibility = 'private' AND metadata ->> 'personal_org_for_user_id' IS NOT NULL
  `
  yield* sql`
    CREATE UNIQUE INDEX organization_publisher_slug ON organization (slug)
    WHERE NOT (visibility = 'private' AND metadata ->> 'personal_org_for_user_id' IS NOT NULL)
  `
})
