import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * The one text of all JSON values that are equal, and its hash. Postgres writes jsonb with sorted keys and without exponents, but
 * keeps the zeros at the end of a fraction, by which equal numbers differ: they are left out. What stands in quotes is kept.
 * `src/domain/Content.ts` writes the same text; a test compares the two.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE FUNCTION content_text(content jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT CASE WHEN content::text ~ '[.][0-9]*0(?![0-9])'
        THEN regexp_replace(content::text,
          '("(?:[^"\\\\]|\\\\.)*")|([.][0-9]*[1-9])0+(?![0-9])|[.]0+(?![0-9])', '\\1\\2', 'g')
        ELSE content::text END
    $$
  `
  yield* sql`
    CREATE FUNCTION content_hash(content jsonb) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
      SELECT encode(sha256(convert_to(content_text(content), 'UTF8')), 'hex')
    $$
  `
})
