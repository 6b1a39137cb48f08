import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * Takes an organization's turn in the midst of a statement, and says whether what the statement sees is what there is: whether nothing
 * was done there since, as far as the history tells. `last` is the newest entry that the statement sees.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql.unsafe(`CREATE FUNCTION take_turn(organization text, last bigint) RETURNS boolean
  LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    PERFORM FROM organization o WHERE o.id = organization FOR NO KEY UPDATE;
    RETURN last IS NOT DISTINCT FROM (SELECT max(h.id) FROM mirror_history h WHERE h.organization_id = organization);
  END
  $$`)
})
