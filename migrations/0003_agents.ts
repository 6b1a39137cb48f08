import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * Agents: templates (with a slug), installed copies (with the template they came from) and hand-made ones.
 *
 * `revision` is the newest published one of a template and the applied one of an installed agent. `template_name` and
 * `template_description` are what the template gave an installed agent last: where they no longer equal `name` and
 * `description`, the person chose their own.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE agents (
      id text PRIMARY KEY DEFAULT 'agent_' || replace(gen_random_uuid()::text, '-', ''),
      organization_id text NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
      slug text CHECK (slug <> ''),
      name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
      description text NOT NULL DEFAULT '',
      owner_user_id text REFERENCES "user" (id) ON DELETE SET NULL,
      template_agent_id text REFERENCES agents (id),
      bot_phone text CHECK (bot_phone ~ '^\\+[1-9][0-9]{4,14}$'),
      revision integer CHECK (revision > 0),
      template_name text,
      template_description text,
      extensions jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(extensions) = 'object'),
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (organization_id, id),
      CONSTRAINT agents_template_or_installed CHECK (slug IS NULL OR template_agent_id IS NULL),
      CONSTRAINT agents_not_own_template CHECK (template_agent_id <> id)
    )
  `
  yield* sql`CREATE UNIQUE INDEX agents_slug ON agents (slug) WHERE slug IS NOT NULL`
  yield* sql`
    CREATE UNIQUE INDEX agents_one_install ON agents (organization_id, template_agent_id)
    WHERE template_agent_id IS NOT NULL
  `
  yield* sql`CREATE INDEX agents_template ON agents (template_agent_id, organization_id) WHERE template_agent_id IS NOT NULL`
  yield* sql`CREATE INDEX agents_owner ON agents (owner_user_id) WHERE owner_user_id IS NOT NULL`
})
