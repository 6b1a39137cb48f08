import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * What uninstalls have left, as they leave it from now on: copies that their owner deleted, and that nothing remembers, lose
 * their tags; withdrawn rows are seen again where no agent is installed that hides them, and those that were the person's own
 * before are theirs alone.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  for (const table of ["entity_types", "entity_relationship_types", "watchers", "event_classifiers"]) {
    yield* sql`
      UPDATE ${sql(table)} t SET managed_by_template_agent_id = NULL, source_template_org_id = NULL
      WHERE managed_by_template_agent_id IS NOT NULL AND deleted_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM mirror_ledger l WHERE l.kind = ${table} AND l.copy_id = t.id)
    `
    yield* sql`
      WITH hidden AS MATERIALIZED (
        SELECT t.id, bool_or(l.adopted) AS adopted
        FROM ${sql(table)} t
        JOIN mirror_ledger l ON l.kind = ${table} AND l.copy_id = t.id AND l.organization_id = t.organization_id
        LEFT JOIN agents a ON a.organization_id = l.organization_id AND a.template_agent_id = l.template_agent_id
        WHERE t.retired_at IS NOT NULL AND t.deleted_at IS NULL
        GROUP BY t.id HAVING count(a.id) = 0
      ),
      forgotten AS (
        DELETE FROM mirror_ledger l USING hidden WHERE hidden.adopted AND l.kind = ${table} AND l.copy_id = hidden.id
      )
      UPDATE ${sql(table)} t SET retired_at = NULL,
        managed_by_template_agent_id = CASE WHEN hidden.adopted THEN NULL ELSE t.managed_by_template_agent_id END,
        source_template_org_id = CASE WHEN hidden.adopted THEN NULL ELSE t.source_template_org_id END
      FROM hidden WHERE t.id = hidden.id
    `
  }
})
