import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { historyBounds } from "../../domain/installation/History.ts"
import {
  content,
  contentColumns,
  inserts,
  joinVersion,
  list,
  newVersionId,
  recordOf,
  sequence,
  type Target,
  updates
} from "../catalog/KindSql.ts"
import { hashedRows, mirroredFrom, noWishes, planHash, unionOf, verdicts } from "./VerdictSql.ts"

/*
 * The statements of the mirror. An install is `quick`, and where that leaves it undone, `prepare`, `setAside` and
 * `apply` in a transaction; an uninstall is `leave`
 * and `removeAgent`; `consult`, `plan` and `history` read; `impact` judges many installations at once.
 */

const templateAndCaller = (lock: string) => `template AS MATERIALIZED (
  SELECT a.id, a.organization_id, a.template_agent_id, a.revision,
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
  ${lock}
)`

const standing = `t.visible, t.published, t.template_agent_id IS NOT NULL AS installed, t.organization_id = $1::text AS own, t.revision AS newest,
  COALESCE((SELECT administers FROM caller), false) AS administers`

/**
 * What is known of a template, the caller and the installed agent before a plan. Parameters: organization, template, user,
 * the revision asked for (or null). Result: that, with the revision a plan is for and whether there is one.
 */
export const consultStatement = `WITH
${templateAndCaller("")}
SELECT ${standing}, agent.id AS agent_id, wanted.revision,
  EXISTS (SELECT FROM template_revisions r WHERE r.template_agent_id = t.id AND r.revision = wanted.revision) AS known
FROM template t
LEFT JOIN agents agent ON agent.organization_id = $1::text AND agent.template_agent_id = t.id
CROSS JOIN LATERAL (
  SELECT COALESCE($4::integer, CASE WHEN agent.pinned THEN agent.revision END, t.revision) AS revision
) wanted`

/** Whether an entry of the ledger is of a template, or of a sibling that mirrored a row of its revision. */
const takesPart = (template: string, revision: string) => `(l.template_agent_id = ${template} OR EXISTS (
      SELECT FROM template_revision_rows r
      WHERE r.template_agent_id = ${template} AND r.revision = ${revision} AND r.kind = l.kind AND r.source_id = l.source_id
    ))`

/** Whether another row of the revision is to have a slug. */
const isWanted = (slug: string, template: string, revision: string) => `EXISTS (
      SELECT FROM template_revision_rows r
      WHERE r.template_agent_id = ${template} AND r.revision = ${revision} AND r.kind = l.kind AND r.slug = ${slug}
        AND r.source_id <> l.source_id
    )`

/**
 * Takes the organization's turn and makes or finds the installed agent, where the caller may install the template.
 * Parameters: organization, template, user, name (or null), the revision asked for (null: the newest, or the one the agent is
 * pinned to), whether that pins the agent (null: as it is). Result: what is known of the template and the caller, the agent
 * (null where it is not for the caller to have, or there is no such revision), its revision, and the cron
 * expressions in it.
 */
export const prepareStatement = (kinds: ReadonlyArray<KindDescription>): string => `WITH
${templateAndCaller("FOR NO KEY UPDATE OF o")},
agent AS (
  INSERT INTO agents (organization_id, template_agent_id, name, description, owner_user_id, revision, template_name,
    template_description, pinned)
  SELECT $1::text, t.id, COALESCE($4::text, r.name), r.description, $3::text, r.revision,
    CASE WHEN $4::text IS NULL THEN r.name END, r.description, COALESCE($6::boolean, false)
  FROM template t JOIN template_revisions r ON r.template_agent_id = t.id AND r.revision = COALESCE($5::integer, t.revision), caller
  WHERE t.published AND t.template_agent_id IS NULL AND t.organization_id <> $1::text AND caller.administers
  ON CONFLICT (organization_id, template_agent_id) WHERE template_agent_id IS NOT NULL DO UPDATE SET
    name = CASE
      WHEN $4::text IS NOT NULL THEN excluded.name
      WHEN agents.pinned AND $6::boolean IS NULL OR agents.name IS DISTINCT FROM agents.template_name THEN agents.name
      ELSE excluded.name END,
    template_name = CASE
      WHEN $4::text IS NOT NULL THEN excluded.template_name
      WHEN agents.pinned AND $6::boolean IS NULL OR agents.name IS DISTINCT FROM agents.template_name THEN agents.template_name
      ELSE excluded.template_name END,
    description = CASE
      WHEN agents.pinned AND $6::boolean IS NULL OR agents.description IS DISTINCT FROM agents.template_description
      THEN agents.description ELSE excluded.description END,
    template_description = CASE
      WHEN agents.pinned AND $6::boolean IS NULL THEN agents.template_description ELSE excluded.template_description END,
    revision = CASE WHEN agents.pinned AND $6::boolean IS NULL THEN agents.revision ELSE excluded.revision END,
    pinned = COALESCE($6::boolean, agents.pinned),
    updated_at = now()
  RETURNING id, revision, pinned, xmax = 0 AS created
)
SELECT ${standing}, agent.id AS agent_id, agent.revision, agent.pinned, agent.created,
  EXISTS (
    SELECT FROM template_revisions r WHERE r.template_agent_id = t.id AND r.revision = COALESCE($5::integer, t.revision)
  ) AS known,
  ARRAY(
  ${kinds
    .filter((kind) => kind.schedule !== undefined)
    .map(
      ({ kind, schedule }) => `SELECT r.content ->> '${schedule?.cron}' FROM template_revision_rows r
    WHERE r.template_agent_id = t.id AND r.revision = agent.revision AND r.kind = '${kind}'
      AND r.content ->> '${schedule?.cron}' IS NOT NULL`
    )
    .join("\n  UNION\n  ")}
  ) AS schedules
FROM template t LEFT JOIN agent ON true`

