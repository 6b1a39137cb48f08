import { createHmac, randomBytes } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Redacted } from "effect"
import Pg from "pg"
import { OrganizationId, UserId } from "../src/domain/Ids.ts"
import { DatabaseLive } from "../src/layers/AppLive.ts"
import { PgPool } from "../src/layers/postgres/Database.ts"
import { open } from "../src/layers/runtime/EmbeddedPostgres.ts"
import { openPackaged } from "../test/packaged.ts"
import { pooled } from "../test/pgbouncer.ts"
import { hasFlag as isGiven } from "./report.ts"

/** How many connections each side has. */
export const maxConnections = 16

export const secret = "a secret of at least thirty-two characters"

const grants = `
  GRANT SET ON PARAMETER session_replication_role TO agent_install;
  GRANT pg_checkpoint TO agent_install`

/** Lets the service's own role do what filling tables takes. */
const grantFilling = (url: Redacted.Redacted<string>) =>
  Effect.promise(async () => {
    const address = new URL(Redacted.value(url))
    address.searchParams.set("user", "postgres")
    const client = new Pg.Client({ connectionString: address.toString() })
    await client.connect()
    await client.query(grants)
    await client.end()
  })

/**
 * A Postgres of the benchmark's own, with its usual waits for the disk, gone when the scope closes: the embedded one, or Debian's
 * (`--packaged`), reached straight, or through PgBouncer (`--pooled`).
 */
export const openPostgres = (settings: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const dataDir = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "agent-install-bench-"))),
      (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
    )
    const all = { max_connections: "100", max_wal_size: "4GB", ...settings }
    const { url } = yield* isGiven("--packaged") ? openPackaged(all) : open({ dataDir, settings: all })
    yield* grantFilling(url)
    return isGiven("--pooled") ? Redacted.make(yield* pooled(url)) : url
  })

/** Pool, client and schema of the service on that Postgres. */
export const databaseOn = (url: Redacted.Redacted<string>, connections = maxConnections) =>
  DatabaseLive({ url, maxConnections: connections })

/** Somebody who has signed up, with the bearer token of their session. */
export interface BenchPerson {
  readonly userId: UserId
  readonly organizationId: OrganizationId
  readonly slug: string
  readonly bearer: string
}

let last = 0

/** So many new people, each with an organization of their own and a session, as sign-up leaves them. */
export const newPeople = (count: number): Effect.Effect<ReadonlyArray<BenchPerson>, never, PgPool> =>
  Effect.flatMap(PgPool, (pool) =>
    Effect.promise(async () => {
      const people = Array.from({ length: count }, () => {
        const at = ++last
        const token = randomBytes(24).toString("base64url")
        const signature = createHmac("sha256", secret).update(token).digest("base64")
        return { id: `u${at}`, org: `org_b${at}`, slug: `b-${at}`, token, bearer: `Bearer ${token}.${signature}` }
      })
      await pool.query(
        `WITH p AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($1::jsonb) AS p (id text, org text, slug text, token text)),
         users AS (INSERT INTO "user" (id, name, email, "emailVerified") SELECT id, id, id || '@example.org', false FROM p),
         sessions AS (
           INSERT INTO session (id, "expiresAt", token, "updatedAt", "userId")
           SELECT token, now() + interval '1 day', token, now(), id FROM p
         ),
         organizations AS (
           INSERT INTO organization (id, name, slug, metadata)
           SELECT org, id, slug, jsonb_build_object('personal_org_for_user_id', id) FROM p
         )
         INSERT INTO member (organization_id, user_id, role) SELECT org, id, 'owner' FROM p`,
        [JSON.stringify(people)]
      )
      return people.map(({ bearer, id, org, slug }) => ({
        userId: UserId.make(id),
        organizationId: OrganizationId.make(org),
        slug,
        bearer
      }))
    })
  )
