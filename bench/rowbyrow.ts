import type Pg from "pg"

/*
 * An install as most programs would write it: in one transaction, row by row, a look whether the slug is taken and an insert. No
 * ledger, no history, no check of who asks.
 */

interface Row {
  readonly kind: string
  readonly slug: string
  readonly source_id: string
  readonly content: Readonly<Record<string, unknown>>
}

const columns = {
  entity_types: ["slug", "name", "description", "extensions", "icon", "color", "metadata_schema", "event_kinds"],
  entity_relationship_types: ["slug", "name", "description", "extensions", "metadata_schema", "is_symmetric"],
  watchers: ["slug", "name", "description", "extensions", "schedule", "sources"],
  event_classifiers: ["slug", "name", "description", "extensions", "attribute_key"]
} as const

type Kind = keyof typeof columns
const kinds = ["entity_types", "entity_relationship_types", "watchers", "event_classifiers"] as const

const versions = {
  watchers: { owner: "watcher_id", columns: ["prompt", "extraction_schema", "reactions_guidance"] },
  event_classifiers: { owner: "classifier_id", columns: ["attribute_values", "min_similarity", "fallback_value"] }
} as const

const singular = { watchers: "watcher_versions", event_classifiers: "event_classifier_versions" } as const

const value = (given: unknown) => (typeof given === "object" && given !== null ? JSON.stringify(given) : given)

const insert = (table: string, names: ReadonlyArray<string>) =>
  `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map((_, at) => `$${at + 1}`).join(", ")}) RETURNING id`

/** Installs the newest revision of a template; answers with the agent's id. */
export const copyRowByRow = async (
  pool: Pg.Pool,
  { organizationId, slug, userId }: { readonly userId: string; readonly organizationId: string; readonly slug: string }
) => {
  const client = await pool.connect()
  const run = async (name: string, text: string, values: ReadonlyArray<unknown>) =>
    (await client.query({ name, text, values: [...values] })).rows
  try {
    await client.query("BEGIN")
    const [template] = await run("template", "SELECT * FROM agents WHERE slug = $1", [slug])
    const rows: ReadonlyArray<Row> = await run(
      "rows",
      "SELECT kind, slug, source_id, content FROM template_revision_rows WHERE template_agent_id = $1 AND revision = $2",
      [template.id, template.revision]
    )
    const agentColumns = ["organization_id", "template_agent_id", "name", "owner_user_id", "revision"]
    const [agent] = await run("agent", insert("agents", agentColumns), [
      organizationId,
      template.id,
      template.name,
      userId,
      template.revision
    ])
    const copied = new Map<string, string>()
    for (const kind of kinds) {
      for (const row of rows.filter((one) => one.kind === kind)) {
        const taken = await run(
          `look ${kind}`,
          `SELECT id FROM ${kind} WHERE organization_id = $1 AND slug = $2 AND deleted_at IS NULL`,
          [organizationId, row.slug]
        )
        if (taken.length > 0) throw new Error(`${row.slug} is taken`)
        const own: Readonly<Record<Kind, ReadonlyArray<string>>> = columns
        const bound =
          kind === "watchers"
            ? { agent_id: agent.id }
            : kind === "event_classifiers"
              ? { watcher_id: copied.get(`watchers ${row.content.watcher_id}`) ?? null }
              : {}
        const written: Readonly<Record<string, unknown>> = {
          organization_id: organizationId,
          created_by: userId,
          managed_by_template_agent_id: template.id,
          source_template_org_id: template.organization_id,
          ...bound,
          ...Object.fromEntries(own[kind].map((column) => [column, value(row.content[column])]))
        }
        const [copy] = await run(kind, insert(kind, Object.keys(written)), Object.values(written))
        copied.set(`${kind} ${row.source_id}`, copy.id)
        if (kind === "watchers" || kind === "event_classifiers") {
          const { columns: names, owner } = versions[kind]
          const current = kind === "watchers" ? [] : ["is_current"]
          const [version] = await run(
            `version ${kind}`,
            insert(singular[kind], [owner, "version", ...current, ...names]),
            [copy.id, 1, ...current.map(() => true), ...names.map((name) => value(row.content[name]))]
          )
          if (kind === "watchers") {
            await run("current", "UPDATE watchers SET current_version_id = $1 WHERE id = $2", [version.id, copy.id])
          }
        }
      }
    }
    await client.query("COMMIT")
    return { agentId: agent.id }
  } catch (error) {
    await client.query("ROLLBACK")
    throw error
  } finally {
    client.release()
  }
}
