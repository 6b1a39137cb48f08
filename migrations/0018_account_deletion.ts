import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/** What a person's account is looked up by when it is exported or deleted, where there was no index. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`CREATE INDEX mirror_history_user ON mirror_history (user_id)`
  yield* sql`CREATE INDEX verification_value ON verification (value)`
  // Some keys begin with the person's, and in most collations that is no range of the key's own index.
  yield* sql`CREATE INDEX rate_limits_prefix ON rate_limits (key text_pattern_ops)`
})
