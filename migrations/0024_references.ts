import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/*
 * Installing by reference. What is published is kept typed too, one table a kind, and a definition has a small number (`ordinal`)
 * in its template for good. An installed agent with the mode `reference` has a block of ids (`first_id`), and refers to the rows of
 * its revision instead of copying them: the row with the ordinal n is seen under the id first_id + n. What the ledger remembers is
 * not referred to: that stands in the tables, as all of a copying installation does.
 *
 * Where something needs a row to point at, there is an anchor: a row under that id that inherits all it says (`inherits` is the
 * publisher's row) and is not seen itself. Where it is to say anything of its own, it is held: it gets the content it showed, and
 * the ledger an entry, as if it had been copied.
 */

interface Kind {
  readonly table: string
  /** Its columns besides those that all kinds begin with, in their order. */
  readonly order: ReadonlyArray<string>
  readonly columns: Readonly<Record<string, string>>
  /** What a row has besides its content, and has for itself also while it inherits that. */
  readonly state: ReadonlyArray<string>
  readonly versions?: {
    readonly table: string
    readonly owner: string
    readonly columns: Readonly<Record<string, string>>
    readonly pointer?: string
    readonly flag?: string
  }
  readonly refersToWatcher?: true
}

const kinds: ReadonlyArray<Kind> = [
  {
    table: "entity_types",
    order: ["icon", "color", "metadata_schema", "event_kinds"],
    columns: { icon: "text", color: "text", metadata_schema: "jsonb", event_kinds: "jsonb" },
    state: []
  },
  {
    table: "entity_relationship_types",
    order: ["metadata_schema", "is_symmetric"],
    columns: { metadata_schema: "jsonb", is_symmetric: "boolean" },
    state: []
  },
  {
    table: "watchers",
    order: ["agent_id", "schedule", "next_run_at", "paused_at", "connection_id", "sources", "current_version_id"],
    columns: { schedule: "text", sources: "jsonb" },
    state: ["agent_id", "next_run_at", "paused_at", "connection_id"],
    versions: {
      table: "watcher_versions",
      owner: "watcher_id",
      columns: { prompt: "text", extraction_schema: "jsonb", reactions_guidance: "text" },
      pointer: "current_version_id"
    }
  },
  {
    table: "event_classifiers",
    order: ["watcher_id", "attribute_key"],
    columns: { attribute_key: "text" },
    state: [],
    versions: {
      table: "event_classifier_versions",
      owner: "classifier_id",
      columns: { attribute_values: "jsonb", min_similarity: "double precision", fallback_value: "text" },
      flag: "is_current"
    },
    refersToWatcher: true
  }
]

const shared = { slug: "text", name: "text", description: "text", extensions: "jsonb" }
const list = (parts: ReadonlyArray<string>) => parts.filter((part) => part !== "").join(", ")

/** The columns of a table that are seen, in its order. */
const rowColumns = ({ order }: Kind): ReadonlyArray<string> => [
  ...["id", "organization_id", ...Object.keys(shared), "created_by", "created_at", "deleted_at", "retired_at"],
  ...["managed_by_template_agent_id", "source_template_org_id"],
  ...order
]

const published = (kind: Kind) => `published_${kind.table}`
const referenced = (kind: Kind) => `referenced_${kind.table}`
const versionColumns = ({ versions }: Kind) => versions?.columns ?? {}
const contentOf = (kind: Kind) => ({ ...shared, ...kind.columns, ...versionColumns(kind) })

const publishedTable = (kind: Kind) => `CREATE TABLE ${published(kind)} (
  template_agent_id text NOT NULL,
  revision integer NOT NULL,
  ordinal integer NOT NULL CHECK (ordinal BETWEEN 0 AND 4095),
  source_id bigint NOT NULL,
  publisher_id text NOT NULL,
  published_at timestamptz NOT NULL,
  hash text NOT NULL,
  slug text NOT NULL,
  name text NOT NULL,
  ${Object.entries(contentOf(kind))
    .filter(([column]) => column !== "slug" && column !== "name")
    .map(([column, type]) => `${column} ${type},`)
    .join("\n  ")}
  ${kind.refersToWatcher === undefined ? "" : "watcher_id bigint,"}
  PRIMARY KEY (template_agent_id, revision, ordinal),
  UNIQUE (template_agent_id, revision, slug),
  UNIQUE (template_agent_id, revision, source_id),
  FOREIGN KEY (template_agent_id, revision) REFERENCES template_revisions ON DELETE CASCADE
)`

