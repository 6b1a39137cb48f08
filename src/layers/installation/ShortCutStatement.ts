import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { eventOf } from "../../domain/installation/Actions.ts"
import { contentColumns, inserts, list, newVersionId, recordOf, sequence } from "../catalog/KindSql.ts"
import { intact, writing } from "./CopySql.ts"

/*
 * The short cut of installs: gathers, decides and writes at once, for the two that are by far the most frequent. What it takes, it
 * does as the long way would, which tests hold it to.
 */

const event = eventOf("install", true)
const [organization, user, template, due, mode] = ["$1::text", "$2::text", "$3::text", "$4::jsonb", "$5::text"]

/**
 * The template, where the caller may install it; and the agent where it is at the revision an install would bring, with the rows that
 * it has of each kind where there is nothing to do: all stand as they were applied, and the history says so too.
 */
const offered = (kinds: ReadonlyArray<KindDescription>) => `offered AS MATERIALIZED (
  SELECT t.id, t.organization_id AS publisher, offered_revision(t.id) AS revision, t.deprecation IS NULL AS is_open,
    COALESCE(${mode}, t.modes[1]) = 'copy' AND 'copy' = ANY (t.modes) AND NOT EXISTS (
      SELECT FROM agents WHERE organization_id = ${organization} AND mode = 'reference'
    ) AS is_simple
  FROM agents t JOIN organization o ON o.id = t.organization_id
  WHERE t.id = ${template} AND t.slug IS NOT NULL AND t.revision IS NOT NULL AND t.template_agent_id IS NULL
    AND o.visibility = 'public' AND o.id <> ${organization} AND EXISTS (
      SELECT FROM member WHERE organization_id = ${organization} AND user_id = ${user} AND role IN ('owner', 'admin')
    )
),
found AS MATERIALIZED (
  SELECT a.id, a.revision, a.pinned, CASE WHEN a.revision IS NOT DISTINCT FROM (
      SELECT h.revision FROM mirror_history h
      WHERE h.organization_id = a.organization_id AND h.template_agent_id = a.template_agent_id ORDER BY h.id DESC LIMIT 1
    ) THEN ${intact(kinds)} END AS settled
  FROM agents a JOIN offered t ON a.pinned OR a.revision = t.revision
  WHERE a.organization_id = ${organization} AND a.template_agent_id = ${template} AND a.mode = 'copy'
)`

/** Whether everything is new: no agent, and nothing of the revision was ever mirrored here, nor by a sibling; each schedule's next time is known. */
const start = (kinds: ReadonlyArray<KindDescription>) => `start AS MATERIALIZED (
  SELECT t.publisher, t.revision, r.name, r.description
  FROM offered t JOIN template_revisions r ON r.template_agent_id = t.id AND r.revision = t.revision
  WHERE ${writing} AND t.is_simple AND t.is_open AND NOT EXISTS (
    SELECT FROM agents a WHERE a.organization_id = ${organization} AND a.template_agent_id = ${template}
  ) AND NOT EXISTS (
    SELECT FROM mirror_ledger l WHERE l.organization_id = ${organization} AND (l.template_agent_id = t.id OR EXISTS (
      SELECT FROM template_revision_rows r
      WHERE r.template_agent_id = t.id AND r.revision = t.revision AND r.kind = l.kind AND r.source_id = l.source_id
    ))
  ) AND NOT EXISTS (
    SELECT FROM template_revision_rows r
    WHERE r.template_agent_id = t.id AND r.revision = t.revision AND (${kinds
      .flatMap(({ kind, schedule }) =>
        schedule === undefined
          ? []
          : [`r.kind = '${kind}' AND NOT ${due} ? COALESCE(r.rest ->> '${schedule.cron}', '')`]
      )
      .concat("false")
      .join(" OR ")})
  )
)`

/** The revision's rows of a kind, and whether their slugs are taken. */
const rowsOf = ({ kind, table }: KindDescription) => `${kind}_rows AS MATERIALIZED (
  SELECT r.source_id, r.slug, r.hash, r.rest, r.document, EXISTS (
    SELECT FROM ${table} other
    WHERE other.organization_id = ${organization} AND other.slug = r.slug AND other.deleted_at IS NULL
  ) AS taken
  FROM template_revision_rows r
  WHERE r.template_agent_id = ${template} AND r.revision = (SELECT revision FROM start) AND r.kind = '${kind}'
)`

