import { mostAgents } from "../../domain/identity/Identity.ts"

/** Whether the sender of a claim, a row of `entity_identities`, has said no to its entity. */
export const isRefused = (claim: string) => `EXISTS (
    SELECT FROM identity_refusals r
    WHERE r.entity_id = ${claim}.entity_id AND r.namespace = ${claim}.namespace AND r.identifier = ${claim}.identifier
  )`

/**
 * The claims of the wanted identifier that wait for an answer, as a FROM and WHERE to which more can be added. What its
 * sender said no to waits for none where it is only typed again.
 */
const openClaims = (name: string) => `
  entity_identities ${name}
  JOIN entities ${name}_entity ON ${name}_entity.id = ${name}.entity_id AND ${name}_entity.deleted_at IS NULL
  JOIN identity_links ${name}_link ON ${name}_link.id = ${name}.link_id AND ${name}_link.closed_at IS NULL
    AND ${name}_link.expires_at > now()
  WHERE ${name}.namespace = wanted.namespace AND ${name}.identifier = wanted.identifier AND ${name}.state = 'claimed'
    AND ${name}.deleted_at IS NULL
    AND (${name}_link.origin <> 'typed' OR NOT ${isRefused(name)})`

/**
 * Whose identifiers are, in one statement: `$1` and `$2` are the namespaces and the canonical identifiers, `$3` the slug or
 * id of a template or null, `$4` whether a lone typed claim routes. A row for each that is anybody's; `at` counts from 1.
 *
 * Where nobody has proved an identifier, its claimant answers, provided that everybody who claims it is that one. Each
 * identifier costs a look into a unique index, and where nobody has proved it a few into the index of claims, however many
 * claim it. What is asked stands in a part of its own, out of the planner's sight: so one plan serves a connection, where
 * it would else make one a call, which costs more than the look-up.
 */
export const lookupStatement = `
  WITH asked AS MATERIALIZED (
    SELECT $1::text[] AS namespaces, $2::text[] AS identifiers, $4::boolean AS routes, $3::text IS NULL AS any_agent,
      coalesce((SELECT t.id FROM agents t WHERE t.slug = $3), $3) AS template_id
  )
  SELECT wanted.at::integer, found.state, found.link_id AS pending_id, p.id AS user_id, p.name, p.email,
    o.id AS organization_id, o.slug AS organization_slug, found.entity_id::text,
    CASE WHEN found.state = 'verified' OR found.routed THEN installed.agents ELSE '[]' END AS agents,
    found.id::text AS identity_id, found.address,
    CASE WHEN found.state = 'verified' AND found.address IS NULL THEN (
      SELECT other.address FROM entity_identities other
      WHERE other.link_id = found.link_id AND other.state = 'verified' AND other.deleted_at IS NULL
        AND other.address IS NOT NULL
      ORDER BY other.namespace = 'wa_jid' DESC, other.id DESC LIMIT 1
    ) END AS other_address, found.routed
  FROM asked
  CROSS JOIN LATERAL unnest(asked.namespaces, asked.identifiers) WITH ORDINALITY AS wanted (namespace, identifier, at)
  CROSS JOIN LATERAL (
    (
      SELECT i.id, i.state, i.organization_id, i.entity_id, i.link_id, i.address, true AS routed
      FROM entity_identities i
      JOIN entities e ON e.id = i.entity_id AND e.deleted_at IS NULL
      WHERE i.namespace = wanted.namespace AND i.identifier = wanted.identifier AND i.state = 'verified'
        AND i.deleted_at IS NULL
    )
    UNION ALL
    (
      SELECT first.id, first.state, first.organization_id, first.entity_id, first.link_id, first.address,
        asked.routes AND EXISTS (
          SELECT FROM ${openClaims("typed")} AND typed.entity_id = first.entity_id AND typed_link.origin = 'typed'
        )
      FROM (SELECT claim.* FROM ${openClaims("claim")} LIMIT 1) AS first
      WHERE NOT EXISTS (SELECT FROM ${openClaims("rival")} AND rival.entity_id <> first.entity_id)
        AND NOT EXISTS (
          SELECT FROM entity_identities v
          JOIN entities e ON e.id = v.entity_id AND e.deleted_at IS NULL
          WHERE v.namespace = wanted.namespace AND v.identifier = wanted.identifier AND v.state = 'verified'
            AND v.deleted_at IS NULL
        )
    )
    LIMIT 1
  ) AS found
  JOIN entity_identities me ON me.entity_id = found.entity_id AND me.namespace = 'auth_user_id' AND me.deleted_at IS NULL
  JOIN "user" p ON p.id = me.identifier
  JOIN organization o ON o.id = found.organization_id
  CROSS JOIN LATERAL (
    SELECT coalesce(
      jsonb_agg(jsonb_build_object('agentId', a.id, 'templateAgentId', a.template_agent_id) ORDER BY a.created_at, a.id), '[]'
    ) AS agents
    FROM (
      SELECT id, template_agent_id, created_at FROM agents
      WHERE organization_id = o.id AND (asked.any_agent OR template_agent_id = asked.template_id)
      ORDER BY created_at, id LIMIT ${mostAgents}
    ) AS a
  ) AS installed
`
