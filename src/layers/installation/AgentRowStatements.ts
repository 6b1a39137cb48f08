import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { content, hashOf, joinVersion, list, recordOf, updates } from "../catalog/KindSql.ts"
import { referredTo } from "./CopySql.ts"

/* One row of an installed agent: what it says, and what its person makes of it. */

const isSeen = "t.deleted_at IS NULL AND t.retired_at IS NULL"

/**
 * A row of an agent that is seen. Parameters: organization, template, slug. Result: its id, whether it is referred to, whether its
 * person changed it, and what it says.
 */
export const findRowStatement = (kind: KindDescription, kinds: ReadonlyArray<KindDescription>): string => {
  const { published, references = {}, table } = kind
  const said = { ...kind, references: {} }
  const held = `SELECT t.id::float8 AS id, false AS referred, ${content(said, "t", "v", () => "NULL")} AS content,
  ${hashOf(content(kind, "t", "v", (column) => referredTo(kind, column, "t.organization_id", kinds)))} <> l.applied_hash AS customized
FROM mirror_ledger l JOIN ${table} t ON t.id = l.copy_id AND t.organization_id = l.organization_id
${joinVersion(kind, "t", "v")}
WHERE l.organization_id = $1::text AND l.template_agent_id = $2::text AND l.kind = '${kind.kind}' AND t.slug = $3::text AND ${isSeen}`
  if (published === undefined) return held
  return `${held}
UNION ALL
SELECT r.id::float8, true, r.content - ARRAY[${Object.keys(references)
    .map((column) => `'${column}'`)
    .join(", ")}]::text[], false
FROM referenced_rows r
WHERE r.organization_id = $1::text AND r.template_agent_id = $2::text AND r.kind = '${kind.kind}' AND r.slug = $3::text
  AND NOT EXISTS (SELECT FROM ${table} t WHERE t.organization_id = $1::text AND t.slug = $3::text AND t.deleted_at IS NULL)`
}

/** Keeps others from writing a row until the transaction ends. Parameter: its id. */
export const lockRowStatement = ({ table }: KindDescription): string =>
  `SELECT FROM ${table} WHERE id = $1::bigint FOR NO KEY UPDATE`

/** Gives a row what is to be other than it is. Parameters: its id, the fields as a JSON object, when it is due from now on, or null. */
export const customizeStatement = (kind: KindDescription): string => {
  const { agent, columns, kind: name, references = {}, schedule, table, versions } = kind
  const said = { ...kind, references: {} }
  return `WITH ${[
    `${name}_behind AS MATERIALIZED (
  SELECT ${list([
    "t.id, t.managed_by_template_agent_id, t.source_template_org_id",
    ...["slug", "name", "description", "extensions", ...Object.keys({ ...columns, ...versions?.columns })].map(
      (column) => `n.${column}`
    ),
    ...Object.keys(references).map((column) => `t.${column}`),
    agent === undefined ? "" : `t.${agent}`,
    schedule === undefined ? "" : `$3::timestamptz AS ${schedule.due}, $3::timestamptz IS NOT NULL AS is_rescheduled`
  ])}
  FROM ${table} t ${joinVersion(kind, "t", "v")}
  CROSS JOIN LATERAL jsonb_to_record(${content(said, "t", "v", () => "NULL")} || $2::jsonb) AS n(${recordOf(said)})
  WHERE t.id = $1::bigint
)`,
    ...updates(kind)
  ].join(",\n")}
SELECT${schedule === undefined ? " $3::timestamptz" : ""}`
}

/** Deletes a row; what refers to it goes on doing so. Parameter: its id. */
export const removeRowStatement = ({ table }: KindDescription): string =>
  `UPDATE ${table} SET deleted_at = now() WHERE id = $1::bigint`
