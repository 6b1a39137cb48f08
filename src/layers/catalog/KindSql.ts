import type { KindDescription } from "../../domain/catalog/Kind.ts"

/*
 * A kind in SQL, generated from its description: what the statements of the mirror and of publishing share. Texts are
 * fixed when a layer is built: only table and column names of the descriptions are put into them, values are
 * parameters. The names of steps (`WITH`) begin with the name of the kind; tables keep their own.
 */

/**
 * How many ids the block of an installation by reference has (`new_first_id` draws blocks of that size). A definition has an ordinal
 * below it, or none: then it can only be copied.
 */
export const blockSize = 4096

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

/** The content of a row of the kind, as one JSON object; references are written by `reference`. */
export const content = (kind: KindDescription, row: string, version: string, reference: (column: string) => string) =>
  `jsonb_build_object(${list([
    ...Object.keys(ownColumns(kind)).map((column) => `'${column}', ${row}.${column}`),
    ...Object.keys(kind.versions?.columns ?? {}).map((column) => `'${column}', ${version}.${column}`),
    ...Object.keys(kind.references ?? {}).map((column) => `'${column}', ${reference(column)}`)
  ])})`

/** The hash of a content; equal contents have the same (`src/domain/catalog/Content.ts`). */
export const hashOf = (json: string) => `content_hash(${json})`

/**
 * The columns of a `jsonb_to_record` alias: every content column with its type, except one that is read another way.
 */
export const recordOf = (kind: KindDescription, besides?: string) =>
  list(
    Object.entries(contentColumns(kind)).flatMap(([column, type]) => (column === besides ? [] : [`${column} ${type}`]))
  )

/** The columns of a kind's own table that are written besides its content: tags, and what only some kinds have. */
const writtenBesides = ({ agent, references = {}, schedule }: KindDescription) => [
  "managed_by_template_agent_id",
  "source_template_org_id",
  ...(agent === undefined ? [] : [agent]),
  ...(schedule === undefined ? [] : [schedule.due]),
  ...Object.keys(references)
]

/** The columns of an inserted version, and the expressions that take them from a step. */
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

/**
 * Inserts the rows of `<kind>_new`, each with its version if the kind has versions. The step needs all columns that are
 * written: id, organization, creator, content, tags, and the agent, the due time, the references and `version_id` if
 * the kind has them.
 */
export const inserts = (kind: KindDescription): ReadonlyArray<string> => {
  const { kind: name, table } = kind
  const columns = ["id", "organization_id", "created_by", ...Object.keys(ownColumns(kind)), ...writtenBesides(kind)]
  const pointer = pointerOf(kind)
  const version = versionOf(kind)
  const inserted = `${name}_inserted AS (
  INSERT INTO ${table} (${list([...columns, pointer ?? ""])})
  SELECT ${list([...columns.map((column) => `n.${column}`), pointer ? "n.version_id" : ""])} FROM ${name}_new n
)`
  if (version === undefined) return [inserted]
  return [
    inserted,
    `${name}_first_versions AS (
  INSERT INTO ${version.into} SELECT ${version.values("n", "1")} FROM ${name}_new n
)`
  ]
}

/** Adds versions for the rows of `<kind>_behind` whose versioned content changed. */
const reversions = (kind: KindDescription): ReadonlyArray<string> => {
  const { kind: name, table } = kind
  const version = versionOf(kind)
  if (version === undefined) return []
  const { fields, flag, into, owner, table: versions, values } = version
  const columnsOf = (row: string) => `(${list(fields.map((field) => `${row}.${field}`))})`
  const reversioned = `${name}_reversioned AS MATERIALIZED (
  SELECT b.*, ${pointerOf(kind) ? `${sequence(versions)} AS version_id,` : ""}
    (SELECT COALESCE(max(past.version), 0) + 1 FROM ${versions} past WHERE past.${owner} = b.id) AS next_version
  FROM ${name}_behind b
  JOIN ${table} t ON t.id = b.id
  ${joinVersion(kind, "t", "v")}
  WHERE ${columnsOf("v")} IS DISTINCT FROM ${columnsOf("b")}
)`
  const next = (where: string) => `${name}_next_versions AS (
  INSERT INTO ${into} SELECT ${values("b", "b.next_version")} FROM ${name}_reversioned b ${where}
)`
  if (flag === undefined) return [reversioned, next("")]
  // A unique index allows one current version: the count makes the old one step back before the new one takes its
  // place.
  return [
    reversioned,
    `${name}_outdated AS (
  UPDATE ${versions} v SET ${flag} = false FROM ${name}_reversioned b
  WHERE v.${owner} = b.id AND v.${flag} RETURNING v.id
)`,
    next(`WHERE (SELECT count(*) FROM ${name}_outdated) >= 0`)
  ]
}

/**
 * Updates the rows from `<kind>_behind`, each with a new version if that changed. The step needs the columns of
 * `inserts` except organization and creator and, if the kind has a schedule, `is_rescheduled`: whether the due time is
 * written. `returned` are columns of the step that `<kind>_updated` returns, with the edits that each row has from then on.
 */
export const updates = (kind: KindDescription, returned: ReadonlyArray<string> = []): ReadonlyArray<string> => {
  const { edits, kind: name, schedule, table } = kind
  const pointer = pointerOf(kind)
  const columns = [...Object.keys(ownColumns(kind)), ...writtenBesides(kind)]
  return [
    ...reversions(kind),
    `${name}_updated AS (
  UPDATE ${table} t SET ${list([
    ...columns.map((column) =>
      column === schedule?.due
        ? `${column} = CASE WHEN b.is_rescheduled THEN b.${column} ELSE t.${column} END`
        : `${column} = b.${column}`
    ),
    "deleted_at = NULL",
    "retired_at = NULL",
    pointer
      ? `${pointer} = COALESCE((SELECT c.version_id FROM ${name}_reversioned c WHERE c.id = t.id), t.${pointer})`
      : ""
  ])}
  FROM ${name}_behind b WHERE t.id = b.id
  RETURNING ${list([...returned.map((column) => `b.${column}`), `${edits === undefined ? "NULL::integer" : `t.${edits}`} AS edits`])}
)`
  ]
}

/** The version's id for a new row that points at its version. */
export const newVersionId = (kind: KindDescription) =>
  pointerOf(kind) ? `${sequence(kind.versions?.table ?? "")} AS version_id` : ""