/**
 * Takes the copies whose slug another row is to have out of the index of live slugs, for `apply` to settle in the same
 * transaction: so swaps and cycles of slugs never meet. Parameters: organization, template, revision.
 */
export const setAsideStatement = (kinds: ReadonlyArray<KindDescription>): string => `WITH
${kinds
  .map(
    ({ kind, table }) => `${kind}_aside AS (
  -- Each copy is looked up by its id: joined otherwise, the copies and the ledger take the square of the rows.
  UPDATE ${table} SET deleted_at = 'infinity' WHERE id = ANY (ARRAY(
    SELECT t.id FROM mirror_ledger l
    CROSS JOIN LATERAL (
      SELECT id, slug FROM ${table} WHERE id = l.copy_id AND organization_id = $1::text AND deleted_at IS NULL OFFSET 0
    ) t
    WHERE l.organization_id = $1::text AND l.kind = '${kind}' AND ${takesPart("$2::text", "$3::integer")}
      AND ${isWanted("t.slug", "$2::text", "$3::integer")}
  ))
  RETURNING id
)`
  )
  .join(",\n")}
SELECT ${kinds.map(({ kind }) => `(SELECT count(*) FROM ${kind}_aside)`).join(" + ")} AS moving`

/** What a plan tells of each row, as one JSON array in the order of kinds and slugs. */
const plannedRows = `COALESCE((
  SELECT jsonb_agg(jsonb_build_object('kind', kind, 'slug', slug, 'name', name, 'verdict', verdict, 'fate', fate,
    'because', because, 'owner', owner, 'adoptable', adoptable, 'fields', fields) ORDER BY position, slug COLLATE "C")
  FROM planned_rows planned
  WHERE planned.organization_id = target.organization_id AND planned.template_agent_id = target.template_agent_id
), '[]')`

const plannedSteps = (kinds: ReadonlyArray<KindDescription>) => `hashed_rows AS MATERIALIZED (
  ${hashedRows(kinds)}
),
planned_rows AS MATERIALIZED (
  ${unionOf(
    kinds,
    ({ kind }, position) => `SELECT ${position} AS position, '${kind}' AS kind, organization_id, template_agent_id,
      COALESCE(slug, live_slug, applied_slug) AS slug, COALESCE(live_content, content) ->> 'name' AS name, verdict, fate,
      CASE WHEN fate = 'kept' THEN because END AS because, owner, adoptable, ARRAY(
        SELECT wanted.key FROM jsonb_each(content) wanted
        WHERE verdict IN ('update', 'customized') AND wanted.value IS DISTINCT FROM live_content -> wanted.key ORDER BY wanted.key COLLATE "C"
      ) AS fields
    FROM ${kind}_rows`
  )}
)`

/**
 * What installs of revisions would do, or uninstalls (no revision), and nothing else. Parameter: the installations as a JSON
 * array of `organization_id`, `template_agent_id`, `revision`. One result row each: every row with its verdict, the fate of a
 * withdrawn one and the fields in which template and copy differ; the hash of it all.
 */
export const planStatement = (kinds: ReadonlyArray<KindDescription>): string => `WITH
target AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS t (organization_id text, template_agent_id text, revision integer)
),
${noWishes},${verdicts(kinds)},
${plannedSteps(kinds)}
SELECT target.organization_id, target.template_agent_id,
  ${planHash(
    "target.revision",
    `hashed_rows hashed
  WHERE hashed.organization_id = target.organization_id AND hashed.template_agent_id = target.template_agent_id`
  )} AS plan_hash,
  ${plannedRows} AS rows
FROM target`

/**
 * What a revision, compared to an earlier one, would do to some of the installations: those of the organizations after one, in
 * the order of ids. Parameters: template, revision, the earlier revision (or null), the last organization seen, how many.
 * One result row an installation, with counts of the rows that the revision changes.
 */
