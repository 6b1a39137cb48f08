import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Chunk, Duration, Effect, Fiber, Layer, Redacted, Schedule, Stream } from "effect"
import { kindDescriptions } from "../../../src/domain/catalog/Kind.ts"
import { UserId } from "../../../src/domain/Ids.ts"
import { AppLive } from "../../../src/layers/AppLive.ts"
import { heldPage, heldTables } from "../../../src/layers/account/HeldTables.ts"
import { Accounts } from "../../../src/services/account/Accounts.ts"
import { OrgResolver } from "../../../src/services/account/OrgResolver.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { IdentityLinker } from "../../../src/services/identity/IdentityLinker.ts"
import { InstallCodes } from "../../../src/services/identity/InstallCodes.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { askAuth } from "../../askAuth.ts"
import { oneOfEach, template } from "../../fixtures/templates.ts"
import { PgTest } from "../../pg.ts"
import { appOptions, password } from "../../worlds.ts"

const Live = AppLive(appOptions).pipe(Layer.provideMerge(PgTest))

/** Tables that hold nothing of a person, and why. */
const nobodys: Readonly<Record<string, string>> = {
  effect_sql_migrations: "the schema's own",
  event_numbers: "the last number of an event",
  identity_platforms: "which chat platforms there are",
  identity_namespaces: "which namespaces there are",
  organization_slug_counter: "how often a slug was wanted, by whomever"
}

const right = Redacted.make(password)
/** Enough that a table is worth an index. */
const people = 3_000

let names = 0

const signedUp = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const name = `Leaving ${++names}`
  const email = `leaving-${names}@example.org`
  assert.strictEqual((yield* askAuth("sign-up/email", { name, email, password })).status, 200)
  const [row] = yield* sql.unsafe<{ readonly id: string }>(`SELECT id FROM "user" WHERE email = $1`, [email])
  const userId = UserId.make(row?.id ?? "")
  const organization = yield* Effect.flatMap(OrgResolver, ({ personalOrg }) => personalOrg(userId))
  return { name, email, userId, organization }
})

const held = (userId: UserId) =>
  Effect.flatMap(Accounts, (accounts) => Effect.map(Stream.runCollect(accounts.held(userId)), Chunk.toReadonlyArray))

const tablesThere = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql.unsafe<{ readonly name: string }>(`
      SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1
    `),
    (rows) => rows.map(({ name }) => name)
  )
)