/** Writes the typed rows of a revision, from those that are there as JSON. */
const recordPublished = `CREATE FUNCTION record_published(template text, number integer) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  ${kinds
    .map((kind) => {
      const record = { ...contentOf(kind), ...(kind.refersToWatcher && { watcher_id: "bigint" }) }
      const columns = Object.keys(record)
      return `INSERT INTO ${published(kind)} (template_agent_id, revision, ordinal, source_id, publisher_id, published_at, hash, ${list(columns)})
  SELECT r.template_agent_id, r.revision, r.ordinal, r.source_id, t.organization_id, v.created_at, r.hash, ${list(columns.map((column) => `n.${column}`))}
  FROM template_revision_rows r
  JOIN agents t ON t.id = r.template_agent_id
  JOIN template_revisions v ON v.template_agent_id = r.template_agent_id AND v.revision = r.revision
  CROSS JOIN LATERAL jsonb_to_record(r.content) AS n(${list(Object.entries(record).map(([column, type]) => `${column} ${type}`))})
  WHERE r.template_agent_id = template AND r.revision = number AND r.kind = '${kind.table}' AND r.ordinal IS NOT NULL;`
    })
    .join("\n  ")}
END
$$`

/** The watcher that a classifier of an installation refers to: the one that is held, else the one that is referred to as well. */
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

/** What a row that is referred to has in a column of the table; `t` is its anchor. */
const referredColumn = ({ columns, state, versions }: Kind) => {
  const given: Readonly<Record<string, string>> = {
    id: "a.first_id + p.ordinal",
    organization_id: "a.organization_id",
    created_by: "a.owner_user_id",
    created_at: "p.published_at",
    deleted_at: "NULL::timestamptz",
    retired_at: "NULL::timestamptz",
    managed_by_template_agent_id: "a.template_agent_id",
    source_template_org_id: "p.publisher_id",
    watcher_id: watcherOf,
    ...Object.fromEntries(state.map((column) => [column, `t.${column}`])),
    ...(versions?.pointer !== undefined && { [versions.pointer]: "a.first_id + p.ordinal" })
  }
  return (column: string) => (column in columns || column in shared ? `p.${column}` : (given[column] ?? "NULL"))
}

const joinAnchor = ({ state, table }: Kind) =>
  state.length === 0 ? "" : `LEFT JOIN ${table} t ON t.id = a.first_id + p.ordinal AND t.inherits IS NOT NULL`

/** What an installation refers to, of a kind: the rows of its revision that nobody in the organization holds. */
const referencedView = (kind: Kind) => {
  const column = referredColumn(kind)
  return `CREATE VIEW ${referenced(kind)} AS
SELECT ${list([
    ...rowColumns(kind).map((name) => `${column(name)} AS ${name}`),
    ...Object.keys(versionColumns(kind)).map((name) => `p.${name}`),
    "p.source_id, p.hash, a.first_id, p.ordinal"
  ])}
FROM agents a
JOIN ${published(kind)} p ON p.template_agent_id = a.template_agent_id AND p.revision = a.revision
${joinAnchor(kind)}
WHERE a.mode = 'reference' AND NOT EXISTS (
  SELECT FROM mirror_ledger l
  WHERE l.organization_id = a.organization_id AND l.kind = '${kind.table}' AND l.source_id = p.source_id
) AND NOT EXISTS (
  SELECT FROM ${kind.table} own
  WHERE own.organization_id = a.organization_id AND own.slug = p.slug AND own.deleted_at IS NULL
)`
}

