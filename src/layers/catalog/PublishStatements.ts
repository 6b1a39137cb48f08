import type { KindDescription } from "../../domain/catalog/Kind.ts"
import {
  blockSize,
  content,
  contentColumns,
  hashOf,
  inserts,
  joinVersion,
  list,
  newVersionId,
  recordOf,
  sequence,
  updates
} from "./KindSql.ts"

/* The statements of a publication. */

/**
 * Writes the definitions of a kind into the publisher's organization. Parameters: organization, template agent, the
 * rows as a JSON array of content columns and `source_id` (null for a new row). Result: `slug` and `source_id` of each.
 */
export const publishStatement = (kind: KindDescription): string => {
  const { agent, kind: name, references = {}, schedule, table } = kind
  const record = Object.keys(contentColumns(kind)).map((column) =>
    column in references ? `n.${column}::bigint AS ${column}` : `n.${column}`
  )
  const due = schedule === undefined ? "" : `NULL::timestamptz AS ${schedule.due}, false AS is_rescheduled`
  return `WITH
given AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset($3::jsonb) AS n(${recordOf(kind)}, source_id bigint) WHERE $2::text IS NOT NULL
),
${name}_new AS MATERIALIZED (
  SELECT ${list([
    ...record,
    `${sequence(table)} AS id`,
    newVersionId(kind),
    "$1::text AS organization_id, NULL AS created_by, NULL AS managed_by_template_agent_id, NULL AS source_template_org_id",
    agent === undefined ? "" : `$2::text AS ${agent}`,
    due
  ])}
  FROM given n WHERE n.source_id IS NULL
),
${name}_behind AS MATERIALIZED (
  SELECT ${list([
    ...record,
    "t.id, t.managed_by_template_agent_id, t.source_template_org_id",
    agent === undefined ? "" : `COALESCE(t.${agent}, $2::text) AS ${agent}`,
    due
  ])}
  FROM given n JOIN ${table} t ON t.id = n.source_id
),
${[...inserts(kind), ...updates(kind)].join(",\n")}
SELECT slug, id::text AS source_id FROM ${name}_new UNION ALL SELECT slug, id::text FROM ${name}_behind`
}

/**
 * Rows of the publisher's that a template may continue: its own, live ones, and withdrawn ones of a sibling template. Parameters: organization, template agent. Results as `KnownSource`,
 * each (kind, slug) of the template once, from the latest revision that has it. Each row is looked up by itself (`LIMIT` keeps it
 * from becoming a join): before tables are analyzed a join of the two is planned as if each had one row, and takes the square.
 */
export const knownSourcesStatement = (kinds: ReadonlyArray<KindDescription>): string =>
  kinds
    .map(
      ({ kind: name, table }) => `
(SELECT '${name}' AS kind, r.slug, r.source_id::text AS source_id, r.was, r.found_in
FROM (
  SELECT DISTINCT ON (r.slug) r.slug, r.source_id, r.was,
    CASE WHEN r.revision = a.revision THEN 'newest' ELSE 'earlier' END AS found_in
  FROM agents a JOIN template_revision_rows r ON r.template_agent_id = a.id AND r.kind = '${name}'
  WHERE a.id = $2::text AND a.organization_id = $1::text
  ORDER BY r.slug, r.revision DESC
) r
CROSS JOIN LATERAL (SELECT FROM ${table} t WHERE t.id = r.source_id AND t.organization_id = $1::text LIMIT 1) t)
UNION ALL
(SELECT DISTINCT ON (t.slug) '${name}', t.slug, t.id::text, '{}'::text[], 'elsewhere'
FROM ${table} t
WHERE t.organization_id = $1::text AND t.slug NOT LIKE '$%' AND (
  t.deleted_at IS NULL OR EXISTS (SELECT FROM template_revision_rows r WHERE r.kind = '${name}' AND r.source_id = t.id)
)
ORDER BY t.slug, t.deleted_at IS NULL DESC, t.id DESC)`
    )
    .join("\nUNION ALL\n")

/**
 * Every slug that a definition of the publisher's templates had in some revision, or was declared to have had.
 * Parameter: organization.
 */
export const formerSlugsStatement = `
SELECT DISTINCT r.kind, former.slug
FROM agents a
JOIN template_revision_rows r ON r.template_agent_id = a.id
CROSS JOIN LATERAL unnest(r.slug || r.was) AS former(slug)
WHERE a.organization_id = $1::text AND a.revision IS NOT NULL`

/**
 * Removes rows of the publisher's from the index of live slugs, to be put back under other slugs by the same
 * transaction, so that swaps and cycles of slugs do not conflict. Parameters: organization, ids.
 */
export const setAsideStatement = ({ table }: KindDescription): string =>
  `UPDATE ${table} SET deleted_at = 'infinity' WHERE organization_id = $1::text AND id = ANY ($2::bigint[])`

/**
 * Which of these slugs live rows of the publisher still have: rows of sibling templates, or authored ones. Parameters:
 * organization, slugs.
 */
export const takenSlugsStatement = ({ table }: KindDescription): string =>
  `SELECT slug FROM ${table} WHERE organization_id = $1::text AND slug = ANY ($2::text[]) AND deleted_at IS NULL ORDER BY slug`

