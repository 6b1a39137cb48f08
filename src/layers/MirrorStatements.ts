import type { KindDescription } from "../domain/Kind.ts"

/*
 * The SQL of the mirror and of publication, written once over the description of a kind. Texts are fixed when the layer
 * is built: nothing but table and column names of the descriptions is put into them, values are parameters.
 */

const shared = { slug: "text", name: "text", description: "text", extensions: "jsonb" } as const

/** The content columns of a kind's own table, the shared ones first. */
const ownColumns = (kind: KindDescription) => ({ ...shared, ...kind.columns })

const contentColumns = (kind: KindDescription) => ({
  ...ownColumns(kind),
  ...kind.versions?.columns,
  ...Object.fromEntries(Object.keys(kind.references ?? {}).map((column) => [column, "text"]))
})

const list = (parts: ReadonlyArray<string>) => parts.filter((part) => part !== "").join(", ")

const sequence = (table: string) => `nextval('${table}_id_seq')`

const pointerOf = (kind: KindDescription) =>
  kind.versions !== undefined && "pointer" in kind.versions.current ? kind.versions.current.pointer : undefined

const joinVersion = (kind: KindDescription, row: string, version: string) => {
  if (kind.versions === undefined) return ""
  const { current, owner, table } = kind.versions
  return "pointer" in current
    ? `LEFT JOIN ${table} ${version} ON ${version}.id = ${row}.${current.pointer}`
    : `LEFT JOIN ${table} ${version} ON ${version}.${owner} = ${row}.id AND ${version}.${current.flag}`
}

/** Everything a person or publisher can say in a row of the kind, as one JSON object; references as `reference` writes them. */
const content = (kind: KindDescription, row: string, version: string, reference: (column: string) => string) =>
  `jsonb_build_object(${list([
    ...Object.keys(ownColumns(kind)).map((column) => `'${column}', ${row}.${column}`),
    ...Object.keys(kind.versions?.columns ?? {}).map((column) => `'${column}', ${version}.${column}`),
    ...Object.keys(kind.references ?? {}).map((column) => `'${column}', ${reference(column)}`)
  ])})`

const hashOf = (json: string) => `encode(sha256(convert_to((${json})::text, 'UTF8')), 'hex')`

/** Columns of a `jsonb_to_record` alias: every content column under its type. */
const recordOf = (kind: KindDescription) =>
  list(Object.entries(contentColumns(kind)).map(([column, type]) => `${column} ${type}`))

// Parameters of `applyStatement`.
const organization = "$1::text"
const template = "$2::text"
const revision = "$3::integer"
const agent = "$4::text"
const user = "$5::text"
const dueTimes = "$6::jsonb"

/**
 * Takes the organization's turn and makes or finds the installed agent, where the caller may install the template.
 * Parameters: organization, template, user, name (or null). Result: what is known of the template and the caller, the
 * agent (null where it is not for the caller to have), and the cron expressions of the template's newest revision.
 */
