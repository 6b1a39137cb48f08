import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { content, joinVersion } from "../catalog/KindSql.ts"

/* What a copy says, and whether that is what was applied. */

/** A condition that always holds, and makes what the statement writes no edit by hand (`0032_hand_edits`): to be met before it writes. */
export const writing = "set_config('agent_install.writing', statement_timestamp()::text, true) IS NOT NULL"

/**
 * The source of the copy that a row `t` refers to, as a revision's content names it; null where it refers to none of a template's.
 * `kinds` are those that may be referred to instead of copied.
 */
const mirroredFrom = (
  kind: KindDescription,
  column: string,
  organization: string,
  kinds: ReadonlyArray<KindDescription>
): string => {
  const referred = kinds.find((other) => other.kind === kind.references?.[column])
  const copied = `(
      SELECT referred.source_id::text FROM mirror_ledger referred
      WHERE referred.kind = '${referred?.kind}' AND referred.copy_id = t.${column}
        AND referred.organization_id = ${organization} LIMIT 1
    )`
  return referred?.published === undefined
    ? copied
    : `COALESCE(${copied}, (SELECT anchor.inherits::text FROM ${referred.table} anchor WHERE anchor.id = t.${column}))`
}

/** What a column of a copy `t` refers to, as a revision's content says it; a row that is nobody's copy by its id. */
export const referredTo = (
  kind: KindDescription,
  column: string,
  organization: string,
  kinds: ReadonlyArray<KindDescription>
): string =>
  `CASE WHEN t.${column} IS NOT NULL THEN COALESCE(${mirroredFrom(kind, column, organization, kinds)}, 'own:' || t.${column}) END`

/** A revision of a template in an organization, as SQL names them. */
interface Place {
  readonly organization: string
  readonly template: string
  readonly revision: string
}

/**
 * How many copies of a kind stand just as a revision has them. OFFSET keeps to the look-ups by key, whatever the statistics say.
 */
const standing = (kind: KindDescription, kinds: ReadonlyArray<KindDescription>, of: Place): string => {
  const { agent, edits, kind: name, table } = kind
  const asItIs = content(kind, "t", "v", (column) => referredTo(kind, column, of.organization, kinds))
  return `SELECT count(*) FROM (
    SELECT * FROM mirror_ledger
    WHERE template_agent_id = ${of.template} AND organization_id = ${of.organization} AND kind = '${name}' OFFSET 0
  ) l CROSS JOIN LATERAL (
    SELECT content FROM template_revision_rows
    WHERE template_agent_id = ${of.template} AND revision = ${of.revision} AND kind = '${name}' AND source_id = l.source_id
      AND hash = l.applied_hash AND slug = l.slug OFFSET 0
  ) r CROSS JOIN LATERAL (SELECT * FROM ${table} WHERE id = l.copy_id OFFSET 0) t
  ${joinVersion(kind, "t", "v")}
  WHERE t.organization_id = ${of.organization} AND t.slug = l.slug AND t.deleted_at IS NULL AND t.retired_at IS NULL
    AND NOT l.adopted ${agent === undefined ? "" : `AND t.${agent} IS NOT NULL`}
    AND (${edits === undefined ? "" : `t.${edits} = l.applied_edits OR `}${asItIs} = r.content)`
}

/**
 * How many rows of each kind an installation `a` has, as a JSON object, where it stands wholly as it was applied, as far as that is known
 * without reading the rows of kinds whose edits are noted; null for any other, and in an organization that refers to anything.
 */
export const intact = (kinds: ReadonlyArray<KindDescription>): string => {
  const of = { organization: "a.organization_id", template: "a.template_agent_id", revision: "a.revision" }
  const read = kinds
    .filter(({ handEdits }) => handEdits === undefined)
    .map(
      (kind) => `
  AND (${standing(kind, kinds, of)}) = ALL (ARRAY[(
    SELECT count(*) FROM mirror_ledger l
    WHERE l.template_agent_id = a.template_agent_id AND l.organization_id = a.organization_id AND l.kind = '${kind.kind}'
  ), (
    SELECT count(*) FROM template_revision_rows r
    WHERE r.template_agent_id = a.template_agent_id AND r.revision = a.revision AND r.kind = '${kind.kind}'
  )])`
    )
  return `CASE WHEN a.stands AND NOT EXISTS (
    SELECT FROM hand_edited_organizations noted WHERE noted.organization_id = a.organization_id
  ) AND NOT EXISTS (
    SELECT FROM agents referring WHERE referring.organization_id = a.organization_id AND referring.mode = 'reference'
  )${read.join("")} THEN (
    SELECT COALESCE(json_object_agg(kind, rows), '{}') FROM (
      SELECT kind, count(*) AS rows FROM template_revision_rows
      WHERE template_agent_id = a.template_agent_id AND revision = a.revision GROUP BY kind
    ) counted
  ) END`
}

/** The kinds of which each row that is referred to has an anchor: it has something for itself, or others refer to it by a column. */
export const alwaysAnchored = (kinds: ReadonlyArray<KindDescription>): ReadonlyArray<KindDescription> => {
  const referredTo = new Set(kinds.flatMap(({ references = {} }) => Object.values(references)))
  return kinds.filter(
    ({ agent, kind, published }) => published !== undefined && (agent !== undefined || referredTo.has(kind))
  )
}
