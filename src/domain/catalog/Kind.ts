import { Schema } from "effect"

/** The kinds of definition that a template can contain. */
const names = ["entity_types", "entity_relationship_types", "watchers", "event_classifiers"] as const
export type Kind = (typeof names)[number]

/** The name of a kind. Any valid name is accepted, since the layers can be given other kinds. */
export const Kind: Schema.Schema<Kind> = Schema.declare(
  (value): value is Kind => typeof value === "string" && /^[a-z][a-z_]{0,62}$/.test(value),
  {
    identifier: "Kind",
    description: "A kind of definition.",
    message: () => `Expected a kind, as ${names.join(", ")}`,
    jsonSchema: { type: "string", enum: names }
  }
)

/** The type of a content column, as Postgres names it. */
export type ColumnType = "text" | "jsonb" | "boolean" | "double precision"

/**
 * Everything that the mirror and the publication need to know about a kind. Besides the columns listed here, its table
 * has the columns that all kinds share: id, organization, slug, name, description, extensions, creator, the times and
 * the two tags.
 */
export interface KindDescription {
  readonly kind: Kind
  /** The table, as SQL writes it; its key is `id`, from the sequence of that identity column. */
  readonly table: string
  /** The content columns of the table. */
  readonly columns: Readonly<Record<string, ColumnType>>
  /** The table of versions, if a kind keeps part of its content there; only the current version is mirrored. */
  readonly versions?: {
    readonly table: string
    /** The column that refers to the row a version belongs to. */
    readonly owner: string
    readonly columns: Readonly<Record<string, ColumnType>>
    /** How the current version is marked: the row points at it, or the version has a flag. */
    readonly current: { readonly pointer: string } | { readonly flag: string }
  }
  /**
   * The jsonb column, of the row or its version, that holds most of the content. A revision stores it, and the rest of
   * the content, separately too (`document_of` in the schema): copied from there, it need not be parsed and compressed
   * again for each organization.
   */
  readonly document?: string
  /** Columns that refer to a row of a kind listed earlier. */
  readonly references?: Readonly<Record<string, Kind>>
  /** The column that refers to the agent a row belongs to. */
  readonly agent?: string
  /**
   * Where a row may be referred to instead of copied: the table of what was published, with a column for each of the content's.
   * Then the schema `vocabulary` has a view of the table's name, and the functions `anchor_<kind>` and `hold_<kind>` are there.
   */
  readonly published?: string
  /**
   * The column that counts how often a row's content was changed, by whatever program (`0030_edits`). A copy whose count is still the
   * one that the ledger remembers says what was applied, and is not read. A kind with references has none: what those come to
   * may change while the row does not.
   */
  readonly edits?: string
  /**
   * Whether triggers note the organizations in which a copy is changed by anything but the mirror (`0032_hand_edits`). Where nothing
   * is noted, what the mirror last said of an installation's rows still holds, and they are not read.
   */
  readonly handEdits?: "noted"
  /** A cron column, and the column of the next due time. */
  readonly schedule?: { readonly cron: string; readonly due: string }
}

/** The four kinds, each after those that it refers to. */
export const kindDescriptions: ReadonlyArray<KindDescription> = [
  {
    kind: "entity_types",
    table: "entity_types",
    columns: { icon: "text", color: "text", metadata_schema: "jsonb", event_kinds: "jsonb" },
    document: "metadata_schema",
    published: "published_entity_types",
    edits: "edits",
    handEdits: "noted"
  },
  {
    kind: "entity_relationship_types",
    table: "entity_relationship_types",
    columns: { metadata_schema: "jsonb", is_symmetric: "boolean" },
    document: "metadata_schema",
    published: "published_entity_relationship_types",
    edits: "edits",
    handEdits: "noted"
  },
  {
    kind: "watchers",
    table: "watchers",
    columns: { schedule: "text", sources: "jsonb" },
    versions: {
      table: "watcher_versions",
      owner: "watcher_id",
      columns: { prompt: "text", extraction_schema: "jsonb", reactions_guidance: "text" },
      current: { pointer: "current_version_id" }
    },
    document: "extraction_schema",
    published: "published_watchers",
    agent: "agent_id",
    edits: "edits",
    handEdits: "noted",
    schedule: { cron: "schedule", due: "next_run_at" }
  },
  {
    kind: "event_classifiers",
    table: "event_classifiers",
    columns: { attribute_key: "text" },
    versions: {
      table: "event_classifier_versions",
      owner: "classifier_id",
      columns: { attribute_values: "jsonb", min_similarity: "double precision", fallback_value: "text" },
      current: { flag: "is_current" }
    },
    document: "attribute_values",
    published: "published_event_classifiers",
    handEdits: "noted",
    references: { watcher_id: "watchers" }
  }
]

/** A value for each of the kinds. */
export const byKind = <A>(
  value: (kind: Kind) => A,
  kinds: ReadonlyArray<Pick<KindDescription, "kind">> = kindDescriptions
): Record<Kind, A> => Object.fromEntries(kinds.map(({ kind }) => [kind, value(kind)])) as Record<Kind, A>

/** A number for each of the kinds. */
export const KindCounts = Schema.Struct(byKind(() => Schema.NonNegativeInt))
export type KindCounts = typeof KindCounts.Type
