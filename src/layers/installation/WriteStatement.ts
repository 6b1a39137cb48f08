import type { KindDescription } from "../../domain/catalog/Kind.ts"
import {
  content,
  contentColumns,
  inserts,
  joinVersion,
  list,
  newVersionId,
  recordOf,
  sequence,
  updates
} from "../catalog/KindSql.ts"
import { writing } from "./CopySql.ts"

/* What is written once it is decided. */

/**
 * Puts copies whose slug another row is to have out of the index of live slugs, for the write in the same transaction to settle:
 * so swaps and cycles of slugs never meet. Parameter: their ids, by kind, as a JSON object of arrays.
 */
export const setAsideStatement = (kinds: ReadonlyArray<KindDescription>): string => {
  const steps = kinds.map(
    ({ kind, table }) => `${kind}_aside AS (
  UPDATE ${table} SET deleted_at = 'infinity'
  WHERE ${writing} AND id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb -> '${kind}')::bigint)) RETURNING id
)`
  )
  return `WITH ${steps.join(",\n")}
SELECT ${kinds.map(({ kind }) => `(SELECT count(*) FROM ${kind}_aside)`).join(" + ")} AS moved`
}

/** The installations that are written, each with its agent, which is made or brought up to date; an uninstall leaves it as it is. */
const installations = `shared_write AS MATERIALIZED (
  SELECT w.*, (SELECT organization_id FROM agents WHERE id = w.template_agent_id) AS publisher,
    CASE WHEN besides IS NOT NULL THEN (SELECT revision FROM agents WHERE id = w.one_agent_id) END AS since
  FROM jsonb_to_recordset($1::jsonb) AS w (at integer, template_agent_id text, revision integer, user_id text, one_agent_id text,
    action text, event text, by text, is_recorded boolean, besides jsonb, agent jsonb)
  WHERE ${writing}
),
destination AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset($3::jsonb) AS t (of integer, at integer, organization_id text, agent_id text, id_offset bigint)
),
as_it_is_to_be AS MATERIALIZED (
  SELECT w.at AS of, w.template_agent_id, w.user_id, agent.*
  FROM shared_write w CROSS JOIN LATERAL jsonb_to_record(w.agent) AS agent (name text, description text, template_name text,
    template_description text, revision integer, pinned boolean, stands boolean, mode text, first_id bigint)
  WHERE w.agent IS NOT NULL
),
made AS (
  INSERT INTO agents (organization_id, template_agent_id, owner_user_id, name, description, template_name,
    template_description, revision, pinned, stands, mode, first_id)
  SELECT t.organization_id, n.template_agent_id, n.user_id, n.name, n.description, n.template_name, n.template_description, n.revision,
    n.pinned, COALESCE(n.stands, false), n.mode, n.first_id
  FROM as_it_is_to_be n JOIN destination t ON t.of = n.of WHERE t.agent_id IS NULL
  RETURNING id, organization_id, template_agent_id
),
brought AS (
  UPDATE agents a SET name = n.name, description = n.description, template_name = n.template_name,
    template_description = n.template_description, revision = n.revision, pinned = n.pinned,
    stands = COALESCE(n.stands, a.stands), updated_at = now()
  FROM as_it_is_to_be n JOIN destination t ON t.of = n.of
  -- By their keys, however few of the agents there are.
  WHERE a.id = t.agent_id AND a.id = ANY (ARRAY(SELECT agent_id FROM destination))
),
installation AS MATERIALIZED (
  SELECT t.of, t.at, t.organization_id, t.agent_id, t.id_offset, w.template_agent_id, w.revision, w.user_id, w.action, w.event, w.by,
    w.is_recorded, w.besides, w.publisher, w.since, COALESCE(t.agent_id, (
      SELECT id FROM made WHERE made.organization_id = t.organization_id AND made.template_agent_id = w.template_agent_id
    )) AS installed_id
  FROM destination t JOIN shared_write w ON w.at = t.of
),
decided AS MATERIALIZED (
  SELECT i.at, i.organization_id, i.template_agent_id, i.publisher, i.revision, i.user_id, i.installed_id, d.kind, d.source_id, d.slug,
    d.write, d.row_id + i.id_offset AS row_id, d.managed_by AS managed_by_template_agent_id,
    CASE WHEN d.managed_by IS NOT NULL THEN i.publisher END AS source_template_org_id,
    CASE WHEN d.is_bound THEN i.installed_id ELSE d.agent_id END AS works_for, d.is_retired, d.is_rescheduled, d.due,
    d.remembered_id, d.remembered_slug, d.remembered_hash, d.adopted, d.forgotten, d.change, d.is_replaced
  FROM jsonb_to_recordset($2::jsonb) AS d (at integer, kind text, source_id bigint, slug text, write text, row_id bigint,
    managed_by text, is_bound boolean, agent_id text, is_retired boolean, is_rescheduled boolean, due timestamptz,
    remembered_id bigint, remembered_slug text, remembered_hash text, adopted boolean, forgotten text, change text,
    is_replaced boolean)
  JOIN installation i ON i.of = d.at
)`