export const prepareStatement = (kinds: ReadonlyArray<KindDescription>): string => `WITH
template AS MATERIALIZED (
  SELECT a.id, a.organization_id, a.template_agent_id, a.name, a.description, a.revision,
    a.slug IS NOT NULL AND a.revision IS NOT NULL AND o.visibility = 'public' AS published,
    o.visibility = 'public' OR EXISTS (
      SELECT FROM member m WHERE m.organization_id = a.organization_id AND m.user_id = $3::text
    ) AS visible
  FROM agents a JOIN organization o ON o.id = a.organization_id
  WHERE a.id = $2::text
),
caller AS MATERIALIZED (
  SELECT COALESCE(m.role, '') IN ('owner', 'admin') AS administers
  FROM organization o LEFT JOIN member m ON m.organization_id = o.id AND m.user_id = $3::text
  WHERE o.id = $1::text
  FOR NO KEY UPDATE OF o
),
agent AS (
  INSERT INTO agents (organization_id, template_agent_id, name, description, owner_user_id, revision, template_name, template_description)
  SELECT $1::text, t.id, COALESCE($4::text, t.name), t.description, $3::text, t.revision,
    CASE WHEN $4::text IS NULL THEN t.name END, t.description
  FROM template t, caller
  WHERE t.published AND t.template_agent_id IS NULL AND t.organization_id <> $1::text AND caller.administers
  ON CONFLICT (organization_id, template_agent_id) WHERE template_agent_id IS NOT NULL DO UPDATE SET
    name = CASE WHEN $4::text IS NOT NULL OR agents.name = agents.template_name THEN excluded.name ELSE agents.name END,
    template_name = CASE WHEN $4::text IS NOT NULL OR agents.name = agents.template_name
      THEN excluded.template_name ELSE agents.template_name END,
    description = CASE WHEN agents.description = agents.template_description
      THEN excluded.description ELSE agents.description END,
    template_description = excluded.template_description,
    revision = excluded.revision,
    updated_at = now()
  RETURNING id, xmax = 0 AS created
)
SELECT t.visible, t.published, t.template_agent_id IS NOT NULL AS installed, t.organization_id = $1::text AS own, t.revision,
  COALESCE((SELECT administers FROM caller), false) AS administers, agent.id AS agent_id, agent.created,
  ARRAY(
  ${kinds
    .filter((kind) => kind.schedule !== undefined)
    .map(
      (kind) => `SELECT r.content ->> '${kind.schedule?.cron}' FROM template_revision_rows r
    WHERE r.template_agent_id = t.id AND r.revision = t.revision AND r.kind = '${kind.kind}'
      AND r.content ->> '${kind.schedule?.cron}' IS NOT NULL`
    )
    .join("\n  UNION\n  ")}
  ) AS schedules
FROM template t LEFT JOIN agent ON true`

/** Verdicts of one kind: the revision's rows beside the ledger and the rows as they stand. */
const verdicts = (kind: KindDescription) => {
  const table = kind.kind
  const copyOf = (column: string) => `(
    CASE WHEN t.${column} IS NOT NULL THEN COALESCE(
      (SELECT referred.source_id::text FROM mirror_ledger referred
       WHERE referred.kind = '${kind.references?.[column]}' AND referred.copy_id = t.${column}
         AND referred.organization_id = ${organization} LIMIT 1),
      'own:' || t.${column})
    END)`
  return `
${table}_rows AS MATERIALIZED (
  SELECT r.slug, r.source_id, r.hash, r.content, l.copy_id, l.applied_hash, l.own, t.id AS live_id, taken.owner,
    CASE
      WHEN taken.owner IS NOT NULL THEN 'collision'
      WHEN l.copy_id IS NULL THEN 'create'
      WHEN t.id IS NULL THEN 'deleted_by_owner'
      WHEN live.hash = r.hash THEN 'unchanged'
      WHEN live.hash <> l.applied_hash THEN 'customized'
      ELSE 'update'
    END AS verdict
  FROM template_revision_rows r
  LEFT JOIN LATERAL (
    SELECT known.copy_id, known.applied_hash, known.template_agent_id = ${template} AS own
    FROM mirror_ledger known
    WHERE known.organization_id = ${organization} AND known.kind = '${table}' AND known.source_id = r.source_id
    ORDER BY known.template_agent_id = ${template} DESC
    LIMIT 1
  ) l ON true
  LEFT JOIN ${table} t ON t.id = l.copy_id AND t.organization_id = ${organization} AND t.deleted_at IS NULL
  ${joinVersion(kind, "t", "v")}
  LEFT JOIN LATERAL (SELECT ${hashOf(content(kind, "t", "v", copyOf))} AS hash WHERE t.id IS NOT NULL) live ON true
  LEFT JOIN LATERAL (
    SELECT COALESCE(holder.slug, own.slug) AS owner
    FROM ${table} other
    JOIN organization own ON own.id = other.organization_id
    LEFT JOIN organization holder ON holder.id = other.source_template_org_id
    WHERE other.organization_id = ${organization} AND other.slug = r.slug AND other.deleted_at IS NULL
      AND other.id IS DISTINCT FROM t.id
      AND other.source_template_org_id IS DISTINCT FROM (SELECT publisher FROM newest)
  ) taken ON true
  WHERE r.template_agent_id = ${template} AND r.revision = ${revision} AND r.kind = '${table}'
)`
}

