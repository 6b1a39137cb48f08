import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { content, hashOf, joinVersion, list } from "../catalog/KindSql.ts"
import { referredTo } from "./CopySql.ts"

/* What is known of the rows of installations before anything is decided: the facts of `src/domain/installation/Facts.ts`. */

/**
 * Each row of the revision and of the ledger, side by side; where only a sibling template mirrored it, by that one's entry. What an
 * installation refers to counts as remembered: as it was applied last.
 */
const known = `known AS MATERIALIZED (
  SELECT installation.organization_id, installation.template_agent_id, reference.first_id, reference.refers, pair.*,
    sibling.template_agent_id AS sibling_template_id, sibling.agent_id AS sibling_agent_id,
    COALESCE(pair.own_copy_id, sibling.copy_id) AS copy_id, COALESCE(pair.own_slug, sibling.slug) AS entry_slug,
    COALESCE(pair.own_hash, sibling.applied_hash) AS applied_hash, COALESCE(pair.own_adopted, sibling.adopted) AS adopted,
    COALESCE(pair.own_shown, CASE WHEN pair.own_copy_id IS NULL THEN sibling.shown END) AS shown,
    CASE WHEN pair.own_copy_id IS NULL THEN sibling.applied_edits ELSE pair.own_edits END AS applied_edits
  FROM jsonb_to_recordset($1::jsonb) AS installation (organization_id text, template_agent_id text, revision integer)
  CROSS JOIN LATERAL (
    -- LIMIT: an EXISTS may be planned as a look at every organization there is. OFFSET: asked once, not for every row.
    SELECT COALESCE((
      SELECT true FROM agents WHERE organization_id = installation.organization_id AND mode = 'reference' LIMIT 1
    ), false) AS refers, COALESCE((
      SELECT true FROM mirror_ledger
      WHERE organization_id = installation.organization_id AND template_agent_id <> installation.template_agent_id LIMIT 1
    ), false) AS shares, (
      SELECT first_id FROM agents
      WHERE template_agent_id = installation.template_agent_id AND organization_id = installation.organization_id
        AND mode = 'reference'
    ) AS first_id
    OFFSET 0
  ) reference
  CROSS JOIN LATERAL (
    SELECT COALESCE(r.kind, own.kind) AS kind, COALESCE(r.source_id, own.source_id) AS source_id, r.slug, r.hash, r.content, r.ordinal,
      own.copy_id AS own_copy_id, own.slug AS own_slug, own.applied_hash AS own_hash, own.adopted AS own_adopted,
      own.shown AS own_shown, own.applied_edits AS own_edits
    FROM (
      SELECT kind, source_id, slug, hash, content, ordinal FROM template_revision_rows
      WHERE template_agent_id = installation.template_agent_id AND revision = installation.revision
    ) r
    FULL JOIN (
      SELECT kind, source_id, copy_id, slug, applied_hash, adopted, NULL::jsonb AS shown, applied_edits FROM mirror_ledger
      WHERE organization_id = installation.organization_id AND template_agent_id = installation.template_agent_id
      UNION ALL
      SELECT kind, source_id, id, slug, hash, false, content, NULL FROM referenced_rows
      WHERE organization_id = installation.organization_id AND template_agent_id = installation.template_agent_id
        AND reference.refers
    ) own ON own.kind = r.kind AND own.source_id = r.source_id
  ) pair
  LEFT JOIN LATERAL (
    SELECT remembered.* FROM (
      SELECT l.slug, l.copy_id, l.applied_hash, l.adopted, l.template_agent_id, NULL::jsonb AS shown, l.applied_edits, a.id AS agent_id, a.created_at
      FROM mirror_ledger l
      LEFT JOIN agents a ON a.organization_id = l.organization_id AND a.template_agent_id = l.template_agent_id
      WHERE reference.shares AND l.organization_id = installation.organization_id AND l.kind = pair.kind
        AND l.source_id = pair.source_id
      UNION ALL
      SELECT slug, id, hash, false, template_agent_id, content, NULL, agent_id, installed_at FROM referenced_rows
      WHERE organization_id = installation.organization_id AND kind = pair.kind AND source_id = pair.source_id
        AND reference.refers
    ) remembered
    WHERE remembered.template_agent_id <> installation.template_agent_id
    ORDER BY remembered.created_at, remembered.agent_id
    LIMIT 1
  ) sibling ON true
)`

