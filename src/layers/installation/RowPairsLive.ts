import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Schema } from "effect"
import { Kind, type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { AgentId, OrganizationId } from "../../domain/Ids.ts"
import { RowPair } from "../../domain/installation/Difference.ts"
import { RowPairs } from "../../services/installation/RowPairs.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { content, joinVersion } from "../catalog/KindSql.ts"

// A row that a sibling template shares has a ledger entry for each template, and one copy.
const pairsOf = (kind: KindDescription) => `
  SELECT kind, slug, own, template FROM (
  SELECT DISTINCT ON (r.slug) r.kind, r.slug, ${content({ ...kind, references: {} }, "t", "v", () => "NULL")} AS own, r.content AS template
  FROM template_revision_rows r
  JOIN mirror_ledger l ON l.organization_id = $1 AND l.kind = r.kind AND l.source_id = r.source_id
  JOIN ${kind.table} t ON t.id = l.copy_id
  ${joinVersion(kind, "t", "v")}
  WHERE r.template_agent_id = $2 AND r.revision = $3 AND r.kind = '${kind.kind}'
    AND r.slug IN (SELECT wanted ->> 'slug' FROM jsonb_array_elements($4::jsonb) wanted WHERE wanted ->> 'kind' = '${kind.kind}')
  ) held
  UNION ALL
  SELECT r.kind, r.slug, shown.content - ARRAY[${Object.keys(kind.references ?? {})
    .map((column) => `'${column}'`)
    .join(", ")}]::text[], r.content
  FROM template_revision_rows r
  JOIN referenced_rows shown ON shown.organization_id = $1 AND shown.kind = r.kind AND shown.source_id = r.source_id
  WHERE r.template_agent_id = $2 AND r.revision = $3 AND r.kind = '${kind.kind}'
    AND r.slug IN (SELECT wanted ->> 'slug' FROM jsonb_array_elements($4::jsonb) wanted WHERE wanted ->> 'kind' = '${kind.kind}')`

const make = (kinds: ReadonlyArray<KindDescription>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const text = kinds.map((kind) => `(${pairsOf(kind)})`).join("\nUNION ALL\n")

    const find = SqlSchema.findAll({
      Request: Schema.Struct({
        organizationId: OrganizationId,
        templateAgentId: AgentId,
        revision: Schema.Int,
        rows: Schema.parseJson(Schema.Array(Schema.Struct({ kind: Kind, slug: Schema.String })))
      }),
      Result: RowPair,
      execute: ({ organizationId, revision, rows, templateAgentId }) =>
        sql.unsafe(text, [organizationId, templateAgentId, revision, rows])
    })

    return RowPairs.of({
      of: traced("RowPairs.of")(({ organizationId, template: { templateAgentId } }, revision, rows) =>
        rows.length === 0
          ? Effect.succeed([])
          : Effect.orDie(
              find({
                organizationId,
                templateAgentId,
                revision,
                rows: rows.map(({ kind, slug }) => ({ kind, slug }))
              })
            )
      )
    })
  })

/** The contents of rows and their copies in Postgres, in one statement. */
export const RowPairsLive = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(RowPairs, make(kinds))