/** A row's content as one object, as its hash is taken of it. */
const contentHash = (kind: Kind) => {
  const { columns, refersToWatcher, table, versions } = kind
  const parts = [
    ...Object.keys({ ...shared, ...columns }).map((column) => `'${column}', t.${column}`),
    ...Object.keys(versionColumns(kind)).map((column) => `'${column}', v.${column}`),
    refersToWatcher === undefined ? "" : `'watcher_id', source_of_watcher(t.organization_id, t.watcher_id)`
  ]
  const version =
    versions === undefined
      ? ""
      : `LEFT JOIN ${versions.table} v ON v.${versions.owner} = t.id AND ${
          versions.pointer === undefined ? `v.${versions.flag}` : `v.id = t.${versions.pointer}`
        }`
  return `CREATE FUNCTION content_hash_of_${table}(row_id bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
  RETURN (SELECT content_hash(jsonb_build_object(${list(parts)})) FROM ${table} t ${version} WHERE t.id = row_id);
END
$$`
}

/** What an organization sees: for queries that name it. */
const vocabularyView = (kind: Kind) => {
  const { table } = kind
  const columns = rowColumns(kind)
  return `CREATE VIEW vocabulary.${table} AS
SELECT ${list(columns.map((column) => `t.${column}`))}, CASE
    WHEN t.managed_by_template_agent_id IS NULL THEN 'own'
    WHEN content_hash_of_${table}(t.id) = (
      SELECT l.applied_hash FROM mirror_ledger l
      WHERE l.organization_id = t.organization_id AND l.kind = '${table}' AND l.copy_id = t.id LIMIT 1
    ) THEN 'copied'
    ELSE 'customized'
  END AS origin
FROM ${table} t WHERE t.inherits IS NULL
UNION ALL
SELECT ${list(columns.map((column) => `r.${column}`))}, 'referenced' FROM ${referenced(kind)} r`
}

/** The same by id, one join and no union: for queries that come from a row that refers to it. */
const usedView = (kind: Kind) => {
  const { columns, state, table } = kind
  const referred = referredColumn(kind)
  const own = new Set([...state, "id", "organization_id", "created_by", "created_at"])
  const said = rowColumns(kind).map((column) => {
    if (column === "deleted_at") return "CASE WHEN p.source_id IS NULL THEN t.deleted_at END AS deleted_at"
    if (own.has(column) || column.startsWith("managed_by") || column.startsWith("source_")) return `t.${column}`
    if (column === "retired_at") return "t.retired_at"
    const inherited = column in columns || column in shared ? `p.${column}` : referred(column)
    return `CASE WHEN p.source_id IS NULL THEN t.${column} ELSE ${inherited} END AS ${column}`
  })
  return `CREATE VIEW vocabulary.used_${table} AS
SELECT ${list(said)}
FROM ${table} t
LEFT JOIN agents a ON a.first_id = CASE WHEN t.inherits IS NOT NULL THEN t.id & ~4095::bigint END AND a.mode = 'reference'
LEFT JOIN ${published(kind)} p ON p.template_agent_id = a.template_agent_id AND p.revision = a.revision
  AND p.ordinal = (t.id & 4095)::integer`
}

/** The versions of the rows that are seen: of one that inherits, the one it inherits, under its own id. */
const versionsView = (kind: Kind) => {
  const { versions } = kind
  if (versions === undefined) return []
  const { columns, flag, owner, table } = versions
  const names = list(["id", owner, "version", flag ?? "", ...Object.keys(columns), "created_at"])
  return [
    `CREATE VIEW vocabulary.${table} AS
SELECT ${names} FROM ${table}
UNION ALL
SELECT ${list([
      "a.first_id + p.ordinal",
      "a.first_id + p.ordinal",
      "p.revision",
      flag === undefined ? "" : "true",
      ...Object.keys(columns).map((column) => `p.${column}`),
      "p.published_at"
    ])}
FROM agents a
JOIN ${published(kind)} p ON p.template_agent_id = a.template_agent_id AND p.revision = a.revision
WHERE a.mode = 'reference' AND NOT EXISTS (
  SELECT FROM mirror_ledger l
  WHERE l.organization_id = a.organization_id AND l.kind = '${kind.table}' AND l.source_id = p.source_id
)`
  ]
}