/** The withdrawn copies of a kind that rows of any program refer to, but for those of its versions and of other kinds. */
const used = (
  { kind, table, versions }: KindDescription,
  referring: ReadonlyArray<readonly [KindDescription, string]>
) => {
  const besides = [...(versions === undefined ? [] : [versions.table]), ...referring.map(([other]) => other.table)]
  return `${kind}_used AS MATERIALIZED (
  SELECT used.id
  FROM rows_in_use('${table}', ARRAY(SELECT copy_id FROM known WHERE kind = '${kind}' AND slug IS NULL),
    ARRAY[${besides.map((one) => `'${one}'`).join(", ")}]::regclass[]) AS used (id)
  WHERE EXISTS (SELECT FROM known WHERE kind = '${kind}' AND slug IS NULL)
)`
}

/**
 * Which references a copy lost with the rows that they led to: those with which it would be as it was applied. Of a row that is only
 * referred to: those that it would show.
 */
const lostReferences = ({ references = {} }: KindDescription, kinds: ReadonlyArray<KindDescription>) => {
  const gone = Object.entries(references).map(
    ([column, kind]) => `(
      SELECT NULL AS source_id UNION ALL
      SELECT l.source_id::text FROM mirror_ledger l
      WHERE l.organization_id = known.organization_id AND l.kind = '${kind}'
        AND CASE WHEN known.shown IS NULL THEN t.${column} IS NULL ELSE l.source_id::text = known.shown ->> '${column}' END
        AND NOT EXISTS (
          SELECT FROM ${kinds.find((other) => other.kind === kind)?.table} live
          WHERE live.id = l.copy_id AND live.deleted_at IS NULL
        )
    ) ${column}_gone`
  )
  const refs = Object.keys(references).map((column) => `'${column}', ${column}_gone.source_id`)
  return `LEFT JOIN LATERAL (
  SELECT refs FROM (
    SELECT jsonb_strip_nulls(jsonb_build_object(${list(refs)})) AS refs FROM ${gone.join(" CROSS JOIN ")} OFFSET 0
  ) chosen
  WHERE refs <> '{}' AND (known.shown IS NOT NULL OR ${hashOf("copy.content || refs")} = known.applied_hash)
  ORDER BY length(refs::text) DESC LIMIT 1
) lost ON known.shown IS NOT NULL OR copy.hash <> known.applied_hash`
}