/** The rows of a kind that are made and those that are brought up to date, with the content that the revision has of them. */
const contents = (kind: KindDescription) => {
  const { agent, document, kind: name, references = {}, schedule, table } = kind
  const columns = Object.keys(contentColumns(kind)).map((column) =>
    column === document
      ? `COALESCE(r.document, NULLIF(r.content -> '${column}', 'null')) AS ${column}`
      : column in references
        ? `((SELECT ids FROM ${references[column]}_placed) ->> (d.at || ' ' || n.${column}))::bigint AS ${column}`
        : `n.${column}`
  )
  const besides = list([
    ...columns,
    "d.at, d.organization_id, d.template_agent_id, d.kind, d.source_id, d.managed_by_template_agent_id, d.source_template_org_id",
    "d.is_rescheduled, d.remembered_slug, d.remembered_hash, d.adopted",
    agent === undefined ? "" : `d.works_for AS ${agent}`,
    schedule === undefined ? "" : `d.due AS ${schedule.due}`
  ])
  const from = `FROM decided d
  CROSS JOIN LATERAL (
    SELECT * FROM template_revision_rows r
    WHERE r.template_agent_id = d.template_agent_id AND r.revision = d.revision AND r.kind = d.kind AND r.source_id = d.source_id
    OFFSET 0
  ) r
  CROSS JOIN LATERAL jsonb_to_record(r.content) AS n(${recordOf(kind, document)})
  WHERE d.kind = '${name}'`
  return [
    `${name}_new AS MATERIALIZED (
  SELECT ${list([besides, `${sequence(table)} AS id`, newVersionId(kind), "d.user_id AS created_by"])}
  ${from} AND d.write = 'insert'
)`,
    `${name}_behind AS MATERIALIZED (
  SELECT ${besides}, d.row_id AS id
  ${from} AND d.write = 'update'
)`
  ]
}

/** Which row stands for each source row of a kind that others refer to: as one object, since a join is planned as if there were one. */
const placed = ({ kind }: KindDescription) => `${kind}_placed AS MATERIALIZED (
  SELECT jsonb_object_agg(at || ' ' || source_id, id) AS ids FROM (
    SELECT at, source_id, row_id AS id FROM decided WHERE kind = '${kind}' AND row_id IS NOT NULL
    UNION ALL
    SELECT at, source_id, id FROM ${kind}_new
  ) placed
)`

/** The rows of a kind that are referred to from now on: each inherits what it says, and keeps what it has for itself. */
const anchored = ({ agent, kind, published, schedule, table, versions }: KindDescription) =>
  published === undefined
    ? []
    : [
        ...(versions !== undefined && "flag" in versions.current
          ? [
              `${kind}_unversioned AS (
  UPDATE ${versions.table} v SET ${versions.current.flag} = false FROM decided d
  WHERE d.kind = '${kind}' AND d.write = 'anchor' AND v.${versions.owner} = d.row_id AND v.${versions.current.flag}
)`
            ]
          : []),
        `${kind}_anchored AS (
  INSERT INTO ${table} AS t (${list([
    "id, organization_id, slug, name, created_by, deleted_at, inherits, managed_by_template_agent_id, source_template_org_id",
    agent ?? "",
    schedule?.due ?? ""
  ])})
  SELECT ${list([
    "d.row_id, d.organization_id, r.slug, r.content ->> 'name', d.user_id, 'infinity', d.source_id, d.template_agent_id, d.publisher",
    agent === undefined ? "" : "d.works_for",
    schedule === undefined ? "" : "d.due"
  ])}
  FROM decided d
  JOIN template_revision_rows r ON r.template_agent_id = d.template_agent_id AND r.revision = d.revision AND r.kind = d.kind
    AND r.source_id = d.source_id
  WHERE d.kind = '${kind}' AND d.write = 'anchor'
  ON CONFLICT (id) DO UPDATE SET ${list([
    "slug = CASE WHEN t.inherits IS NULL THEN excluded.slug ELSE t.slug END",
    "name = CASE WHEN t.inherits IS NULL THEN excluded.name ELSE t.name END",
    "deleted_at = excluded.deleted_at, retired_at = NULL, inherits = excluded.inherits",
    "managed_by_template_agent_id = excluded.managed_by_template_agent_id",
    "source_template_org_id = excluded.source_template_org_id",
    agent === undefined ? "" : `${agent} = excluded.${agent}`,
    schedule === undefined
      ? ""
      : `${schedule.due} = CASE WHEN EXISTS (
      SELECT FROM decided d WHERE d.kind = '${kind}' AND d.row_id = t.id AND d.is_rescheduled
    ) THEN excluded.${schedule.due} ELSE t.${schedule.due} END`
  ])}
)`
      ]