/** What an organization sees, for programs that don't prepare their statements: the session keeps the plans. */
const listing = (kind: Kind) => {
  const columns = rowColumns(kind)
  return `CREATE FUNCTION vocabulary.${kind.table}_of(organization text, wanted text DEFAULT NULL)
RETURNS SETOF ${kind.table} LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF wanted IS NULL THEN
    RETURN QUERY SELECT ${list(columns.map((column) => `v.${column}`))}, NULL::bigint
    FROM vocabulary.${kind.table} v WHERE v.organization_id = organization;
  ELSE
    RETURN QUERY SELECT ${list(columns.map((column) => `v.${column}`))}, NULL::bigint
    FROM vocabulary.${kind.table} v WHERE v.organization_id = organization AND v.slug = wanted;
  END IF;
END
$$`
}

const ids = "(SELECT one & ~4095::bigint, (one & 4095)::integer FROM unnest(ids) AS one)"

/** Gives rows that are referred to an anchor each, where they have none. */
const anchorFunction = (kind: Kind) => {
  const bound = kind.state.includes("agent_id")
  return `CREATE FUNCTION anchor_${kind.table}(ids bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO ${kind.table} (id, organization_id, slug, name, created_by, deleted_at, managed_by_template_agent_id,
    source_template_org_id, inherits${bound ? ", agent_id" : ""})
  SELECT r.id, r.organization_id, r.slug, r.name, r.created_by, 'infinity', r.managed_by_template_agent_id,
    r.source_template_org_id, r.source_id${bound ? ", (SELECT a.id FROM agents a WHERE a.first_id = r.first_id)" : ""}
  FROM ${referenced(kind)} r WHERE (r.first_id, r.ordinal) IN ${ids}
  ON CONFLICT (id) DO NOTHING;
END
$$`
}

/** Lets rows that are referred to have the content they show for their own. */
const holdFunction = (kind: Kind) => `CREATE FUNCTION hold_${kind.table}(ids bigint[]) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  held integer;
BEGIN
  -- Whoever is about to refer to one for the first time waits, or sees that the installation has changed.
  UPDATE agents SET updated_at = now() WHERE first_id IN (SELECT one & ~4095::bigint FROM unnest(ids) AS one);
  PERFORM anchor_${kind.table}(ids);
  UPDATE ${kind.table} SET inherits = NULL WHERE id = ANY (ids) AND inherits IS NOT NULL;
  GET DIAGNOSTICS held = ROW_COUNT;
  RETURN held;
END
$$`

/** An anchor that is to say something of its own: all that it does not say now is what it showed. */
const heldRow = (kind: Kind) => {
  const { columns, refersToWatcher, table, versions } = kind
  const inherited = [...Object.keys(shared), ...Object.keys(columns)]
  const version = () => {
    if (versions === undefined) return ""
    const { columns: said, flag, owner, pointer, table: of } = versions
    const fields = Object.keys(said)
    const number = `(SELECT COALESCE(max(past.version), 0) + 1 FROM ${of} past WHERE past.${owner} = NEW.id)`
    return `
  ${flag === undefined ? "" : `UPDATE ${of} SET ${flag} = false WHERE ${owner} = NEW.id AND ${flag};`}
  INSERT INTO ${of} (${list([owner, "version", flag ?? "", ...fields])})
  VALUES (${list(["NEW.id", number, flag === undefined ? "" : "true", ...fields.map((field) => `p.${field}`)])})
  ${
    pointer === undefined
      ? ";"
      : `RETURNING id INTO version_id;
  IF NEW.${pointer} IS NOT DISTINCT FROM OLD.${pointer} THEN NEW.${pointer} := version_id; END IF;`
  }`
  }
  return `CREATE FUNCTION hold_row_of_${table}() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  a agents;
  p ${published(kind)};
  version_id bigint;
BEGIN
  SELECT * INTO a FROM agents WHERE first_id = OLD.id & ~4095::bigint FOR NO KEY UPDATE;
  SELECT * INTO STRICT p FROM ${published(kind)}
  WHERE template_agent_id = a.template_agent_id AND revision = a.revision AND ordinal = (OLD.id & 4095)::integer;
  ${inherited
    .map((column) => `IF NEW.${column} IS NOT DISTINCT FROM OLD.${column} THEN NEW.${column} := p.${column}; END IF;`)
    .join("\n  ")}
  ${refersToWatcher === undefined ? "" : `IF NEW.watcher_id IS NOT DISTINCT FROM OLD.watcher_id THEN NEW.watcher_id := ${watcherOf}; END IF;`}
  NEW.inherits := NULL;
  IF NEW.deleted_at = 'infinity' THEN NEW.deleted_at := NULL; END IF;
  ${version()}
  INSERT INTO mirror_ledger (organization_id, template_agent_id, kind, source_id, copy_id, slug, applied_hash)
  VALUES (NEW.organization_id, a.template_agent_id, '${table}', p.source_id, NEW.id, p.slug, p.hash)
  ON CONFLICT DO NOTHING;
  RETURN NEW;
END
$$`
}

