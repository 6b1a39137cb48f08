import { Schema } from "effect"
import { AgentId, OrganizationId } from "./Ids.ts"
import { Kind } from "./Kind.ts"

/** What an install would do with a row; the first that fits. */
export const Verdict = Schema.Literal(
  "collision",
  "deleted_by_owner",
  "retire",
  "customized",
  "create",
  "update",
  "unchanged"
)
export type Verdict = typeof Verdict.Type

/** What becomes of a withdrawn row: it goes, is hidden, stays with a sibling template, or was gone already. */
export const Fate = Schema.Literal("removed", "kept", "passed_on", "forgotten")
export type Fate = typeof Fate.Type

/** One row of a plan. */
export const PlannedRow = Schema.Struct({
  kind: Kind,
  slug: Schema.String,
  name: Schema.NullOr(Schema.String),
  verdict: Verdict,
  fate: Schema.NullOr(Fate).annotations({ description: "Where the verdict is retire: what becomes of the row." }),
  owner: Schema.NullOr(Schema.String).annotations({
    description: "Where the verdict is collision: the slug of the organization whose row has the slug."
  }),
  fields: Schema.Array(Schema.String).annotations({
    description: "Where the verdict is update or customized: the fields in which template and copy differ."
  })
})
export type PlannedRow = typeof PlannedRow.Type

/** What an install would do. `planHash` stays the same as long as it would do the same to the same rows. */
export const Plan = Schema.Struct({
  templateAgentId: AgentId,
  organizationId: OrganizationId,
  revision: Schema.Int,
  planHash: Schema.String,
  rows: Schema.Array(PlannedRow)
}).annotations({ identifier: "Plan" })
export type Plan = typeof Plan.Type
