import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { content, hashOf, joinVersion } from "../catalog/KindSql.ts"

/*
 * The verdicts in SQL, as steps (`WITH`) of a statement. They read two steps that the statement puts before them:
 *
 * - `target`: organization_id, template_agent_id, revision; what is judged, one row an installation. Without a revision all
 *   that the ledger has counts as withdrawn, as it does when the agent is taken away;
 * - `wish`: wish, kind, slug; what the person wants done with single rows.
 *
 * For every kind they make `<kind>_rows`: the revision's rows, and those the ledger has besides (withdrawn), with `verdict`
 * (what a plan says) and `act` (what is done, wishes heeded).
 */

/** No wishes: for statements that only say what there is. */
export const noWishes = `wish AS (SELECT NULL::text AS wish, NULL::text AS kind, NULL::text AS slug WHERE false)`

const stands = (row: string) => `(${row}.deleted_at IS NULL OR ${row}.deleted_at = 'infinity')`

/** Columns of other kinds that refer to this one. */
const referring = (kind: KindDescription, kinds: ReadonlyArray<KindDescription>) =>
  kinds.flatMap((other) =>
    Object.entries(other.references ?? {}).flatMap(([column, to]) => (to === kind.kind ? [{ other, column }] : []))
  )

/** The source of the copy that a row `t` refers to, as a revision's content names it; null where it refers to none of a template's. */
export const mirroredFrom = (kind: KindDescription, column: string, organization: string): string => `(
    SELECT referred.source_id::text FROM mirror_ledger referred
    WHERE referred.kind = '${kind.references?.[column]}' AND referred.copy_id = t.${column}
      AND referred.organization_id = ${organization} LIMIT 1
  )`

/** Each row of the revision and of the ledger, side by side; where only a sibling template mirrored it, by that one's entry. */
const known = ({ kind }: KindDescription) => `
${kind}_known AS MATERIALIZED (
  SELECT target.organization_id, target.template_agent_id, pair.source_id, pair.slug, pair.hash, pair.content, pair.document,
    pair.withdrawn, pair.own, COALESCE(pair.adopted, sibling.adopted, false) AS adopted,
    COALESCE(pair.applied_slug, sibling.slug) AS applied_slug, COALESCE(pair.copy_id, sibling.copy_id) AS copy_id,
    COALESCE(pair.applied_hash, sibling.applied_hash) AS applied_hash,
    sibling.template_agent_id AS sibling_template_id, sibling.agent_id AS sibling_agent_id
  FROM target
  CROSS JOIN LATERAL (
    SELECT COALESCE(r.source_id, own.source_id) AS source_id, r.slug, r.hash, r.content, r.document, r.source_id IS NULL AS withdrawn,
      own.source_id IS NOT NULL AS own, own.adopted, own.slug AS applied_slug, own.copy_id, own.applied_hash
    FROM (
      SELECT * FROM template_revision_rows
      WHERE template_agent_id = target.template_agent_id AND revision = target.revision AND kind = '${kind}'
    ) r
    FULL JOIN (
      SELECT * FROM mirror_ledger
      WHERE organization_id = target.organization_id AND kind = '${kind}' AND template_agent_id = target.template_agent_id
    ) own ON own.source_id = r.source_id
  ) pair
  LEFT JOIN LATERAL (
    SELECT l.slug, l.copy_id, l.applied_hash, l.adopted, l.template_agent_id, a.id AS agent_id
    FROM mirror_ledger l
    LEFT JOIN agents a ON a.organization_id = target.organization_id AND a.template_agent_id = l.template_agent_id
    WHERE l.organization_id = target.organization_id AND l.kind = '${kind}' AND l.source_id = pair.source_id
      AND l.template_agent_id <> target.template_agent_id
    ORDER BY a.created_at, a.id
    LIMIT 1
  ) sibling ON true
)`

/** The withdrawn copies that rows of any program refer to, but for those that go along with them. */
const used = (kind: KindDescription, kinds: ReadonlyArray<KindDescription>) => {
  const { kind: name, table, versions } = kind
  const ours = [
    ...(versions === undefined ? [] : [versions.table]),
    ...referring(kind, kinds).map(({ other }) => other.table)
  ]
  return `
${name}_used AS MATERIALIZED (
  SELECT used.id
  FROM rows_in_use('${table}', ARRAY(SELECT copy_id FROM ${name}_known WHERE withdrawn),
    ARRAY[${ours.map((one) => `'${one}'`).join(", ")}]::regclass[]) AS used (id)
  WHERE EXISTS (SELECT FROM ${name}_known WHERE withdrawn)
)`
}

/**
 * The rows as they are and as they should be, each with its verdict as far as the row itself decides it. `live_id` is the
 * copy where it stands, `row_id` also where the person took it out of sight; `fate` says what becomes of a withdrawn one.
 */
