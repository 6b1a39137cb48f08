import type { KindDescription } from "../../domain/catalog/Kind.ts"

/*
 * A kind in SQL, made from its description: what the statements of the mirror and of publication have in common. Texts are
 * fixed when a layer is built: nothing but table and column names of the descriptions is put into them, values are
 * parameters. Names of steps (`WITH`) begin with the kind's name, tables stand under their own.
 */

const shared = { slug: "text", name: "text", description: "text", extensions: "jsonb" } as const

/** The content columns of a kind's own table, the shared ones first. */
const ownColumns = (kind: KindDescription) => ({ ...shared, ...kind.columns })

export const contentColumns = (kind: KindDescription) => ({
  ...ownColumns(kind),
  ...kind.versions?.columns,
  ...Object.fromEntries(Object.keys(kind.references ?? {}).map((column) => [column, "text"]))
})

export const list = (parts: ReadonlyArray<string>) => parts.filter((part) => part !== "").join(", ")

export const sequence = (table: string) => `nextval('${table}_id_seq')`

const pointerOf = (kind: KindDescription) =>
  kind.versions !== undefined && "pointer" in kind.versions.current ? kind.versions.current.pointer : undefined

export const joinVersion = (kind: KindDescription, row: string, version: string) => {
  if (kind.versions === undefined) return ""
  const { current, owner, table } = kind.versions
  return "pointer" in current
    ? `LEFT JOIN ${table} ${version} ON ${version}.id = ${row}.${current.pointer}`
    : `LEFT JOIN ${table} ${version} ON ${version}.${owner} = ${row}.id AND ${version}.${current.flag}`
}

/** Everything a person or publisher can say in a row of the kind, as one JSON object; references as `reference` writes them. */
export const content = (kind: KindDescription, row: string, version: string, reference: (column: string) => string) =>
  `jsonb_build_object(${list([
    ...Object.keys(ownColumns(kind)).map((column) => `'${column}', ${row}.${column}`),
    ...Object.keys(kind.versions?.columns ?? {}).map((column) => `'${column}', ${version}.${column}`),
    ...Object.keys(kind.references ?? {}).map((column) => `'${column}', ${reference(column)}`)
  ])})`

/** The hash of a content: the same for all that are equal (`src/domain/catalog/Content.ts`). */
export const hashOf = (json: string) => `content_hash(${json})`

/** Columns of a `jsonb_to_record` alias: every content column under its type, but for one that is read in another way. */
export const recordOf = (kind: KindDescription, besides?: string) =>
  list(
    Object.entries(contentColumns(kind)).flatMap(([column, type]) => (column === besides ? [] : [`${column} ${type}`]))
  )

/** Where rows are written, and what they are given besides their content. */
export interface Target {
  readonly organization: string
  readonly agent: string
  /** The agent a row that stands works for from now on, given the one it works for. */
  readonly worksFor: (agent: string, row: string) => string
  readonly createdBy: string
  readonly managedBy: string
  readonly sourceOrganization: string
  /** When a row of the alias is due next. */
  readonly due: (kind: KindDescription, row: string) => string
  /** The id a reference column of the alias names in the organization. */
  readonly referred: (row: string, column: string, kind: string) => string
}

/** The columns of a version's insert, and how they are read off a row of a step. */
const versionOf = (kind: KindDescription) => {
  if (kind.versions === undefined) return undefined
  const { columns, current, owner, table } = kind.versions
  const pointer = pointerOf(kind)
  const fields = Object.keys(columns)
  const flag = "flag" in current ? current.flag : undefined
  return {
    owner,
    table,
    fields,
    flag,
    into: `${table} (${list([pointer ? "id" : "", owner, "version", flag ?? "", ...fields])})`,
    values: (row: string, number: string) =>
      list([
        pointer ? `${row}.version_id` : "",
        `${row}.id`,
        number,
        flag ? "true" : "",
        ...fields.map((field) => `${row}.${field}`)
      ])
  }
}

