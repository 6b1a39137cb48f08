import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * What was published (a revision knows its rows, with their content at that time) and what the mirror remembers of each
 * copy it made. The ledger outlives the copy: `copy_id` has no foreign key on purpose. `row_in_use` says whether a row of any
 * program refers to a row by foreign key, `besides` the tables that go with it; a table it may not read counts as in use.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE template_revisions (
      template_agent_id text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
      revision integer NOT NULL CHECK (revision > 0),
      hash text NOT NULL,
      name text NOT NULL,
      description text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (template_agent_id, revision)
    )
  `
  yield* sql`
    CREATE TABLE template_revision_rows (
      template_agent_id text NOT NULL,
      revision integer NOT NULL,
      kind text NOT NULL,
      slug text NOT NULL CHECK (slug <> '' AND slug NOT LIKE '$%'),
      source_id bigint NOT NULL,
      was text[] NOT NULL DEFAULT '{}',
      hash text NOT NULL,
      content jsonb NOT NULL CHECK (jsonb_typeof(content) = 'object'),
      PRIMARY KEY (template_agent_id, revision, kind, slug),
      UNIQUE (template_agent_id, revision, kind, source_id),
      FOREIGN KEY (template_agent_id, revision) REFERENCES template_revisions ON DELETE CASCADE
    )
  `
  yield* sql`CREATE INDEX template_revision_rows_source ON template_revision_rows (kind, source_id)`
  yield* sql`
    CREATE TABLE mirror_ledger (
      organization_id text NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
      template_agent_id text NOT NULL REFERENCES agents (id),
      kind text NOT NULL,
      source_id bigint NOT NULL,
      copy_id bigint NOT NULL,
      slug text NOT NULL,
      applied_hash text NOT NULL,
      PRIMARY KEY (template_agent_id, organization_id, kind, source_id)
    )
  `
  yield* sql`
    CREATE FUNCTION row_in_use(kind regclass, row_id bigint, besides regclass[]) RETURNS boolean
    LANGUAGE plpgsql STABLE AS $$
    DECLARE
      tie record;
      used boolean;
    BEGIN
      FOR tie IN
        SELECT c.conrelid::regclass AS referring, own.attname AS by_column
        FROM pg_constraint c
        CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS pair (own, other)
        JOIN pg_attribute own ON own.attrelid = c.conrelid AND own.attnum = pair.own
        JOIN pg_attribute other ON other.attrelid = c.confrelid AND other.attnum = pair.other
        WHERE c.contype = 'f' AND c.confrelid = kind AND c.conrelid <> ALL (besides) AND other.attname = 'id'
      LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %I = $1)', tie.referring, tie.by_column) INTO used USING row_id;
        IF used THEN
          RETURN true;
        END IF;
      END LOOP;
      RETURN false;
    EXCEPTION WHEN insufficient_privilege THEN
      RETURN true;
    END
    $$
  `
  yield* sql`CREATE INDEX mirror_ledger_copy ON mirror_ledger (kind, copy_id)`
  yield* sql`CREATE INDEX mirror_ledger_source ON mirror_ledger (organization_id, kind, source_id)`
})