const said = (kind: Kind, row: string) =>
  list(
    [
      "slug",
      "name",
      "description",
      "extensions",
      ...Object.keys(kind.columns),
      kind.versions?.pointer ?? "",
      kind.refersToWatcher === undefined ? "" : "watcher_id",
      "deleted_at"
    ]
      .filter((column) => column !== "")
      .map((column) => `${row}.${column}`)
  )

const heldRowTrigger = (kind: Kind) => `CREATE TRIGGER ${kind.table}_hold BEFORE UPDATE ON ${kind.table} FOR EACH ROW
WHEN (OLD.inherits IS NOT NULL AND (NEW.inherits IS NULL OR (${said(kind, "OLD")}) IS DISTINCT FROM (${said(kind, "NEW")})))
EXECUTE FUNCTION hold_row_of_${kind.table}()`

const isTaken = (kind: Kind) => `IF EXISTS (
    SELECT FROM ${referenced(kind)} r WHERE r.organization_id = NEW.organization_id AND r.slug = NEW.slug AND r.id <> NEW.id
  ) THEN
    RAISE unique_violation USING CONSTRAINT = '${kind.table}_slug', TABLE = '${kind.table}',
      MESSAGE = format('${kind.table} has the slug %L in this organization, by reference', NEW.slug),
      HINT = 'Delete or rename that one first, by the view vocabulary.${kind.table}.';
  END IF;`

/** A slug that a reference shows is taken, as it is by a copy. */
const refusal = (kind: Kind) => `CREATE FUNCTION refuse_taken_${kind.table}() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF EXISTS (SELECT FROM agents WHERE organization_id = NEW.organization_id AND mode = 'reference') THEN
    ${isTaken(kind)}
  END IF;
  RETURN NEW;
END
$$`

const refusalTrigger = ({ table }: Kind) => `CREATE TRIGGER ${table}_taken
BEFORE INSERT OR UPDATE OF slug, deleted_at ON ${table} FOR EACH ROW
WHEN (NEW.managed_by_template_agent_id IS NULL AND NEW.deleted_at IS NULL AND NEW.slug NOT LIKE '$%')
EXECUTE FUNCTION refuse_taken_${table}()`