/** Inserts the rows of `<kind>_new`, each with its version where the kind has versions; as `updates` has them. */
export const inserts = (kind: KindDescription, target: Target): ReadonlyArray<string> => {
  const { kind: name, table } = kind
  const own = Object.keys(ownColumns(kind))
  const pointer = pointerOf(kind)
  const references = Object.entries(kind.references ?? {})
  const version = versionOf(kind)
  return [
    `
${name}_inserted AS (
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
  FROM ${name}_new n
)`,
    ...(version === undefined
      ? []
      : [
          `
${name}_first_versions AS (
  INSERT INTO ${version.into} SELECT ${version.values("n", "1")} FROM ${name}_new n
)`
        ])
  ]
}

/**
 * Brings the rows of `<kind>_behind` up to their content, each with a new version where that changed. The step has the content
 * columns and `id`; `version_id` where a row points at its version.
 */
export const updates = (kind: KindDescription, target: Target): ReadonlyArray<string> => {
  const { kind: name, table } = kind
  const own = Object.keys(ownColumns(kind))
  const pointer = pointerOf(kind)
  const references = Object.entries(kind.references ?? {})
  const version = versionOf(kind)
  const statements: Array<string> = []

  if (version !== undefined) {
    const columnsOf = (row: string) => `(${list(version.fields.map((field) => `${row}.${field}`))})`
    statements.push(`
${name}_reversioned AS MATERIALIZED (
  SELECT ${list([
    "b.*",
    pointer ? `${sequence(version.table)} AS version_id` : "",
    `(SELECT COALESCE(max(past.version), 0) + 1 FROM ${version.table} past WHERE past.${version.owner} = b.id) AS next_version`
  ])}
  FROM ${name}_behind b
  JOIN ${table} t ON t.id = b.id
  ${joinVersion(kind, "t", "v")}
  WHERE ${columnsOf("v")} IS DISTINCT FROM ${columnsOf("b")}
)`)
    // One current version is a unique index: counting makes the old one step back before the new one takes its place.
    const stepBack = version.flag === undefined ? "" : `WHERE (SELECT count(*) FROM ${name}_outdated) >= 0`
    if (version.flag !== undefined) {
      statements.push(`
${name}_outdated AS (
  UPDATE ${version.table} v SET ${version.flag} = false FROM ${name}_reversioned b
  WHERE v.${version.owner} = b.id AND v.${version.flag} RETURNING v.id
)`)
    }
    statements.push(`
${name}_next_versions AS (
  INSERT INTO ${version.into} SELECT ${version.values("b", "b.next_version")} FROM ${name}_reversioned b ${stepBack}
)`)
  }

  statements.push(`
${name}_updated AS (
  UPDATE ${table} t SET ${list([
    ...own.map((column) => `${column} = b.${column}`),
    "deleted_at = NULL",
    "retired_at = NULL",
    `managed_by_template_agent_id = COALESCE(t.managed_by_template_agent_id, ${target.managedBy})`,
    `source_template_org_id = COALESCE(t.source_template_org_id, ${target.sourceOrganization})`,
    kind.agent ? `${kind.agent} = ${target.worksFor(`t.${kind.agent}`, "t")}` : "",
    ...references.map(([column, referred]) => `${column} = ${target.referred("b", column, referred)}`),
    kind.schedule
      ? `${kind.schedule.due} = CASE
      WHEN t.${kind.schedule.cron} IS DISTINCT FROM b.${kind.schedule.cron} OR t.retired_at IS NOT NULL
        OR t.deleted_at < 'infinity'
      THEN ${target.due(kind, "b")} ELSE t.${kind.schedule.due} END`
      : "",
    pointer
      ? `${pointer} = COALESCE((SELECT c.version_id FROM ${name}_reversioned c WHERE c.id = t.id), t.${pointer})`
      : ""
  ])}
  FROM ${name}_behind b WHERE t.id = b.id
)`)
  return statements
}

/** A version's id for a new row that points at its version. */
export const newVersionId = (kind: KindDescription) =>
  pointerOf(kind) ? `${sequence(kind.versions?.table ?? "")} AS version_id` : ""
