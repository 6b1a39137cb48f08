import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * `take_turn` looks at the organization's own entries. Asked for the greatest id as it is, Postgres may go through the newest entries of
 * everybody until one is the organization's, which before a first install none is: `+ 0` keeps it from that.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql.unsafe(`CREATE OR REPLACE FUNCTION take_turn(organization text, last bigint) RETURNS boolean
  LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    PERFORM FROM organization o WHERE o.id = organization FOR NO KEY UPDATE;
    RETURN last IS NOT DISTINCT FROM (SELECT max(h.id + 0) FROM mirror_history h WHERE h.organization_id = organization);
  END
  $$`)
})
