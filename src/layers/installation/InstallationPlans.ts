import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Schema } from "effect"
import { AgentId, OrganizationId } from "../../domain/Ids.ts"
import { PlanHash, PlannedRow } from "../../domain/installation/Plan.ts"
import { Kinds } from "../../services/catalog/Kinds.ts"
import { planStatement } from "./MirrorStatements.ts"

/**
 * The plans of installations at a revision each, or of taking them away where there is none: the query that both the mirror
 * and what shows its state ask.
 */
export const makeInstallationPlans = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const text = planStatement(yield* Kinds)
  return SqlSchema.findAll({
    Request: Schema.parseJson(
      Schema.Array(
        Schema.Struct({
          organization_id: OrganizationId,
          template_agent_id: AgentId,
          revision: Schema.NullOr(Schema.Int)
        })
      )
    ),
    Result: Schema.Struct({
      organizationId: OrganizationId,
      templateAgentId: AgentId,
      planHash: PlanHash,
      rows: Schema.Array(PlannedRow)
    }),
    execute: (installations) => sql.unsafe(text, [installations])
  })
})
