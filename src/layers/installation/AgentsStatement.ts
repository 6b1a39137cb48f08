import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { deprecatedOf } from "../catalog/OfferedSql.ts"
import { intact } from "./CopySql.ts"

/**
 * The installed agents of a person's organizations, the newest first. Parameters: the person, the id of one of them (or null for all),
 * the key of the agent after which to begin (or null), whether the rows of those are counted that stand as they were applied, and
 * how many. `rows` is how many rows the list would have to look at.
 */
export const agentsStatement = (
  kinds: ReadonlyArray<KindDescription>
): string => `SELECT a.id AS agent_id, o.id AS organization_id, o.slug AS organization_slug, a.name, a.description, a.revision,
  a.pinned, a.updates, a.mode, (
    SELECT CASE WHEN target.outcome = 'manual' THEN last.revision END
    FROM (
      SELECT id, revision FROM rollouts WHERE template_agent_id = t.id ORDER BY created_at DESC LIMIT 1
    ) last
    JOIN rollout_targets target ON target.rollout_id = last.id AND target.organization_id = o.id
  ) AS offered,
  t.id AS template_agent_id, t.slug AS template_slug, t.name AS template_name, p.slug AS publisher,
  CASE WHEN t.revision IS NOT NULL THEN offered_revision(t.id) END AS newest_revision,
  (SELECT broken FROM template_revisions WHERE template_agent_id = t.id AND revision = a.revision) AS broken,
  ${deprecatedOf("t")} AS deprecated,
  t.slug IS NOT NULL AND t.revision IS NOT NULL AND p.visibility = 'public' AS available, t.modes,
  (extract(epoch FROM a.created_at) * 1000000)::bigint || '-' || a.id AS next,
  CASE WHEN $2::text IS NULL THEN (
    SELECT count(*) FROM mirror_ledger l WHERE l.template_agent_id = t.id AND l.organization_id = o.id
  ) + (
    SELECT count(*) FROM template_revision_rows r
    WHERE a.mode = 'reference' AND r.template_agent_id = t.id AND r.revision = a.revision
  ) ELSE 0 END::integer AS rows,
  CASE WHEN $4::boolean AND a.mode = 'copy' THEN ${intact(kinds)} END AS intact
FROM member m
JOIN organization o ON o.id = m.organization_id
JOIN agents a ON a.organization_id = o.id AND a.template_agent_id IS NOT NULL AND a.revision IS NOT NULL
JOIN agents t ON t.id = a.template_agent_id
JOIN organization p ON p.id = t.organization_id
WHERE m.user_id = $1::text AND ($2::text IS NULL OR a.id = $2::text)
  AND ($3::text IS NULL OR (extract(epoch FROM a.created_at) * 1000000, a.id)
    < (split_part($3::text, '-', 1)::numeric, substr($3::text, strpos($3::text, '-') + 1)))
ORDER BY a.created_at DESC, a.id DESC
LIMIT $5::integer`
