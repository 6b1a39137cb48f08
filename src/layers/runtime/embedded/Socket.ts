import path from "node:path"
import { Data, Effect } from "effect"
import pg from "pg"
import { isCode } from "./Files.ts"

export const port = 5432
export const socketName = `.s.PGSQL.${port}`

/**
 * The state that the server's socket shows. `busy`: starting, recovering or stopping; `denied`: it belongs to another
 * user.
 */
export type ServerState = "up" | "busy" | "down" | "denied"

export class QueryFailed extends Data.TaggedError("QueryFailed")<{ readonly cause: unknown }> {
  override get message() {
    return this.cause instanceof Error ? this.cause.message : String(this.cause)
  }
}

/** A connection as the superuser, for maintenance only. */
const connect = (socketDir: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const client = new pg.Client({
        host: socketDir,
        port,
        user: "postgres",
        database: "postgres",
        ssl: false,
        application_name: "agent-install housekeeping",
        connectionTimeoutMillis: 5000
      })
      const gone = new Promise<void>((resolve) => client.once("end", resolve))
      // Without a listener, losing the server would end this process.
      client.on("error", () => undefined)
      return { client, gone }
    }),
    ({ client }) =>
      Effect.promise(() => client.end().catch(() => undefined)).pipe(
        Effect.interruptible,
        Effect.timeout("1 second"),
        Effect.ignore
      )
  ).pipe(
    Effect.tap(({ client }) =>
      Effect.tryPromise({ try: () => client.connect(), catch: (cause) => new QueryFailed({ cause }) })
    )
  )

/** Connects to find out: a process id in a lock file proves nothing, an answer does. */
export const probe = (socketDir: string): Effect.Effect<ServerState> =>
  Effect.scoped(connect(socketDir)).pipe(
    Effect.match({
      onSuccess: () => "up",
      onFailure: ({ cause }) => {
        if (isCode(cause, "ENOENT", "ENOTDIR", "ECONNREFUSED")) return "down"
        return isCode(cause, "EACCES") ? "denied" : "busy"
      }
    })
  )

/** An idle connection; the effect inside ends when the server ends the connection. */
export const monitor = (socketDir: string) =>
  connect(socketDir).pipe(Effect.map(({ gone }) => Effect.promise(() => gone)))

export const name = "agent_install"
const housekeepingLock = 7_246_431

/** Makes the service's own role and database if they are missing; several processes may do so at once. */
export const ensureDatabase = (socketDir: string) =>
  Effect.gen(function* () {
    const { client } = yield* connect(socketDir)
    const query = (text: string) =>
      Effect.tryPromise({ try: () => client.query(text), catch: (cause) => new QueryFailed({ cause }) })
    const missing = (from: string) => Effect.map(query(`SELECT 1 FROM ${from} = '${name}'`), (r) => r.rowCount === 0)

    // The lock belongs to the session, so it is released with the connection.
    yield* query(`SELECT pg_advisory_lock(${housekeepingLock})`)
    if (yield* missing("pg_roles WHERE rolname")) {
      yield* query(`CREATE ROLE ${name} LOGIN CREATEDB`)
    }
    if (yield* missing("pg_database WHERE datname")) {
      yield* query(`CREATE DATABASE ${name} OWNER ${name} ENCODING 'UTF8' TEMPLATE template0`)
    }
  }).pipe(Effect.scoped)

/** The port and sslmode are explicit, so that PGPORT and PGSSLMODE, meant for another server, have no effect. */
export const urlOf = (socketDir: string) =>
  `postgresql:///${name}?host=${encodeURIComponent(socketDir)}&user=${name}&port=${port}&sslmode=disable`

// A longer path does not fit into the kernel's address structure, and node truncates it silently.
const longestSocketPath = process.platform === "linux" ? 107 : 103

/**
 * Whether a folder can hold a socket: its path is short enough, and has no comma, which separates lists in Postgres and
 * libpq.
 */
export const fits = (socketDir: string) =>
  !socketDir.includes(",") && Buffer.byteLength(path.join(socketDir, socketName)) <= longestSocketPath