export const impactStatement = (kinds: ReadonlyArray<KindDescription>): string => {
  const count = (condition: string) => `count(*) FILTER (WHERE ${condition})::integer`
  return `WITH
target AS MATERIALIZED (
  SELECT organization_id, template_agent_id, $2::integer AS revision FROM agents
  WHERE template_agent_id = $1::text AND organization_id > $4::text ORDER BY organization_id LIMIT $5::integer
),
${noWishes},${verdicts(kinds)},
affected AS MATERIALIZED (
  ${unionOf(
    kinds,
    // A withdrawn row has neither slug nor hash, and equals none.
    ({ kind }) => `SELECT organization_id, verdict, fate FROM ${kind}_rows
  WHERE (source_id, COALESCE(slug, ''), COALESCE(hash, '')) NOT IN (
    SELECT before.source_id, before.slug, before.hash FROM template_revision_rows before
    WHERE before.template_agent_id = $1::text AND before.revision = $3::integer AND before.kind = '${kind}'
  )`
  )}
)
SELECT o.id AS organization_id, o.slug AS organization_slug, agent.pinned,
  ${count("affected.verdict = 'create'")} AS creates, ${count("affected.verdict = 'update'")} AS updates,
  ${count("affected.verdict = 'customized'")} AS customized, ${count("affected.verdict = 'collision'")} AS collisions,
  ${count("affected.fate = 'removed'")} AS removals, ${count("affected.fate = 'kept'")} AS retirements
FROM target
JOIN organization o ON o.id = target.organization_id
JOIN agents agent ON agent.organization_id = o.id AND agent.template_agent_id = target.template_agent_id
LEFT JOIN affected ON affected.organization_id = o.id
GROUP BY o.id, o.slug, agent.pinned
ORDER BY o.id`
}

// The parameters that what is done to one installation shares; an uninstall has no revision.
const organization = "$1::text"
const template = "$2::text"
const revision = "$3::integer"
const agent = "$4::text"
const user = "$5::text"
const expectedPlan = "$6::text"
// What an install has besides.
const wishes = "$7::jsonb"
const dueTimes = "$8::jsonb"
const pinned = "$9::boolean"
const action = "$10::text"

/** The revision of the last entry in the history; null after an uninstall. */
const lastRevision = `(
    SELECT h.revision FROM mirror_history h
    WHERE h.organization_id = ${organization} AND h.template_agent_id = ${template} ORDER BY h.id DESC LIMIT 1
  )`

const oneTarget = `target AS MATERIALIZED (
  SELECT ${organization} AS organization_id, ${template} AS template_agent_id, ${revision} AS revision
)`

const agreed = (kinds: ReadonlyArray<KindDescription>) => `agreed AS MATERIALIZED (
  SELECT ${expectedPlan} IS NULL OR ${expectedPlan} = ${planHash(revision, `(\n  ${hashedRows(kinds)}\n  ) hashed`)} AS as_planned
)`

/** Content columns of a row to be written, and where they come from. */
const record = (kind: KindDescription) => ({
  columns: Object.keys(contentColumns(kind)).map((column) =>
    column === kind.document
      ? `COALESCE(r.document, NULLIF(r.content -> '${column}', 'null')) AS ${column}`
      : `n.${column}`
  ),
  from: `FROM go, ${kind.kind}_rows r, LATERAL jsonb_to_record(r.content) AS n(${recordOf(kind, kind.document)})`
})

/** The rows of one kind that are made, under their new ids. */
const made = (kind: KindDescription) => {
  const { columns, from } = record(kind)
  return `
${kind.kind}_new AS MATERIALIZED (
  SELECT ${list([...columns, "r.source_id", "r.hash", `${sequence(kind.table)} AS id`, newVersionId(kind)])}
  ${from} WHERE go.go AND r.act = 'create'
)`
}

/** The rows to be written of one kind, and which row stands for each source row. */
const written = (kind: KindDescription) => {
  const { kind: name } = kind
  const { columns, from } = record(kind)
  return [
    made(kind),
    `
${name}_behind AS MATERIALIZED (
  SELECT ${list([...columns, "r.source_id", "r.hash", "r.place_id AS id", "r.act = 'adopt' OR r.adopted AS adopted"])}
  ${from} WHERE go.go AND r.act IN ('update', 'adopt')
)`,
    `
${name}_placed AS (
  SELECT source_id, place_id AS id FROM ${name}_rows WHERE place_id IS NOT NULL
  UNION ALL
  SELECT source_id, id FROM ${name}_new
)`
  ]
}

/** Of an uninstall: a withdrawn row that was the person's own before is theirs alone again. */
const isReturned = (hides: boolean, row: string) =>
  hides ? "false" : `${row}.fate = 'kept' AND ${row}.adopted AND ${row}.retired_at IS NOT NULL`

/**
 * What becomes of the copies whose content stays: removed, hidden (by an install), shown again, handed to the sibling template
 * that has them too, bound to the agent where they had lost theirs. Those that nothing remembers from now on lose their tags,
 * those that the person deleted too; what an uninstall leaves is seen.
 */
