import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * What was found of installations when they were looked at last, for their publishers to see in numbers: when that was, and each row
 * that is not just as its template has it.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE installation_checks (
      agent_id text PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
      template_agent_id text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
      checked_at timestamptz NOT NULL DEFAULT now()
    )
  `
  yield* sql`CREATE INDEX installation_checks_age ON installation_checks (template_agent_id, checked_at)`
  yield* sql`
    CREATE TABLE installation_findings (
      agent_id text NOT NULL REFERENCES installation_checks (agent_id) ON DELETE CASCADE,
      template_agent_id text NOT NULL,
      kind text NOT NULL,
      source_id bigint NOT NULL,
      slug text NOT NULL,
      finding text NOT NULL CHECK (finding IN ('customized', 'deleted', 'colliding', 'retired')),
      PRIMARY KEY (agent_id, kind, source_id)
    )
  `
  yield* sql`CREATE INDEX installation_findings_template ON installation_findings (template_agent_id, kind, slug, finding)`
})