/** What is written to the view goes to the table: a row that is referred to is held first. */
const writeFunction = (kind: Kind) => {
  const { state, table } = kind
  const columns = rowColumns(kind)
  const defaults: Readonly<Record<string, string>> = {
    description: "''",
    extensions: "'{}'",
    created_at: "now()",
    metadata_schema: "'{}'",
    event_kinds: "'[]'",
    is_symmetric: "false",
    sources: "'[]'"
  }
  const given = (column: string) =>
    column in defaults ? `COALESCE(NEW.${column}, ${defaults[column]})` : `NEW.${column}`
  return `CREATE FUNCTION vocabulary.write_${table}() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.id := COALESCE(NEW.id, nextval('${table}_id_seq'));
    INSERT INTO ${table} (${list(columns)}) VALUES (${list(columns.map(given))});
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' THEN
    IF OLD.origin = 'referenced' THEN PERFORM hold_${table}(ARRAY[OLD.id]); END IF;
    DELETE FROM ${table} WHERE id = OLD.id;
    RETURN CASE WHEN FOUND THEN OLD END;
  END IF;
  IF (${said(kind, "NEW")}) IS DISTINCT FROM (${said(kind, "OLD")}) OR NEW.retired_at IS DISTINCT FROM OLD.retired_at THEN
    IF NEW.slug <> OLD.slug AND NEW.deleted_at IS NULL THEN ${isTaken(kind)} END IF;
    IF OLD.origin = 'referenced' THEN PERFORM hold_${table}(ARRAY[OLD.id]); END IF;
    UPDATE ${table} SET ${list(
      columns.filter((column) => column !== kind.versions?.pointer).map((column) => `${column} = NEW.${column}`)
    )} WHERE id = OLD.id;
    IF NOT FOUND THEN RETURN NULL; END IF;
    ${
      kind.versions?.pointer === undefined
        ? ""
        : `IF NEW.${kind.versions.pointer} IS DISTINCT FROM OLD.${kind.versions.pointer} THEN
      UPDATE ${table} SET ${kind.versions.pointer} = NEW.${kind.versions.pointer} WHERE id = OLD.id;
    END IF;`
    }
  ${
    state.length === 0
      ? ""
      : `ELSE
    UPDATE ${table} SET ${list(state.map((column) => `${column} = NEW.${column}`))} WHERE id = OLD.id;`
  }
  END IF;
  RETURN NEW;
END
$$`
}

/**
 * Lets a row be referred to. One that an installation refers to gets its anchor, unless it is no more to be seen; one that its person
 * deleted is refused. An id of anybody else's comes to nothing here, and is refused by the foreign key.
 */
const referFunction = ({
  table
}: Kind) => `CREATE FUNCTION refer_to_${table}(wanted bigint, organization text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  gone boolean;
BEGIN
  SELECT deleted_at IS NOT NULL AND inherits IS NULL INTO gone FROM ${table} WHERE id = wanted;
  IF gone THEN
    RAISE foreign_key_violation USING TABLE = '${table}', MESSAGE = format('The row %s of ${table} is deleted', wanted);
  END IF;
  IF gone IS NULL THEN
    PERFORM FROM agents
    WHERE first_id = wanted & ~4095::bigint AND mode = 'reference' AND (organization IS NULL OR organization_id = organization)
    FOR SHARE;
    IF FOUND THEN PERFORM anchor_${table}(ARRAY[wanted]); END IF;
  END IF;
END
$$`