const settled = (kind: KindDescription, hides: boolean) => {
  const { kind: name, table } = kind
  const isFreed = `(r.act = 'adopt' OR r.fate = 'forgotten' AND r.sibling_agent_id IS NULL OR ${isReturned(hides, "r")})`
  return [
    `
${name}_removed AS (
  DELETE FROM ${table} t USING go, ${name}_rows r WHERE go.go AND r.fate = 'removed' AND t.id = r.live_id
)`,
    `
${name}_settled AS (
  UPDATE ${table} t SET ${list([
    "deleted_at = CASE WHEN r.live_id IS NULL THEN t.deleted_at END",
    hides
      ? "retired_at = CASE WHEN r.fate = 'kept' THEN COALESCE(t.retired_at, now()) END"
      : "retired_at = CASE WHEN r.fate = 'passed_on' THEN t.retired_at END",
    `managed_by_template_agent_id = CASE
      WHEN ${isFreed} THEN NULL
      WHEN r.fate IN ('passed_on', 'forgotten') AND t.managed_by_template_agent_id = ${template} THEN r.sibling_template_id
      ELSE t.managed_by_template_agent_id END`,
    `source_template_org_id = CASE WHEN NOT COALESCE(${isFreed}, false) THEN t.source_template_org_id END`,
    kind.agent
      ? `${kind.agent} = CASE
      WHEN r.fate = 'passed_on' AND t.${kind.agent} = ${agent} THEN r.sibling_agent_id
      WHEN r.fate IS NULL AND r.live_id IS NOT NULL THEN COALESCE(t.${kind.agent}, ${agent})
      ELSE t.${kind.agent} END`
      : ""
  ])}
  FROM go, ${name}_rows r
  WHERE go.go AND t.id = r.row_id
    AND (r.fate IN ('passed_on', 'forgotten') OR r.aside IS NOT NULL AND (r.fate = 'kept' OR r.act IN ('customized', 'adopt'))
      ${
        hides
          ? "OR r.fate = 'kept' AND r.retired_at IS NULL OR r.act = 'customized' AND r.retired_at IS NOT NULL"
          : "OR r.fate = 'kept' AND r.retired_at IS NOT NULL"
      }
      OR r.unbound AND r.act IN ('unchanged', 'customized'))
)`
  ]
}

/** Forgets what neither stands nor is kept, for the siblings that are not installed too. */
const forgotten = (kinds: ReadonlyArray<KindDescription>, hides: boolean) => `forgotten AS (
  DELETE FROM mirror_ledger l USING (
  ${unionOf(
    kinds,
    ({ kind }) => `SELECT '${kind}' AS kind, r.source_id, r.sibling_agent_id FROM ${kind}_rows r, go
  WHERE go.go AND (r.fate <> 'kept' OR ${isReturned(hides, "r")})`
  )}
  ) gone
  WHERE l.organization_id = ${organization} AND l.kind = gone.kind AND l.source_id = gone.source_id
    AND (l.template_agent_id = ${template} OR gone.sibling_agent_id IS NULL)
)`

/**
 * What was done to each row, for the history: with the content it had where that is replaced or gone, references as slugs.
 * `hides` as in `settled`.
 */
const changes = (kinds: ReadonlyArray<KindDescription>, hides: boolean) => `${kinds
  .map((kind) => {
    const { kind: name, table } = kind
    const slugOf = (column: string) =>
      `(SELECT referred.slug FROM ${kinds.find((other) => other.kind === kind.references?.[column])?.table} referred
      WHERE referred.id = t.${column})`
    return `${name}_changed AS (
  SELECT '${name}' AS kind, r.source_id, COALESCE(r.slug, r.live_slug, r.applied_slug) AS slug, done.did,
    CASE WHEN done.replaces THEN (
      SELECT ${content(kind, "t", "v", slugOf)} FROM ${table} t ${joinVersion(kind, "t", "v")} WHERE t.id = r.place_id
    ) END AS before
  FROM go, ${name}_rows r
  CROSS JOIN LATERAL (
    SELECT CASE
      WHEN r.act = 'adopt' THEN 'adopted'
      WHEN r.granted AND r.wish = 'revert' THEN 'reverted'
      WHEN r.granted AND r.wish = 'restore' THEN 'restored'
      WHEN r.act = 'create' THEN 'created'
      WHEN r.act = 'update' THEN 'updated'
      WHEN r.fate = 'removed' THEN 'removed'
      WHEN r.fate = 'passed_on' THEN 'passed_on'
      ${hides ? "WHEN r.fate = 'kept' AND r.retired_at IS NULL THEN 'hidden'" : "WHEN r.fate = 'kept' THEN 'kept'"}
      WHEN r.act = 'customized' AND r.retired_at IS NOT NULL THEN 'shown'
    END AS did, r.act IN ('adopt', 'update') OR r.fate = 'removed' AS replaces
  ) done
  WHERE go.go AND done.did IS NOT NULL
)`
  })
  .join(",\n")},
changes AS MATERIALIZED (
  SELECT jsonb_agg(jsonb_build_array(kind, source_id, slug, did, before) ORDER BY kind COLLATE "C", slug COLLATE "C") AS rows FROM (
  ${unionOf(kinds, ({ kind }) => `SELECT * FROM ${kind}_changed`)}
  ) changed
)`

