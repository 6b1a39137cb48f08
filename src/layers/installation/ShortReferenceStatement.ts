import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { eventOf } from "../../domain/installation/Actions.ts"
import { list } from "../catalog/KindSql.ts"
import { alwaysAnchored } from "./CopySql.ts"

/*
 * The short cut of installs by reference, for many organizations at once. What is the same for all is read once; what is each
 * one's own is looked up by key, to which OFFSET keeps, whatever the statistics say.
 */

const event = eventOf("install", true)
const [organizations, users, template, due, mode] = ["$1::text[]", "$2::text[]", "$3::text", "$4::jsonb", "$5::text"]

/** Who asks, of those the ones that may, and what the template offers to all of them. */
const asked = `asked AS MATERIALIZED (
  SELECT * FROM unnest(${organizations}, ${users}) WITH ORDINALITY AS asked (organization_id, user_id, at)
),
offered AS MATERIALIZED (
  SELECT t.organization_id AS publisher, offered_revision(t.id) AS revision, t.deprecation IS NULL AS is_open,
    COALESCE(${mode}, t.modes[1]) = 'reference' AND 'reference' = ANY (t.modes) AS is_referred
  FROM agents t JOIN organization o ON o.id = t.organization_id
  WHERE t.id = ${template} AND t.slug IS NOT NULL AND t.revision IS NOT NULL AND t.template_agent_id IS NULL
    AND o.visibility = 'public'
),
admitted AS MATERIALIZED (
  SELECT a.*, t.revision FROM asked a JOIN offered t ON t.publisher <> a.organization_id
  WHERE EXISTS (
    SELECT FROM member m
    WHERE m.organization_id = a.organization_id AND m.user_id = a.user_id AND m.role IN ('owner', 'admin') OFFSET 0
  )
)`

/** Whether an own row of the organization of `a` has the slug of a row of that revision. */
const clashes = (kinds: ReadonlyArray<KindDescription>, revision: string) =>
  kinds
    .map(
      ({ kind, table }) => `EXISTS (
    SELECT FROM (
      SELECT slug FROM ${table} WHERE organization_id = a.organization_id AND deleted_at IS NULL OFFSET 0
    ) own WHERE EXISTS (
      SELECT FROM template_revision_rows r
      WHERE r.template_agent_id = ${template} AND r.revision = ${revision} AND r.kind = '${kind}' AND r.slug = own.slug OFFSET 0
    ) OFFSET 0
  )`
    )
    .join(" OR ")

/** Whether the organization of `a` remembers a row of the template, or of a sibling's that is in that revision too. */
const remembers = (revision: string) => `(EXISTS (
    SELECT FROM mirror_ledger l WHERE l.template_agent_id = ${template} AND l.organization_id = a.organization_id OFFSET 0
  ) OR EXISTS (
    SELECT FROM (SELECT kind, source_id FROM mirror_ledger WHERE organization_id = a.organization_id OFFSET 0) l
    WHERE EXISTS (
      SELECT FROM template_revision_rows r
      WHERE r.template_agent_id = ${template} AND r.revision = ${revision}
        AND r.kind = l.kind AND r.source_id = l.source_id OFFSET 0
    ) OFFSET 0
  ))`

/** The agents that are there at the revision an install would bring, and whether there is nothing to do. */
const found = (kinds: ReadonlyArray<KindDescription>, anchored: ReadonlyArray<KindDescription>) => {
  const ofRevision = `FROM template_revision_rows r WHERE r.template_agent_id = ${template} AND r.revision = f.revision`
  const bound = anchored.map(
    ({ agent, kind, table }) => `NOT EXISTS (
    SELECT ${ofRevision} AND r.kind = '${kind}' AND NOT EXISTS (
      SELECT FROM ${table} t
      WHERE t.id = f.first_id + r.ordinal AND t.inherits IS NOT NULL
        ${agent === undefined ? "" : `AND t.${agent} IS NOT NULL`} OFFSET 0
    ) OFFSET 0
  )`
  )
  return `found AS MATERIALIZED (
  SELECT a.at, f.id, f.revision, f.pinned, NOT EXISTS (SELECT ${ofRevision} AND r.ordinal IS NULL OFFSET 0)
    AND (SELECT count(*) FROM agents WHERE organization_id = a.organization_id AND mode = 'reference') = 1
    AND f.revision IS NOT DISTINCT FROM (
      SELECT h.revision FROM mirror_history h
      WHERE h.organization_id = a.organization_id AND h.template_agent_id = ${template} ORDER BY h.id DESC LIMIT 1
    ) AND ${[...bound, `NOT (${clashes(kinds, "f.revision")})`, `NOT ${remembers("f.revision")}`].join(" AND ")} AS settled
  FROM admitted a CROSS JOIN LATERAL (
    SELECT * FROM agents WHERE template_agent_id = ${template} AND organization_id = a.organization_id OFFSET 0
  ) f
  WHERE f.mode = 'reference' AND (f.pinned OR f.revision = a.revision)
)`
}

/** The revision that is brought, where it can be referred to as a whole, and each schedule's next time is known. */
const brought = (kinds: ReadonlyArray<KindDescription>) => {
  const ofRevision = `FROM template_revision_rows r WHERE r.template_agent_id = ${template} AND r.revision = t.revision`
  const isUnknown = kinds.flatMap(({ kind, schedule }) =>
    schedule === undefined
      ? []
      : [`SELECT ${ofRevision} AND r.kind = '${kind}' AND NOT ${due} ? COALESCE(r.rest ->> '${schedule.cron}', '')`]
  )
  return `brought AS MATERIALIZED (
  SELECT t.publisher, v.revision, v.name, v.description
  FROM offered t JOIN template_revisions v ON v.template_agent_id = ${template} AND v.revision = t.revision
  WHERE ${[
    "t.is_referred AND t.is_open",
    ...[`SELECT ${ofRevision} AND r.ordinal IS NULL`, ...isUnknown].map((rows) => `NOT EXISTS (${rows} OFFSET 0)`)
  ].join(" AND ")}
)`
}

