import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * Takes the turns of organizations in the midst of a statement, without waiting for anybody: answers those that it could have at
 * once, with their users kept from being deleted meanwhile, and of which what the statement sees is what there is: nothing was
 * done there since, as far as the history tells. `lasts` has the newest entry of each that the statement sees. What else that
 * statement may have to wait for, it does not wait for long.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql.unsafe(`CREATE FUNCTION take_turns_now(organizations text[], users text[], lasts bigint[]) RETURNS SETOF text
  LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  DECLARE
    taken integer[];
  BEGIN
    PERFORM set_config('lock_timeout', '200ms', true);
    taken := ARRAY(
      SELECT asked.at FROM unnest(organizations, users) WITH ORDINALITY AS asked (organization_id, user_id, at)
      CROSS JOIN LATERAL (
        SELECT FROM organization o WHERE o.id = asked.organization_id FOR NO KEY UPDATE SKIP LOCKED
      ) o
      CROSS JOIN LATERAL (SELECT FROM "user" u WHERE u.id = asked.user_id FOR KEY SHARE SKIP LOCKED) u
    );
    -- Begun when the turns are had: it sees all that whoever had them before has done.
    RETURN QUERY SELECT organizations[at] FROM unnest(taken) AS at
    WHERE lasts[at] IS NOT DISTINCT FROM (
      SELECT max(h.id + 0) FROM mirror_history h WHERE h.organization_id = organizations[at]
    );
  END
  $$`)
})
