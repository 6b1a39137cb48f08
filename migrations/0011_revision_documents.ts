import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * The largest column of a published row, beside its content: a value of its own is copied as it is stored, one inside the content
 * is taken apart and compressed anew at every install. Both stay in the row, which an install reads whole.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    ALTER TABLE template_revision_rows
      ADD COLUMN document jsonb GENERATED ALWAYS AS (
        NULLIF(content -> CASE kind
          WHEN 'entity_types' THEN 'metadata_schema'
          WHEN 'entity_relationship_types' THEN 'metadata_schema'
          WHEN 'watchers' THEN 'extraction_schema'
          WHEN 'event_classifiers' THEN 'attribute_values'
        END, 'null'::jsonb)
      ) STORED
  `
  yield* sql`
    ALTER TABLE template_revision_rows
      ALTER COLUMN content SET STORAGE MAIN,
      ALTER COLUMN document SET STORAGE MAIN
  `
})
