import { maxIdentities } from "../../domain/identity/Identity.ts"
import { maxIdentifiers } from "../../domain/identity/OwnIdentities.ts"

/*
 * The statements about a person's links, in the order in which they run: lock, gather the facts, write. The person is
 * an organization and a user or, if these are null, the person of the link.
 */

/**
 * Locks the person, so that changes of their links take turns and each reads what the previous one wrote. `$3` is a
 * link, or null.
 */
export const lockPersonStatement = `
  SELECT id FROM entities
  WHERE deleted_at IS NULL AND id IN (
    SELECT entity_id FROM entity_identities
    WHERE namespace = 'auth_user_id' AND identifier = $2 AND organization_id = $1 AND deleted_at IS NULL AND link_id IS NULL
    UNION ALL SELECT entity_id FROM identity_links WHERE id = $3 AND $2::text IS NULL
  )
  FOR NO KEY UPDATE`

/**
 * Two answers about one sender each end the other's question, so both lock the links about that sender in the same
 * order: `$1` is the link that is answered, `$2` the other identifiers of the sender, as JSON.
 */
export const lockLinksStatement = `
  WITH sender AS MATERIALIZED (
    SELECT namespace, identifier FROM jsonb_to_recordset($2::jsonb) AS s (namespace text, identifier text)
    UNION SELECT namespace, identifier FROM entity_identities WHERE link_id = $1
  )
  SELECT id FROM identity_links
  WHERE id IN (
    SELECT $1::text
    UNION SELECT i.link_id FROM sender s
    JOIN entity_identities i ON i.namespace = s.namespace AND i.identifier = s.identifier AND i.state = 'claimed'
      AND i.deleted_at IS NULL
  )
  ORDER BY id FOR UPDATE`

/**
 * `LinkFacts` of the person `$1`, `$2`, of the link `$3` or null, and of the sender with the identifiers `$4`, as JSON.
 * The parameters are in a subquery of their own, hidden from the planner, so that one plan serves a connection.
 */
export const linkFactsStatement = `
  WITH asked AS MATERIALIZED (
    SELECT $1::text AS organization_id, $2::text AS user_id, $3::text AS link_id, $4::jsonb AS sender
  ),
  person AS MATERIALIZED (
    SELECT me.entity_id, u.email FROM asked
    JOIN entity_identities me ON me.namespace = 'auth_user_id' AND me.identifier = asked.user_id AND me.link_id IS NULL
      AND me.deleted_at IS NULL AND me.organization_id = asked.organization_id
    JOIN entities e ON e.id = me.entity_id AND e.deleted_at IS NULL
    LEFT JOIN "user" u ON u.id = me.identifier
    UNION ALL
    SELECT l.entity_id, NULL FROM asked JOIN identity_links l ON l.id = asked.link_id WHERE asked.user_id IS NULL
  ),
  link_sender AS MATERIALIZED (SELECT namespace, identifier FROM asked JOIN entity_identities USING (link_id)),
  sender AS MATERIALIZED (
    SELECT s.* FROM asked, jsonb_to_recordset(asked.sender) AS s (namespace text, identifier text)
    UNION SELECT * FROM link_sender
  ),
  own AS (
    SELECT i.id FROM person
    JOIN entity_identities i ON i.entity_id = person.entity_id AND i.deleted_at IS NULL
    JOIN identity_namespaces n ON n.namespace = i.namespace AND n.platform IS NOT NULL
    LEFT JOIN identity_links l ON l.id = i.link_id
    WHERE i.state <> 'claimed' OR l.origin = 'typed' OR l.expires_at > now()
    ORDER BY i.state = 'displaced', i.id DESC
    LIMIT ${maxIdentities * maxIdentifiers}
  ),
  known AS MATERIALIZED (
    SELECT i.id::text, i.entity_id::text AS "entityId", i.link_id AS "linkId", i.namespace, i.identifier, i.state,
      e.deleted_at IS NOT NULL AS orphaned
    FROM entity_identities i JOIN entities e ON e.id = i.entity_id
    WHERE i.id IN (
      SELECT id FROM own
      UNION SELECT i.id FROM person JOIN entity_identities i USING (entity_id) JOIN sender USING (namespace, identifier)
      WHERE i.deleted_at IS NULL
      UNION SELECT i.id FROM sender JOIN entity_identities i USING (namespace, identifier)
      WHERE i.state = 'verified' AND i.deleted_at IS NULL
      UNION SELECT i.id FROM asked, sender JOIN entity_identities i USING (namespace, identifier)
      WHERE i.state = 'claimed' AND i.deleted_at IS NULL AND asked.link_id IS NOT NULL
    )
    ORDER BY i.id
  ),
  links AS (
    SELECT id, entity_id::text AS "entityId", platform, origin, sender_agreed_at IS NOT NULL AS "senderAgreed",
      person_agreed_at IS NOT NULL AS "personAgreed", (extract(epoch FROM expires_at) * 1000)::float8 AS "expiresAt",
      closed_at IS NOT NULL AS closed
    FROM identity_links WHERE id IN (SELECT "linkId" FROM known UNION SELECT link_id FROM asked)
  ),
  refusals AS (
    SELECT namespace, identifier FROM person JOIN identity_refusals USING (entity_id)
    WHERE (namespace, identifier) IN (SELECT * FROM sender UNION SELECT namespace, identifier FROM known)
  )
  SELECT (extract(epoch FROM now()) * 1000)::float8 AS now,
    'link_' || replace(gen_random_uuid()::text, '-', '') AS next_link_id,
    (SELECT jsonb_build_object('entityId', entity_id::text, 'email', email) FROM person) AS person,
    (SELECT coalesce(jsonb_agg(known), '[]') FROM known) AS identifiers,
    (SELECT coalesce(jsonb_agg(links), '[]') FROM links) AS links,
    (SELECT coalesce(jsonb_agg(refusals), '[]') FROM refusals) AS refusals,
    (SELECT coalesce(jsonb_agg(link_sender), '[]') FROM link_sender) AS link_sender`