const installation: Target = {
  organization,
  agent,
  worksFor: (given, row) =>
    `CASE WHEN ${row}.managed_by_template_agent_id IS NULL THEN ${agent} ELSE COALESCE(${given}, ${agent}) END`,
  createdBy: user,
  managedBy: template,
  sourceOrganization: "(SELECT publisher FROM newest)",
  due: (kind, row) => `(${dueTimes} ->> ${row}.${kind.schedule?.cron})::timestamptz`,
  referred: (row, column, kind) =>
    `(SELECT placed.id FROM ${kind}_placed placed WHERE placed.source_id = ${row}.${column}::bigint)`
}

/**
 * One statement that judges every row of a revision and, unless a newer one came, the plan is not the expected one, a wish
 * names no row or there is a collision, writes what is to be done: rows, versions, ledger and history. Parameters:
 * organization, template, revision, installed agent, user, the expected plan's hash (or null), wishes as a JSON array of
 * `wish`, `kind`, `slug`, the next due time of each cron expression, whether the agent is pinned, and the action for the
 * history. Result: `newest` (whether the revision still is, or need not be), `as_planned`, `unmet` wishes, `collisions`, and
 * by kind the rows of the revision that stand afterwards, and how many rows of each kind had each verdict.
 */
export const applyStatement = (kinds: ReadonlyArray<KindDescription>): string => `WITH
${oneTarget},
wish AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset(${wishes}) AS w (wish text, kind text, slug text)
  -- Named here, for Postgres to know the types also where no kind makes use of them.
  WHERE (${agent}, ${user}, ${dueTimes}) IS NOT NULL
),
newest AS MATERIALIZED (
  SELECT a.organization_id AS publisher, ${pinned} OR a.revision = ${revision} AS newest FROM agents a WHERE a.id = ${template}
),${verdicts(kinds)},
${agreed(kinds)},
unmet AS MATERIALIZED (
  SELECT w.wish AS list, w.kind, w.slug, judged.verdict
  FROM wish w
  LEFT JOIN (
  ${unionOf(kinds, ({ kind }) => `SELECT '${kind}' AS kind, slug, verdict, granted FROM ${kind}_rows`)}
  ) judged ON judged.kind = w.kind AND judged.slug = w.slug
  WHERE judged.granted IS NOT TRUE
),
collisions AS MATERIALIZED (
  ${unionOf(kinds, ({ kind }) => `SELECT '${kind}' AS kind, slug, owner, owned AS own, adoptable FROM ${kind}_rows WHERE act = 'collision'`)}
),
go AS MATERIALIZED (
  SELECT (SELECT newest FROM newest) AND (SELECT as_planned FROM agreed) AND NOT EXISTS (SELECT FROM unmet)
    AND NOT EXISTS (SELECT FROM collisions) AS go
),${kinds.flatMap((kind) => [...written(kind), ...inserts(kind, installation), ...updates(kind, installation), ...settled(kind, true)]).join(",")},
applied AS MATERIALIZED (
  ${unionOf(
    kinds,
    ({ kind }) => `SELECT '${kind}' AS kind, source_id, id, slug, hash, false AS adopted FROM ${kind}_new
  UNION ALL SELECT '${kind}', source_id, id, slug, hash, adopted FROM ${kind}_behind
  UNION ALL SELECT '${kind}', source_id, copy_id, CASE act WHEN 'unchanged' THEN slug ELSE applied_slug END,
      CASE act WHEN 'unchanged' THEN hash ELSE applied_hash END, adopted
    FROM ${kind}_rows, go
    WHERE go.go AND (act = 'unchanged' AND (NOT own OR applied_hash <> hash OR applied_slug <> slug)
      OR act IN ('customized', 'deleted_by_owner') AND NOT own)`
  )}
),
remembered AS (
  INSERT INTO mirror_ledger (organization_id, template_agent_id, kind, source_id, copy_id, slug, applied_hash, adopted)
  SELECT ${organization}, ${template}, kind, source_id, id, slug, hash, adopted FROM applied
  ON CONFLICT (template_agent_id, organization_id, kind, source_id) DO UPDATE SET copy_id = excluded.copy_id,
    slug = excluded.slug, applied_hash = excluded.applied_hash, adopted = excluded.adopted
),
remembered_by_siblings AS (
  UPDATE mirror_ledger l SET copy_id = a.id, slug = a.slug, applied_hash = a.hash, adopted = a.adopted FROM applied a
  WHERE l.organization_id = ${organization} AND l.kind = a.kind AND l.source_id = a.source_id
    AND l.template_agent_id <> ${template}
    AND (l.copy_id, l.applied_hash, l.slug, l.adopted) IS DISTINCT FROM (a.id, a.hash, a.slug, a.adopted)
),
${forgotten(kinds, true)},
${changes(kinds, true)},
recorded AS (
  INSERT INTO mirror_history (organization_id, template_agent_id, agent_id, user_id, action, revision, rows)
  SELECT ${organization}, ${template}, ${agent}, ${user}, ${action}, ${revision}, COALESCE(changes.rows, '[]') FROM go, changes
  WHERE go.go AND (changes.rows IS NOT NULL OR ${revision} IS DISTINCT FROM ${lastRevision})
)
SELECT (SELECT newest FROM newest) AS newest, (SELECT as_planned FROM agreed) AS as_planned,
  COALESCE((SELECT jsonb_agg(unmet) FROM unmet), '[]') AS unmet,
  COALESCE((SELECT jsonb_agg(collisions ORDER BY kind COLLATE "C", slug COLLATE "C") FROM collisions), '[]') AS collisions,
  jsonb_build_object(${kinds
    .map(
      ({ kind }) => `'${kind}', (
    SELECT count(*) FROM ${kind}_rows WHERE act NOT IN ('collision', 'deleted_by_owner', 'retire'))`
    )
    .join(", ")}) AS standing,
  COALESCE((
    SELECT jsonb_agg(counted) FROM (
      SELECT kind, verdict, count(*) AS rows FROM (
  ${unionOf(kinds, ({ kind }) => `SELECT '${kind}' AS kind, verdict FROM ${kind}_rows`)}
      ) judged GROUP BY kind, verdict
    ) counted
  ), '[]') AS verdicts`