/** Where rows are written, and what they are given besides their content. */
interface Target {
  readonly organization: string
  readonly agent: string
  readonly createdBy: string
  readonly managedBy: string
  readonly sourceOrganization: string
  /** When a row of the alias is due next. */
  readonly due: (kind: KindDescription, row: string) => string
  /** The id a reference column of the alias names in the organization. */
  readonly referred: (row: string, column: string, kind: string) => string
}

/**
 * The writes of one kind: the rows of `<kind>_new` are inserted, those of `<kind>_behind` brought up to their content, each
 * with its version where the kind has versions. Both have the content columns and `id`; `version_id` where a row points at
 * its version.
 */
const writes = (kind: KindDescription, target: Target) => {
  const table = kind.kind
  const own = Object.keys(ownColumns(kind))
  const pointer = pointerOf(kind)
  const references = Object.entries(kind.references ?? {})
  const statements = [
    `
${table}_inserted AS (
  INSERT INTO ${table} (${list([
    "id",
    "organization_id",
    ...own,
    "created_by",
    "managed_by_template_agent_id",
    "source_template_org_id",
    kind.agent ?? "",
    kind.schedule?.due ?? "",
    pointer ?? "",
    ...references.map(([column]) => column)
  ])})
  SELECT ${list([
    "n.id",
    target.organization,
    ...own.map((column) => `n.${column}`),
    target.createdBy,
    target.managedBy,
    target.sourceOrganization,
    kind.agent ? target.agent : "",
    kind.schedule ? target.due(kind, "n") : "",
    pointer ? "n.version_id" : "",
    ...references.map(([column, referred]) => target.referred("n", column, referred))
  ])}
  FROM ${table}_new n
)`
  ]

  if (kind.versions !== undefined) {
    const { columns, current, owner, table: versions } = kind.versions
    const names = Object.keys(columns)
    const flag = "flag" in current ? current.flag : undefined
    const into = `${versions} (${list([pointer ? "id" : "", owner, "version", flag ?? "", ...names])})`
    const version = (row: string, number: string) =>
      list([
        pointer ? `${row}.version_id` : "",
        `${row}.id`,
        number,
        flag ? "true" : "",
        ...names.map((name) => `${row}.${name}`)
      ])
    const columnsOf = (row: string) => `(${list(names.map((name) => `${row}.${name}`))})`
    statements.push(
      `
${table}_first_versions AS (
  INSERT INTO ${into} SELECT ${version("n", "1")} FROM ${table}_new n
)`,
      `
${table}_reversioned AS MATERIALIZED (
  SELECT ${list([
    "b.*",
    pointer ? `${sequence(versions)} AS version_id` : "",
    `(SELECT COALESCE(max(past.version), 0) + 1 FROM ${versions} past WHERE past.${owner} = b.id) AS next_version`
  ])}
  FROM ${table}_behind b
  JOIN ${table} t ON t.id = b.id
  ${joinVersion(kind, "t", "v")}
  WHERE ${columnsOf("v")} IS DISTINCT FROM ${columnsOf("b")}
)`
    )
    // One current version is a unique index: counting makes the old one step back before the new one takes its place.
    const stepBack = flag === undefined ? "" : `WHERE (SELECT count(*) FROM ${table}_outdated) >= 0`
    if (flag !== undefined) {
      statements.push(`
${table}_outdated AS (
  UPDATE ${versions} v SET ${flag} = false FROM ${table}_reversioned b WHERE v.${owner} = b.id AND v.${flag} RETURNING v.id
)`)
    }
    statements.push(`
${table}_next_versions AS (
  INSERT INTO ${into} SELECT ${version("b", "b.next_version")} FROM ${table}_reversioned b ${stepBack}
)`)
  }

  statements.push(`
${table}_updated AS (
  UPDATE ${table} t SET ${list([
    ...own.map((column) => `${column} = b.${column}`),
    "deleted_at = NULL",
    ...references.map(([column, referred]) => `${column} = ${target.referred("b", column, referred)}`),
    kind.schedule
      ? `${kind.schedule.due} = CASE WHEN t.${kind.schedule.cron} IS DISTINCT FROM b.${kind.schedule.cron}
      THEN ${target.due(kind, "b")} ELSE t.${kind.schedule.due} END`
      : "",
    pointer
      ? `${pointer} = COALESCE((SELECT c.version_id FROM ${table}_reversioned c WHERE c.id = t.id), t.${pointer})`
      : ""
  ])}
  FROM ${table}_behind b WHERE t.id = b.id
)`)
  return statements
}

