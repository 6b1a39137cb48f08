import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * One index of installed agents, the template first, in place of two. A popular template has nearly all of them, and where both
 * orders were indexed, Postgres looked for those of another in the whole of the one that begins with the organization: at every
 * uninstall, which asks whether the agent is anybody's template.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`DROP INDEX agents_one_install`
  yield* sql`
    CREATE UNIQUE INDEX agents_one_install ON agents (template_agent_id, organization_id)
    WHERE template_agent_id IS NOT NULL
  `
  yield* sql`DROP INDEX agents_template`
})
