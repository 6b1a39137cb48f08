import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * What senders said no to, and an end for claims that nobody answers. A refusal is kept of an identifier and the entity it was
 * not to be linked to, until the same sender says yes to it: a claim that is only typed is not asked about again. Every link
 * expires; a typed one thirty days after it was last typed.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE identity_refusals (
      organization_id text NOT NULL,
      entity_id bigint NOT NULL,
      namespace text NOT NULL REFERENCES identity_namespaces (namespace),
      identifier text NOT NULL,
      refused_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (entity_id, namespace, identifier),
      FOREIGN KEY (entity_id, organization_id) REFERENCES entities (id, organization_id) ON DELETE CASCADE
    )
  `

  yield* sql`
    UPDATE identity_links
    SET expires_at = CASE WHEN closed_at IS NULL THEN now() ELSE created_at END + interval '30 days'
    WHERE expires_at IS NULL
  `
  // The default is for a release that does not know of it yet, while the two run beside each other.
  yield* sql`
    ALTER TABLE identity_links
      ALTER COLUMN expires_at SET DEFAULT now() + interval '30 days',
      ALTER COLUMN expires_at SET NOT NULL,
      DROP CONSTRAINT identity_links_code_expires,
      ADD CONSTRAINT identity_links_code_expires
        CHECK (origin <> 'code' OR expires_at <= created_at + interval '1 day')
  `
})