const newVersionId = (kind: KindDescription) =>
  pointerOf(kind) ? `${sequence(kind.versions?.table ?? "")} AS version_id` : ""

/** The rows a verdict makes of one kind, and which row stands for each source row. */
const judged = (kind: KindDescription) => {
  const table = kind.kind
  const record = Object.keys(contentColumns(kind)).map((column) => `n.${column}`)
  const from = `FROM go, ${table}_rows r, LATERAL jsonb_to_record(r.content) AS n(${recordOf(kind)})`
  return [
    `
${table}_new AS MATERIALIZED (
  SELECT ${list([...record, "r.source_id", "r.hash", `${sequence(table)} AS id`, newVersionId(kind)])}
  ${from} WHERE go.go AND r.verdict = 'create'
)`,
    `
${table}_behind AS MATERIALIZED (
  SELECT ${list([...record, "r.source_id", "r.hash", "r.live_id AS id"])}
  ${from} WHERE go.go AND r.verdict = 'update'
)`,
    `
${table}_placed AS (
  SELECT source_id, live_id AS id FROM ${table}_rows WHERE live_id IS NOT NULL
  UNION ALL
  SELECT source_id, id FROM ${table}_new
)`
  ]
}

const installation: Target = {
  organization,
  agent,
  createdBy: user,
  managedBy: template,
  sourceOrganization: "(SELECT publisher FROM newest)",
  due: (kind, row) => `(${dueTimes} ->> ${row}.${kind.schedule?.cron})::timestamptz`,
  referred: (row, column, kind) =>
    `(SELECT placed.id FROM ${kind}_placed placed WHERE placed.source_id = ${row}.${column}::bigint)`
}

/**
 * One statement that judges every row of a revision and, unless there is a collision or a newer revision, writes what the
 * verdicts say: rows, versions and ledger. Parameters: organization, template, revision, installed agent, user, and the
 * next due time of each cron expression. One result row a kind: `newest` (whether the revision still is), `standing`
 * (rows that stand afterwards), `collisions`.
 */