/**
 * The two installs that are by far the most frequent, as one statement without a transaction around it: a first one, where
 * nothing of the template, nor of a sibling's that it shares, was ever mirrored into the organization, and one that finds
 * every copy just as it was applied last. What is neither is left to `applyStatement`: then nothing is written, and there is no
 * agent in the result. Parameters: organization, template, user, the next due time of each cron expression that is known.
 * Result: the agent (or null), whether it is new, its revision and whether it is pinned, and by kind the rows that stand.
 */
export const quickStatement = (kinds: ReadonlyArray<KindDescription>): string => {
  const due = "$4::jsonb"
  const first: Target = {
    ...installation,
    agent: "(SELECT id FROM born)",
    createdBy: "$3::text",
    sourceOrganization: "(SELECT publisher FROM start)",
    due: (kind, row) => `(${due} ->> ${row}.${kind.schedule?.cron})::timestamptz`,
    referred: (row, column, kind) =>
      `(SELECT made.id FROM ${kind}_new made WHERE made.source_id = ${row}.${column}::bigint)`
  }
  const known = kinds.flatMap(({ kind, schedule }) =>
    schedule === undefined
      ? []
      : [
          `AND NOT EXISTS (
    SELECT FROM template_revision_rows r
    WHERE r.template_agent_id = t.id AND r.revision = t.revision AND r.kind = '${kind}'
      AND NOT ${due} ? COALESCE(r.rest ->> '${schedule.cron}', '')
  )`
        ]
  )
  return `WITH
${templateAndCaller("")},
offered AS MATERIALIZED (
  SELECT t.id, t.organization_id AS publisher, t.revision FROM template t, caller
  WHERE t.published AND t.template_agent_id IS NULL AND t.organization_id <> ${organization} AND caller.administers
),
standing AS MATERIALIZED (
  SELECT a.id, a.revision, a.pinned FROM agents a JOIN offered t ON a.pinned OR a.revision = t.revision
  WHERE a.organization_id = ${organization} AND a.template_agent_id = ${template}
),
counts AS MATERIALIZED (
  ${unionOf(
    kinds,
    (kind) => `SELECT '${kind.kind}' AS kind, count(*) AS rows, count(*) FILTER (
    WHERE l.applied_hash = r.hash AND l.slug = r.slug AND t.deleted_at IS NULL AND t.retired_at IS NULL
      AND t.organization_id = ${organization} ${kind.agent === undefined ? "" : `AND t.${kind.agent} IS NOT NULL`}
      AND ${content(kind, "t", "v", (column) => mirroredFrom(kind, column, organization))} = r.content
  ) AS settled
  FROM template_revision_rows r
  LEFT JOIN mirror_ledger l ON l.organization_id = ${organization} AND l.template_agent_id = ${template}
    AND l.kind = r.kind AND l.source_id = r.source_id
  LEFT JOIN ${kind.table} t ON t.id = l.copy_id
  ${joinVersion(kind, "t", "v")}
  WHERE r.template_agent_id = ${template} AND r.revision = (SELECT revision FROM standing) AND r.kind = '${kind.kind}'`
  )}
),
settled AS MATERIALIZED (
  SELECT (SELECT bool_and(rows = settled) FROM counts)
    AND (SELECT sum(rows) FROM counts) = (
      SELECT count(*) FROM mirror_ledger l WHERE l.organization_id = ${organization} AND l.template_agent_id = ${template}
    )
    AND standing.revision IS NOT DISTINCT FROM ${lastRevision} AS settled
  FROM standing
),
start AS MATERIALIZED (
  SELECT t.publisher, t.revision, r.name, r.description
  FROM offered t JOIN template_revisions r ON r.template_agent_id = t.id AND r.revision = t.revision
  WHERE NOT EXISTS (
    SELECT FROM agents a WHERE a.organization_id = ${organization} AND a.template_agent_id = ${template}
  ) AND NOT EXISTS (
    SELECT FROM mirror_ledger l WHERE l.organization_id = ${organization} AND ${takesPart("t.id", "t.revision")}
  ) ${known.join(" ")}
),
${kinds
  .map(
    ({ kind, table }) => `${kind}_rows AS MATERIALIZED (
  SELECT r.source_id, r.slug, r.hash, r.rest AS content, r.document, 'create' AS act, EXISTS (
    SELECT FROM ${table} other
    WHERE other.organization_id = ${organization} AND other.slug = r.slug AND other.deleted_at IS NULL
  ) AS taken
  FROM template_revision_rows r
  WHERE r.template_agent_id = ${template} AND r.revision = (SELECT revision FROM start) AND r.kind = '${kind}'
)`
  )
  .join(",\n")},
born AS (
  INSERT INTO agents (organization_id, template_agent_id, name, description, owner_user_id, revision, template_name, template_description)
  SELECT ${organization}, ${template}, name, description, $3::text, revision, name, description FROM start
  WHERE NOT EXISTS (
  ${unionOf(kinds, ({ kind }) => `SELECT FROM ${kind}_rows WHERE taken`)}
  )
  -- Somebody else is at it: what they make is theirs to finish first.
  ON CONFLICT DO NOTHING
  RETURNING id
),
go AS MATERIALIZED (SELECT EXISTS (SELECT FROM born) AS go),${kinds
    .flatMap((kind) => [made(kind), ...inserts(kind, first)])
    .join(",")},
applied AS MATERIALIZED (
  ${unionOf(kinds, ({ kind }) => `SELECT '${kind}' AS kind, source_id, id, slug, hash FROM ${kind}_new`)}
),
remembered AS (
  INSERT INTO mirror_ledger (organization_id, template_agent_id, kind, source_id, copy_id, slug, applied_hash)
  SELECT ${organization}, ${template}, kind, source_id, id, slug, hash FROM applied
),
recorded AS (
  INSERT INTO mirror_history (organization_id, template_agent_id, agent_id, user_id, action, revision, rows)
  SELECT ${organization}, ${template}, born.id, $3::text, 'install', start.revision, COALESCE((
    SELECT jsonb_agg(jsonb_build_array(kind, source_id, slug, 'created', NULL) ORDER BY kind COLLATE "C", slug COLLATE "C") FROM applied
  ), '[]')
  FROM born, start
)
SELECT COALESCE(born.id, CASE WHEN settled.settled THEN standing.id END) AS agent_id, born.id IS NOT NULL AS created,
  COALESCE(start.revision, standing.revision) AS revision, COALESCE(standing.pinned, false) AS pinned,
  CASE WHEN born.id IS NULL THEN (SELECT jsonb_object_agg(kind, rows) FROM counts)
    ELSE jsonb_build_object(${kinds.map(({ kind }) => `'${kind}', (SELECT count(*) FROM ${kind}_new)`).join(", ")}) END AS standing
FROM (SELECT) AS one LEFT JOIN born ON true LEFT JOIN standing ON true LEFT JOIN settled ON true LEFT JOIN start ON true`
}