/** The facts of the rows of one kind. */
const factsOf = (
  kind: KindDescription,
  referring: ReadonlyArray<readonly [KindDescription, string]>,
  locks: boolean,
  kinds: ReadonlyArray<KindDescription>
) => {
  const { agent, edits, kind: name, published, references = {}, schedule, table } = kind
  const scheduleOf = (row: string) => (schedule === undefined ? "" : `, 'schedule', ${row}${schedule.cron}`)
  const shownSchedule = schedule === undefined ? "" : `, 'schedule', known.shown ->> '${schedule.cron}'`
  const agentOf = agent === undefined ? "" : `, 'agentId', t.${agent}`
  const hasReferences = Object.keys(references).length > 0
  const lostOf = hasReferences ? ", 'lost', lost.refs" : ""
  const referredBy = referring.flatMap(([other, column]) => [
    `SELECT '${other.kind}' AS kind, r.id FROM ${other.table} r WHERE r.${column} = t.id AND r.deleted_at IS NULL`,
    ...(other.published === undefined
      ? []
      : [
          `SELECT r.kind, r.id FROM referenced_rows r WHERE known.refers AND r.organization_id = known.organization_id
        AND r.kind = '${other.kind}' AND r.content ->> '${column}' = known.source_id::text`
        ])
  ])
  const referred = (column: string) => referredTo(kind, column, "known.organization_id", kinds)
  // An id of the block may be that of a row that was held once and is forgotten.
  const ordinal =
    published === undefined
      ? ""
      : `, 'ordinal', CASE WHEN known.copy_id IS NOT NULL OR known.first_id IS NULL OR NOT EXISTS (
      SELECT FROM ${table} past WHERE past.id = known.first_id + known.ordinal AND past.inherits IS NULL
    ) THEN known.ordinal END`
  // Whatever a row says of which nothing new is published, nothing is done to it where it stands under its slug.
  const staysAsItIs = `$3::text = 'unwritten' AND known.shown IS NULL AND NOT known.refers AND known.own_hash = known.hash
    AND known.own_slug = known.slug AND t.slug = known.slug AND NOT known.own_adopted AND t.deleted_at IS NULL
    AND t.retired_at IS NULL AND known.sibling_template_id IS NULL ${agent === undefined ? "" : `AND t.${agent} IS NOT NULL`}`
  const said = content(kind, "t", "v", referred)
  // Contents are wanted where they differ.
  const saidUnlessKnown =
    edits === undefined
      ? said
      : `CASE WHEN (t.${edits} = known.applied_edits AND NOT ($2::boolean AND known.hash <> known.applied_hash)) IS NOT TRUE THEN ${said} END`
  return `
SELECT known.organization_id, known.template_agent_id, known.first_id, known.kind, CASE
  WHEN ${staysAsItIs} OR known.own_hash = known.hash AND (known.shown IS NOT NULL OR copy.hash = known.hash)
    AND known.own_slug = known.slug AND NOT known.own_adopted
    AND (known.shown IS NOT NULL OR t.deleted_at IS NULL AND t.retired_at IS NULL)
    AND known.sibling_template_id IS NULL AND holder.facts IS NULL ${agent === undefined ? "" : `AND t.${agent} IS NOT NULL`}
  THEN CASE WHEN $3::text IS NULL ${locks && referring.length > 0 ? "OR true" : ""} THEN jsonb_build_object('untouched', true, 'kind', known.kind, 'sourceId', known.source_id,
    'copyId', known.copy_id, 'slug', known.slug, 'name', known.content ->> 'name', 'hash', known.hash, 'ordinal', known.ordinal,
    'isReferred', known.shown IS NOT NULL, 'isAnchored', t.id IS NOT NULL
    ${schedule === undefined ? "" : `, 'schedule', known.content ->> '${schedule.cron}'`}${agentOf}) END
  ELSE jsonb_strip_nulls(jsonb_build_object(
    'kind', known.kind, 'sourceId', known.source_id,
    'wanted', CASE WHEN known.slug IS NOT NULL THEN jsonb_build_object('slug', known.slug, 'name', known.content ->> 'name',
      'hash', known.hash${schedule === undefined ? "" : `, 'schedule', known.content ->> '${schedule.cron}'`}${ordinal}) END,
    'entry', CASE WHEN known.copy_id IS NOT NULL THEN jsonb_build_object('own', known.own_copy_id IS NOT NULL,
      'copyId', known.copy_id, 'slug', known.entry_slug, 'appliedHash', known.applied_hash, 'adopted', known.adopted,
      'referred', CASE WHEN known.shown IS NOT NULL THEN CASE WHEN t.id IS NULL THEN 'bare' ELSE 'anchored' END END) END,
    'sibling', CASE WHEN known.sibling_template_id IS NOT NULL
      THEN jsonb_build_object('templateAgentId', known.sibling_template_id, 'agentId', known.sibling_agent_id) END,
    'copy', CASE
      WHEN known.shown IS NOT NULL THEN jsonb_build_object('slug', known.entry_slug, 'name', known.shown ->> 'name',
        'hash', known.applied_hash, 'deleted', false, 'retired', false, 'managedBy',
        CASE WHEN known.own_copy_id IS NULL THEN known.sibling_template_id ELSE known.template_agent_id END${shownSchedule}${agentOf}${lostOf})
      WHEN t.id IS NOT NULL THEN jsonb_build_object('slug', t.slug, 'name', t.name, 'hash', copy.hash,
        'deleted', t.deleted_at IS NOT NULL, 'retired', t.retired_at IS NOT NULL,
        'managedBy', t.managed_by_template_agent_id${scheduleOf("t.")}${agentOf}${lostOf}) END,
    'holder', holder.facts,
    'used', CASE WHEN known.slug IS NULL THEN known.copy_id IN (SELECT id FROM ${name}_used) END,
    'referredBy', ${referredBy.length === 0 ? "NULL" : `CASE WHEN known.slug IS NULL THEN (SELECT jsonb_agg(r) FROM (${referredBy.join(" UNION ALL ")}) r) END`}
  )) || CASE WHEN $2::boolean AND known.hash <> CASE WHEN known.shown IS NULL THEN copy.hash ELSE known.applied_hash END
    THEN jsonb_build_object('contents', jsonb_build_object('wanted', known.content, 'copy', COALESCE(known.shown, copy.content))) ELSE '{}' END
  END AS facts
FROM known
-- OFFSET keeps the look-up by id: without statistics the organization's whole index looks as cheap.
LEFT JOIN LATERAL (SELECT * FROM ${table} WHERE id = known.copy_id OFFSET 0 ${locks ? "FOR NO KEY UPDATE" : ""}) t
  ON t.organization_id = known.organization_id
${joinVersion(kind, "t", "v")}
LEFT JOIN LATERAL (
  -- Equal contents have equal hashes, and comparing is cheaper. OFFSET keeps Postgres from repeating both wherever they
  -- are used.
  SELECT as_it_is.*, CASE WHEN as_it_is.content IS NULL THEN known.applied_hash WHEN as_it_is.content = known.content THEN known.hash
    ELSE ${hashOf("as_it_is.content")} END AS hash
  FROM (
    SELECT ${saidUnlessKnown} AS content
    WHERE t.id IS NOT NULL AND known.shown IS NULL AND (${staysAsItIs}) IS NOT TRUE OFFSET 0
  ) as_it_is
  OFFSET 0
) copy ON true
${hasReferences ? lostReferences(kind, kinds) : ""}
LEFT JOIN LATERAL (
  SELECT jsonb_build_object('id', other.id, 'authored', other.managed_by_template_agent_id IS NULL${
    schedule === undefined ? "" : ", 'schedule', other.schedule"
  }, 'owner', (
    SELECT slug FROM organization WHERE id = COALESCE(other.publisher_id, other.organization_id)
  )) AS facts
  FROM (
    SELECT * FROM (
      SELECT id, organization_id, managed_by_template_agent_id, source_template_org_id AS publisher_id,
        ${schedule === undefined ? "NULL" : schedule.cron} AS schedule
      FROM ${table} WHERE organization_id = known.organization_id AND slug = known.slug AND deleted_at IS NULL
        -- A live copy that has the slug is the only one.
        AND (known.slug = t.slug AND t.deleted_at IS NULL) IS NOT TRUE OFFSET 0
    ) held
    UNION ALL
    SELECT r.id, r.organization_id, r.template_agent_id, p.organization_id,
      ${schedule === undefined ? "NULL" : `r.content ->> '${schedule.cron}'`}
    FROM referenced_rows r JOIN agents p ON p.id = r.template_agent_id
    WHERE known.refers AND r.organization_id = known.organization_id AND r.kind = '${name}' AND r.slug = known.slug
  ) other
  WHERE other.id IS DISTINCT FROM known.copy_id
  LIMIT 1
) holder ON true
WHERE known.kind = '${name}'`
}

