import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { blockSize } from "../catalog/KindSql.ts"
import { alwaysAnchored } from "./CopySql.ts"

/** Whether rows of a kind keep an installation `a` from being pristine: its own within its block of ids, and anchors that are not bound to it. */
const isHeld = ({ agent, published, table }: KindDescription) =>
  published === undefined
    ? []
    : [
        `EXISTS (
    SELECT FROM ${table} t
    WHERE t.organization_id = a.organization_id AND t.id >= a.first_id AND t.id < a.first_id + ${blockSize}
      AND (t.inherits IS NULL ${agent === undefined ? "" : `OR t.${agent} IS DISTINCT FROM a.id`})
  )`
      ]

/** How many anchors of a kind every installation at the revision has. */
const anchors = ({ kind }: KindDescription) => `(
    SELECT count(*) FROM template_revision_rows r
    WHERE r.template_agent_id = $1::text AND r.revision = since.revision AND r.kind = '${kind}'
  ) AS ${kind}`

/** Whether some of them are missing. */
const lacksAnchors = ({ kind, table }: KindDescription) => `(
    SELECT count(*) FROM ${table} t
    WHERE t.organization_id = a.organization_id AND t.id >= a.first_id AND t.id < a.first_id + ${blockSize}
  ) <> followed.${kind}`

/** Who has own rows of a kind with slugs of the new revision: all looked for at once, since a look at the revision for each takes longer. */
const clashing = ({ kind, table }: KindDescription) => `SELECT own.organization_id FROM ${table} own
  JOIN coming ON coming.kind = '${kind}' AND coming.slug = own.slug
  WHERE own.organization_id = ANY ($3::text[]) AND own.deleted_at IS NULL`

/**
 * The installations of which nothing is known but what the two revisions say: they refer to everything, nobody has touched a row, no
 * other template is installed, no slug is taken, and the new revision withdraws nothing. What is decided about one of them is decided
 * about all that are at the same revision. Parameters: template, the new revision, the organizations. Result: the revisions they are
 * at, each with the organizations, the agent of the first of them, and the first of the ids of each.
 */
export const pristineStatement = (kinds: ReadonlyArray<KindDescription>): string => {
  const perInstallation = [...kinds.flatMap(isHeld), ...alwaysAnchored(kinds).map(lacksAnchors)]
  return `WITH installed AS MATERIALIZED (
  SELECT id, organization_id, first_id, revision FROM agents
  WHERE template_agent_id = $1::text AND organization_id = ANY ($3::text[]) AND mode = 'reference'
),
followed AS MATERIALIZED (
  SELECT ${["since.revision", ...alwaysAnchored(kinds).map(anchors)].join(", ")}
  FROM (SELECT DISTINCT revision FROM installed) since
  WHERE NOT EXISTS (
    SELECT FROM template_revision_rows o
    WHERE o.template_agent_id = $1::text AND o.revision = since.revision AND (o.ordinal IS NULL OR NOT EXISTS (
      SELECT FROM template_revision_rows n
      WHERE n.template_agent_id = $1::text AND n.revision = $2::integer AND n.kind = o.kind AND n.source_id = o.source_id
    ))
  ) AND NOT EXISTS (
    SELECT FROM template_revision_rows n
    WHERE n.template_agent_id = $1::text AND n.revision = $2::integer AND n.ordinal IS NULL
  )
),
coming AS MATERIALIZED (
  SELECT kind, slug FROM template_revision_rows WHERE template_agent_id = $1::text AND revision = $2::integer
),
clashing AS MATERIALIZED (
  ${kinds.map(clashing).join("\n  UNION\n  ")}
)
SELECT a.revision AS since, array_agg(a.organization_id) AS organization_ids, (array_agg(a.id))[1] AS agent_id,
  array_agg(a.first_id::float8) AS first_ids
FROM installed a JOIN followed ON followed.revision = a.revision
WHERE NOT EXISTS (SELECT FROM mirror_ledger l WHERE l.organization_id = a.organization_id)
  AND NOT EXISTS (
    SELECT FROM agents other WHERE other.organization_id = a.organization_id AND other.mode = 'reference' AND other.id <> a.id
  )
  AND NOT EXISTS (SELECT FROM clashing WHERE clashing.organization_id = a.organization_id)
  AND NOT (${perInstallation.join(" OR ")})
GROUP BY a.revision`
}