const tables = heldTables(kindDescriptions).map(({ table }) => table.replaceAll('"', ""))

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("what is held of a person", (it) => {
  it.effect("is said of every table that there is", () =>
    Effect.gen(function* () {
      assert.sameMembers(yield* tablesThere, [...new Set([...tables, ...Object.keys(nobodys)])])
    })
  )

  it.effect("is handed out column by column, but for those that open something", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      for (const { table, withheld = [] } of heldTables(kindDescriptions)) {
        const columns = yield* sql.unsafe<{ readonly name: string }>(
          "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1",
          [table.replaceAll('"', "")]
        )
        const there = columns.map(({ name }) => name)
        assert.includeMembers(there, [...withheld], table)
        const opening = there.filter((name) => /token|password|secret|digest/i.test(name) && !withheld.includes(name))
        // When a token that is not there would end opens nothing.
        assert.deepStrictEqual(
          opening.filter((name) => !/ExpiresAt$/.test(name)),
          [],
          table
        )
      }
    })
  )

  it.effect("is read a page at a time, every row once, however many and however large they are", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { organization, userId } = yield* signedUp
      yield* sql.unsafe(
        `INSERT INTO entities (organization_id, entity_type_id, name, metadata)
        SELECT t.organization_id, t.id, 'entity ' || n,
          CASE WHEN n % 100 = 0 THEN jsonb_build_object('long', repeat('x', $2::integer)) ELSE '{}' END
        FROM entity_types t, generate_series(1, 999) AS n WHERE t.organization_id = $1 AND t.slug = '$member'`,
        [organization.id, heldPage.bytes]
      )
      const entities = (yield* held(userId)).filter(({ table }) => table === "entities")
      const written = entities.map(({ row }) => JSON.parse(row).name)
      assert.deepStrictEqual(
        written.slice(1),
        Array.from({ length: 999 }, (_, at) => `entity ${at + 1}`)
      )
    })
  )
})

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("a deleted account", (it) => {
  const settled = Effect.gen(function* () {
    const person = yield* signedUp
    const { organization, userId } = person
    const catalog = yield* TemplateCatalog
    const mirror = yield* TemplateMirror
    const linker = yield* IdentityLinker
    const codes = yield* InstallCodes
    const { templateAgentId } = yield* catalog.publish(template(`leaving-${names}`, oneOfEach))
    yield* mirror.apply({ userId, organizationId: organization.id, templateAgentId })
    const phone = `+44791112${1_000 + names}`
    yield* linker.claimPhone({ userId, organizationId: organization.id, phone })
    yield* codes.mint({ userId, templateAgentId })
    const sql = yield* SqlClient.SqlClient
    yield* sql.unsafe(
      `INSERT INTO verification (id, identifier, value, "expiresAt", "updatedAt") VALUES ($1, $1, $2, now() + interval '1 hour', now())`,
      [`reset-password:${names}`, userId]
    )
    yield* sql.unsafe(
      `INSERT INTO rate_limits (key, hits, allowed, expires_at) SELECT unnest($1::text[]), '{}', true, now() + interval '1 hour'`,
      [[`install:${userId}`, `change:${userId}`, `password:user ${userId}`]]
    )
    yield* sql`UPDATE entity_types SET name = 'Mine' WHERE organization_id = ${organization.id} AND slug = 'invoice'`
    return { ...person, phone }
  })

  /** Every table that says any of these anywhere. */
  const saying = (...texts: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const found: Array<string> = []
      for (const table of yield* tablesThere) {
        const rows = yield* sql.unsafe(
          `SELECT FROM "${table}" t WHERE to_jsonb(t)::text LIKE ANY (SELECT '%' || text || '%' FROM unnest($1::text[]) AS text)`,
          [texts]
        )
        if (rows.length > 0) found.push(table)
      }
      return found
    })

  it.effect("is named in no table any more", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { email, name, organization, phone, userId } = yield* settled
      assert.includeMembers(yield* saying(userId), ["user", "session", "verification", "rate_limits", "mirror_history"])
      assert.include(yield* saying(organization.id), "hand_edited_organizations")
      yield* accounts.delete(userId, right)
      assert.deepStrictEqual(yield* saying(userId, organization.id, email, name, phone), [])
    })
  )

  it.effect("has an index behind every look-up that its rows cause", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const unindexed = yield* sql.unsafe(`
        SELECT c.conrelid::regclass::text || ' ' || c.conname AS name
        FROM pg_constraint c
        WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace
          -- Nothing is ever deleted there.
          AND c.confrelid NOT IN ('identity_platforms'::regclass, 'identity_namespaces'::regclass)
          AND NOT EXISTS (
            SELECT FROM pg_index i
            WHERE i.indrelid = c.conrelid AND i.indisvalid AND i.indkey[0] = ANY (c.conkey)
              -- An index of live rows only, or of one state, finds no other.
              AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) LIKE '(% IS NOT NULL)')
          )
      `)
      assert.deepStrictEqual(unindexed, [])
    })
  )

  /** Holds a deletion up late on its way, when the organization is gone with all its rows, until what is given is done. */
  const heldUp = <A, E, R>(userId: UserId, meanwhile: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const sql = yield* SqlClient.SqlClient
      const until = yield* Effect.makeLatch()
      const holding = yield* Effect.makeLatch()
      const holder = yield* Effect.fork(
        sql.withTransaction(
          sql
            .unsafe("SELECT FROM rate_limits WHERE key = $1 FOR UPDATE", [`install:${userId}`])
            .pipe(Effect.zipRight(holding.open), Effect.zipRight(until.await))
        )
      )
      yield* holding.await
      const deletion = yield* Effect.fork(Effect.exit(accounts.delete(userId, right)))
      yield* waiting("DELETE FROM rate_limits")
      const done = yield* meanwhile
      yield* until.open
      yield* Fiber.join(holder)
      return [(yield* Fiber.join(deletion))._tag, done] as const
    })

  /** Waits until a statement waits for a lock; answers with the process of each that does. */
  const waiting = (statement: string) =>
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      sql
        .unsafe<{ readonly pid: number }>(
          `SELECT pid FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE '%' || $1::text || '%'`,
          [statement]
        )
        .pipe(
          Effect.filterOrFail((rows) => rows.length > 0),
          Effect.retry(Schedule.spaced("20 millis")),
          Effect.map((rows) => rows.map(({ pid }) => pid)),
          Effect.timeout("20 seconds")
        )
    )

  it.effect("is there as before where its deletion was cut off on the way, and goes when asked again", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const sql = yield* SqlClient.SqlClient
      const { userId } = yield* settled
      const before = yield* held(userId)
      const cut = Effect.flatMap(waiting("DELETE FROM rate_limits"), (pids) =>
        sql.unsafe("SELECT pg_terminate_backend(pid) FROM unnest($1::integer[]) AS pid", [pids])
      )
      assert.strictEqual((yield* heldUp(userId, cut))[0], "Failure")
      assert.deepStrictEqual(yield* held(userId), before)
      yield* accounts.delete(userId, right)
      assert.deepStrictEqual(yield* held(userId), [])
    })
  )

  it.effect("is signed in to, installed into and given codes by nobody who waits for it to go", () =>
    Effect.gen(function* () {
      const { email, organization, userId } = yield* settled
      const catalog = yield* TemplateCatalog
      const codes = yield* InstallCodes
      const mirror = yield* TemplateMirror
      const { templateAgentId } = yield* catalog.publish(template(`while-leaving-${names}`, []))
      const [outcome, waits] = yield* heldUp(
        userId,
        Effect.gen(function* () {
          const signIn = yield* Effect.fork(askAuth("sign-in/email", { email, password }))
          yield* waiting("insert into")
          const install = yield* Effect.fork(
            Effect.flip(mirror.apply({ userId, organizationId: organization.id, templateAgentId }))
          )
          const code = yield* Effect.fork(Effect.exit(codes.mint({ userId, templateAgentId })))
          yield* waiting("install_tokens")
          return { signIn, install, code }
        })
      )
      assert.strictEqual(outcome, "Success")
      assert.strictEqual((yield* Fiber.join(waits.signIn)).status, 401)
      assert.strictEqual((yield* Fiber.join(waits.install))._tag, "NotOrgAdmin")
      assert.strictEqual((yield* Fiber.join(waits.code))._tag, "Failure")
      assert.deepStrictEqual(yield* saying(userId, organization.id, email), [])
    })
  )

  it.effect("is signed in to by nobody, also where somebody does so while it goes", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      for (const wait of [0, 20, 60, 90, 120]) {
        const { email, userId } = yield* signedUp
        const [, ...answers] = yield* Effect.all(
          [
            Effect.delay(accounts.delete(userId, right), Duration.millis(wait)),
            ...Array.from({ length: 3 }, () => askAuth("sign-in/email", { email, password }))
          ],
          { concurrency: "unbounded" }
        )
        for (const { status } of answers) assert.include([200, 401], status)
        assert.deepStrictEqual(yield* saying(userId, email), [])
      }
    })
  )
})

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("an account among many", (it) => {
  it.effect(
    "is exported and deleted without any table being read whole",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const accounts = yield* Accounts
        const catalog = yield* TemplateCatalog
        const mirror = yield* TemplateMirror
        const { organization, userId } = yield* signedUp
        const { templateAgentId } = yield* catalog.publish(template("among-many", oneOfEach))
        yield* mirror.apply({ userId, organizationId: organization.id, templateAgentId })
        // As many again of whatever that person has.
        yield* sql.unsafe(
          `DO $$
        DECLARE person text := '${userId}'; home text := '${organization.id}'; people integer := ${people};
        BEGIN
          INSERT INTO "user" (id, name, email, "emailVerified") SELECT 'u' || n, 'U', 'u' || n || '@example.org', false FROM generate_series(1, people) n;
          INSERT INTO session (id, "expiresAt", token, "updatedAt", "userId") SELECT 's' || n, now() + interval '1 day', 's' || n, now(), 'u' || n FROM generate_series(1, people) n;
          INSERT INTO account (id, "accountId", "providerId", "userId", "updatedAt") SELECT 'a' || n, 'a' || n, 'credential', 'u' || n, now() FROM generate_series(1, people) n;
          INSERT INTO organization (id, name, slug, metadata) SELECT 'org_' || n, 'O', 'o' || n, jsonb_build_object('personal_org_for_user_id', 'u' || n) FROM generate_series(1, people) n;
          INSERT INTO member (organization_id, user_id, role) SELECT 'org_' || n, 'u' || n, 'owner' FROM generate_series(1, people) n;
          INSERT INTO agents (id, organization_id, name, owner_user_id, template_agent_id, revision) SELECT 'agent_' || n, 'org_' || n, 'A', 'u' || n, '${templateAgentId}', 1 FROM generate_series(1, people) n;
          INSERT INTO entity_types (organization_id, slug, name, managed_by_template_agent_id, source_template_org_id)
            SELECT 'org_' || n, t.slug, t.name, t.managed_by_template_agent_id, t.source_template_org_id FROM entity_types t, generate_series(1, people) n WHERE t.organization_id = home;
          INSERT INTO entity_relationship_types (organization_id, slug, name, managed_by_template_agent_id, source_template_org_id)
            SELECT 'org_' || n, t.slug, t.name, t.managed_by_template_agent_id, t.source_template_org_id FROM entity_relationship_types t, generate_series(1, people) n WHERE t.organization_id = home;
          INSERT INTO watchers (organization_id, slug, name, agent_id, managed_by_template_agent_id, source_template_org_id)
            SELECT 'org_' || n, t.slug, t.name, 'agent_' || n, t.managed_by_template_agent_id, t.source_template_org_id FROM watchers t, generate_series(1, people) n WHERE t.organization_id = home;
          INSERT INTO watcher_versions (watcher_id) SELECT id FROM watchers WHERE current_version_id IS NULL;
          UPDATE watchers w SET current_version_id = v.id FROM watcher_versions v WHERE v.watcher_id = w.id AND w.current_version_id IS NULL;
          INSERT INTO event_classifiers (organization_id, slug, name, watcher_id, managed_by_template_agent_id, source_template_org_id)
            SELECT w.organization_id, 'topic', 'T', w.id, w.managed_by_template_agent_id, w.source_template_org_id FROM watchers w WHERE w.organization_id LIKE 'org\\_%' AND w.agent_id LIKE 'agent\\__' || '%' AND NOT EXISTS (SELECT FROM event_classifiers c WHERE c.watcher_id = w.id);
          INSERT INTO event_classifier_versions (classifier_id) SELECT id FROM event_classifiers c WHERE NOT EXISTS (SELECT FROM event_classifier_versions v WHERE v.classifier_id = c.id);
          INSERT INTO entities (organization_id, entity_type_id, name) SELECT organization_id, id, 'E' FROM entity_types WHERE organization_id ~ '^org_[0-9]+$';
          INSERT INTO entity_relationships (organization_id, relationship_type_id, from_entity_id, to_entity_id)
            SELECT e.organization_id, r.id, e.id, e.id FROM entities e JOIN entity_relationship_types r ON r.organization_id = e.organization_id WHERE e.organization_id ~ '^org_[0-9]+$';
          INSERT INTO identity_links (id, organization_id, entity_id, platform, origin, person_agreed_at) SELECT 'l' || id, organization_id, id, 'whatsapp', 'typed', now() FROM entities WHERE organization_id ~ '^org_[0-9]+$';
          INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier, link_id) SELECT organization_id, id, 'phone', '+4479' || lpad(id::text, 8, '0'), 'l' || id FROM entities WHERE organization_id ~ '^org_[0-9]+$';
          INSERT INTO identity_refusals (organization_id, entity_id, namespace, identifier) SELECT organization_id, id, 'wa_lid', 'r' || id FROM entities WHERE organization_id ~ '^org_[0-9]+$';
          INSERT INTO install_tokens (user_id, template_agent_id, digest, expires_at) SELECT 'u' || n, '${templateAgentId}', sha256(convert_to('u' || n, 'UTF8')), now() + interval '1 day' FROM generate_series(1, people) n;
          INSERT INTO mirror_ledger (organization_id, template_agent_id, kind, source_id, copy_id, slug, applied_hash)
            SELECT 'org_' || n, l.template_agent_id, l.kind, l.source_id, l.copy_id, l.slug, l.applied_hash FROM mirror_ledger l, generate_series(1, people) n WHERE l.organization_id = home;
          INSERT INTO mirror_history (organization_id, template_agent_id, agent_id, user_id, action, revision, rows)
            SELECT 'org_' || n, '${templateAgentId}', 'agent_' || n, 'u' || n, 'install', 1, '[]' FROM generate_series(1, people) n;
          INSERT INTO rate_limits (key, hits, allowed, expires_at) SELECT 'install:u' || n, '{}', true, now() + interval '1 day' FROM generate_series(1, people) n;
          INSERT INTO verification (id, identifier, value, "expiresAt", "updatedAt") SELECT 'v' || n, 'v' || n, 'u' || n, now() + interval '1 day', now() FROM generate_series(1, people) n;
        END $$`
        )
        yield* sql.unsafe("ANALYZE")
        const scans = Effect.gen(function* () {
          // Each connection tells what it read when it is told to.
          const told = sql.unsafe("SELECT pg_stat_force_next_flush(), pg_sleep(0.1)")
          yield* Effect.replicateEffect(told, 12, { concurrency: "unbounded" })
          const rows = yield* sql.unsafe<{ readonly name: string; readonly scans: number }>(
            `SELECT c.relname AS name, seq_scan::integer AS scans FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
          WHERE c.reltuples >= ${people} ORDER BY 1`
          )
          return Object.fromEntries(rows.map(({ name, scans }) => [name, scans]))
        })
        const before = yield* scans
        assert.isAbove(Object.keys(before).length, 15)
        const rows = yield* held(userId)
        assert.isAbove(rows.length, 15)
        yield* accounts.delete(userId, right)
        assert.deepStrictEqual(yield* scans, before)
      }),
    120_000
  )
})
