import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { historyBounds } from "../../domain/installation/History.ts"
import { list } from "../catalog/KindSql.ts"

/**
 * The history of an installation's rows, newest first. Parameters: organization, template, the id of the entry before
 * which to begin (or null), how many entries, whether to return whole rows. What was written is read from the rows of
 * the revision, references as slugs. It goes from entry to entry and stops at the end of a page (`historyPage`), so
 * that nothing beyond is read or assembled; `more` says whether there are older entries.
 */
export const historyStatement = (kinds: ReadonlyArray<KindDescription>): string => {
  const entry = "h.organization_id = $1::text AND h.template_agent_id = $2::text"
  const referredSlug = (column: string, kind: string) => `(
      SELECT referred.slug FROM template_revision_rows referred
      WHERE referred.template_agent_id = r.template_agent_id AND referred.revision = r.revision AND referred.kind = '${kind}'
        AND referred.source_id::text = r.content ->> '${column}'
    )`
  const after = `r.content || CASE r.kind
    ${kinds
      .map(
        ({ kind, references = {} }) =>
          `WHEN '${kind}' THEN jsonb_build_object(${list(
            Object.entries(references).map(([column, to]) => `'${column}', ${referredSlug(column, to)}`)
          )})`
      )
      .join("\n    ")}
    ELSE '{}' END`
  // If nothing differs, an object without fields: it shows that there was content.
  const shown = (content: string) => `CASE WHEN $5::boolean OR ${content} IS NULL THEN ${content} ELSE (
        SELECT COALESCE(jsonb_object_agg(one.key, one.value), '{}') FROM jsonb_each(${content}) one
        WHERE one.key = ANY (differing.fields)
      ) END`
  const row = (before: string, after: string, omitted: string) =>
    `jsonb_build_object('kind', kind, 'slug', slug, 'did', did, 'fields', fields, 'before', ${before}, 'after', ${after},
      'omitted', ${omitted})`
  const fits = `page.size <= ${historyBounds.shown} AND page.read <= ${historyBounds.read}`
  return `WITH RECURSIVE page AS (
  SELECT COALESCE($3::bigint, 9223372036854775807) AS id, NULL::jsonb AS rows, 0 AS number, 0::bigint AS size, 0::bigint AS read
  UNION ALL
  SELECT next.id, entry.rows, page.number + 1, page.size + entry.size, page.read + entry.read
  FROM page
  CROSS JOIN LATERAL (
    SELECT h.id, h.template_agent_id, h.revision, history_rows(h) AS rows FROM mirror_history h WHERE ${entry} AND h.id < page.id
    ORDER BY h.id DESC LIMIT 1
  ) next
  CROSS JOIN LATERAL (
    SELECT COALESCE(jsonb_agg(CASE WHEN size_so_far <= ${historyBounds.shown} OR before IS NULL AND after IS NULL
        THEN ${row("before", "after", "false")} ELSE ${row("NULL", "NULL", "true")} END ORDER BY position), '[]') AS rows,
      COALESCE(sum(size), 0)::bigint AS size, COALESCE(sum(read), 0)::bigint AS read
    FROM (
      SELECT *, sum(size) OVER (ORDER BY position) AS size_so_far
      FROM (
        SELECT *, octet_length(${row("before", "after", "false")}::text) AS size
        FROM (
          SELECT known.position, known.kind, known.slug, known.did, differing.fields,
            ${shown("known.before")} AS before, ${shown("known.after")} AS after,
            COALESCE(octet_length(known.before::text), 0) + COALESCE(octet_length(known.after::text), 0) AS read
          FROM (
            SELECT position, one ->> 0 AS kind, one ->> 2 AS slug, one ->> 3 AS did, NULLIF(one -> 4, 'null') AS before,
              ${after} AS after
            FROM jsonb_array_elements(next.rows) WITH ORDINALITY AS rows (one, position)
            LEFT JOIN template_revision_rows r ON r.template_agent_id = next.template_agent_id AND r.revision = next.revision
              AND r.kind = one ->> 0 AND r.source_id = (one ->> 1)::bigint
              AND one ->> 3 IN ('created', 'updated', 'adopted', 'reverted', 'restored')
            OFFSET 0
          ) known
          CROSS JOIN LATERAL (
            SELECT ARRAY(
              SELECT key FROM jsonb_each(known.before) old FULL JOIN jsonb_each(known.after) new USING (key)
              WHERE old.value IS DISTINCT FROM new.value ORDER BY key COLLATE "C"
            ) AS fields
            OFFSET 0
          ) differing
          OFFSET 0
        ) entry_changes
        OFFSET 0
      ) sized
    ) summed
  ) entry
  WHERE page.number < $4::integer AND ${fits}
)
SELECT page.id::text AS id, h.created_at AS at, jsonb_build_object('userId', h.user_id, 'name', CASE WHEN h.user_id IS NULL THEN (
    SELECT publisher.name FROM agents t JOIN organization publisher ON publisher.id = t.organization_id
    WHERE t.id = h.template_agent_id
  ) ELSE u.name END) AS by, h.action,
  h.revision, page.rows, EXISTS (SELECT FROM mirror_history h WHERE ${entry} AND h.id < page.id) AS more
FROM page JOIN mirror_history h ON h.id = page.id LEFT JOIN "user" u ON u.id = h.user_id
WHERE number = 1 OR number > 1 AND ${fits}
ORDER BY number`
}
