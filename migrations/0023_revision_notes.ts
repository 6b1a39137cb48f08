import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/** What a publisher says is new in a revision. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`ALTER TABLE template_revisions ADD COLUMN notes text NOT NULL DEFAULT ''`
})
