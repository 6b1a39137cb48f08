import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * Answers that are given again for a day to whoever repeats a request with its `Idempotency-Key`. The key is in none of the columns:
 * with it, and the secret of the service, `digest` is found and `answer` is read.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE kept_answers (
      digest bytea PRIMARY KEY,
      user_id text REFERENCES "user" (id) ON DELETE CASCADE,
      organization_id text REFERENCES organization (id) ON DELETE CASCADE,
      fingerprint bytea NOT NULL,
      answer bytea NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `
  yield* sql`CREATE INDEX kept_answers_age ON kept_answers (created_at, digest)`
  yield* sql`CREATE INDEX kept_answers_user ON kept_answers (user_id) WHERE user_id IS NOT NULL`
  yield* sql`CREATE INDEX kept_answers_organization ON kept_answers (organization_id) WHERE organization_id IS NOT NULL`
})