const referTrigger = (on: string, column: string, table: string) => [
  `CREATE FUNCTION ${on}_refer() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM refer_to_${table}(NEW.${column}, NEW.organization_id);
  RETURN NEW;
END
$$`,
  `CREATE TRIGGER ${on}_refer BEFORE INSERT OR UPDATE OF ${column}, organization_id ON ${on} FOR EACH ROW
WHEN (NEW.${column} >= 17592186044416) EXECUTE FUNCTION ${on}_refer()`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const run = (texts: ReadonlyArray<string>) => Effect.forEach(texts, (text) => sql.unsafe(text), { discard: true })

  yield* run([
    // 2^44 and on: clear of the ids that tables count up, and below 2^53, so that a number of JavaScript holds them.
    "CREATE SEQUENCE definition_blocks MAXVALUE 2000000000000",
    `CREATE FUNCTION new_first_id() RETURNS bigint LANGUAGE sql SET search_path FROM CURRENT AS $$
      SELECT 17592186044416 + nextval('definition_blocks') * 4096
    $$`,
    `ALTER TABLE agents
      ADD COLUMN modes text[] NOT NULL DEFAULT '{copy}'
        CHECK (modes <> '{}' AND modes <@ ARRAY['copy', 'reference']),
      ADD COLUMN mode text NOT NULL DEFAULT 'copy' CHECK (mode IN ('copy', 'reference')),
      ADD COLUMN first_id bigint CHECK (first_id & 4095 = 0),
      ADD CONSTRAINT agents_reference CHECK (
        mode = 'copy' OR template_agent_id IS NOT NULL AND revision IS NOT NULL AND first_id IS NOT NULL
      )`,
    "CREATE UNIQUE INDEX agents_first_id ON agents (first_id) WHERE first_id IS NOT NULL",
    "CREATE INDEX agents_referring ON agents (organization_id) WHERE mode = 'reference'",

    "ALTER TABLE template_revision_rows ADD COLUMN ordinal integer CHECK (ordinal BETWEEN 0 AND 4095)",
    `UPDATE template_revision_rows r SET ordinal = numbered.ordinal
    FROM (
      SELECT template_agent_id, kind, source_id,
        row_number() OVER (PARTITION BY template_agent_id ORDER BY min(revision), kind, source_id) - 1 AS ordinal
      FROM template_revision_rows WHERE kind IN (${kinds.map(({ table }) => `'${table}'`).join(", ")})
      GROUP BY template_agent_id, kind, source_id
    ) numbered
    WHERE r.template_agent_id = numbered.template_agent_id AND r.kind = numbered.kind AND r.source_id = numbered.source_id
      AND numbered.ordinal < 4096`,
    `CREATE INDEX template_revision_rows_ordinal ON template_revision_rows (template_agent_id, ordinal)
      WHERE ordinal IS NOT NULL`,
    ...kinds.map(publishedTable),
    recordPublished,
    "SELECT record_published(template_agent_id, revision) FROM template_revisions",
    `CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE restrict_violation USING MESSAGE = format('%s is never changed: publish a revision instead', TG_TABLE_NAME);
    END
    $$`,
    ...kinds.map(
      (kind) => `CREATE TRIGGER ${published(kind)}_stays BEFORE UPDATE ON ${published(kind)}
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`
    ),

    ...kinds.flatMap(({ table }) => [
      `ALTER TABLE ${table} ADD COLUMN inherits bigint,
        ADD CONSTRAINT ${table}_anchor CHECK (inherits IS NULL OR deleted_at = 'infinity')`
    ]),
    "CREATE INDEX watchers_due_referred ON watchers (next_run_at) WHERE inherits IS NOT NULL AND next_run_at IS NOT NULL AND paused_at IS NULL",

    `CREATE VIEW referenced_rows AS
    SELECT a.organization_id, a.template_agent_id, a.id AS agent_id, a.created_at AS installed_at, a.first_id, r.kind, r.source_id,
      r.ordinal, a.first_id + r.ordinal AS id, r.slug, r.hash, r.content
    FROM agents a
    JOIN template_revision_rows r ON r.template_agent_id = a.template_agent_id AND r.revision = a.revision
    WHERE a.mode = 'reference' AND r.ordinal IS NOT NULL AND NOT EXISTS (
      SELECT FROM mirror_ledger l
      WHERE l.organization_id = a.organization_id AND l.kind = r.kind AND l.source_id = r.source_id
    )`,
    `CREATE FUNCTION source_of_watcher(organization text, watcher bigint) RETURNS text
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
      SELECT CASE WHEN watcher IS NOT NULL THEN COALESCE(
        (
          SELECT l.source_id::text FROM mirror_ledger l
          WHERE l.kind = 'watchers' AND l.copy_id = watcher AND l.organization_id = organization LIMIT 1
        ),
        (SELECT w.inherits::text FROM watchers w WHERE w.id = watcher),
        'own:' || watcher
      ) END
    $$`,
    ...kinds.map(referencedView),
    "CREATE SCHEMA IF NOT EXISTS vocabulary",
    ...kinds.map(contentHash),
    ...kinds.map(vocabularyView),
    ...kinds.map(usedView),
    ...kinds.flatMap(versionsView),
    ...kinds.map(listing),

    ...kinds.map(anchorFunction),
    ...kinds.map(heldRow),
    ...kinds.map(heldRowTrigger),
    ...kinds.map(holdFunction),
    ...kinds.map(refusal),
    ...kinds.map(refusalTrigger),
    ...kinds.map(writeFunction),
    ...kinds.map(
      ({ table }) => `CREATE TRIGGER ${table}_write INSTEAD OF INSERT OR UPDATE OR DELETE ON vocabulary.${table}
      FOR EACH ROW EXECUTE FUNCTION vocabulary.write_${table}()`
    ),
    ...kinds.map(referFunction),
    ...referTrigger("entities", "entity_type_id", "entity_types"),
    ...referTrigger("entity_relationships", "relationship_type_id", "entity_relationship_types"),

    "ALTER TABLE mirror_history ADD COLUMN since integer, ADD COLUMN besides jsonb CHECK (jsonb_typeof(besides) = 'array')",
    "ALTER TABLE mirror_history DROP CONSTRAINT mirror_history_action_check",
    `ALTER TABLE mirror_history
      ADD CONSTRAINT mirror_history_action_check CHECK (action IN ('install', 'resync', 'uninstall', 'rollout', 'mode'))`,
    `CREATE FUNCTION revision_content(r template_revision_rows) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
      SELECT CASE WHEN r.kind = 'event_classifiers' THEN r.content || jsonb_build_object('watcher_id', (
        SELECT w.slug FROM template_revision_rows w
        WHERE w.template_agent_id = r.template_agent_id AND w.revision = r.revision AND w.kind = 'watchers'
          AND w.source_id = (r.content ->> 'watcher_id')::bigint
      )) ELSE r.content END
    $$`,
    `CREATE FUNCTION history_rows(h mirror_history) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
    BEGIN
      RETURN (SELECT CASE WHEN h.besides IS NULL THEN h.rows ELSE (
        SELECT COALESCE(jsonb_agg(told.one ORDER BY (told.one ->> 0) COLLATE "C", (told.one ->> 2) COLLATE "C"), '[]')
        FROM (
          SELECT one FROM jsonb_array_elements(h.rows) AS rows (one)
          UNION ALL
          SELECT jsonb_build_array(COALESCE(n.kind, o.kind), COALESCE(n.source_id, o.source_id), COALESCE(n.slug, o.slug),
            CASE WHEN o.kind IS NULL THEN 'created' WHEN n.kind IS NULL THEN 'removed' ELSE 'updated' END,
            CASE WHEN o.kind IS NOT NULL THEN (
              SELECT revision_content(r) FROM template_revision_rows r
              WHERE r.template_agent_id = h.template_agent_id AND r.revision = h.since AND r.kind = o.kind AND r.slug = o.slug
            ) END)
          FROM (
            SELECT kind, source_id, slug, hash FROM template_revision_rows
            WHERE template_agent_id = h.template_agent_id AND revision = h.revision
          ) n
          FULL JOIN (
            SELECT kind, source_id, slug, hash FROM template_revision_rows
            WHERE template_agent_id = h.template_agent_id AND revision = h.since
          ) o ON o.kind = n.kind AND o.source_id = n.source_id
          WHERE n.hash IS DISTINCT FROM o.hash AND NOT h.besides @> jsonb_build_array(
            jsonb_build_array(COALESCE(n.kind, o.kind), COALESCE(n.source_id, o.source_id))
          )
        ) told
      ) END);
    END
    $$`,
    `CREATE OR REPLACE FUNCTION remove_agent(agent text) RETURNS text
    LANGUAGE plpgsql SET plan_cache_mode = 'force_custom_plan' AS $$
    BEGIN
      DELETE FROM agents WHERE id = agent;
      RETURN CASE WHEN FOUND THEN 'removed' ELSE 'gone' END;
    EXCEPTION WHEN foreign_key_violation THEN
      UPDATE agents SET template_agent_id = NULL, revision = NULL, pinned = false, template_name = NULL,
        template_description = NULL, mode = 'copy', first_id = NULL, updated_at = now()
      WHERE id = agent;
      RETURN 'kept';
    END
    $$`
  ])
})
