import { Effect } from "effect"
import { PgPool } from "../src/layers/postgres/Database.ts"
import { TemplateMirror } from "../src/services/installation/TemplateMirror.ts"
import { newPeople } from "./database.ts"
import { compare, isSelected, rate } from "./report.ts"
import { changing } from "./templates.ts"

/* Plans and resyncs of an installation in which one row of 89 changed, against reading the same rows by one plain statement. */

const slug = "eighty-nine-types"
const types = 89

const text = `SELECT r.slug, r.hash, r.content, l.applied_hash, t.*
FROM template_revision_rows r
JOIN mirror_ledger l ON l.organization_id = $1 AND l.template_agent_id = r.template_agent_id AND l.kind = r.kind AND l.source_id = r.source_id
JOIN entity_types t ON t.id = l.copy_id
WHERE r.template_agent_id = $2 AND r.revision = (SELECT revision FROM agents WHERE id = $2)`

/** Publishes a revision in which one row says something else. */
const changeOne = changing(slug, types)

export const benchResync = Effect.gen(function* () {
  if (!isSelected("plan/one-of-89") && !isSelected("resync/one-of-89")) return
  const pool = yield* PgPool
  const mirror = yield* TemplateMirror
  const { templateAgentId } = yield* changeOne
  const installed = yield* Effect.forEach(yield* newPeople(60), ({ organizationId, userId }) => {
    const request = { organizationId, userId, templateAgentId }
    return Effect.map(mirror.apply(request), ({ agentId }) => ({ ...request, agentId }))
  })
  // A quiet moment comes after so many installs, in which Postgres counts the rows.
  yield* Effect.promise(() => pool.query("ANALYZE"))
  const each = (one: (request: (typeof installed)[number]) => Effect.Effect<unknown, unknown>) =>
    rate(installed.length, 4, (at) => {
      const request = installed[at]
      return request === undefined ? Effect.void : one(request)
    })
  const read = each(({ organizationId }) =>
    Effect.promise(() => pool.query({ name: "read-rows", text, values: [organizationId, templateAgentId] }))
  )
  yield* changeOne
  yield* compare({ name: "plan/one-of-89", unit: "plans/s", turns: 11 }, each(mirror.planResync), read)
  yield* compare(
    { name: "resync/one-of-89", unit: "resyncs/s", turns: 11 },
    Effect.zipRight(changeOne, each(mirror.resync)),
    read
  )
})