/**
 * What is known of the rows of some installations. Parameters: the installations as a JSON array of `organization_id`,
 * `template_agent_id`, `revision` (null to take it away); whether contents are wanted where they differ; which rows are left
 * out (null: none; 'untouched': those that stand just as they were applied; 'unwritten': those to which nothing can be done), but, with
 * `locks`, for those that what is written may refer to. Result: for each installation that has rows, those as a JSON array of `RowFacts`, or of
 * `UntouchedRow` where that says it all, and by kind how many were left out. With `locks` nobody else changes a copy before the transaction ends.
 */
export const factsStatement = (kinds: ReadonlyArray<KindDescription>, locks: boolean): string => {
  const referring = ({ kind }: KindDescription) =>
    kinds.flatMap((other) =>
      Object.entries(other.references ?? {}).flatMap(([column, to]) => (to === kind ? [[other, column] as const] : []))
    )
  const steps = [known, ...kinds.map((kind) => used(kind, referring(kind)))]
  const rows = kinds.map((kind) => `(${factsOf(kind, referring(kind), locks, kinds)})`)
  return `WITH ${steps.join(",\n")}
SELECT gathered.organization_id, gathered.template_agent_id, min(gathered.first_id)::float8 AS first_id,
  COALESCE(json_agg(gathered.facts) FILTER (WHERE gathered.facts IS NOT NULL), '[]') AS rows,
  json_build_object(${list(
    kinds.map(({ kind }) => `'${kind}', count(*) FILTER (WHERE gathered.kind = '${kind}' AND gathered.facts IS NULL)`)
  )}) AS left_out
FROM (${rows.join("\nUNION ALL\n")}) gathered
GROUP BY gathered.organization_id, gathered.template_agent_id`
}