/**
 * Deletes rows that the template no longer has, unless a sibling template has them. Parameters: organization, ids,
 * template agent.
 */
export const withdrawStatement = ({
  kind: name,
  table
}: KindDescription): string => `UPDATE ${table} t SET deleted_at = now()
WHERE t.organization_id = $1::text AND t.id = ANY ($2::bigint[]) AND t.deleted_at IS NULL
  AND NOT EXISTS (
    SELECT FROM template_revision_rows r
    JOIN agents sibling ON sibling.id = r.template_agent_id AND sibling.revision = r.revision
    WHERE r.kind = '${name}' AND r.source_id = t.id AND sibling.id <> $3::text
  )`

/**
 * Records the rows as a revision, unless the newest has the same ones. Parameters: template agent, and the rows as a
 * JSON array of `kind`, `source_id`, `was`. Result: the newest revision's number, whether this statement made it, and
 * the rows that differ from what a sibling template published under the same slug (in that case nothing is recorded).
 */
export const recordRevisionStatement = (kinds: ReadonlyArray<KindDescription>): string => `WITH
template AS MATERIALIZED (SELECT * FROM agents WHERE id = $1::text),
given AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($2::jsonb) AS n(kind text, source_id bigint, was text[])),
rows AS MATERIALIZED (
  ${kinds
    .map(
      (kind) => `SELECT g.kind, t.slug, g.source_id, g.was, c.content, ${hashOf("c.content")} AS hash
  FROM given g JOIN ${kind.table} t ON t.id = g.source_id
  ${joinVersion(kind, "t", "v")}
  CROSS JOIN LATERAL (SELECT ${content(kind, "t", "v", (column) => `t.${column}::text`)} AS content) c
  WHERE g.kind = '${kind.kind}'`
    )
    .join("\n  UNION ALL\n  ")}
),
whole AS (
  SELECT ${hashOf(
    `jsonb_build_array(t.name, t.description, t.bot_phone, t.extensions, (SELECT jsonb_agg(jsonb_build_array(kind, slug, source_id, hash) ORDER BY kind, slug) FROM rows))`
  )} AS hash
  FROM template t
),
newest AS (
  SELECT r.revision, r.hash FROM template_revisions r JOIN template t ON t.id = r.template_agent_id AND t.revision = r.revision
),
differing AS MATERIALIZED (
  SELECT rows.kind, rows.slug, sibling.slug AS template
  FROM rows
  JOIN template_revision_rows theirs ON theirs.kind = rows.kind AND theirs.source_id = rows.source_id
  JOIN agents sibling ON sibling.id = theirs.template_agent_id AND sibling.revision = theirs.revision
  WHERE sibling.id <> $1::text AND theirs.hash <> rows.hash
),
recorded AS (
  INSERT INTO template_revisions (template_agent_id, revision, hash, name, description)
  SELECT t.id, COALESCE((SELECT revision FROM newest), 0) + 1, whole.hash, t.name, t.description
  FROM template t, whole
  WHERE whole.hash IS DISTINCT FROM (SELECT hash FROM newest) AND NOT EXISTS (SELECT FROM differing)
  RETURNING revision
),
referable AS MATERIALIZED (
  SELECT rows.kind, rows.source_id, rows.slug, (
    SELECT past.ordinal FROM template_revision_rows past
    WHERE past.kind = rows.kind AND past.source_id = rows.source_id AND past.template_agent_id = $1::text
    ORDER BY past.ordinal LIMIT 1
  ) AS ordinal
  FROM rows WHERE rows.kind IN (${["''", ...kinds.flatMap(({ kind, published }) => (published === undefined ? [] : [`'${kind}'`]))].join(", ")})
),
-- A number once and for good; a template that has had more definitions than there are numbers has those without one copied.
numbered AS MATERIALIZED (
  SELECT kind, source_id, ordinal FROM referable WHERE ordinal IS NOT NULL
  UNION ALL
  SELECT kind, source_id, COALESCE((
    SELECT max(ordinal) FROM template_revision_rows WHERE template_agent_id = $1::text AND ordinal IS NOT NULL
  ), -1) + row_number() OVER (ORDER BY kind COLLATE "C", slug COLLATE "C")
  FROM referable WHERE ordinal IS NULL
),
recorded_rows AS (
  INSERT INTO template_revision_rows (template_agent_id, revision, kind, slug, source_id, was, hash, content, ordinal)
  SELECT $1::text, recorded.revision, rows.kind, rows.slug, rows.source_id, rows.was, rows.hash, rows.content,
    CASE WHEN numbered.ordinal < ${blockSize} THEN numbered.ordinal END
  FROM recorded CROSS JOIN rows
  LEFT JOIN numbered ON numbered.kind = rows.kind AND numbered.source_id = rows.source_id
),
raised AS (
  UPDATE agents SET revision = recorded.revision, updated_at = now() FROM recorded WHERE agents.id = $1::text
)
SELECT COALESCE((SELECT revision FROM recorded), (SELECT revision FROM newest)) AS revision,
  EXISTS (SELECT FROM recorded) AS changed,
  COALESCE((SELECT jsonb_agg(differing) FROM differing), '[]') AS differing`
