import { SqlClient, SqlSchema } from "@effect/sql"
import { Duration, Effect, Layer, Schedule, Schema } from "effect"

/** How long old rows are kept that an operator may want to look at. */
export interface SweepOptions {
  /** The history of installed agents; the newest entry of each installation is kept. */
  readonly history: Duration.Duration
  /** Links and identities that have ended. */
  readonly closedLinks: Duration.Duration
  /** What other programs read of what happened. */
  readonly events: Duration.Duration
}

/** The old rows of one table that are deleted. */
export interface SweptTable {
  readonly what: string
  readonly table: string
  /** The index that the sweep walks: its columns with their types; the last one is a key. */
  readonly along: ReadonlyArray<readonly [column: string, type: "timestamptz" | "text" | "bigint" | "bytea"]>
  /** Which rows of it are meant, if not all: the condition of the index, where that is a partial one. */
  readonly where?: string
  /** The column that has to be older than the limit. */
  readonly since: string
  /** What that column holds instead of a time, of a time. */
  readonly as?: (time: string) => string
  readonly after: Duration.Duration
  /** Another condition that keeps a row `t` that is old enough; `$1` is the age in seconds. */
  readonly unless?: string
}

/** The ids of the engine that carries roll-outs on begin with the milliseconds since 2025. */
const snowflakeAt = (time: string) => `((extract(epoch FROM ${time}) * 1000 - ${Date.UTC(2025, 0, 1)})::bigint << 22)`

/** Everything that the service deletes by itself, and when. All other rows are deleted only by their owners. */
export const sweptTables = ({ closedLinks, events, history }: SweepOptions): ReadonlyArray<SweptTable> => [
  {
    what: "sessions",
    table: "session",
    along: [
      ['"expiresAt"', "timestamptz"],
      ["id", "text"]
    ],
    since: '"expiresAt"',
    after: Duration.zero
  },
  {
    what: "verifications",
    table: "verification",
    along: [
      ['"expiresAt"', "timestamptz"],
      ["id", "text"]
    ],
    since: '"expiresAt"',
    after: Duration.zero
  },
  {
    // For a day an expired code is answered as expired; after that it is unknown.
    what: "install codes",
    table: "install_tokens",
    along: [
      ["expires_at", "timestamptz"],
      ["digest", "bytea"]
    ],
    since: "expires_at",
    after: Duration.days(1)
  },
  {
    what: "kept answers",
    table: "kept_answers",
    along: [
      ["created_at", "timestamptz"],
      ["digest", "bytea"]
    ],
    since: "created_at",
    after: Duration.days(1)
  },
  {
    what: "invitations",
    table: "invitations",
    along: [
      ["expires_at", "timestamptz"],
      ["id", "text"]
    ],
    since: "expires_at",
    after: Duration.zero
  },
  {
    // Some days later, since a no may still arrive.
    what: "unanswered links",
    table: "identity_links",
    along: [
      ["expires_at", "timestamptz"],
      ["id", "text"]
    ],
    where: "closed_at IS NULL",
    since: "expires_at",
    after: Duration.days(7)
  },
  {
    // Their identifiers are deleted with them. A link that proved something stays as long as the proof does.
    what: "closed links",
    table: "identity_links",
    along: [
      ["closed_at", "timestamptz"],
      ["id", "text"]
    ],
    where: "closed_at IS NOT NULL",
    since: "closed_at",
    after: closedLinks,
    unless: `EXISTS (
      SELECT FROM entity_identities i
      WHERE i.link_id = t.id AND (i.deleted_at IS NULL OR i.deleted_at >= now() - make_interval(secs => $1))
    )`
  },
  {
    // Those of links are deleted with their link.
    what: "ended identities",
    table: "entity_identities",
    along: [
      ["deleted_at", "timestamptz"],
      ["id", "bigint"]
    ],
    where: "deleted_at IS NOT NULL AND link_id IS NULL",
    since: "deleted_at",
    after: closedLinks
  },
  {
    // The newest entry of an installation holds its revision, which the mirror reads.
    what: "history",
    table: "mirror_history",
    along: [
      ["created_at", "timestamptz"],
      ["id", "bigint"]
    ],
    since: "created_at",
    after: history,
    unless: `NOT EXISTS (
      SELECT FROM mirror_history newer
      WHERE newer.organization_id = t.organization_id AND newer.template_agent_id = t.template_agent_id AND newer.id > t.id
    )`
  },
  {
    what: "events",
    table: "events",
    along: [
      ["created_at", "timestamptz"],
      ["id", "bigint"]
    ],
    since: "created_at",
    after: events,
    unless: "t.number IS NULL"
  },
  {
    // Those of an attempt that is over, which nothing asks for any more. Whatever else the engine runs is not ours.
    what: "steps of roll-outs",
    table: "cluster_messages",
    along: [["id", "bigint"]],
    where: "entity_type = 'Workflow/Rollout'",
    since: "id",
    as: snowflakeAt,
    after: Duration.days(1),
    unless: `EXISTS (
      SELECT FROM cluster_messages run
      JOIN rollouts r ON r.id = run.payload::json ->> 'rolloutId' AND r.attempt = (run.payload::json ->> 'attempt')::integer
      WHERE run.message_id = 'Workflow/Rollout/' || t.entity_id || '/run/'
        AND (r.state = 'running' OR r.worked_at >= now() - make_interval(secs => $1))
    )`
  },
  {
    what: "answers to steps of roll-outs",
    table: "cluster_replies",
    along: [["id", "bigint"]],
    since: "id",
    as: snowflakeAt,
    after: Duration.days(1),
    unless: "EXISTS (SELECT FROM cluster_messages m WHERE m.id = t.request_id)"
  },
  {
    // Along the key: with an index by time, each try of a budget would write to it.
    what: "spent rate limits",
    table: "rate_limits",
    along: [["key", "text"]],
    since: "expires_at",
    after: Duration.zero
  }
]

