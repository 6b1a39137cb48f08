import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/** The four tables better-auth keeps, as its own schema generator writes them; `test/layers/Database.test.ts` fails when it would add to them. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE "user" (
      id text PRIMARY KEY,
      name text NOT NULL,
      email text NOT NULL UNIQUE,
      "emailVerified" boolean NOT NULL,
      image text,
      "createdAt" timestamptz NOT NULL DEFAULT current_timestamp,
      "updatedAt" timestamptz NOT NULL DEFAULT current_timestamp
    )
  `
  yield* sql`
    CREATE TABLE session (
      id text PRIMARY KEY,
      "expiresAt" timestamptz NOT NULL,
      token text NOT NULL UNIQUE,
      "createdAt" timestamptz NOT NULL DEFAULT current_timestamp,
      "updatedAt" timestamptz NOT NULL,
      "ipAddress" text,
      "userAgent" text,
      "userId" text NOT NULL REFERENCES "user" (id) ON DELETE CASCADE
    )
  `
  yield* sql`
    CREATE TABLE account (
      id text PRIMARY KEY,
      "accountId" text NOT NULL,
      "providerId" text NOT NULL,
      "userId" text NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
      "accessToken" text,
      "refreshToken" text,
      "idToken" text,
      "accessTokenExpiresAt" timestamptz,
      "refreshTokenExpiresAt" timestamptz,
      scope text,
      password text,
      "createdAt" timestamptz NOT NULL DEFAULT current_timestamp,
      "updatedAt" timestamptz NOT NULL
    )
  `
  yield* sql`
    CREATE TABLE verification (
      id text PRIMARY KEY,
      identifier text NOT NULL,
      value text NOT NULL,
      "expiresAt" timestamptz NOT NULL,
      "createdAt" timestamptz NOT NULL DEFAULT current_timestamp,
      "updatedAt" timestamptz NOT NULL
    )
  `
  yield* sql`CREATE INDEX "session_userId_idx" ON session ("userId")`
  yield* sql`CREATE INDEX "account_userId_idx" ON account ("userId")`
  yield* sql`CREATE INDEX verification_identifier_idx ON verification (identifier)`
})
