import type { KindDescription } from "../domain/Kind.ts"
import {
  content,
  contentColumns,
  hashOf,
  joinVersion,
  list,
  newVersionId,
  recordOf,
  sequence,
  type Target,
  writes
} from "./KindSql.ts"

/* The statements of a plan, and of an install in the order in which they run: prepare, setAside (where slugs move), apply. */

const templateAndCaller = (lock: string) => `template AS MATERIALIZED (
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
  ${lock}
)`

const standing = `t.visible, t.published, t.template_agent_id IS NOT NULL AS installed, t.organization_id = $1::text AS own, t.revision,
  COALESCE((SELECT administers FROM caller), false) AS administers`

/**
 * What is known of a template and the caller before a plan. Parameters: organization, template, user.
 */
export const consultStatement = `WITH
${templateAndCaller("")}
SELECT ${standing} FROM template t`

/**
 * Takes the organization's turn and makes or finds the installed agent, where the caller may install the template.
 * Parameters: organization, template, user, name (or null). Result: what is known of the template and the caller, the
 * agent (null where it is not for the caller to have), whether rows take each other's slugs with the newest revision, and the
 * cron expressions in it.
 */
export const prepareStatement = (kinds: ReadonlyArray<KindDescription>): string => `WITH
${templateAndCaller("FOR NO KEY UPDATE OF o")},
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
SELECT ${standing}, agent.id AS agent_id, agent.created,
  -- What follows in this transaction finds its rows by key: one plan serves all values, and must be that for large tables
  -- from the start, since a plan made while a table is empty is kept while it grows.
  set_config('plan_cache_mode', 'force_generic_plan', true) AS plans, set_config('enable_seqscan', 'off', true) AS scans,
  EXISTS (
    SELECT FROM mirror_ledger l
    JOIN template_revision_rows r ON r.template_agent_id = t.id AND r.revision = t.revision
      AND r.kind = l.kind AND r.slug = l.slug AND r.source_id <> l.source_id
    WHERE l.organization_id = $1::text AND l.template_agent_id = t.id
  ) AS moving,
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

/**
 * Takes the copies whose slug another row is to have out of the index of live slugs, for `apply` to settle in the same
 * transaction: so swaps and cycles of slugs never meet. Parameters: organization, template, revision.
 */
export const setAsideStatement = (kinds: ReadonlyArray<KindDescription>): string => `WITH
moving AS MATERIALIZED (
  SELECT l.kind, l.copy_id FROM mirror_ledger l
  JOIN template_revision_rows r ON r.template_agent_id = l.template_agent_id AND r.revision = $3::integer
    AND r.kind = l.kind AND r.slug = l.slug AND r.source_id <> l.source_id
  WHERE l.organization_id = $1::text AND l.template_agent_id = $2::text
),
${kinds
  .map(
    ({ kind: table }) => `${table}_aside AS (
  UPDATE ${table} t SET deleted_at = 'infinity' FROM moving
  WHERE moving.kind = '${table}' AND t.id = moving.copy_id AND t.organization_id = $1::text AND t.deleted_at IS NULL
)`
  )
  .join(",\n")}
SELECT count(*)::integer AS moving FROM moving`

// Parameters of `planStatement` (the first three) and `applyStatement`.
const organization = "$1::text"
const template = "$2::text"
const revision = "$3::integer"
const agent = "$4::text"
const user = "$5::text"
const dueTimes = "$6::jsonb"
const expectedPlan = "$7::text"

/** Whether a copy is in use: by a row any program ties to it with a foreign key, or by a definition that stays bound to it. */
const inUse = (kind: KindDescription, kinds: ReadonlyArray<KindDescription>) => {
  const referring = kinds.flatMap((other) =>
    Object.entries(other.references ?? {}).flatMap(([column, to]) =>
      to === kind.kind ? [{ table: other.kind, column }] : []
    )
  )
  const ours = [...(kind.versions === undefined ? [] : [kind.versions.table]), ...referring.map(({ table }) => table)]
  return [
    `row_in_use('${kind.kind}', t.id, ARRAY[${ours.map((table) => `'${table}'`).join(", ")}]::regclass[])`,
    ...referring.map(
      ({ column, table }) =>
        `EXISTS (
        SELECT FROM ${table} referring
        WHERE referring.${column} = t.id AND (referring.deleted_at IS NULL OR referring.deleted_at = 'infinity')
          AND NOT EXISTS (
            SELECT FROM ${table}_first leaving
            WHERE leaving.live_id = referring.id AND (leaving.fate = 'removed' OR leaving.verdict = 'update')
          )
      )`
    )
  ].join(" OR ")
}

/**
 * The rows of one kind as they are and as they should be, with a verdict each: the revision's rows, and those the ledger has
 * besides (withdrawn). `live_id` is the copy where it stands; `fate` says what becomes of a withdrawn one.
 */
const verdicts = (kind: KindDescription, kinds: ReadonlyArray<KindDescription>) => {
  const table = kind.kind
  const copyOf = (column: string) => `(
    CASE WHEN t.${column} IS NOT NULL THEN COALESCE(
      (SELECT referred.source_id::text FROM mirror_ledger referred
       WHERE referred.kind = '${kind.references?.[column]}' AND referred.copy_id = t.${column}
         AND referred.organization_id = ${organization} LIMIT 1),
      'own:' || t.${column})
    ELSE (
      -- Nothing was written where the person had deleted what the publisher's row refers to: that is no change of theirs.
      SELECT referred.source_id::text FROM mirror_ledger referred
      WHERE referred.kind = '${kind.references?.[column]}' AND referred.source_id::text = known.content ->> '${column}'
        AND referred.organization_id = ${organization}
        AND NOT EXISTS (
          SELECT FROM ${kind.references?.[column]} target WHERE target.id = referred.copy_id
            AND (target.deleted_at IS NULL OR target.deleted_at = 'infinity')
        )
      LIMIT 1)
    END)`
  return `