/** The rows of a kind that go, and those of which the content stays: hidden, shown, freed, handed over, bound to the agent. */
const tagged = ({ agent, kind, published, table }: KindDescription) => [
  // A row that only inherits what it says and is deleted by hand is remembered as deleted (0025). This one says that it is let go: of
  // both columns, so that Postgres does so for each pair, right before it deletes the row.
  `${kind}_deleted AS (
  DELETE FROM ${table} t USING decided d WHERE d.kind = '${kind}' AND d.write = 'delete' AND t.id = d.row_id
    ${published === undefined ? "" : "AND set_config('agent_install.let_go', concat(t.id, ' ', d.row_id), true) <> ''"}
)`,
  `${kind}_tagged AS (
  UPDATE ${table} t SET managed_by_template_agent_id = d.managed_by_template_agent_id,
    source_template_org_id = d.source_template_org_id,
    retired_at = CASE WHEN d.is_retired THEN COALESCE(t.retired_at, now()) END
    ${agent === undefined ? "" : `, ${agent} = d.works_for`}
  FROM decided d WHERE d.kind = '${kind}' AND d.write = 'tag' AND t.id = d.row_id
)`
]

/** What the history says of the rows of a kind: `[kind, source_id, slug, change, before]`, references as slugs. */
const changed = (kind: KindDescription, kinds: ReadonlyArray<KindDescription>) => {
  const referredSlug = (column: string) => {
    const referred = kinds.find((other) => other.kind === kind.references?.[column])
    const table = referred?.published === undefined ? referred?.table : `vocabulary.used_${referred.table}`
    return `(SELECT slug FROM ${table} WHERE id = t.${column})`
  }
  return `SELECT d.at, d.kind, d.source_id, d.slug, d.change, CASE WHEN d.is_replaced THEN (
    SELECT ${content(kind, "t", "v", referredSlug)} FROM ${kind.table} t ${joinVersion(kind, "t", "v")} WHERE t.id = d.row_id
  ) END AS before
  FROM decided d WHERE d.kind = '${kind.kind}' AND d.change IS NOT NULL`
}

/** The columns of `_new` and `_behind` that the ledger is written from. */
const applied = [
  ...["at", "organization_id", "template_agent_id", "kind", "source_id", "id"],
  ...["remembered_slug", "remembered_hash", "adopted"]
]

/** With how many edits a copy `of` was applied: with as many as before, where the same is remembered without being written. */
const editsOf = (of: string, edits: string) =>
  `COALESCE(${of}.${edits}, CASE WHEN (l.copy_id, l.applied_hash) = (${of}.copy_id, ${of}.applied_hash) THEN l.applied_edits END)`