/** For whom everything is new: one of each organization. It has no agent of the template, and refers to nothing. */
const start = (kinds: ReadonlyArray<KindDescription>) => `start AS MATERIALIZED (
  SELECT DISTINCT ON (a.organization_id) a.organization_id, a.user_id, a.at,
    (SELECT max(h.id + 0) FROM mirror_history h WHERE h.organization_id = a.organization_id) AS last
  FROM admitted a, brought
  WHERE NOT EXISTS (
    SELECT FROM agents other WHERE other.template_agent_id = ${template} AND other.organization_id = a.organization_id OFFSET 0
  ) AND NOT EXISTS (
    SELECT FROM agents other WHERE other.organization_id = a.organization_id AND other.mode = 'reference' OFFSET 0
  ) AND NOT ${remembers("brought.revision")} AND NOT (${clashes(kinds, "brought.revision")})
  ORDER BY a.organization_id, a.at
)`

/** The rows of a kind that have something for themselves, or that others refer to by a column: each with its anchor. */
const newAnchors = ({ agent, kind, schedule, table }: KindDescription) => `${kind}_anchored AS (
  INSERT INTO ${table} (${list([
    "id, organization_id, slug, name, created_by, deleted_at, inherits",
    "managed_by_template_agent_id, source_template_org_id",
    agent ?? "",
    schedule?.due ?? ""
  ])})
  SELECT ${list([
    "made.first_id + r.ordinal, made.organization_id, r.slug, r.name, made.user_id, 'infinity', r.source_id",
    `${template}, r.publisher`,
    agent === undefined ? "" : "made.id",
    schedule === undefined ? "" : "r.due"
  ])}
  FROM made, (
    SELECT ${list([
      "r.ordinal, r.slug, r.source_id, r.rest ->> 'name' AS name, brought.publisher",
      schedule === undefined ? "" : `(${due} ->> (r.rest ->> '${schedule.cron}'))::timestamptz AS due`
    ])}
    FROM brought, template_revision_rows r
    WHERE r.template_agent_id = ${template} AND r.revision = brought.revision AND r.kind = '${kind}' OFFSET 0
  ) r
)`

/**
 * First installs by reference, and installs that find everything as it is, of many organizations: an answer for each, in their
 * order. What is neither is left to the long way: for that nothing is written, and there is no agent in its answer; also where
 * somebody else is at the organization, for whom nobody waits here. What two installations show has no index that would keep it
 * apart, so the turns of the organizations are taken; where something was done meanwhile, nothing is written. Of two of one
 * organization one is made. Parameters: the organizations, the user of each, the template, the next due time of each cron
 * expression that is known, the mode that is asked for (or null). Answers: the agent (or null), whether it is new, its revision
 * and whether it is pinned, and by kind the rows that are referred to.
 */
export const shortReferenceStatement = (kinds: ReadonlyArray<KindDescription>): string => {
  const anchored = alwaysAnchored(kinds)
  return `WITH ${[
    asked,
    found(kinds, anchored),
    brought(kinds),
    start(kinds),
    `turns AS MATERIALIZED (
  SELECT take_turns_now(array_agg(organization_id), array_agg(user_id), array_agg(last)) AS organization_id
  FROM start HAVING count(*) > 0
),
made AS MATERIALIZED (
  INSERT INTO agents (organization_id, template_agent_id, name, description, owner_user_id, revision, template_name,
    template_description, mode, first_id)
  SELECT s.organization_id, ${template}, v.name, v.description, s.user_id, v.revision, v.name, v.description, 'reference',
    new_first_id()
  FROM brought v, turns JOIN start s ON s.organization_id = turns.organization_id
  ON CONFLICT DO NOTHING
  RETURNING id, organization_id, owner_user_id AS user_id, first_id
)`,
    ...anchored.map(newAnchors),
    `recorded AS (
  INSERT INTO mirror_history (organization_id, template_agent_id, agent_id, user_id, action, revision, rows, besides)
  SELECT made.organization_id, ${template}, made.id, made.user_id, 'install', v.revision, '[]', '[]' FROM made, brought v
)`,
    `emitted AS (
  INSERT INTO events (organization_id, type, data)
  SELECT made.organization_id, '${event.type}', jsonb_build_object('agentId', made.id, 'templateAgentId', ${template},
    'revision', v.revision, 'by', '${event.by}')
  FROM made, brought v
)`,
    `counted AS MATERIALIZED (
  SELECT revision, (
    SELECT COALESCE(jsonb_object_agg(kind, rows), '{}') FROM (
      SELECT r.kind, count(*) AS rows FROM template_revision_rows r
      WHERE r.template_agent_id = ${template} AND r.revision = of.revision GROUP BY r.kind
    ) counted
  ) AS rows
  FROM (SELECT revision FROM brought UNION SELECT revision FROM found) of
)`
  ].join(",\n")}
SELECT COALESCE(made.id, CASE WHEN found.settled THEN found.id END) AS agent_id, made.id IS NOT NULL AS created,
  of.revision, COALESCE(found.pinned, false) AS pinned, of.rows
FROM asked a
LEFT JOIN start ON start.at = a.at
LEFT JOIN made ON made.organization_id = start.organization_id
LEFT JOIN found ON found.at = a.at
LEFT JOIN brought ON made.id IS NOT NULL
LEFT JOIN counted of ON of.revision = COALESCE(brought.revision, found.revision)
ORDER BY a.at`
}