${table}_first AS MATERIALIZED (
  SELECT known.*, t.id AS live_id, t.slug AS live_slug, t.deleted_at AS aside, t.retired_at, holder.slug AS owner, live.hash AS live_hash,
    live.content AS live_content,
    CASE
      WHEN holder.slug IS NOT NULL THEN 'collision'
      WHEN known.withdrawn THEN 'retire'
      WHEN known.copy_id IS NULL THEN 'create'
      WHEN t.id IS NULL THEN 'deleted_by_owner'
      WHEN live.hash = known.hash AND t.retired_at IS NULL THEN 'unchanged'
      WHEN live.hash NOT IN (known.hash, known.applied_hash) THEN 'customized'
      ELSE 'update'
    END AS verdict,
    CASE
      WHEN NOT known.withdrawn THEN NULL
      WHEN t.id IS NULL THEN 'forgotten'
      WHEN known.sibling_agent_id IS NOT NULL THEN 'passed_on'
      WHEN live.hash <> known.applied_hash OR ${inUse(kind, kinds)} THEN 'kept'
      ELSE 'removed'
    END AS fate
  FROM (
    SELECT COALESCE(r.source_id, own.source_id) AS source_id, r.slug, r.hash, r.content, r.source_id IS NULL AS withdrawn,
      own.source_id IS NOT NULL AS own, COALESCE(own.slug, sibling.slug) AS applied_slug,
      COALESCE(own.copy_id, sibling.copy_id) AS copy_id, COALESCE(own.applied_hash, sibling.applied_hash) AS applied_hash,
      sibling.template_agent_id AS sibling_template_id, sibling.agent_id AS sibling_agent_id
    FROM (
      SELECT * FROM template_revision_rows
      WHERE template_agent_id = ${template} AND revision = ${revision} AND kind = '${table}'
    ) r
    FULL JOIN (
      SELECT * FROM mirror_ledger
      WHERE organization_id = ${organization} AND kind = '${table}' AND template_agent_id = ${template}
    ) own ON own.source_id = r.source_id
    LEFT JOIN LATERAL (
      SELECT l.slug, l.copy_id, l.applied_hash, l.template_agent_id, a.id AS agent_id
      FROM mirror_ledger l
      LEFT JOIN agents a ON a.organization_id = ${organization} AND a.template_agent_id = l.template_agent_id
      WHERE l.organization_id = ${organization} AND l.kind = '${table}'
        AND l.source_id = COALESCE(r.source_id, own.source_id) AND l.template_agent_id <> ${template}
      ORDER BY a.created_at, a.id
      LIMIT 1
    ) sibling ON true
  ) known
  -- OFFSET keeps the look-up by id: without statistics the organization's whole index looks as cheap.
  LEFT JOIN LATERAL (SELECT * FROM ${table} WHERE id = known.copy_id OFFSET 0) t ON t.organization_id = ${organization}
    AND (t.deleted_at IS NULL OR t.deleted_at = 'infinity')
  ${joinVersion(kind, "t", "v")}
  LEFT JOIN LATERAL (
    SELECT as_it_is.content, ${hashOf("as_it_is.content")} AS hash
    FROM (SELECT ${content(kind, "t", "v", copyOf)} AS content WHERE t.id IS NOT NULL OFFSET 0) as_it_is
  ) live ON true
  LEFT JOIN LATERAL (
    SELECT o.slug
    FROM ${table} other
    JOIN organization o ON o.id = COALESCE(other.source_template_org_id, other.organization_id)
    WHERE other.organization_id = ${organization} AND other.slug = known.slug AND other.deleted_at IS NULL
      AND other.id IS DISTINCT FROM t.id
      AND NOT EXISTS (
        SELECT FROM mirror_ledger mine WHERE mine.kind = '${table}' AND mine.copy_id = other.id
          AND mine.organization_id = ${organization} AND mine.template_agent_id = ${template}
      )
  ) holder ON true
),
${table}_rows AS MATERIALIZED (
  SELECT first.source_id, first.slug, first.hash, first.content, first.own, first.copy_id, first.applied_hash,
    first.applied_slug, first.live_id, first.live_slug, first.live_hash, first.live_content, first.aside, first.retired_at, first.sibling_template_id, first.sibling_agent_id,
    first.fate, CASE WHEN clash.found THEN 'collision' ELSE first.verdict END AS verdict,
    CASE WHEN clash.found THEN (SELECT slug FROM organization WHERE id = ${organization}) ELSE first.owner END AS owner
  FROM ${table}_first first
  CROSS JOIN LATERAL (
    -- A copy that stays where it is, for the person changed it or it is in use, may have the slug another row is to take.
    SELECT first.verdict IN ('create', 'update') AND first.slug IN (
      SELECT stays.live_slug FROM ${table}_first stays
      WHERE stays.verdict = 'customized' OR stays.fate IN ('kept', 'passed_on')
    ) AS found
  ) clash
)`
}

// A kind after the ones that refer to it: whether a copy may go depends on what becomes of the rows bound to it.
const allVerdicts = (kinds: ReadonlyArray<KindDescription>) =>
  kinds
    .toReversed()
    .map((kind) => verdicts(kind, kinds))
    .join(",")

const unionOf = (kinds: ReadonlyArray<KindDescription>, rows: (table: string) => string) =>
  kinds.map(({ kind }) => rows(kind)).join("\n  UNION ALL\n  ")

const newest = `newest AS MATERIALIZED (
  SELECT a.organization_id AS publisher, a.revision = ${revision} AS newest FROM agents a WHERE a.id = ${template}
)`

/** What a plan amounts to, as a hash: the same as long as an install would do the same to the same rows. */
const planHash = (kinds: ReadonlyArray<KindDescription>) => `(
  SELECT encode(sha256(convert_to(jsonb_build_array(${revision}, jsonb_agg(
    jsonb_build_array(kind, source_id, slug, verdict, fate, hash, live_hash) ORDER BY kind, source_id))::text, 'UTF8')), 'hex')
  FROM (
  ${unionOf(kinds, (table) => `SELECT '${table}' AS kind, source_id, slug, verdict, fate, hash, live_hash FROM ${table}_rows`)}
  ) planned
)`

/**
 * What an install of a revision would do, and nothing else. Parameters: organization, template, revision. Result: each row
 * with its verdict, the fate of a withdrawn one and the fields in which template and copy differ; the hash of it all.
 */
export const planStatement = (kinds: ReadonlyArray<KindDescription>): string => `WITH
${newest},${allVerdicts(kinds)}
SELECT ${planHash(kinds)} AS plan_hash, COALESCE((
  SELECT jsonb_agg(jsonb_build_object('kind', kind, 'slug', slug, 'name', name, 'verdict', verdict, 'fate', fate, 'owner', owner,
    'fields', fields) ORDER BY position, slug)
  FROM (
  ${kinds
    .map(
      (
        { kind: table },
        position
      ) => `SELECT ${position} AS position, '${table}' AS kind, COALESCE(slug, live_slug, applied_slug) AS slug,
      COALESCE(live_content, content) ->> 'name' AS name, verdict, fate, owner, ARRAY(
        SELECT wanted.key FROM jsonb_each(content) wanted
        WHERE verdict IN ('update', 'customized') AND wanted.value IS DISTINCT FROM live_content -> wanted.key ORDER BY wanted.key
      ) AS fields
    FROM ${table}_rows`
    )
    .join("\n  UNION ALL\n  ")}
  ) planned
), '[]') AS rows`

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

/** What becomes of the copies whose content stays: removed, hidden, shown again, handed to the sibling template that has them too. */
const settled = (kind: KindDescription) => {
  const table = kind.kind
  return [
    `
