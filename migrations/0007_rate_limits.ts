import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * The sliding log: a row a key, its hits in the window, oldest first. Half of each page stays free so that the update of
 * a try stays on its page (no index but the key's is touched).
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE rate_limits (
      key text PRIMARY KEY,
      hits timestamptz[] NOT NULL,
      allowed boolean NOT NULL,
      expires_at timestamptz NOT NULL
    ) WITH (fillfactor = 50)
  `
})
