import { SqlClient, SqlSchema } from "@effect/sql"
import { Duration, Effect, Layer, Schedule, Schema } from "effect"

/** How long is kept what an operator may want to look at. */
export interface SweepOptions {
  /** What was done to installed agents, but the newest of each installation, which stays. */
  readonly history: Duration.Duration
  /** Links that have ended, and identities that have. */
  readonly closedLinks: Duration.Duration
  /** What other programs are told of. */
  readonly events: Duration.Duration
}

/** Rows of one table that are deleted once they are old enough. */
export interface SweptTable {
  readonly what: string
  readonly table: string
  /** The index that is walked along: its columns with their types, the last of them a key. */
  readonly along: ReadonlyArray<readonly [column: string, type: "timestamptz" | "text" | "bigint" | "bytea"]>
  /** The part of the index that is walked, before the age. */
  readonly where?: string
  /** What has to be older than that. */
  readonly since: string
  readonly after: Duration.Duration
  /** What a row `t` that is old enough goes by besides; `$1` is the age in seconds. */
  readonly unless?: string
}

/** All that the service deletes by itself, and when. Nothing else of it is ever deleted but by who owns it. */
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
    // For a day a code that is over says so, then it is not known any more.
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
    // Some days later, for a no may still come.
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
    // Their identifiers go with them. One that proved something stays as long as that stands.
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
    // Those of links go with the link.
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
    // The newest entry of an installation says which revision it has: the mirror looks at it.
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
    // Along the key: an index by time would make each try of a budget write to it.
    what: "spent rate limits",
    table: "rate_limits",
    along: [["key", "text"]],
    since: "expires_at",
    after: Duration.zero
  }
]

const beginnings = { timestamptz: "-infinity", text: "", bigint: "-9223372036854775808", bytea: "\\x" }

/** Where a walk begins. */
export const beginningOf = ({ along }: SweptTable): ReadonlyArray<string> => along.map(([, type]) => beginnings[type])

const lockClass = 7_203_115

/**
 * One batch: walks on from where the last one ended, and deletes what is due, but for rows that somebody else is at. Parameters:
 * the age in seconds, where to go on, how many rows, which place among those swept. Result: whether it was this process's
 * turn, how many rows were looked at and deleted, and where the batch ended.
 */
export const sweepStatement = ({ along, since, table, unless, where }: SweptTable): string => {
  const columns = along.map(([column]) => column)
  const [key = ""] = columns.slice(-1)
  const begin = along.map(([, type], at) => `($2::text[])[${at + 1}]::${type}`)
  const old = (row: string) => `${row}.${since} < now() - make_interval(secs => $1)`
  // By keys as arrays, for Postgres to look each of them up, however much is old and stays. Where the age is no part of the index, rows are looked at whatever their age.
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

/** Deletes once all that is due; how many rows of each kind. What another process is at is left to that one. */
export const sweep = (options: SweepOptions) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const deleted: Record<string, number> = {}
    for (const [place, one] of sweptTables(options).entries()) {
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

/** Sweeps a minute after the start, and then each hour. */
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
