import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { deprecatedOf } from "../catalog/OfferedSql.ts"
import { intact } from "./CopySql.ts"

/**
 * The installed agents of people's organizations, the newest first, for each who asks. Parameters, one array each: the person, the id of
 * one of the agents (or null for all), the key of the agent after which to begin (or null), whether the rows of those are counted that
 * stand as they were applied, and how many. Result: the agents, each with who asks for it (`at`, from 1), and as the text of a JSON
 * object (`agent`), of which `intact` is how many rows of each kind it has that stand as they were applied, if all do, and `rows`
 * how many it has else, which the list would have to look at.
 */
export const agentsStatement = (kinds: ReadonlyArray<KindDescription>): string => `SELECT asked.at::integer AS at, (
  SELECT row_to_json(told)::text FROM (
    SELECT found.*, CASE WHEN asked.agent_id IS NULL AND found.intact IS NULL THEN (
      SELECT count(*) FROM mirror_ledger l
      WHERE l.template_agent_id = found."templateAgentId" AND l.organization_id = found."organizationId"
    ) + (
      SELECT count(*) FROM template_revision_rows r
      WHERE found.mode = 'reference' AND r.template_agent_id = found."templateAgentId" AND r.revision = found.revision
    ) ELSE 0 END::integer AS rows
  ) told
) AS agent
FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::integer[]) WITH ORDINALITY
  AS asked (user_id, agent_id, before, counts, most, at)
CROSS JOIN LATERAL (
  SELECT a.id AS "agentId", o.id AS "organizationId", o.slug AS "organizationSlug", a.name, a.description, a.revision,
    a.pinned, a.updates, a.mode, (
      SELECT CASE WHEN target.outcome = 'manual' THEN last.revision END
      FROM (
        SELECT id, revision FROM rollouts WHERE template_agent_id = t.id ORDER BY created_at DESC LIMIT 1
      ) last
      JOIN rollout_targets target ON target.rollout_id = last.id AND target.organization_id = o.id
    ) AS offered,
    t.id AS "templateAgentId", t.slug AS "templateSlug", t.name AS "templateName", p.slug AS publisher,
    CASE WHEN t.revision IS NOT NULL THEN offered_revision(t.id) END AS "newestRevision",
    (SELECT broken FROM template_revisions WHERE template_agent_id = t.id AND revision = a.revision) AS broken,
    ${deprecatedOf("t")} AS deprecated,
    t.slug IS NOT NULL AND t.revision IS NOT NULL AND p.visibility = 'public' AS available, t.modes,
    a.created_at AS made, (extract(epoch FROM a.created_at) * 1000000)::bigint || '-' || a.id AS next,
    CASE WHEN asked.counts AND a.mode = 'copy' THEN ${intact(kinds)} END AS intact
  FROM member m
  JOIN organization o ON o.id = m.organization_id
  JOIN agents a ON a.organization_id = o.id AND a.template_agent_id IS NOT NULL AND a.revision IS NOT NULL
  JOIN agents t ON t.id = a.template_agent_id
  JOIN organization p ON p.id = t.organization_id
  WHERE m.user_id = asked.user_id AND (asked.agent_id IS NULL OR a.id = asked.agent_id)
    AND (asked.before IS NULL OR (extract(epoch FROM a.created_at) * 1000000, a.id)
      < (split_part(asked.before, '-', 1)::numeric, substr(asked.before, strpos(asked.before, '-') + 1)))
  ORDER BY a.created_at DESC, a.id DESC
  LIMIT asked.most
) found
ORDER BY asked.at, found.made DESC, found."agentId" DESC`
