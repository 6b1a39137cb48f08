import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/** By age, what is deleted once it is old enough: an index behind each statement of the sweep that had none. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`CREATE INDEX session_expiry ON session ("expiresAt", id)`
  yield* sql`CREATE INDEX verification_expiry ON verification ("expiresAt", id)`
  yield* sql`CREATE INDEX identity_links_closed ON identity_links (closed_at, id) WHERE closed_at IS NOT NULL`
  yield* sql`
    CREATE INDEX entity_identities_ended ON entity_identities (deleted_at, id)
    WHERE deleted_at IS NOT NULL AND link_id IS NULL
  `
  yield* sql`CREATE INDEX mirror_history_age ON mirror_history (created_at, id)`
})
