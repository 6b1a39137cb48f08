import { daysTold } from "../../domain/installation/Adoption.ts"

/** Parameter: template. Result: how many rows the newest revision has, for how many installations are looked at together. */
export const sizeStatement = `SELECT GREATEST(1, count(*))::integer AS rows FROM agents t
JOIN template_revision_rows r ON r.template_agent_id = t.id AND r.revision = t.revision WHERE t.id = $1::text`

/**
 * Installations to look at: those that never were, then the longest ago. Parameters: template, how many seconds ago at least, how many.
 * What somebody else is at is left out. Result: each with the revision that it is judged by.
 */
export const dueStatement = `WITH fresh AS MATERIALIZED (
  SELECT a.id FROM agents a
  WHERE a.template_agent_id = $1::text AND a.revision IS NOT NULL
    AND NOT EXISTS (SELECT FROM installation_checks c WHERE c.agent_id = a.id)
  LIMIT $3::integer
),
stale AS MATERIALIZED (
  SELECT c.agent_id AS id FROM installation_checks c
  WHERE c.template_agent_id = $1::text AND c.checked_at <= now() - make_interval(secs => $2::float8)
  ORDER BY c.checked_at LIMIT $3::integer FOR UPDATE SKIP LOCKED
)
SELECT a.id AS agent_id, a.organization_id, o.slug AS organization_slug,
  CASE WHEN a.pinned THEN a.revision ELSE COALESCE(offered.revision, a.revision) END AS revision
FROM (SELECT id FROM fresh UNION ALL SELECT id FROM stale LIMIT $3::integer) due
JOIN agents a ON a.id = due.id AND a.template_agent_id = $1::text
CROSS JOIN (SELECT offered_revision($1::text) AS revision) offered
JOIN organization o ON o.id = a.organization_id`

/**
 * Keeps what was found. Parameters: template, the agents that were looked at, a JSON array of what was found. One that has gone
 * since is left out.
 */
export const keepStatement = `WITH checked AS (
  INSERT INTO installation_checks (agent_id, template_agent_id)
  SELECT a.id, $1::text FROM agents a WHERE a.id = ANY ($2::text[]) AND a.template_agent_id = $1::text
  ORDER BY a.id FOR KEY SHARE
  ON CONFLICT (agent_id) DO UPDATE SET template_agent_id = excluded.template_agent_id, checked_at = now()
  RETURNING agent_id
),
found AS MATERIALIZED (
  SELECT f.* FROM jsonb_to_recordset($3::jsonb) AS f (agent_id text, kind text, source_id bigint, slug text, finding text)
  JOIN checked ON checked.agent_id = f.agent_id
),
gone AS (
  DELETE FROM installation_findings old WHERE old.agent_id IN (SELECT agent_id FROM checked) AND NOT EXISTS (
    SELECT FROM found WHERE found.agent_id = old.agent_id AND found.kind = old.kind AND found.source_id = old.source_id
  )
)
INSERT INTO installation_findings AS kept (agent_id, template_agent_id, kind, source_id, slug, finding)
SELECT agent_id, $1::text, kind, source_id, slug, finding FROM found
ON CONFLICT (agent_id, kind, source_id) DO UPDATE SET template_agent_id = excluded.template_agent_id, slug = excluded.slug,
  finding = excluded.finding
WHERE (kept.template_agent_id, kept.slug, kept.finding)
  IS DISTINCT FROM (excluded.template_agent_id, excluded.slug, excluded.finding)`

/** Parameter: template. Result: all that is listed of it but for what the rows come to by kind. */
export const adoptionStatement = `WITH installed AS MATERIALIZED (
  SELECT id, revision, pinned, updates FROM agents WHERE template_agent_id = $1::text AND revision IS NOT NULL
),
recorded AS MATERIALIZED (
  SELECT (created_at AT TIME ZONE 'UTC')::date AS day, action,
    lag(action) OVER (PARTITION BY organization_id ORDER BY id) AS before
  FROM mirror_history WHERE template_agent_id = $1::text
),
days AS (
  SELECT day, count(*) FILTER (WHERE action = 'install' AND COALESCE(before, 'uninstall') = 'uninstall')::integer AS installs,
    count(*) FILTER (WHERE action = 'uninstall')::integer AS uninstalls
  FROM recorded GROUP BY day
)
SELECT (SELECT count(*)::integer FROM installed) AS installations,
  (SELECT count(*)::integer FROM installed WHERE pinned) AS pinned,
  (SELECT count(*)::integer FROM installed WHERE NOT pinned AND updates = 'manual') AS manual,
  COALESCE((
    SELECT jsonb_agg(one ORDER BY one.revision DESC) FROM (
      SELECT revision, count(*)::integer AS installations, count(*) FILTER (WHERE pinned)::integer AS pinned
      FROM installed GROUP BY revision
    ) one
  ), '[]') AS revisions,
  COALESCE((
    SELECT jsonb_agg(one) FROM (
      SELECT f.kind, f.slug, f.finding, count(*)::integer AS installations FROM installation_findings f
      WHERE f.template_agent_id = $1::text GROUP BY f.kind, f.slug, f.finding
    ) one
  ), '[]') AS found,
  COALESCE((
    SELECT jsonb_agg(jsonb_build_object('day', one.day, 'installs', one.installs, 'uninstalls', one.uninstalls)
      ORDER BY one.day DESC)
    FROM (SELECT * FROM days WHERE installs + uninstalls > 0 ORDER BY day DESC LIMIT ${daysTold}) one
  ), '[]') AS days,
  (SELECT count(*)::integer FROM installation_checks WHERE template_agent_id = $1::text) AS counted,
  (SELECT min(checked_at) FROM installation_checks WHERE template_agent_id = $1::text) AS counted_since`