/** The agent, where no slug is taken. */
const made = (kinds: ReadonlyArray<KindDescription>) => `made AS MATERIALIZED (
  INSERT INTO agents (organization_id, template_agent_id, name, description, owner_user_id, revision, template_name, template_description,
    stands)
  SELECT ${organization}, ${template}, name, description, ${user}, revision, name, description, true FROM start
  WHERE NOT EXISTS (${kinds.map(({ kind }) => `SELECT FROM ${kind}_rows WHERE taken`).join(" UNION ALL ")})
  -- Somebody else is at it: what they make is theirs to finish first.
  ON CONFLICT DO NOTHING
  RETURNING id
)`

/** The rows of a kind under their new ids, as `inserts` takes them. */
const newRows = (kind: KindDescription) => {
  const { agent, document, kind: name, references = {}, schedule, table } = kind
  const columns = Object.keys(contentColumns(kind)).map((column) =>
    column === document
      ? `r.document AS ${column}`
      : column in references
        ? `(SELECT placed.id FROM ${references[column]}_new placed WHERE placed.source_id = n.${column}::bigint) AS ${column}`
        : `n.${column}`
  )
  return `${name}_new AS MATERIALIZED (
  SELECT ${list([
    ...columns,
    `r.source_id, r.hash, ${sequence(table)} AS id`,
    newVersionId(kind),
    `${organization} AS organization_id, ${user} AS created_by, ${template} AS managed_by_template_agent_id`,
    "start.publisher AS source_template_org_id",
    agent === undefined ? "" : `made.id AS ${agent}`,
    schedule === undefined ? "" : `(${due} ->> n.${schedule.cron})::timestamptz AS ${schedule.due}`
  ])}
  FROM made, start, ${name}_rows r, LATERAL jsonb_to_record(r.rest) AS n(${recordOf(kind, document)})
)`
}

/** What the ledger and the history say of the new rows. */
const records = (kinds: ReadonlyArray<KindDescription>) => `applied AS MATERIALIZED (
  ${kinds.map(({ edits, kind }) => `SELECT '${kind}' AS kind, source_id, id, slug, hash, ${edits === undefined ? "NULL::integer" : "0"} AS edits FROM ${kind}_new`).join(" UNION ALL ")}
),
remembered AS (
  INSERT INTO mirror_ledger (organization_id, template_agent_id, kind, source_id, copy_id, slug, applied_hash, applied_edits)
  SELECT ${organization}, ${template}, kind, source_id, id, slug, hash, edits FROM applied
),
recorded AS (
  INSERT INTO mirror_history (organization_id, template_agent_id, agent_id, user_id, action, revision, rows)
  SELECT ${organization}, ${template}, made.id, ${user}, 'install', start.revision, COALESCE((
    SELECT jsonb_agg(jsonb_build_array(kind, source_id, slug, 'created', NULL) ORDER BY kind COLLATE "C", slug COLLATE "C") FROM applied
  ), '[]')
  FROM made, start
),
emitted AS (
  INSERT INTO events (organization_id, type, data)
  SELECT ${organization}, '${event.type}', jsonb_build_object('agentId', made.id, 'templateAgentId', ${template},
    'revision', start.revision, 'by', '${event.by}')
  FROM made, start
)`

/**
 * A first install, where nothing of the template, nor of a sibling's that it shares, was ever mirrored into the organization; or one
 * that finds every copy just as it was applied last. What is neither is left to the long way: then nothing is written, and there is
 * no agent in the result. Parameters: organization, user, template, the next due time of each cron expression that is known, the
 * mode that is asked for (or null). Result: the agent (or null), whether it is new, its revision and whether it is pinned, and by kind the rows that stand.
 */
export const shortCutStatement = (kinds: ReadonlyArray<KindDescription>): string => {
  const steps = [
    offered(kinds),
    start(kinds),
    ...kinds.map(rowsOf),
    made(kinds),
    ...kinds.flatMap((kind) => [newRows(kind), ...inserts(kind)]),
    records(kinds)
  ]
  return `WITH ${steps.join(",\n")}
SELECT COALESCE(made.id, CASE WHEN found.settled IS NOT NULL THEN found.id END) AS agent_id, made.id IS NOT NULL AS created,
  COALESCE(start.revision, found.revision) AS revision, COALESCE(found.pinned, false) AS pinned,
  CASE WHEN made.id IS NULL THEN found.settled
    ELSE json_build_object(${kinds.map(({ kind }) => `'${kind}', (SELECT count(*) FROM ${kind}_new)`).join(", ")}) END AS rows
FROM (SELECT) AS one LEFT JOIN made ON true LEFT JOIN found ON true LEFT JOIN start ON true`
}
