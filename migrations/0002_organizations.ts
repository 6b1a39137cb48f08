import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/** Organizations and who belongs to them. The reserved slugs are those of `src/domain/Slug.ts`; a test compares the two. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE organization (
      id text PRIMARY KEY DEFAULT 'org_' || replace(gen_random_uuid()::text, '-', ''),
      name text NOT NULL,
      slug text NOT NULL UNIQUE,
      visibility text NOT NULL DEFAULT 'private' CHECK (visibility IN ('public', 'private')),
      metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
      created_at timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT organization_slug_form CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 63),
      CONSTRAINT organization_slug_not_reserved CHECK (slug <> ALL (ARRAY[
        'about', 'account', 'admin', 'agent', 'agents', 'api', 'app', 'assets', 'auth', 'billing', 'blog', 'dashboard',
        'docs', 'favicon', 'health', 'help', 'home', 'install', 'invite', 'legal', 'login', 'logout', 'me', 'metrics',
        'new', 'null', 'openapi', 'org', 'organization', 'organizations', 'orgs', 'pricing', 'privacy', 'public',
        'robots', 'root', 'search', 'security', 'settings', 'sign-in', 'sign-out', 'sign-up', 'signin', 'signout',
        'signup', 'static', 'status', 'support', 'system', 'template', 'templates', 'terms', 'undefined', 'user',
        'users', 'well-known', 'www'
      ]))
    )
  `
  yield* sql`
    CREATE UNIQUE INDEX organization_personal_for_user ON organization ((metadata ->> 'personal_org_for_user_id'))
    WHERE visibility = 'private' AND metadata ->> 'personal_org_for_user_id' IS NOT NULL
  `
  yield* sql`
    CREATE TABLE organization_slug_counter (
      base text PRIMARY KEY,
      last integer NOT NULL
    )
  `
  yield* sql`
    CREATE TABLE member (
      id text PRIMARY KEY DEFAULT 'member_' || replace(gen_random_uuid()::text, '-', ''),
      organization_id text NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
      user_id text NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
      role text NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'admin', 'member')),
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (organization_id, user_id)
    )
  `
  yield* sql`CREATE INDEX member_user ON member (user_id)`
})