const first = (kind: KindDescription, kinds: ReadonlyArray<KindDescription>) => {
  const { kind: name, table } = kind
  const tableOf = (column: string) => kinds.find((other) => other.kind === kind.references?.[column])?.table
  const sourceOf = (column: string) => `(
    CASE WHEN t.${column} IS NOT NULL THEN COALESCE(${mirroredFrom(kind, column, "known.organization_id")}, 'own:' || t.${column})
    ELSE (
      -- Nothing was written where the person had deleted what the publisher's row refers to: that is no change of theirs.
      SELECT referred.source_id::text FROM mirror_ledger referred
      WHERE referred.kind = '${kind.references?.[column]}' AND referred.source_id::text = known.content ->> '${column}'
        AND referred.organization_id = known.organization_id
        AND NOT EXISTS (SELECT FROM ${tableOf(column)} target WHERE target.id = referred.copy_id AND ${stands("target")})
      LIMIT 1)
    END)`
  const inUse = [
    `t.id IN (SELECT id FROM ${name}_used)`,
    ...referring(kind, kinds).map(
      ({ column, other }) => `EXISTS (
        SELECT FROM ${other.table} referring
        WHERE referring.${column} = t.id AND ${stands("referring")}
          AND NOT EXISTS (
            SELECT FROM ${other.kind}_first leaving
            WHERE leaving.live_id = referring.id AND (leaving.fate = 'removed' OR leaving.verdict = 'update')
          )
      )`
    )
  ].join(" OR ")
  return `
-- Looked into by hash for each holder of a slug: a look into the ledger and all that is judged takes the square of the rows.
${name}_judged_copies AS MATERIALIZED (
  SELECT judged.organization_id, judged.template_agent_id, mine.copy_id
  FROM ${name}_known judged
  JOIN mirror_ledger mine ON mine.organization_id = judged.organization_id AND mine.kind = '${name}'
    AND mine.source_id = judged.source_id
),
${name}_first AS MATERIALIZED (
  SELECT known.*, t.id AS row_id, live.id AS live_id, t.slug AS live_slug, t.deleted_at AS aside, t.retired_at,
    ${kind.agent === undefined ? "false" : `t.${kind.agent} IS NULL`} AS unbound,
    live.hash AS live_hash, live.content AS live_content,
    holder.slug AS owner, holder.authored AS owned, holder.id AS holder_id, holder.authored AND live.id IS NULL AS adoptable,
    kept.because,
    CASE
      WHEN holder.slug IS NOT NULL THEN 'collision'
      WHEN known.withdrawn THEN 'retire'
      WHEN known.copy_id IS NULL THEN 'create'
      WHEN live.id IS NULL THEN 'deleted_by_owner'
      WHEN live.hash = known.hash AND t.retired_at IS NULL THEN 'unchanged'
      WHEN live.hash NOT IN (known.hash, known.applied_hash) THEN 'customized'
      ELSE 'update'
    END AS verdict,
    CASE
      WHEN NOT known.withdrawn THEN NULL
      WHEN live.id IS NULL THEN 'forgotten'
      WHEN known.sibling_agent_id IS NOT NULL THEN 'passed_on'
      WHEN kept.because IS NOT NULL THEN 'kept'
      ELSE 'removed'
    END AS fate
  FROM ${name}_known known
  -- OFFSET keeps the look-up by id: without statistics the organization's whole index looks as cheap.
  LEFT JOIN LATERAL (SELECT * FROM ${table} WHERE id = known.copy_id OFFSET 0) t ON t.organization_id = known.organization_id
  ${joinVersion(kind, "t", "v")}
  LEFT JOIN LATERAL (
    -- Equal content has an equal hash, and comparing is cheaper.
    SELECT t.id, as_it_is.content,
      CASE WHEN as_it_is.content = known.content THEN known.hash ELSE ${hashOf("as_it_is.content")} END AS hash
    FROM (SELECT ${content(kind, "t", "v", sourceOf)} AS content WHERE ${stands("t")} AND t.id IS NOT NULL OFFSET 0) as_it_is
  ) live ON true
  LEFT JOIN LATERAL (
    SELECT o.slug, other.id, other.managed_by_template_agent_id IS NULL AS authored
    FROM ${table} other
    JOIN organization o ON o.id = COALESCE(other.source_template_org_id, other.organization_id)
    WHERE other.organization_id = known.organization_id AND other.slug = known.slug AND other.deleted_at IS NULL
      AND other.id IS DISTINCT FROM live.id
      -- Rows that are judged themselves, here or further down, make room or clash by their own verdict.
      AND (known.organization_id, known.template_agent_id, other.id) NOT IN (SELECT * FROM ${name}_judged_copies)
  ) holder ON true
  LEFT JOIN LATERAL (
    SELECT CASE
      WHEN live.hash <> known.applied_hash THEN 'customized'
      WHEN known.adopted THEN 'adopted'
      WHEN ${inUse} THEN 'in_use'
    END AS because
    WHERE known.withdrawn AND live.id IS NOT NULL
  ) kept ON true
)`
}

