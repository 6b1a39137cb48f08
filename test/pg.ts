import { randomBytes } from "node:crypto"
import { SqlClient } from "@effect/sql"
import { Clock, Effect, Layer, Redacted, Schedule } from "effect"
import pg from "pg"
import { inject } from "vitest"
import { ConnectionLive, PgPool } from "../src/layers/postgres/Database.ts"

const named = (url: string, database: string) => {
  const address = new URL(url)
  address.pathname = `/${database}`
  return address.toString()
}

/** Runs a statement; again, where Postgres itself is at work in that database meanwhile. */
const running = (url: string) => (text: string) =>
  Effect.tryPromise(async () => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      await client.query(text)
    } finally {
      await client.end()
    }
  }).pipe(
    Effect.retry(Schedule.intersect(Schedule.spaced("300 millis"), Schedule.recurs(20))),
    Effect.withClock(Clock.make()),
    Effect.orDie
  )

/** Runs a statement outside any database of a test. */
const administer = (text: string) => running(named(inject("templateDatabase"), "postgres"))(text)

/** Runs a statement as the server's own administrator. */
export const administrator = (text: string, database = "postgres") => {
  const url = new URL(named(inject("templateDatabase"), database))
  url.searchParams.set("user", "postgres")
  url.searchParams.set(
    "options",
    "-c default_transaction_read_only=off -c default_transaction_deferrable=off -c statement_timeout=0"
  )
  return running(url.toString())(text)
}

/** The address of a database of the caller's own, made from the given one (`template0` for an empty one), dropped with the scope. */
export const ownDatabase = (template = new URL(inject("templateDatabase")).pathname.slice(1)) =>
  Effect.gen(function* () {
    const name = `test_${randomBytes(6).toString("hex")}`
    yield* Effect.acquireRelease(administer(`CREATE DATABASE ${name} TEMPLATE ${template}`), () =>
      administer(`DROP DATABASE ${name} WITH (FORCE)`)
    )
    return Redacted.make(named(inject("templateDatabase"), name))
  })

/** The address of the database that the tests of a suite ask. */
export const databaseUrl = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ name: string }>`SELECT current_database() AS name`
  return named(inject("templateDatabase"), String(row?.name))
}).pipe(Effect.orDie)

/** A database of the suite's own with the migrations applied, and the pool and client on it. */
export const PgTest = Layer.unwrapScoped(
  Effect.map(ownDatabase(), (url) => ConnectionLive({ url, maxConnections: 20 }))
)

/** Another connection, for what somebody else does meanwhile. */
export const connection = Effect.flatMap(PgPool, (pool) =>
  Effect.acquireRelease(
    Effect.promise(() => pool.connect()),
    // Closed, so that a transaction that a test left open is none of the next one's.
    (client) => Effect.sync(() => client.release(true))
  )
)
