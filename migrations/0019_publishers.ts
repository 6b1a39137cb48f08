import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * Who publishes: keys of organizations, as better-auth's plugin keeps them, and invitations to an organization. And the slugs of
 * the publishers' pages are reserved: an organization that has one is given another.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE apikey (
      id text PRIMARY KEY,
      "configId" text NOT NULL,
      name text,
      start text,
      "referenceId" text NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
      prefix text,
      key text NOT NULL UNIQUE,
      "refillInterval" integer,
      "refillAmount" integer,
      "lastRefillAt" timestamptz,
      enabled boolean,
      "rateLimitEnabled" boolean,
      "rateLimitTimeWindow" integer,
      "rateLimitMax" integer,
      "requestCount" integer,
      remaining integer,
      "lastRequest" timestamptz,
      "expiresAt" timestamptz,
      "createdAt" timestamptz NOT NULL,
      "updatedAt" timestamptz NOT NULL,
      permissions text,
      metadata text
    )
  `
  yield* sql`CREATE INDEX "apikey_configId_idx" ON apikey ("configId")`
  yield* sql`CREATE INDEX "apikey_referenceId_idx" ON apikey ("referenceId")`

  yield* sql`
    CREATE TABLE invitations (
      id text PRIMARY KEY DEFAULT 'invitation_' || replace(gen_random_uuid()::text, '-', ''),
      organization_id text NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
      email text NOT NULL,
      role text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
      digest bytea NOT NULL UNIQUE,
      created_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz NOT NULL,
      UNIQUE (organization_id, email)
    )
  `
  yield* sql`CREATE INDEX invitations_expired ON invitations (expires_at, id)`

  yield* sql`
    UPDATE organization SET slug = slug || '-' || left(md5(id), 12) WHERE slug IN ('publish', 'publishers', 'schemas')
  `
  yield* sql`ALTER TABLE organization DROP CONSTRAINT organization_slug_not_reserved`
  yield* sql`
    ALTER TABLE organization ADD CONSTRAINT organization_slug_not_reserved CHECK (slug <> ALL (ARRAY[
      'about', 'account', 'admin', 'agent', 'agents', 'api', 'app', 'assets', 'auth', 'billing', 'blog', 'dashboard',
      'docs', 'favicon', 'health', 'help', 'home', 'install', 'invite', 'legal', 'login', 'logout', 'me', 'metrics',
      'new', 'null', 'openapi', 'org', 'organization', 'organizations', 'orgs', 'pricing', 'privacy', 'public',
      'publish', 'publishers', 'robots', 'root', 'schemas', 'search', 'security', 'settings', 'sign-in', 'sign-out',
      'sign-up', 'signin', 'signout', 'signup', 'static', 'status', 'support', 'system', 'template', 'templates',
      'terms', 'undefined', 'user', 'users', 'well-known', 'www'
    ]))
  `
})
