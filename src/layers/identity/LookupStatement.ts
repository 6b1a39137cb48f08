import { maxAgents } from "../../domain/identity/Identity.ts"
import { maxClaims } from "../../domain/identity/Lookup.ts"

/**
 * `LookupFacts` of identifiers, in one statement: `$1` and `$2` are the namespaces and the canonical identifiers, `$3`
 * the slug or id of a template, or null, for each. Result: a row for each identifier that somebody has proved or claims;
 * `at` counts from 1.
 *
 * The parameters are in a subquery of their own, hidden from the planner, so that one plan serves a connection;
 * otherwise each call would be planned anew, which costs more than the look-up. Claims are read only if there is no
 * proof; `owner` is then the person of any of them, since it is used only if all are one person's.
 */
export const lookupStatement = `
  WITH asked AS MATERIALIZED (
    SELECT $1::text[] AS namespaces, $2::text[] AS identifiers, $3::text[] AS templates
  )
  SELECT wanted.at::integer, known.id::text AS proof_id, known.address,
    CASE WHEN known.id IS NOT NULL AND known.address IS NULL THEN (
      SELECT other.address FROM entity_identities other
      WHERE other.link_id = known.link_id AND other.state = 'verified' AND other.deleted_at IS NULL
        AND other.address IS NOT NULL
      ORDER BY other.namespace = 'wa_jid' DESC, other.id DESC LIMIT 1
    ) END AS other_address,
    known.claims, p.id AS user_id, p.name, p.email, o.id AS organization_id, o.slug AS organization_slug,
    known.entity_id::text AS member_entity_id, installed.agents
  FROM asked
  CROSS JOIN LATERAL unnest(asked.namespaces, asked.identifiers, asked.templates)
    WITH ORDINALITY AS wanted (namespace, identifier, template, at)
  CROSS JOIN LATERAL (
    (
      SELECT i.id, i.entity_id, i.organization_id, i.link_id, i.address, '[]'::jsonb AS claims
      FROM entity_identities i
      JOIN entities e ON e.id = i.entity_id AND e.deleted_at IS NULL
      WHERE i.namespace = wanted.namespace AND i.identifier = wanted.identifier AND i.state = 'verified'
        AND i.deleted_at IS NULL
    )
    UNION ALL
    (
      SELECT NULL, min(c."entityId")::bigint, min(c.organization_id), NULL, NULL, jsonb_agg(c) FROM (
        SELECT i.id::text, i.entity_id::text AS "entityId", i.organization_id, i.link_id AS "linkId", l.origin,
          l.sender_agreed_at IS NOT NULL AS "senderAgreed", i.address
        FROM entity_identities i
        JOIN entities e ON e.id = i.entity_id AND e.deleted_at IS NULL
        JOIN identity_links l ON l.id = i.link_id AND l.closed_at IS NULL AND l.expires_at > now()
        LEFT JOIN identity_refusals r
          ON r.entity_id = i.entity_id AND r.namespace = i.namespace AND r.identifier = i.identifier
        WHERE i.namespace = wanted.namespace AND i.identifier = wanted.identifier AND i.state = 'claimed'
          AND i.deleted_at IS NULL AND (l.origin = 'code' OR r.entity_id IS NULL)
        LIMIT ${maxClaims}
      ) AS c
    )
    LIMIT 1
  ) AS known
  JOIN entity_identities me ON me.entity_id = known.entity_id AND me.namespace = 'auth_user_id' AND me.deleted_at IS NULL
  JOIN "user" p ON p.id = me.identifier
  JOIN organization o ON o.id = known.organization_id
  CROSS JOIN LATERAL (
    SELECT coalesce(
      jsonb_agg(jsonb_build_object('agentId', a.id, 'templateAgentId', a.template_agent_id) ORDER BY a.created_at, a.id), '[]'
    ) AS agents
    FROM (
      SELECT id, template_agent_id, created_at FROM agents
      WHERE organization_id = o.id AND (
        wanted.template IS NULL
        OR template_agent_id = coalesce((SELECT t.id FROM agents t WHERE t.slug = wanted.template), wanted.template)
      )
      ORDER BY created_at, id LIMIT ${maxAgents}
    ) AS a
  ) AS installed
`
