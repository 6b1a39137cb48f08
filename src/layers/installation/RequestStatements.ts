import { deprecatedOf } from "../catalog/OfferedSql.ts"

/* Whose turn it is, and what is asked of a request before anything is decided. */

/**
 * What is known of a request. Parameters: organization, template, user, the revision asked for (or null). Result: one row of
 * `RequestFacts`. With `locks` it also locks the organization's installations by reference. Anyone who wants to refer to one of their
 * rows for the first time waits until this transaction ends; anyone who had begun has finished once it returns.
 */
export const requestFactsStatement = (locks: boolean): string => `WITH
${
  locks
    ? `referring AS MATERIALIZED (
  SELECT id FROM agents WHERE organization_id = $1::text AND mode = 'reference' ORDER BY id FOR NO KEY UPDATE
),`
    : ""
}
template AS MATERIALIZED (SELECT * FROM agents WHERE id = $2::text),
agent AS MATERIALIZED (SELECT * FROM agents WHERE organization_id = $1::text AND template_agent_id = $2::text)
SELECT (SELECT slug FROM organization WHERE id = $1::text) AS organization_slug,
  EXISTS (
    SELECT FROM member WHERE organization_id = $1::text AND user_id = $3::text AND role IN ('owner', 'admin')
  ) AS administers,
  (
    SELECT jsonb_build_object('organizationId', o.id, 'isPublic', o.visibility = 'public',
      'isMember', EXISTS (SELECT FROM member m WHERE m.organization_id = o.id AND m.user_id = $3::text),
      'isInstalled', t.template_agent_id IS NOT NULL, 'isNamed', t.slug IS NOT NULL, 'modes', t.modes, 'newest', t.revision,
      'offered', CASE WHEN t.revision IS NOT NULL THEN offered_revision(t.id) END,
      'deprecated', ${deprecatedOf("t")})
    FROM template t JOIN organization o ON o.id = t.organization_id
  ) AS template,
  (
    SELECT jsonb_build_object('id', id, 'name', name, 'description', description, 'templateName', template_name,
      'templateDescription', template_description, 'revision', revision, 'pinned', pinned, 'mode', mode)
    FROM agent
  ) AS agent,
  ARRAY(
    SELECT jsonb_build_object('revision', r.revision, 'name', r.name, 'description', r.description, 'broken', r.broken)
    FROM template_revisions r
    WHERE r.template_agent_id = $2::text AND r.revision IN (
      $4::integer, (SELECT revision FROM template), (SELECT revision FROM agent), offered_revision($2::text)
    )
  ) AS revisions,
  (
    SELECT revision FROM mirror_history WHERE organization_id = $1::text AND template_agent_id = $2::text
    ORDER BY id DESC LIMIT 1
  ) AS last_revision${locks ? ", (SELECT count(*)::integer FROM referring) AS referring" : ""}`

/** Takes the organization's turn, before anything is read that is to be written. Parameter: organization. */
export const lockStatement = "SELECT FROM organization WHERE id = $1::text FOR NO KEY UPDATE"

/** Takes the turns of some organizations, in one order. Parameter: their ids. */
export const lockAllStatement = "SELECT FROM organization WHERE id = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE"

/**
 * Locks the installations by reference of these organizations. Anyone who wants to refer to one of their rows for the first time waits
 * until this transaction ends; anyone who had begun has finished once it returns. Parameter: the ids of the organizations.
 */
export const awaitUsesStatement =
  "SELECT FROM agents WHERE organization_id = ANY ($1::text[]) AND mode = 'reference' ORDER BY id FOR NO KEY UPDATE"

/**
 * What is known of organizations that a roll-out comes to: one row of `TargetFacts` for all that are alike. Parameters: the template,
 * their ids.
 */
export const targetFactsStatement = `WITH target AS MATERIALIZED (
  SELECT o.id AS organization_id, o.slug, a.id, a.name, a.description, a.template_name, a.template_description, a.revision, a.pinned,
    a.updates, a.mode, (
      SELECT h.revision FROM mirror_history h WHERE h.organization_id = o.id AND h.template_agent_id = $1::text
      ORDER BY h.id DESC LIMIT 1
    ) AS last_revision
  FROM organization o
  LEFT JOIN LATERAL (
    SELECT * FROM agents a WHERE a.organization_id = o.id AND a.template_agent_id = $1::text OFFSET 0
  ) a ON true
  WHERE o.id = ANY ($2::text[])
)
SELECT CASE WHEN count(id) > 0 THEN jsonb_build_object('id', min(id), 'name', name, 'description', description,
    'templateName', template_name, 'templateDescription', template_description, 'revision', revision, 'pinned', pinned,
    'updates', updates, 'mode', mode) END AS agent,
  last_revision, array_agg(organization_id) AS organization_ids, array_agg(slug) AS organization_slugs,
  CASE WHEN count(id) > 0 THEN array_agg(id) ELSE '{}' END AS agent_ids
FROM target
GROUP BY name, description, template_name, template_description, revision, pinned, updates, mode, last_revision`