/** The rows with their verdict in view of each other, and what is done with each. */
const judged = ({ kind }: KindDescription) => `
${kind}_wished AS MATERIALIZED (
  SELECT first.*, wish.wish, COALESCE(granted.granted, false) AS granted,
    CASE
      WHEN NOT COALESCE(granted.granted, false) THEN first.verdict
      WHEN wish.wish = 'adopt' THEN 'adopt'
      WHEN wish.wish = 'restore' AND first.row_id IS NULL THEN 'create'
      ELSE 'update'
    END AS wanted
  FROM ${kind}_first first
  LEFT JOIN wish ON wish.kind = '${kind}' AND wish.slug = first.slug
  LEFT JOIN LATERAL (
    SELECT CASE wish.wish
      WHEN 'adopt' THEN first.verdict = 'collision' AND first.adoptable
      WHEN 'revert' THEN first.verdict = 'customized'
      WHEN 'restore' THEN first.verdict = 'deleted_by_owner'
    END AS granted
  ) granted ON true
),
-- A copy that stays where it is, for the person changed it or it is in use, may have the slug another row is to take.
${kind}_staying AS MATERIALIZED (
  SELECT organization_id, template_agent_id, source_id, live_slug, granted AS moves FROM ${kind}_wished
  WHERE verdict = 'customized' OR fate IN ('kept', 'passed_on')
),
${kind}_rows AS MATERIALIZED (
  SELECT w.source_id, w.organization_id, w.template_agent_id, w.slug, w.hash, w.content, w.document, w.own, w.adopted, w.copy_id,
    w.applied_hash, w.applied_slug, w.row_id, w.live_id, w.live_slug, w.live_hash, w.live_content, w.aside, w.retired_at, w.unbound,
    w.sibling_template_id, w.sibling_agent_id, w.fate, w.because, w.wish, w.granted,
    CASE WHEN s.source_id IS NOT NULL AND w.verdict IN ('create', 'update') THEN 'collision' ELSE w.verdict END AS verdict,
    CASE WHEN NOT s.moves AND w.wanted IN ('create', 'update') THEN 'collision' ELSE w.wanted END AS act,
    COALESCE(w.owner, (SELECT slug FROM organization WHERE id = w.organization_id AND s.source_id IS NOT NULL)) AS owner,
    w.owner IS NULL OR w.owned AS owned, w.verdict = 'collision' AND w.adoptable AS adoptable,
    CASE WHEN w.wanted = 'adopt' THEN w.holder_id WHEN w.wanted = 'update' THEN w.row_id ELSE w.live_id END AS place_id
  FROM ${kind}_wished w
  LEFT JOIN ${kind}_staying s ON s.live_slug = w.slug AND s.source_id <> w.source_id
    AND s.organization_id = w.organization_id AND s.template_agent_id = w.template_agent_id
)`

/** The steps that judge every row of every target, kind by kind. */
export const verdicts = (kinds: ReadonlyArray<KindDescription>): string =>
  // A kind after the ones that refer to it: whether a copy may go depends on what becomes of the rows bound to it.
  kinds
    .toReversed()
    .flatMap((kind) => [known(kind), used(kind, kinds), first(kind, kinds), judged(kind)])
    .join(",")

/** One query over the rows of all kinds. */
export const unionOf = (
  kinds: ReadonlyArray<KindDescription>,
  rows: (kind: KindDescription, position: number) => string
): string => kinds.map(rows).join("\n  UNION ALL\n  ")

/** What a plan amounts to, as a hash: the same as long as the same is done to the same rows. `rows` are those of one target. */
export const planHash = (
  revision: string,
  rows: string
): string => `encode(sha256(convert_to(jsonb_build_array(${revision}, (
  SELECT jsonb_agg(jsonb_build_array(kind, source_id, slug, verdict, fate, hash, live_hash) ORDER BY kind, source_id)
  FROM ${rows}))::text, 'UTF8')), 'hex')`

/** The rows of all kinds with what a plan hashes of them. */
export const hashedRows = (kinds: ReadonlyArray<KindDescription>): string =>
  unionOf(
    kinds,
    ({ kind }) =>
      `SELECT '${kind}' AS kind, organization_id, template_agent_id, source_id, slug, verdict, fate, hash, live_hash FROM ${kind}_rows`
  )