/**
 * Writes `LinkChanges` of the entity `$1`: the link or null, the ended links, the ended and the displaced identities,
 * the refused and the forgiven identifiers, the events. The counts make sure that whatever ends is written first: a verified
 * identifier belongs to one person, and only one typed claim is open at a time.
 */
export const writeLinkStatement = `
  WITH asked AS MATERIALIZED (
    SELECT $1::bigint AS entity_id, $2::jsonb AS link, $3::text[] AS ended_links, $4::bigint[] AS ended_identities,
      $5::bigint[] AS displaced, $6::jsonb AS refused, $7::jsonb AS forgiven, $8::jsonb AS events
  ),
  ended AS (
    UPDATE entity_identities SET deleted_at = now()
    WHERE deleted_at IS NULL AND id IN (
      SELECT unnest(ended_identities) FROM asked
      UNION SELECT i.id FROM asked CROSS JOIN unnest(asked.ended_links) AS l (link_id)
      JOIN entity_identities i USING (link_id) WHERE i.state <> 'displaced'
    )
    RETURNING id
  ),
  displaced AS (
    UPDATE entity_identities SET state = 'displaced' WHERE id IN (SELECT unnest(displaced) FROM asked) RETURNING id
  ),
  closed AS (
    UPDATE identity_links SET closed_at = now()
    WHERE closed_at IS NULL AND id IN (SELECT unnest(ended_links) FROM asked) RETURNING id
  ),
  refused AS (
    INSERT INTO identity_refusals (organization_id, entity_id, namespace, identifier)
    SELECT DISTINCT e.organization_id, e.id, r.namespace, r.identifier
    FROM asked JOIN entities e ON e.id = asked.entity_id
    CROSS JOIN jsonb_to_recordset(asked.refused) AS r (namespace text, identifier text)
    ON CONFLICT (entity_id, namespace, identifier) DO NOTHING
  ),
  forgiven AS (
    DELETE FROM identity_refusals r USING asked, jsonb_to_recordset(asked.forgiven) AS f (namespace text, identifier text)
    WHERE r.entity_id = asked.entity_id AND r.namespace = f.namespace AND r.identifier = f.identifier
  ),
  emitted AS (
    INSERT INTO events (organization_id, type, data)
    SELECT e.organization_id, t.type, t.data
    FROM asked CROSS JOIN jsonb_to_recordset(asked.events) AS t (entity_id bigint, type text, data jsonb)
    CROSS JOIN LATERAL (SELECT organization_id FROM entities WHERE id = t.entity_id LIMIT 1) e
  ),
  link AS (
    INSERT INTO identity_links AS l
      (id, organization_id, entity_id, platform, origin, sender_agreed_at, person_agreed_at, expires_at, closed_at)
    SELECT w.id, e.organization_id, e.id, w.platform, w.origin, CASE WHEN w."senderAgreed" THEN now() END,
      CASE WHEN w."personAgreed" THEN now() END, to_timestamp(w."expiresAt" / 1000), CASE WHEN w.verified THEN now() END
    FROM asked JOIN entities e ON e.id = asked.entity_id
    CROSS JOIN jsonb_to_record(asked.link) AS w
      (id text, platform text, origin text, "senderAgreed" boolean, "personAgreed" boolean, "expiresAt" float8, verified boolean)
    WHERE w.id IS NOT NULL AND (SELECT count(*) FROM closed) >= 0
    ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at,
      sender_agreed_at = coalesce(l.sender_agreed_at, excluded.sender_agreed_at),
      person_agreed_at = coalesce(l.person_agreed_at, excluded.person_agreed_at),
      closed_at = coalesce(l.closed_at, excluded.closed_at)
    RETURNING l.*
  )
  INSERT INTO entity_identities AS i (organization_id, entity_id, namespace, identifier, address, link_id, state)
  SELECT link.organization_id, link.entity_id, s.namespace, s.identifier, s.address, link.id,
    CASE WHEN asked.link ->> 'verified' = 'true' THEN 'verified' ELSE 'claimed' END
  FROM link, asked, jsonb_to_recordset(asked.link -> 'identifiers') AS s (namespace text, identifier text, address text)
  WHERE (SELECT count(*) FROM ended) + (SELECT count(*) FROM displaced) >= 0
  ON CONFLICT (link_id, namespace, identifier) WHERE link_id IS NOT NULL
  DO UPDATE SET state = excluded.state, address = coalesce(excluded.address, i.address)`
