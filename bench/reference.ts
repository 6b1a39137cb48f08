import type Pg from "pg"
import type { BenchPerson } from "./database.ts"

/*
 * What an install of the bundled template amounts to, written by hand for just that template: one statement that copies its
 * rows, with the ledger and the history, and asks nothing.
 */

const text = `WITH
template AS MATERIALIZED (SELECT * FROM agents WHERE slug = $3),
rows AS MATERIALIZED (
  SELECT r.* FROM template_revision_rows r JOIN template t ON t.id = r.template_agent_id AND t.revision = r.revision
),
agent AS (
  INSERT INTO agents (organization_id, template_agent_id, name, description, owner_user_id, revision, template_name, template_description)
  SELECT $1, id, name, description, $2, revision, name, description FROM template RETURNING id
),
types AS MATERIALIZED (
  SELECT nextval('entity_types_id_seq') AS new_id, s.*, rows.hash FROM rows JOIN entity_types s ON s.id = rows.source_id WHERE rows.kind = 'entity_types'
),
relations AS MATERIALIZED (
  SELECT nextval('entity_relationship_types_id_seq') AS new_id, s.*, rows.hash
  FROM rows JOIN entity_relationship_types s ON s.id = rows.source_id WHERE rows.kind = 'entity_relationship_types'
),
seen AS MATERIALIZED (
  SELECT nextval('watchers_id_seq') AS new_id, nextval('watcher_versions_id_seq') AS version_id, s.*, rows.hash
  FROM rows JOIN watchers s ON s.id = rows.source_id WHERE rows.kind = 'watchers'
),
labels AS MATERIALIZED (
  SELECT nextval('event_classifiers_id_seq') AS new_id, s.*, rows.hash
  FROM rows JOIN event_classifiers s ON s.id = rows.source_id WHERE rows.kind = 'event_classifiers'
),
i1 AS (
  INSERT INTO entity_types (id, organization_id, slug, name, description, extensions, icon, color, metadata_schema, event_kinds,
    created_by, managed_by_template_agent_id, source_template_org_id)
  SELECT t.new_id, $1, t.slug, t.name, t.description, t.extensions, t.icon, t.color, t.metadata_schema, t.event_kinds, $2,
    template.id, template.organization_id FROM types t, template
),
i2 AS (
  INSERT INTO entity_relationship_types (id, organization_id, slug, name, description, extensions, metadata_schema, is_symmetric,
    created_by, managed_by_template_agent_id, source_template_org_id)
  SELECT t.new_id, $1, t.slug, t.name, t.description, t.extensions, t.metadata_schema, t.is_symmetric, $2,
    template.id, template.organization_id FROM relations t, template
),
i3 AS (
  INSERT INTO watchers (id, organization_id, agent_id, slug, name, description, extensions, schedule, next_run_at, sources,
    current_version_id, created_by, managed_by_template_agent_id, source_template_org_id)
  SELECT t.new_id, $1, agent.id, t.slug, t.name, t.description, t.extensions, t.schedule, now() + interval '1 day', t.sources,
    t.version_id, $2, template.id, template.organization_id FROM seen t, agent, template
),
i4 AS (
  INSERT INTO watcher_versions (id, watcher_id, version, prompt, extraction_schema, reactions_guidance)
  SELECT t.version_id, t.new_id, 1, v.prompt, v.extraction_schema, v.reactions_guidance
  FROM seen t JOIN watcher_versions v ON v.id = t.current_version_id
),
i5 AS (
  INSERT INTO event_classifiers (id, organization_id, watcher_id, slug, name, description, extensions, attribute_key, created_by,
    managed_by_template_agent_id, source_template_org_id)
  SELECT t.new_id, $1, seen.new_id, t.slug, t.name, t.description, t.extensions, t.attribute_key, $2, template.id,
    template.organization_id FROM labels t LEFT JOIN seen ON seen.id = t.watcher_id, template
),
i6 AS (
  INSERT INTO event_classifier_versions (classifier_id, version, is_current, attribute_values, min_similarity, fallback_value)
  SELECT t.new_id, 1, true, v.attribute_values, v.min_similarity, v.fallback_value
  FROM labels t JOIN event_classifier_versions v ON v.classifier_id = t.id AND v.is_current
),
copies AS MATERIALIZED (
  SELECT 'entity_types' AS kind, id, new_id, slug, hash FROM types
  UNION ALL SELECT 'entity_relationship_types', id, new_id, slug, hash FROM relations
  UNION ALL SELECT 'watchers', id, new_id, slug, hash FROM seen
  UNION ALL SELECT 'event_classifiers', id, new_id, slug, hash FROM labels
),
i7 AS (
  INSERT INTO mirror_ledger (organization_id, template_agent_id, kind, source_id, copy_id, slug, applied_hash)
  SELECT $1, template.id, c.kind, c.id, c.new_id, c.slug, c.hash FROM copies c, template
),
i8 AS (
  INSERT INTO mirror_history (organization_id, template_agent_id, agent_id, user_id, action, revision, rows)
  SELECT $1, template.id, agent.id, $2, 'install', template.revision,
    (SELECT jsonb_agg(jsonb_build_array(kind, id, slug, 'created', NULL)) FROM copies) FROM template, agent
)
SELECT id FROM agent`

/** Installs the template of that slug by the one statement, through the bare driver, prepared by name. */
export const copyByReference =
  (pool: Pg.Pool, slug: string) => (person: Pick<BenchPerson, "organizationId" | "userId">) =>
    pool.query<{ readonly id: string }>({
      name: "copy-by-hand",
      text,
      values: [person.organizationId, person.userId, slug]
    })
