import { eventChannel } from "../../domain/events/Event.ts"

/*
 * Events are written by whoever does what they are about, without a number. Two transactions may end in another order than their rows were
 * written in; so numbers are given afterwards, to what has landed, by one at a time.
 */

/** Whether there is something to number. */
export const unnumberedStatement = "SELECT EXISTS (SELECT FROM events WHERE number IS NULL) AS some"

/** Takes the turn to number, or, where it may not wait, none. Result: a row where it is this one's turn. */
export const turnStatement = (waits: boolean): string =>
  `SELECT true AS mine FROM event_numbers FOR UPDATE ${waits ? "" : "SKIP LOCKED"}`

/** Numbers what has landed by now and notifies those who listen; in the transaction that has the turn. */
export const numberStatement = `WITH landed AS MATERIALIZED (
  SELECT e.id, counter.last + row_number() OVER (ORDER BY e.id) AS number
  FROM event_numbers counter CROSS JOIN LATERAL (
    SELECT id FROM events WHERE number IS NULL ORDER BY id LIMIT 10000
  ) e
),
numbered AS (UPDATE events e SET number = landed.number FROM landed WHERE e.id = landed.id),
counted AS (
  UPDATE event_numbers SET last = (SELECT max(number) FROM landed) WHERE EXISTS (SELECT FROM landed) RETURNING last
)
SELECT pg_notify('${eventChannel}', last::text)::text AS notified FROM counted`

/** Parameters: the number before the first, or null; how many. Result: the events, and which numbers there are. */
export const readStatement = `WITH kept AS MATERIALIZED (
  SELECT COALESCE((SELECT min(number) FROM events), last + 1)::float8 AS first, last::float8 AS last FROM event_numbers
)
SELECT kept.first, kept.last, COALESCE((
  SELECT jsonb_agg(jsonb_build_object('number', e.number, 'at', to_jsonb(e.created_at), 'organizationId', e.organization_id,
    'type', e.type, 'data', e.data) ORDER BY e.number)
  FROM (
    SELECT * FROM events WHERE number > COALESCE($1::bigint, 0) ORDER BY number LIMIT $2::integer
  ) e
), '[]') AS events
FROM kept`