${table}_removed AS (
  DELETE FROM ${table} t USING go, ${table}_rows r WHERE go.go AND r.fate = 'removed' AND t.id = r.live_id
)`,
    `
${table}_settled AS (
  UPDATE ${table} t SET ${list([
    "deleted_at = NULL",
    "retired_at = CASE WHEN r.fate = 'kept' THEN COALESCE(t.retired_at, now()) END",
    `managed_by_template_agent_id = CASE WHEN r.fate = 'passed_on' AND t.managed_by_template_agent_id = ${template}
      THEN r.sibling_template_id ELSE t.managed_by_template_agent_id END`,
    kind.agent
      ? `${kind.agent} = CASE WHEN r.fate = 'passed_on' AND t.${kind.agent} = ${agent} THEN r.sibling_agent_id ELSE t.${kind.agent} END`
      : ""
  ])}
  FROM go, ${table}_rows r
  WHERE go.go AND t.id = r.live_id
    AND (r.fate = 'passed_on' OR r.aside IS NOT NULL AND (r.fate = 'kept' OR r.verdict = 'customized')
      OR r.fate = 'kept' AND r.retired_at IS NULL OR r.verdict = 'customized' AND r.retired_at IS NOT NULL)
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
 * One statement that judges every row of a revision and, unless there is a collision, a newer revision or another plan than
 * the expected one, writes what the verdicts say: rows, versions and ledger. Parameters: organization, template, revision,
 * installed agent, user, the next due time of each cron expression, and the expected plan's hash (or null). One result row a
 * kind: `newest` (whether the revision still is), `as_planned`, `standing` (rows of the revision that stand afterwards),
 * `collisions`.
 */
export const applyStatement = (kinds: ReadonlyArray<KindDescription>): string => {
  const all = (rows: (table: string) => string) => unionOf(kinds, rows)
  return `WITH
${newest},${allVerdicts(kinds)},
plan AS MATERIALIZED (
  SELECT ${expectedPlan} IS NULL OR ${expectedPlan} = ${planHash(kinds)} AS as_expected
  -- Named here, for Postgres to know the types also where no kind makes use of them.
  WHERE (${agent}, ${user}, ${dueTimes}) IS NOT NULL
),
go AS MATERIALIZED (
  SELECT (SELECT newest FROM newest) AND (SELECT as_expected FROM plan) AND NOT EXISTS (
  ${all((table) => `SELECT FROM ${table}_rows WHERE verdict = 'collision'`)}
  ) AS go
),${kinds.flatMap((kind) => [...judged(kind), ...writes(kind, installation), ...settled(kind)]).join(",")},
applied AS MATERIALIZED (
  ${all(
    (table) => `SELECT '${table}' AS kind, source_id, id, slug, hash FROM ${table}_new
  UNION ALL SELECT '${table}', source_id, id, slug, hash FROM ${table}_behind
  UNION ALL SELECT '${table}', source_id, copy_id, CASE verdict WHEN 'unchanged' THEN slug ELSE applied_slug END,
      CASE verdict WHEN 'unchanged' THEN hash ELSE applied_hash END
    FROM ${table}_rows, go
    WHERE go.go AND (verdict = 'unchanged' AND (NOT own OR applied_hash <> hash OR applied_slug <> slug)
      OR verdict IN ('customized', 'deleted_by_owner') AND NOT own)`
  )}
),
remembered AS (
  INSERT INTO mirror_ledger (organization_id, template_agent_id, kind, source_id, copy_id, slug, applied_hash)
  SELECT ${organization}, ${template}, kind, source_id, id, slug, hash FROM applied
  ON CONFLICT (template_agent_id, organization_id, kind, source_id)
  DO UPDATE SET copy_id = excluded.copy_id, slug = excluded.slug, applied_hash = excluded.applied_hash
),
remembered_by_siblings AS (
  UPDATE mirror_ledger l SET slug = a.slug, applied_hash = a.hash FROM applied a
  WHERE l.organization_id = ${organization} AND l.kind = a.kind AND l.source_id = a.source_id
    AND l.template_agent_id <> ${template} AND (l.applied_hash, l.slug) IS DISTINCT FROM (a.hash, a.slug)
),
forgotten AS (
  DELETE FROM mirror_ledger l USING (
  ${all((table) => `SELECT '${table}' AS kind, source_id FROM ${table}_rows, go WHERE go.go AND fate <> 'kept'`)}
  ) gone
  WHERE l.organization_id = ${organization} AND l.template_agent_id = ${template} AND l.kind = gone.kind AND l.source_id = gone.source_id
)
${all(
  (
    table
  ) => `SELECT '${table}' AS kind, (SELECT newest FROM newest) AS newest, (SELECT as_expected FROM plan) AS as_planned,
    count(*) FILTER (WHERE verdict NOT IN ('collision', 'deleted_by_owner', 'retire'))::integer AS standing,
    COALESCE(jsonb_agg(jsonb_build_object('kind', '${table}', 'slug', slug, 'owner', owner) ORDER BY slug)
      FILTER (WHERE verdict = 'collision'), '[]') AS collisions
  FROM ${table}_rows`
)}`
}
