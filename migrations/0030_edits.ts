import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/*
 * A row counts how often its content was changed, by whatever program, and the ledger remembers the count with which a copy was
 * applied. While the two are the same, the copy says what was applied, and need not be read and compared. What was applied before
 * this migration is compared until it is applied again.
 */

const shared = ["slug", "name", "description", "extensions"]

const counted: Readonly<Record<string, ReadonlyArray<string>>> = {
  entity_types: [...shared, "icon", "color", "metadata_schema", "event_kinds"],
  entity_relationship_types: [...shared, "metadata_schema", "is_symmetric"],
  watchers: [...shared, "schedule", "sources", "current_version_id"]
}

const rowColumns = [
  ...["id", "organization_id", ...shared, "created_by", "created_at", "deleted_at", "retired_at"],
  ...["managed_by_template_agent_id", "source_template_org_id"]
]

/** The other columns of what `vocabulary` shows of a table, in their order. */
const shown: Readonly<Record<string, ReadonlyArray<string>>> = {
  entity_types: ["icon", "color", "metadata_schema", "event_kinds"],
  entity_relationship_types: ["metadata_schema", "is_symmetric"],
  watchers: ["agent_id", "schedule", "next_run_at", "paused_at", "connection_id", "sources", "current_version_id"]
}

/** The function that lists a table's rows returns all of its columns, with the new one. */
const listing = ([table, columns]: [string, ReadonlyArray<string>]) => {
  const rows = [...rowColumns, ...columns].map((column) => `v.${column}`).join(", ")
  return `CREATE OR REPLACE FUNCTION vocabulary.${table}_of(organization text, wanted text DEFAULT NULL)
RETURNS SETOF ${table} LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF wanted IS NULL THEN
    RETURN QUERY SELECT ${rows}, NULL::bigint, 0
    FROM vocabulary.${table} v WHERE v.organization_id = organization;
  ELSE
    RETURN QUERY SELECT ${rows}, NULL::bigint, 0
    FROM vocabulary.${table} v WHERE v.organization_id = organization AND v.slug = wanted;
  END IF;
END
$$`
}

const changes = (columns: ReadonlyArray<string>) => {
  const of = (row: string) => `(${columns.map((column) => `${row}.${column}`).join(", ")})`
  return `${of("OLD")} IS DISTINCT FROM ${of("NEW")}`
}

// Their names come after those of the triggers that change a row further before it is written: Postgres goes by them.
const triggers = ([table, columns]: [string, ReadonlyArray<string>]) => [
  `ALTER TABLE ${table} ADD COLUMN edits integer NOT NULL DEFAULT 0`,
  `CREATE TRIGGER ${table}_zz_count BEFORE UPDATE ON ${table} FOR EACH ROW WHEN (${changes([...columns, "edits"])})
  EXECUTE FUNCTION count_edit()`,
  `CREATE TRIGGER ${table}_uncount AFTER DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION forget_edits()`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const run = (texts: ReadonlyArray<string>) => Effect.forEach(texts, (text) => sql.unsafe(text), { discard: true })

  yield* run([
    "ALTER TABLE mirror_ledger ADD COLUMN applied_edits integer",
    `CREATE FUNCTION count_edit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.edits := OLD.edits + 1;
      RETURN NEW;
    END
    $$`,
    // A row that is made under the id of one that is gone counts from the beginning, and is no copy of anything.
    `CREATE FUNCTION forget_edits() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
      UPDATE mirror_ledger SET applied_edits = NULL
      WHERE organization_id = OLD.organization_id AND kind = TG_TABLE_NAME AND copy_id = OLD.id AND applied_edits IS NOT NULL;
      RETURN NULL;
    END
    $$`,
    ...Object.entries(counted).flatMap(triggers),
    ...Object.entries(shown).map(listing),
    `CREATE FUNCTION count_edit_of_watcher() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
      UPDATE watchers SET edits = edits + 1 WHERE id = NEW.watcher_id AND current_version_id = NEW.id;
      RETURN NULL;
    END
    $$`,
    `CREATE TRIGGER watcher_versions_count AFTER UPDATE ON watcher_versions FOR EACH ROW
    WHEN (${changes(["prompt", "extraction_schema", "reactions_guidance"])}) EXECUTE FUNCTION count_edit_of_watcher()`
  ])
})
