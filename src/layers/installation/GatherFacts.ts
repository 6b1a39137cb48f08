import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Schema } from "effect"
import { Kind, type KindDescription } from "../../domain/catalog/Kind.ts"
import { AgentId, OrganizationId } from "../../domain/Ids.ts"
import { type Installation, type InstallationFacts, RowFacts } from "../../domain/installation/Facts.ts"
import { factsStatement } from "./FactsStatement.ts"

/** A row of which the copy stands just as it was applied last, and nothing else is to be known: most rows are such. */
const UntouchedRow = Schema.Struct({
  untouched: Schema.Literal(true),
  kind: Kind,
  sourceId: Schema.Int,
  copyId: Schema.Int,
  slug: Schema.String,
  name: Schema.String,
  hash: Schema.String,
  ordinal: Schema.NullOr(Schema.Int),
  isReferred: Schema.Boolean,
  isAnchored: Schema.Boolean,
  schedule: Schema.optionalWith(Schema.NullOr(Schema.String), { exact: true }),
  agentId: Schema.optionalWith(AgentId, { exact: true })
})

/** The same in full. */
const factsOf = (row: RowFacts | typeof UntouchedRow.Type): RowFacts => {
  if (!("untouched" in row)) return row
  const { agentId, copyId, hash, isAnchored, isReferred, kind, name, ordinal, slug, sourceId } = row
  const said = { slug, name, hash, ...(typeof row.schedule === "string" && { schedule: row.schedule }) }
  return {
    kind,
    sourceId,
    wanted: { ...said, ...(ordinal !== null && { ordinal }) },
    entry: {
      own: true,
      copyId,
      slug,
      appliedHash: hash,
      adopted: false,
      ...(isReferred && { referred: isAnchored ? "anchored" : "bare" })
    },
    copy: { ...said, deleted: false, retired: false, ...(agentId !== undefined && { agentId }) }
  }
}

export interface GatherOptions {
  /** Includes the contents if they differ: a plan names the fields. */
  readonly withContents?: boolean
  /**
   * Leaves out the rows that are as they were applied, and counts them (`untouched`); or, where nothing but what is written is asked
   * for, all those to which nothing can be done whatever they say (`unwritten`).
   */
  readonly leavesOut?: "untouched" | "unwritten"
  /** Locks the copies until the transaction ends, since what is decided is written. */
  readonly locks?: boolean
}

/** Gathers what is known of the rows of installations: the one query that the mirror and what shows its state ask. */
export const makeGatherFacts = (kinds: ReadonlyArray<KindDescription>) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const gathering = (locks: boolean) => {
      const text = factsStatement(kinds, locks)
      return SqlSchema.findAll({
        Request: Schema.Struct({
          installations: Schema.parseJson(
            Schema.Array(
              Schema.Struct({
                organization_id: OrganizationId,
                template_agent_id: AgentId,
                revision: Schema.NullOr(Schema.Int)
              })
            )
          ),
          withContents: Schema.Boolean,
          leavesOut: Schema.NullOr(Schema.String)
        }),
        Result: Schema.Struct({
          organizationId: OrganizationId,
          templateAgentId: AgentId,
          firstId: Schema.NullOr(Schema.Int),
          rows: Schema.Array(Schema.Union(UntouchedRow, RowFacts)),
          leftOut: Schema.Record({ key: Schema.String, value: Schema.Int })
        }),
        execute: ({ installations, leavesOut, withContents }) =>
          sql.unsafe(text, [installations, withContents, leavesOut])
      })
    }
    const [reading, locking] = [gathering(false), gathering(true)]

    /** The facts of each installation, in that order. */
    return (installations: ReadonlyArray<Installation>, options: GatherOptions = {}) => {
      if (installations.length === 0) return Effect.succeed([])
      const { leavesOut = null, locks = false, withContents = false } = options
      const keyOf = ({ organizationId, templateAgentId }: Pick<Installation, "organizationId" | "templateAgentId">) =>
        `${organizationId} ${templateAgentId}`
      const asked = installations.map(({ organizationId, revision, templateAgentId }) => ({
        organization_id: organizationId,
        template_agent_id: templateAgentId,
        revision
      }))
      const gather = locks ? locking : reading
      return Effect.map(gather({ installations: asked, withContents, leavesOut }), (found) => {
        const known = new Map(found.map((one) => [keyOf(one), one]))
        return installations.map((one): InstallationFacts => {
          const { firstId, leftOut = {}, rows = [] } = known.get(keyOf(one)) ?? {}
          return {
            ...one,
            firstId: firstId ?? undefined,
            rows: rows.map(factsOf),
            ...(leavesOut === "untouched" && { leftOut })
          }
        })
      })
    }
  })