/**
 * Takes the organization's turn for an uninstall. Parameters: organization, template, user. Result: the installed agent (null
 * where there is none) and whether the caller administers the organization.
 */
export const consultInstalledStatement = (lock: boolean): string => `SELECT agent.id AS agent_id,
  COALESCE(m.role, '') IN ('owner', 'admin') AS administers
FROM organization o
LEFT JOIN agents agent ON agent.organization_id = o.id AND agent.template_agent_id = $2::text
LEFT JOIN member m ON m.organization_id = o.id AND m.user_id = $3::text
WHERE o.id = $1::text ${lock ? "FOR NO KEY UPDATE OF o" : ""}`

/**
 * Takes the copies of an installed agent away, as far as nothing keeps them, unless the plan is not the expected one.
 * Parameters: organization, template, no revision, installed agent, user, the expected plan's hash (or null). Result: as of a
 * plan, with `as_planned`.
 */
export const leaveStatement = (kinds: ReadonlyArray<KindDescription>): string => `WITH
${oneTarget},
${noWishes},${verdicts(kinds)},
${agreed(kinds)},
go AS MATERIALIZED (SELECT as_planned AS go FROM agreed WHERE (${agent}, ${user}) IS NOT NULL),${kinds
  .flatMap((kind) => settled(kind, false))
  .join(",")},
${forgotten(kinds, false)},
${changes(kinds, false)},
recorded AS (
  INSERT INTO mirror_history (organization_id, template_agent_id, agent_id, user_id, action, revision, rows)
  SELECT ${organization}, ${template}, ${agent}, ${user}, 'uninstall', NULL, COALESCE(changes.rows, '[]') FROM go, changes
  WHERE go.go
),
${plannedSteps(kinds)}
SELECT (SELECT as_planned FROM agreed) AS as_planned, ${plannedRows} AS rows FROM target`