export const applyStatement = (kinds: ReadonlyArray<KindDescription>): string => {
  const all = (rows: (table: string) => string) => kinds.map(({ kind }) => rows(kind)).join("\n  UNION ALL\n  ")
  return `WITH
newest AS MATERIALIZED (
  SELECT a.organization_id AS publisher, a.revision = ${revision} AS newest FROM agents a WHERE a.id = ${template}
),${kinds.map(verdicts).join(",")},
go AS MATERIALIZED (
  SELECT (SELECT newest FROM newest) AND NOT EXISTS (
  ${all((table) => `SELECT FROM ${table}_rows WHERE verdict = 'collision'`)}
  ) AS go
),${kinds.flatMap((kind) => [...judged(kind), ...writes(kind, installation)]).join(",")},
applied AS (
  ${all(
    (table) => `SELECT '${table}' AS kind, source_id, id, hash FROM ${table}_new
  UNION ALL SELECT '${table}', source_id, id, hash FROM ${table}_behind
  UNION ALL SELECT '${table}', source_id, copy_id, CASE verdict WHEN 'unchanged' THEN hash ELSE applied_hash END
    FROM ${table}_rows, go
    WHERE go.go AND (verdict = 'unchanged' AND (NOT own OR applied_hash <> hash)
      OR verdict IN ('customized', 'deleted_by_owner') AND NOT own)`
  )}
),
remembered AS (
  INSERT INTO mirror_ledger (organization_id, template_agent_id, kind, source_id, copy_id, applied_hash)
  SELECT ${organization}, ${template}, kind, source_id, id, hash FROM applied
  ON CONFLICT (organization_id, kind, source_id, template_agent_id)
  DO UPDATE SET copy_id = excluded.copy_id, applied_hash = excluded.applied_hash
),
remembered_by_siblings AS (
  UPDATE mirror_ledger l SET applied_hash = a.hash FROM applied a
  WHERE l.organization_id = ${organization} AND l.kind = a.kind AND l.source_id = a.source_id
    AND l.template_agent_id <> ${template} AND l.applied_hash <> a.hash
)
${all(
  (table) => `SELECT '${table}' AS kind, (SELECT newest FROM newest) AS newest,
    count(*) FILTER (WHERE verdict NOT IN ('collision', 'deleted_by_owner'))::integer AS standing,
    COALESCE(jsonb_agg(jsonb_build_object('kind', '${table}', 'slug', slug, 'owner', owner) ORDER BY slug)
      FILTER (WHERE verdict = 'collision'), '[]') AS collisions
  FROM ${table}_rows`
)}`
}

const publication: Target = {
  organization: "$1::text",
  agent: "$2::text",
  createdBy: "NULL",
  managedBy: "NULL",
  sourceOrganization: "NULL",
  due: () => "NULL::timestamptz",
  referred: (row, column) => `${row}.${column}::bigint`
}

/**
 * Writes a kind's definitions into the publisher's organization. Parameters: organization, template agent, the rows as a
 * JSON array of content columns and `source_id` (null for a new one). Result: `slug` and `source_id` of each.
 */
export const publishStatement = (kind: KindDescription): string => {
  const table = kind.kind
  const record = Object.keys(contentColumns(kind)).map((column) => `n.${column}`)
  return `WITH
given AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset($3::jsonb) AS n(${recordOf(kind)}, source_id bigint) WHERE $2::text IS NOT NULL
),
${table}_new AS MATERIALIZED (
  SELECT ${list([...record, `${sequence(table)} AS id`, newVersionId(kind)])} FROM given n WHERE n.source_id IS NULL
),
${table}_behind AS MATERIALIZED (
  SELECT ${list([...record, "n.source_id AS id"])} FROM given n WHERE n.source_id IS NOT NULL
),${writes(kind, publication).join(",")}
SELECT slug, id::text AS source_id FROM ${table}_new UNION ALL SELECT slug, id::text FROM ${table}_behind`
}

/**
 * Rows of the publisher's that a template may continue. Parameters: organization, template agent. Results as `KnownSource`,
 * each (kind, slug) of the template once, from the latest revision that has it.
 */
export const knownSourcesStatement = (kinds: ReadonlyArray<KindDescription>): string =>
  kinds
    .map(
      ({ kind: table }) => `
(SELECT DISTINCT ON (r.slug) '${table}' AS kind, r.slug, r.source_id::text AS source_id, r.was,
  CASE WHEN r.revision = a.revision THEN 'newest' ELSE 'earlier' END AS standing
FROM agents a
JOIN template_revision_rows r ON r.template_agent_id = a.id AND r.kind = '${table}'
JOIN ${table} t ON t.id = r.source_id AND t.organization_id = a.organization_id
WHERE a.id = $2::text AND a.organization_id = $1::text
ORDER BY r.slug, r.revision DESC)
UNION ALL
SELECT '${table}', t.slug, t.id::text, '{}', 'elsewhere'
FROM ${table} t WHERE t.organization_id = $1::text AND t.deleted_at IS NULL AND t.slug NOT LIKE '$%'`
    )
    .join("\nUNION ALL\n")

/**
 * Takes rows of the publisher's out of the index of live slugs, for the same transaction to bring them back under other
 * slugs: so swaps and cycles of slugs never meet. Parameters: organization, ids.
 */
