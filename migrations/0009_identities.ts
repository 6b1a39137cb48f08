import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * How identifiers are claimed and proved. A link is what a person and a sender agree on, and the identifiers that go with it:
 * open until both have agreed (`closed_at`), by typing (`typed`) or by a code sent from the address (`code`). Which chat
 * platforms there are, and which namespaces name their senders, is data. No identifier of a link can be verified before both
 * have agreed.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`CREATE TABLE identity_platforms (platform text PRIMARY KEY)`
  yield* sql`INSERT INTO identity_platforms (platform) VALUES ('whatsapp')`
  yield* sql`
    CREATE TABLE identity_namespaces (
      namespace text PRIMARY KEY,
      platform text REFERENCES identity_platforms (platform)
    )
  `
  yield* sql`
    INSERT INTO identity_namespaces (namespace, platform)
    VALUES ('auth_user_id', NULL), ('email', NULL), ('phone', 'whatsapp'), ('wa_jid', 'whatsapp'), ('wa_lid', 'whatsapp'),
      ('wa_bsuid', 'whatsapp')
  `

  yield* sql`
    CREATE TABLE identity_links (
      id text PRIMARY KEY DEFAULT 'link_' || replace(gen_random_uuid()::text, '-', ''),
      organization_id text NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
      entity_id bigint NOT NULL,
      platform text NOT NULL REFERENCES identity_platforms (platform),
      origin text NOT NULL CHECK (origin IN ('typed', 'code')),
      sender_agreed_at timestamptz,
      person_agreed_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz,
      closed_at timestamptz,
      agreed boolean NOT NULL
        GENERATED ALWAYS AS (sender_agreed_at IS NOT NULL AND person_agreed_at IS NOT NULL) STORED,
      UNIQUE (id, agreed),
      FOREIGN KEY (entity_id, organization_id) REFERENCES entities (id, organization_id) ON DELETE CASCADE,
      CONSTRAINT identity_links_typed_agrees CHECK (origin <> 'typed' OR person_agreed_at IS NOT NULL),
      CONSTRAINT identity_links_code_expires CHECK (origin <> 'code' OR expires_at IS NOT NULL)
    )
  `
  yield* sql`
    CREATE UNIQUE INDEX identity_links_one_typed ON identity_links (entity_id, platform)
    WHERE origin = 'typed' AND closed_at IS NULL
  `
  yield* sql`CREATE INDEX identity_links_entity ON identity_links (entity_id)`
  yield* sql`CREATE INDEX identity_links_organization ON identity_links (organization_id)`
  yield* sql`CREATE INDEX identity_links_expiry ON identity_links (expires_at) WHERE closed_at IS NULL AND expires_at IS NOT NULL`

  yield* sql`
    ALTER TABLE entity_identities
      DROP CONSTRAINT entity_identities_namespace_check,
      DROP CONSTRAINT entity_identities_state_check,
      ADD FOREIGN KEY (namespace) REFERENCES identity_namespaces (namespace),
      ADD CONSTRAINT entity_identities_state CHECK (state IN ('claimed', 'verified', 'displaced')),
      ADD COLUMN link_id text REFERENCES identity_links (id) ON DELETE CASCADE,
      ADD COLUMN address text,
      ADD COLUMN needs_agreement boolean
        GENERATED ALWAYS AS (CASE WHEN link_id IS NOT NULL AND state <> 'claimed' THEN true END) STORED,
      ADD CONSTRAINT entity_identities_agreed FOREIGN KEY (link_id, needs_agreement) REFERENCES identity_links (id, agreed)
  `
  // One person may have typed a number and sent a code from it, so an identifier stands once a link, not once a person.
  yield* sql`DROP INDEX entity_identities_once`
  yield* sql`DROP INDEX entity_identities_one_claim`
  yield* sql`
    CREATE UNIQUE INDEX entity_identities_once ON entity_identities (namespace, identifier, entity_id)
    WHERE deleted_at IS NULL AND link_id IS NULL
  `
  yield* sql`
    CREATE UNIQUE INDEX entity_identities_link ON entity_identities (link_id, namespace, identifier)
    WHERE link_id IS NOT NULL
  `
  yield* sql`
    CREATE INDEX entity_identities_claimed ON entity_identities (namespace, identifier)
    WHERE state = 'claimed' AND deleted_at IS NULL
  `

  // What was typed before there were links.
  yield* sql`
    WITH claims AS (
      SELECT DISTINCT organization_id, entity_id FROM entity_identities
      WHERE namespace = 'phone' AND state = 'claimed' AND deleted_at IS NULL
    ),
    made AS (
      INSERT INTO identity_links (organization_id, entity_id, platform, origin, person_agreed_at)
      SELECT organization_id, entity_id, 'whatsapp', 'typed', now() FROM claims
      RETURNING id, entity_id
    )
    UPDATE entity_identities i SET link_id = made.id FROM made
    WHERE i.entity_id = made.entity_id AND i.namespace IN ('phone', 'wa_jid') AND i.state = 'claimed' AND i.deleted_at IS NULL
  `

  yield* sql`
    CREATE TABLE install_tokens (
      user_id text NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
      template_agent_id text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
      digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
      created_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz NOT NULL,
      used_at timestamptz,
      PRIMARY KEY (user_id, template_agent_id)
    )
  `
  yield* sql`CREATE INDEX install_tokens_template ON install_tokens (template_agent_id)`
  yield* sql`CREATE INDEX install_tokens_expiry ON install_tokens (expires_at)`
})
