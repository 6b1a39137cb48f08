import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * The largest column of a published row, and the rest of its content, each beside the whole: a value of its own is copied as it
 * is stored, one inside the content is taken apart and compressed anew at every install. All of it stays in the row, which an
 * install reads whole.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE FUNCTION document_of(kind text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT CASE kind
        WHEN 'entity_types' THEN 'metadata_schema'
        WHEN 'entity_relationship_types' THEN 'metadata_schema'
        WHEN 'watchers' THEN 'extraction_schema'
        WHEN 'event_classifiers' THEN 'attribute_values'
      END
    $$
  `
  yield* sql`
    ALTER TABLE template_revision_rows
      ADD COLUMN document jsonb GENERATED ALWAYS AS (NULLIF(content -> document_of(kind), 'null'::jsonb)) STORED,
      ADD COLUMN rest jsonb NOT NULL GENERATED ALWAYS AS (
        CASE WHEN document_of(kind) IS NULL THEN content ELSE content - document_of(kind) END
      ) STORED
  `
  yield* sql`
    ALTER TABLE template_revision_rows
      ALTER COLUMN content SET STORAGE MAIN,
      ALTER COLUMN document SET STORAGE MAIN,
      ALTER COLUMN rest SET STORAGE MAIN
  `
})