const beginnings = { timestamptz: "-infinity", text: "", bigint: "-9223372036854775808", bytea: "\\x" }

/** The key at which a walk begins. */
export const beginningOf = ({ along }: SweptTable): ReadonlyArray<string> => along.map(([, type]) => beginnings[type])

const lockClass = 7_203_115

/**
 * One batch: continues after the previous one, and deletes what is due except for rows that somebody else has locked.
 * Parameters: the age in seconds, where to continue, how many rows, the position among the swept tables. Result:
 * whether it was this process's turn, how many rows were read and deleted, and where the batch ended.
 */
export const sweepStatement = ({ along, as, since, table, unless, where }: SweptTable): string => {
  const columns = along.map(([column]) => column)
  const [key = ""] = columns.slice(-1)
  const begin = along.map(([, type], at) => `($2::text[])[${at + 1}]::${type}`)
  const limit = "now() - make_interval(secs => $1)"
  const old = (row: string) => `${row}.${since} < ${as?.(limit) ?? limit}`
  // Keys as arrays, so that Postgres looks each of them up, however many old rows are kept. If the age is not a column
  // of the index, rows of any age are read.
  const aged = columns.includes(since) ? [old("w")] : []
  const walked = [...(where === undefined ? [] : [where]), ...aged, `(${columns.join(", ")}) > (${begin.join(", ")})`]
  return `WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(${lockClass}, $4::integer) AS mine),
walked AS MATERIALIZED (
  SELECT ${columns.join(", ")} FROM ${table} w
  WHERE (SELECT mine FROM turn) AND ${walked.join(" AND ")}
  ORDER BY ${columns.join(", ")} LIMIT $3
),
due AS MATERIALIZED (
  SELECT t.${key} FROM ${table} t
  WHERE ${[`t.${key} = ANY (ARRAY(SELECT ${key} FROM walked))`, old("t"), ...(unless === undefined ? [] : [`NOT ${unless}`])].join(" AND ")}
  FOR UPDATE OF t SKIP LOCKED
),
gone AS (DELETE FROM ${table} WHERE ${key} = ANY (ARRAY(SELECT ${key} FROM due)) RETURNING true)
SELECT (SELECT mine FROM turn) AS mine, (SELECT count(*) FROM walked)::integer AS seen,
  (SELECT count(*) FROM gone)::integer AS deleted,
  (SELECT ARRAY[${columns.map((column) => `${column}::text`).join(", ")}] FROM walked
    ORDER BY ${columns.map((column) => `${column} DESC`).join(", ")} LIMIT 1) AS ended`
}

const batch = 1_000

/**
 * Deletes everything that is due, once; returns the number of rows of each kind. Leaves out what another process is
 * sweeping.
 */
export const sweep = (options: SweepOptions) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const deleted: Record<string, number> = {}
    // The engine makes its own tables, where it runs.
    const isThere = SqlSchema.single({
      Request: Schema.String,
      Result: Schema.Struct({ there: Schema.Boolean }),
      execute: (table) => sql`SELECT to_regclass(${table}) IS NOT NULL AS there`
    })
    for (const [place, one] of sweptTables(options).entries()) {
      if (!(yield* isThere(one.table)).there) continue
      const text = sweepStatement(one)
      const next = SqlSchema.single({
        Request: Schema.Array(Schema.String),
        Result: Schema.Struct({
          mine: Schema.Boolean,
          seen: Schema.Int,
          deleted: Schema.Int,
          ended: Schema.NullOr(Schema.Array(Schema.String))
        }),
        execute: (from) => sql.unsafe(text, [Duration.toSeconds(one.after), from, batch, place])
      })
      let from: ReadonlyArray<string> | null = beginningOf(one)
      while (from !== null) {
        const done: {
          readonly mine: boolean
          readonly seen: number
          readonly deleted: number
          readonly ended: ReadonlyArray<string> | null
        } = yield* next(from)
        if (done.deleted > 0) deleted[one.what] = (deleted[one.what] ?? 0) + done.deleted
        from = done.seen < batch ? null : done.ended
      }
    }
    return deleted
  })

/** Sweeps a minute after the start, and then every hour. */
export const SweepLive = (options: SweepOptions) =>
  Layer.scopedDiscard(
    sweep(options).pipe(
      Effect.flatMap((deleted) =>
        Object.keys(deleted).length === 0
          ? Effect.void
          : Effect.logInfo("Deleted what was old enough").pipe(Effect.annotateLogs(deleted))
      ),
      Effect.catchAllCause((cause) =>
        Effect.logWarning("What is old was not deleted; the next hour tries again", cause)
      ),
      Effect.repeat(Schedule.spaced("1 hour")),
      Effect.delay("1 minute"),
      Effect.forkScoped
    )
  )
