import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/*
 * What is referred to, read and kept. Watchers that are due are found by one index, whether they are rows or anchors, and read with
 * their version by id alone. Versions name their organization, without which those of all are put together. A row that is deleted
 * from a table though it only inherits what it says is remembered as deleted, and a revision that somebody refers to stays.
 */

const tables = ["entity_types", "entity_relationship_types", "watchers", "event_classifiers"]

const given = (columns: ReadonlyArray<string>, own = "t") =>
  columns
    .map((column) => `CASE WHEN p.source_id IS NULL THEN ${own}.${column} ELSE p.${column} END AS ${column}`)
    .join(", ")

const shared = ["slug", "name", "description", "extensions"]

const state = `t.created_by, t.created_at, CASE WHEN p.source_id IS NULL THEN t.deleted_at END AS deleted_at, t.retired_at,
  t.managed_by_template_agent_id, t.source_template_org_id`

const joined = (table: string) => `LEFT JOIN agents a
  ON a.first_id = CASE WHEN t.inherits IS NOT NULL THEN t.id & ~4095::bigint END AND a.mode = 'reference'
LEFT JOIN published_${table} p ON p.template_agent_id = a.template_agent_id AND p.revision = a.revision
  AND p.ordinal = (t.id & 4095)::integer`

const usedWatchers = `CREATE OR REPLACE VIEW vocabulary.used_watchers AS
SELECT t.id, t.organization_id, ${given(shared)}, ${state}, t.agent_id, ${given(["schedule"])}, t.next_run_at, t.paused_at,
  t.connection_id, ${given(["sources"])},
  CASE WHEN p.source_id IS NULL THEN t.current_version_id ELSE a.first_id + p.ordinal END AS current_version_id,
  ${given(["prompt", "extraction_schema", "reactions_guidance"], "v")}
FROM watchers t
LEFT JOIN watcher_versions v ON v.id = t.current_version_id
${joined("watchers")}`

/** The watcher that a classifier refers to that inherits what it says, as 0024 has it. */
const watcherOf = `COALESCE(
    (
      SELECT held.id FROM mirror_ledger l JOIN watchers held ON held.id = l.copy_id
      WHERE l.organization_id = a.organization_id AND l.template_agent_id = a.template_agent_id
        AND l.kind = 'watchers' AND l.source_id = p.watcher_id
    ),
    (
      SELECT a.first_id + w.ordinal FROM published_watchers w
      WHERE w.template_agent_id = a.template_agent_id AND w.revision = a.revision AND w.source_id = p.watcher_id
        AND NOT EXISTS (
          SELECT FROM mirror_ledger l
          WHERE l.organization_id = a.organization_id AND l.kind = 'watchers' AND l.source_id = w.source_id
        )
    )
  )`

const usedClassifiers = `CREATE OR REPLACE VIEW vocabulary.used_event_classifiers AS
SELECT t.id, t.organization_id, ${given(shared)}, ${state},
  CASE WHEN p.source_id IS NULL THEN t.watcher_id ELSE ${watcherOf} END AS watcher_id, ${given(["attribute_key"])},
  ${given(["attribute_values", "min_similarity", "fallback_value"], "v")}
FROM event_classifiers t
LEFT JOIN event_classifier_versions v ON v.classifier_id = t.id AND v.is_current
${joined("event_classifiers")}`

const versions = (table: string, versionTable: string, owner: string, flag: string, fields: ReadonlyArray<string>) => {
  const said = (row: string) => fields.map((field) => `${row}.${field}`).join(", ")
  return `CREATE OR REPLACE VIEW vocabulary.${versionTable} AS
SELECT v.id, v.${owner}, v.version, ${flag === "" ? "" : `v.${flag}, `}${said("v")}, v.created_at, t.organization_id
FROM ${versionTable} v JOIN ${table} t ON t.id = v.${owner}
UNION ALL
SELECT a.first_id + p.ordinal, a.first_id + p.ordinal, p.revision, ${flag === "" ? "" : "true, "}${said("p")}, p.published_at,
  a.organization_id
FROM agents a
JOIN published_${table} p ON p.template_agent_id = a.template_agent_id AND p.revision = a.revision
WHERE a.mode = 'reference' AND NOT EXISTS (
  SELECT FROM mirror_ledger l
  WHERE l.organization_id = a.organization_id AND l.kind = '${table}' AND l.source_id = p.source_id
)`
}

/**
 * Deleted from the table, as a copy would be: nothing is referred to in its place. Where the organization or the agent goes, all goes,
 * and what the mirror itself deletes it names before as let go.
 */
const rememberDeleted = (table: string) => [
  `CREATE FUNCTION remember_deleted_${table}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF current_setting('agent_install.let_go', true) = concat(OLD.id, ' ', OLD.id) THEN
    RETURN OLD;
  END IF;
  INSERT INTO mirror_ledger (organization_id, template_agent_id, kind, source_id, copy_id, slug, applied_hash)
  SELECT a.organization_id, a.template_agent_id, '${table}', p.source_id, OLD.id, p.slug, p.hash
  FROM agents a
  JOIN organization o ON o.id = a.organization_id
  JOIN published_${table} p ON p.template_agent_id = a.template_agent_id AND p.revision = a.revision
    AND p.ordinal = (OLD.id & 4095)::integer
  WHERE a.first_id = OLD.id & ~4095::bigint AND a.mode = 'reference'
  FOR NO KEY UPDATE OF a
  ON CONFLICT DO NOTHING;
  RETURN OLD;
END
$$`,
  `CREATE TRIGGER ${table}_remember BEFORE DELETE ON ${table} FOR EACH ROW WHEN (OLD.inherits IS NOT NULL)
EXECUTE FUNCTION remember_deleted_${table}()`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const run = (texts: ReadonlyArray<string>) => Effect.forEach(texts, (text) => sql.unsafe(text), { discard: true })

  yield* run([
    `CREATE INDEX watchers_due_seen ON watchers (next_run_at)
      WHERE next_run_at IS NOT NULL AND paused_at IS NULL AND retired_at IS NULL AND (deleted_at IS NULL OR inherits IS NOT NULL)`,
    "DROP INDEX watchers_due_referred",
    usedWatchers,
    usedClassifiers,
    versions("watchers", "watcher_versions", "watcher_id", "", ["prompt", "extraction_schema", "reactions_guidance"]),
    versions("event_classifiers", "event_classifier_versions", "classifier_id", "is_current", [
      "attribute_values",
      "min_similarity",
      "fallback_value"
    ]),
    ...tables.flatMap(rememberDeleted),
    `CREATE FUNCTION refuse_withdrawal_of_used_revision() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
      IF EXISTS (
        SELECT FROM agents WHERE template_agent_id = OLD.template_agent_id AND revision = OLD.revision AND mode = 'reference'
      ) THEN
        RAISE foreign_key_violation USING TABLE = 'template_revisions',
          MESSAGE = format('Revision %s of template %s is referred to by installations', OLD.revision, OLD.template_agent_id);
      END IF;
      RETURN OLD;
    END
    $$`,
    `CREATE TRIGGER template_revisions_referred BEFORE DELETE ON template_revisions
    FOR EACH ROW EXECUTE FUNCTION refuse_withdrawal_of_used_revision()`
  ])
})