export const putAsideStatement = ({ kind: table }: KindDescription): string =>
  `UPDATE ${table} SET deleted_at = 'infinity' WHERE organization_id = $1::text AND id = ANY ($2::bigint[])`

/** Deletes rows the template no longer has, unless a sibling template does. Parameters: organization, ids, template agent. */
export const withdrawStatement = ({ kind: table }: KindDescription): string => `UPDATE ${table} t SET deleted_at = now()
WHERE t.organization_id = $1::text AND t.id = ANY ($2::bigint[]) AND t.deleted_at IS NULL
  AND NOT EXISTS (
    SELECT FROM template_revision_rows r
    JOIN agents sibling ON sibling.id = r.template_agent_id AND sibling.revision = r.revision
    WHERE r.kind = '${table}' AND r.source_id = t.id AND sibling.id <> $3::text
  )`

/**
 * Records a revision of the rows as they stand, unless the newest has the same. Parameters: template agent, and the rows as
 * a JSON array of `kind`, `source_id`, `was`. Result: the newest revision's number, whether this made it, and the rows that
 * differ from what a sibling template of the publisher published under the same slug (then nothing is recorded).
 */
export const recordRevisionStatement = (kinds: ReadonlyArray<KindDescription>): string => `WITH
template AS MATERIALIZED (SELECT * FROM agents WHERE id = $1::text),
given AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($2::jsonb) AS n(kind text, source_id bigint, was text[])),
rows AS MATERIALIZED (
  ${kinds
    .map(
      (kind) => `SELECT g.kind, t.slug, g.source_id, g.was, c.content, ${hashOf("c.content")} AS hash
  FROM given g JOIN ${kind.kind} t ON t.id = g.source_id
  ${joinVersion(kind, "t", "v")}
  CROSS JOIN LATERAL (SELECT ${content(kind, "t", "v", (column) => `t.${column}::text`)} AS content) c
  WHERE g.kind = '${kind.kind}'`
    )
    .join("\n  UNION ALL\n  ")}
),
whole AS (
  SELECT encode(sha256(convert_to(
    jsonb_build_array(t.name, t.description, (SELECT jsonb_agg(jsonb_build_array(kind, slug, hash) ORDER BY kind, slug) FROM rows))::text,
    'UTF8')), 'hex') AS hash
  FROM template t
),
newest AS (
  SELECT r.revision, r.hash FROM template_revisions r JOIN template t ON t.id = r.template_agent_id AND t.revision = r.revision
),
differing AS MATERIALIZED (
  SELECT rows.kind, rows.slug, sibling.slug AS template
  FROM rows
  JOIN template_revision_rows theirs ON theirs.kind = rows.kind AND theirs.source_id = rows.source_id
  JOIN agents sibling ON sibling.id = theirs.template_agent_id AND sibling.revision = theirs.revision
  WHERE sibling.id <> $1::text AND theirs.hash <> rows.hash
),
recorded AS (
  INSERT INTO template_revisions (template_agent_id, revision, hash, name, description)
  SELECT t.id, COALESCE((SELECT revision FROM newest), 0) + 1, whole.hash, t.name, t.description
  FROM template t, whole
  WHERE whole.hash IS DISTINCT FROM (SELECT hash FROM newest) AND NOT EXISTS (SELECT FROM differing)
  RETURNING revision
),
recorded_rows AS (
  INSERT INTO template_revision_rows (template_agent_id, revision, kind, slug, source_id, was, hash, content)
  SELECT $1::text, recorded.revision, rows.kind, rows.slug, rows.source_id, rows.was, rows.hash, rows.content
  FROM recorded, rows
),
numbered AS (
  UPDATE agents SET revision = recorded.revision, updated_at = now() FROM recorded WHERE agents.id = $1::text
)
SELECT COALESCE((SELECT revision FROM recorded), (SELECT revision FROM newest)) AS revision,
  EXISTS (SELECT FROM recorded) AS changed,
  COALESCE((SELECT jsonb_agg(differing) FROM differing), '[]') AS differing`
