import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * Before an agent goes, Postgres looks for rows that name it as their template. A plan for any agent expects those of a popular
 * template, and reads whole tables for one that nobody has installed: each of these look-ups is planned for the agent it is about.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`ALTER FUNCTION remove_agent(text) SET plan_cache_mode = 'force_custom_plan'`
})