/** What the ledger and the history say from now on. */
const records = (kinds: ReadonlyArray<KindDescription>) => `applied AS MATERIALIZED (
  SELECT * FROM (
    SELECT at, organization_id, template_agent_id, kind, source_id, remembered_id AS copy_id, remembered_slug AS slug,
      remembered_hash AS applied_hash, adopted, NULL::integer AS edits
    FROM decided WHERE write IS NULL OR write NOT IN ('insert', 'update')
    ${kinds
      .map(
        ({ edits, kind }) => `UNION ALL
    SELECT ${list(applied)}, ${edits === undefined ? "NULL" : "0"} FROM ${kind}_new
    UNION ALL
    SELECT ${list(applied)}, edits FROM ${kind}_updated`
      )
      .join("\n    ")}
  ) rows WHERE applied_hash IS NOT NULL
),
remembered AS (
  INSERT INTO mirror_ledger AS l (organization_id, template_agent_id, kind, source_id, copy_id, slug, applied_hash, adopted, applied_edits)
  SELECT organization_id, template_agent_id, kind, source_id, copy_id, slug, applied_hash, adopted, edits FROM applied
  ON CONFLICT (template_agent_id, organization_id, kind, source_id) DO UPDATE SET copy_id = excluded.copy_id,
    slug = excluded.slug, applied_hash = excluded.applied_hash, adopted = excluded.adopted,
    applied_edits = ${editsOf("excluded", "applied_edits")}
),
remembered_by_siblings AS (
  UPDATE mirror_ledger l SET copy_id = a.copy_id, slug = a.slug, applied_hash = a.applied_hash, adopted = a.adopted,
    applied_edits = ${editsOf("a", "edits")}
  FROM applied a
  WHERE l.organization_id = a.organization_id AND l.kind = a.kind AND l.source_id = a.source_id
    AND l.template_agent_id <> a.template_agent_id
    AND (l.copy_id, l.applied_hash, l.slug, l.adopted, l.applied_edits)
      IS DISTINCT FROM (a.copy_id, a.applied_hash, a.slug, a.adopted, COALESCE(a.edits, l.applied_edits))
  RETURNING l.organization_id, l.template_agent_id
),
overtaken AS (
  UPDATE agents a SET stands = false
  WHERE a.id = ANY (ARRAY(
    SELECT other.id FROM remembered_by_siblings r CROSS JOIN LATERAL (
      SELECT id FROM agents
      WHERE template_agent_id = r.template_agent_id AND organization_id = r.organization_id AND stands OFFSET 0
    ) other
  ))
),
forgotten AS (
  DELETE FROM mirror_ledger l USING decided d
  WHERE d.forgotten IS NOT NULL AND l.organization_id = d.organization_id AND l.kind = d.kind AND l.source_id = d.source_id
    AND (d.forgotten = 'everywhere' OR l.template_agent_id = d.template_agent_id)
),
changes AS MATERIALIZED (
  SELECT at, jsonb_agg(jsonb_build_array(kind, source_id, slug, change, before) ORDER BY kind COLLATE "C", slug COLLATE "C") AS rows
  FROM (${kinds.map((kind) => changed(kind, kinds)).join("\n  UNION ALL\n  ")}) changed GROUP BY at
),
done AS MATERIALIZED (
  SELECT i.*, COALESCE(changes.rows, '[]') AS rows FROM installation i LEFT JOIN changes ON changes.at = i.at
  WHERE i.is_recorded OR changes.rows IS NOT NULL
),
recorded AS (
  INSERT INTO mirror_history (organization_id, template_agent_id, agent_id, user_id, action, revision, rows, since, besides)
  SELECT organization_id, template_agent_id, installed_id, user_id, action, revision, rows,
    since, besides FROM done
),
emitted AS (
  INSERT INTO events (organization_id, type, data)
  SELECT organization_id, event, jsonb_build_object('agentId', installed_id, 'templateAgentId', template_agent_id,
    'revision', revision, 'by', by)
  FROM done
)`

/** Lets rows that are referred to have what they show for their own. Parameter: their ids, by kind, as a JSON object of arrays. */
export const holdStatement = (kinds: ReadonlyArray<KindDescription>): string =>
  `SELECT ${list(
    kinds.flatMap(({ kind, published }) =>
      published === undefined
        ? []
        : [`hold_${kind}(ARRAY(SELECT jsonb_array_elements_text($1::jsonb -> '${kind}')::bigint)) AS ${kind}`]
    )
  )}`

/**
 * Writes decisions. Parameters, as JSON arrays: the writes, each for an installation or for several, with its position `at`, the
 * agent as it is to be (absent for an uninstall) and, where a part of what is done follows from the revisions alone, the rows that do
 * not (`besides`); what is done to their rows (`RowAction`); the installations to write to, each with the position of the write that
 * applies to it (`of`), and with what to add to the ids of the rows. Content is read from the revision. Result: the agents that are
 * made.
 */
export const writeStatement = (kinds: ReadonlyArray<KindDescription>): string => {
  const referred = new Set(kinds.flatMap(({ references = {} }) => Object.values(references)))
  const steps = kinds.flatMap((kind) => [
    ...contents(kind),
    ...(referred.has(kind.kind) ? [placed(kind)] : []),
    ...inserts(kind),
    ...updates(kind, applied),
    ...anchored(kind),
    ...tagged(kind)
  ])
  return `WITH ${[installations, ...steps, records(kinds)].join(",\n")}
SELECT installed_id AS agent_id FROM installation WHERE agent_id IS NULL`
}