/** Removes an agent, or, where rows of another program refer to it, leaves it to the person. Parameter: agent. Result: `outcome`. */
export const removeAgentStatement = `SELECT remove_agent($1::text) AS outcome`

/**
 * What was done to the rows of an installation, newest first. Parameters: organization, template, the id of the entry before
 * which to begin (or null), how many, whether to tell whole rows. What was written is read from the rows of the revision,
 * references as slugs. It goes from entry to entry and ends where a page does (`historyPage`), so that no more is ever read or
 * put together; `more` says whether there are older ones.
 */
export const historyStatement = (kinds: ReadonlyArray<KindDescription>): string => {
  const entry = "h.organization_id = $1::text AND h.template_agent_id = $2::text"
  const slugOf = (column: string, kind: string) => `(
      SELECT referred.slug FROM template_revision_rows referred
      WHERE referred.template_agent_id = r.template_agent_id AND referred.revision = r.revision AND referred.kind = '${kind}'
        AND referred.source_id::text = r.content ->> '${column}'
    )`
  const after = `r.content || CASE r.kind
    ${kinds
      .map(
        ({ kind, references = {} }) =>
          `WHEN '${kind}' THEN jsonb_build_object(${list(
            Object.entries(references).map(([column, to]) => `'${column}', ${slugOf(column, to)}`)
          )})`
      )
      .join("\n    ")}
    ELSE '{}' END`
  const told = (content: string) => `CASE WHEN $5::boolean THEN ${content} ELSE (
        SELECT jsonb_object_agg(one.key, one.value) FROM jsonb_each(${content}) one WHERE one.key = ANY (differing.fields)
      ) END`
  const row = (before: string, after: string, omitted: string) =>
    `jsonb_build_object('kind', kind, 'slug', slug, 'did', did, 'fields', fields, 'before', ${before}, 'after', ${after},
      'omitted', ${omitted})`
  const fits = `page.size <= ${historyBounds.told} AND page.read <= ${historyBounds.read}`
  return `WITH RECURSIVE page AS (
  SELECT COALESCE($3::bigint, 9223372036854775807) AS id, NULL::jsonb AS rows, 0 AS number, 0::bigint AS size, 0::bigint AS read
  UNION ALL
  SELECT next.id, entry.rows, page.number + 1, page.size + entry.size, page.read + entry.read
  FROM page
  CROSS JOIN LATERAL (
    SELECT h.id, h.template_agent_id, h.revision, h.rows FROM mirror_history h WHERE ${entry} AND h.id < page.id
    ORDER BY h.id DESC LIMIT 1
  ) next
  CROSS JOIN LATERAL (
    SELECT COALESCE(jsonb_agg(CASE WHEN size_so_far <= ${historyBounds.told} OR before IS NULL AND after IS NULL
        THEN ${row("before", "after", "false")} ELSE ${row("NULL", "NULL", "true")} END ORDER BY position), '[]') AS rows,
      COALESCE(sum(size), 0)::bigint AS size, COALESCE(sum(read), 0)::bigint AS read
    FROM (
      SELECT *, sum(size) OVER (ORDER BY position) AS size_so_far
      FROM (
        SELECT *, octet_length(${row("before", "after", "false")}::text) AS size
        FROM (
          SELECT known.position, known.kind, known.slug, known.did, differing.fields,
            ${told("known.before")} AS before, ${told("known.after")} AS after,
            COALESCE(octet_length(known.before::text), 0) + COALESCE(octet_length(known.after::text), 0) AS read
          FROM (
            SELECT position, one ->> 0 AS kind, one ->> 2 AS slug, one ->> 3 AS did, NULLIF(one -> 4, 'null') AS before,
              ${after} AS after
            FROM jsonb_array_elements(next.rows) WITH ORDINALITY AS rows (one, position)
            LEFT JOIN template_revision_rows r ON r.template_agent_id = next.template_agent_id AND r.revision = next.revision
              AND r.kind = one ->> 0 AND r.source_id = (one ->> 1)::bigint
              AND one ->> 3 IN ('created', 'updated', 'adopted', 'reverted', 'restored')
            OFFSET 0
          ) known
          CROSS JOIN LATERAL (
            SELECT ARRAY(
              SELECT key FROM jsonb_each(known.before) old FULL JOIN jsonb_each(known.after) new USING (key)
              WHERE old.value IS DISTINCT FROM new.value ORDER BY key COLLATE "C"
            ) AS fields
            OFFSET 0
          ) differing
          OFFSET 0
        ) told
        OFFSET 0
      ) sized
    ) summed
  ) entry
  WHERE page.number < $4::integer AND ${fits}
)
SELECT page.id::text AS id, h.created_at AS at, jsonb_build_object('userId', h.user_id, 'name', u.name) AS by, h.action,
  h.revision, page.rows, EXISTS (SELECT FROM mirror_history h WHERE ${entry} AND h.id < page.id) AS more
FROM page JOIN mirror_history h ON h.id = page.id LEFT JOIN "user" u ON u.id = h.user_id
WHERE number = 1 OR number > 1 AND ${fits}
ORDER BY number`
}
