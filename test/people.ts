import { SqlClient } from "@effect/sql"
import { Effect } from "effect"
import { OrganizationId, UserId } from "../src/domain/Ids.ts"

/** Somebody with an account and an organization of their own in Postgres, for tests that go below the services that make both. */
export const ownerNamed = (name: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [userId, organizationId] = [UserId.make(name), OrganizationId.make(`org_${name}`)]
    yield* sql`INSERT INTO "user" (id, name, email, "emailVerified") VALUES (${userId}, 'Ada', ${`${name}@example.org`}, false)`
    yield* sql`INSERT INTO organization (id, name, slug) VALUES (${organizationId}, 'Ada', ${name})`
    yield* sql`INSERT INTO member (organization_id, user_id, role) VALUES (${organizationId}, ${userId}, 'owner')`
    return { userId, organizationId }
  })
