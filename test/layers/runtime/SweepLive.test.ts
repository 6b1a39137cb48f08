import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import { constEpochMillis } from "@effect/cluster/Snowflake"
import * as SqlMessageStorage from "@effect/cluster/SqlMessageStorage"
import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Clock, Deferred, Duration, Effect, Fiber, Layer, TestClock } from "effect"
import { beginningOf, SweepLive, sweep, sweepStatement, sweptTables } from "../../../src/layers/runtime/SweepLive.ts"
import { PgTest } from "../../pg.ts"

const options = { history: Duration.days(365), closedLinks: Duration.days(90), events: Duration.days(30) }

/** The tables of the engine that carries roll-outs on, as that makes them. */
const Engine = Layer.provide(SqlMessageStorage.layer, ShardingConfig.layer())

/** The id that the engine gives at a time. */
const idAt = (time: string) => `((extract(epoch FROM ${time}) * 1000 - ${constEpochMillis})::bigint << 22)`

/** What the engine keeps of attempts of roll-outs, each with one step, and of something that is not ours. */
const steps = `
  INSERT INTO template_revisions (template_agent_id, revision, name, description, hash) VALUES
    ('t1', 1, 'T', 'T', 'h'), ('t2', 1, 'T', 'T', 'h'), ('t3', 1, 'T', 'T', 'h');
  INSERT INTO rollouts (id, template_agent_id, revision, waves, sizes, advance, stop_above, attempt, state, because, worked_at, ended_at)
  SELECT id, template, 1, '{100}', '{1}', 'manual', 0, attempt, state, because, at, CASE state WHEN 'done' THEN at END FROM (VALUES
    ('done', 't1', 2, 'done', NULL, now() - interval '25 hours'), ('just done', 't1', 1, 'done', NULL, now() - interval '23 hours'),
    ('paused', 't1', 1, 'paused', 'asked', now() - interval '25 hours'),
    ('just paused', 't2', 1, 'paused', 'asked', now() - interval '23 hours'),
    ('running', 't3', 2, 'running', NULL, now() - interval '25 hours')
  ) r (id, template, attempt, state, because, at);
  WITH a (execution, type, rollout, attempt, hours) AS (VALUES
    ('old, done', 'Rollout', 'done', 2, 26), ('old, done, another attempt', 'Rollout', 'done', 1, 30),
    ('just done', 'Rollout', 'just done', 1, 26), ('old, paused', 'Rollout', 'paused', 1, 26),
    ('just paused', 'Rollout', 'just paused', 1, 26), ('running', 'Rollout', 'running', 2, 26),
    ('old, an attempt before', 'Rollout', 'running', 1, 26), ('an attempt before, young', 'Rollout', 'running', 0, 23),
    ('old, of a template that is gone', 'Rollout', 'gone', 1, 26), ('not ours', 'Other', 'done', 2, 26)
  ),
  s AS (
    SELECT a.*, step.*, ${idAt("now() - make_interval(hours => hours)")} + row_number() OVER () AS id
    FROM a, (VALUES ('run', ''), ('activity', 'step 0/1')) step (tag, key)
  ),
  m AS (
    INSERT INTO cluster_messages (id, message_id, shard_id, entity_type, entity_id, kind, tag, payload, request_id)
    SELECT id, concat_ws('/', 'Workflow', type, execution, tag, key), 'default:1', 'Workflow/' || type, execution, 0, tag,
      CASE tag WHEN 'run' THEN json_build_object('rolloutId', rollout, 'attempt', attempt) ELSE '{"name":"step 0","attempt":1}' END, id
    FROM s
  )
  INSERT INTO cluster_replies (id, kind, request_id, payload) SELECT id + 100, 0, id, '{}' FROM s;
`

/** Two people with rows of every age; each row's name says whether it stays (`old`, where it goes). */
const rows = `
  INSERT INTO "user" (id, name, email, "emailVerified") VALUES ('u', 'U', 'u@example.org', false);
  INSERT INTO organization (id, name, slug) VALUES ('org_a', 'A', 'a'), ('org_b', 'B', 'b'), ('org_t', 'T', 't');
  INSERT INTO agents (id, organization_id, slug, name) VALUES ('t1', 'org_t', 't1', 'T'), ('t2', 'org_t', 't2', 'T'), ('t3', 'org_t', 't3', 'T');
  INSERT INTO entity_types (id, organization_id, slug, name) VALUES (101, 'org_a', '$member', 'M'), (102, 'org_b', '$member', 'M');
  INSERT INTO entities (id, organization_id, entity_type_id) VALUES (101, 'org_a', 101), (102, 'org_b', 102);

  INSERT INTO session (id, "expiresAt", token, "updatedAt", "userId") VALUES
    ('alive', now() + interval '1 minute', 'a', now(), 'u'), ('old', now() - interval '1 second', 'b', now(), 'u'),
    ('old too', now() - interval '2 years', 'c', now(), 'u');
  INSERT INTO verification (id, identifier, value, "expiresAt", "updatedAt") VALUES
    ('waiting', 'x', 'y', now() + interval '1 minute', now()), ('old', 'x', 'y', now() - interval '1 second', now());
  INSERT INTO install_tokens (user_id, template_agent_id, digest, expires_at, used_at) VALUES
    ('u', 't1', decode(repeat('01', 32), 'hex'), now() + interval '1 minute', NULL),
    ('u', 't2', decode(repeat('02', 32), 'hex'), now() - interval '23 hours', now()),
    ('u', 't3', decode(repeat('03', 32), 'hex'), now() - interval '25 hours', now());
  INSERT INTO kept_answers (digest, fingerprint, answer, created_at) VALUES
    ('kept', '', '', now() - interval '23 hours'), ('old', '', '', now() - interval '25 hours');
  INSERT INTO rate_limits (key, hits, allowed, expires_at) VALUES
    ('running', '{}', true, now() + interval '1 minute'), ('old', '{}', true, now() - interval '1 second');

  INSERT INTO identity_links (id, organization_id, entity_id, platform, origin, person_agreed_at, sender_agreed_at, created_at, expires_at, closed_at) VALUES
    ('asked', 'org_a', 101, 'whatsapp', 'typed', now(), NULL, now(), now() + interval '1 day', NULL),
    ('lapsed, a no may come', 'org_b', 102, 'whatsapp', 'typed', now(), NULL, now(), now() - interval '6 days', NULL),
    ('old, lapsed', 'org_a', 101, 'whatsapp', 'code', now(), NULL, now() - interval '9 days', now() - interval '8 days', NULL),
    ('closed', 'org_a', 101, 'whatsapp', 'typed', now(), NULL, now(), now(), now() - interval '89 days'),
    ('old, closed', 'org_a', 101, 'whatsapp', 'typed', now(), NULL, now(), now(), now() - interval '91 days'),
    ('old, without any', 'org_a', 101, 'whatsapp', 'typed', now(), NULL, now(), now(), now() - interval '900 days'),
    ('verified', 'org_a', 101, 'whatsapp', 'typed', now(), now(), now(), now(), now() - interval '900 days'),
    ('displaced', 'org_b', 102, 'whatsapp', 'typed', now(), now(), now(), now(), now() - interval '900 days'),
    ('verified, ended lately', 'org_b', 102, 'whatsapp', 'typed', now(), now(), now(), now(), now() - interval '900 days'),
    ('old, verified, ended', 'org_b', 102, 'whatsapp', 'typed', now(), now(), now(), now(), now() - interval '900 days');
  INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier, state, link_id, deleted_at) VALUES
    ('org_a', 101, 'auth_user_id', 'u', 'verified', NULL, NULL),
    ('org_a', 101, 'email', 'ended', 'claimed', NULL, now() - interval '89 days'),
    ('org_a', 101, 'email', 'old, ended', 'claimed', NULL, now() - interval '91 days'),
    ('org_a', 101, 'wa_lid', 'asked', 'claimed', 'asked', NULL),
    ('org_a', 101, 'wa_lid', 'old, lapsed', 'claimed', 'old, lapsed', NULL),
    ('org_a', 101, 'wa_lid', 'closed', 'claimed', 'closed', now() - interval '89 days'),
    ('org_a', 101, 'wa_lid', 'old, closed', 'claimed', 'old, closed', now() - interval '91 days'),
    ('org_a', 101, 'wa_lid', 'verified', 'verified', 'verified', NULL),
    ('org_a', 101, 'wa_bsuid', 'verified, ended beside it', 'verified', 'verified', now() - interval '900 days'),
    ('org_b', 102, 'wa_lid', 'displaced', 'displaced', 'displaced', NULL),
    ('org_b', 102, 'wa_lid', 'ended lately', 'verified', 'verified, ended lately', now() - interval '1 day'),
    ('org_b', 102, 'wa_lid', 'old, verified, ended', 'verified', 'old, verified, ended', now() - interval '800 days');
  INSERT INTO identity_refusals (organization_id, entity_id, namespace, identifier, refused_at) VALUES
    ('org_a', 101, 'wa_lid', 'no', now() - interval '900 days');

  INSERT INTO mirror_history (organization_id, template_agent_id, agent_id, user_id, action, revision, rows, created_at) VALUES
    ('org_a', 't1', 'old', 'u', 'install', 1, '[]', now() - interval '900 days'),
    ('org_a', 't1', 'old', 'u', 'resync', 2, '[]', now() - interval '366 days'),
    ('org_a', 't1', 'within a year', 'u', 'resync', 3, '[]', now() - interval '364 days'),
    ('org_a', 't1', 'newest', 'u', 'resync', 4, '[]', now()),
    ('org_b', 't1', 'old', 'u', 'install', 1, '[]', now() - interval '900 days'),
    ('org_b', 't1', 'newest of b', 'u', 'uninstall', NULL, '[]', now() - interval '800 days'),
    ('org_a', 't2', 'newest of t2', 'u', 'install', 1, '[]', now() - interval '900 days');
`

const tables = {
  session: "id",
  verification: "id",
  install_tokens: "template_agent_id",
  rate_limits: "key",
  kept_answers: "convert_from(digest, 'UTF8')",
  identity_links: "id",
  entity_identities: "identifier",
  identity_refusals: "identifier",
  mirror_history: "agent_id",
  cluster_messages: "entity_id || ' ' || tag",
  cluster_replies: "(SELECT entity_id || ' ' || tag FROM cluster_messages m WHERE m.id = cluster_replies.request_id)"
}

const left = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const found: Record<string, ReadonlyArray<unknown>> = {}
  for (const [table, column] of Object.entries(tables)) {
    const names = yield* sql.unsafe(`SELECT ${column} AS name FROM ${table} ORDER BY ${column} COLLATE "C"`)
    found[table] = names.map((row) => Object.values(row)[0])
  }
  return found
})

const empty = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql.unsafe(
    `TRUNCATE "user", organization, verification, rate_limits, kept_answers, cluster_messages, cluster_replies CASCADE`
  )
)

layer(Layer.provideMerge(Engine, PgTest), { timeout: "60 seconds", excludeTestServices: true })("what is old", (it) => {
  it.effect("is deleted, and nothing else is", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* empty
      yield* sql.unsafe(rows)
      yield* sql.unsafe(steps)
      assert.deepStrictEqual(yield* sweep(options), {
        sessions: 2,
        verifications: 1,
        "install codes": 1,
        "kept answers": 1,
        "unanswered links": 1,
        "closed links": 3,
        "ended identities": 1,
        history: 3,
        "steps of roll-outs": 10,
        "answers to steps of roll-outs": 10,
        "spent rate limits": 1
      })
      const stepsLeft = ["an attempt before, young", "just done", "just paused", "not ours", "running"].flatMap(
        (execution) => [`${execution} activity`, `${execution} run`]
      )
      assert.deepStrictEqual(yield* left, {
        session: ["alive"],
        verification: ["waiting"],
        install_tokens: ["t1", "t2"],
        kept_answers: ["kept"],
        rate_limits: ["running"],
        identity_links: ["asked", "closed", "displaced", "lapsed, a no may come", "verified", "verified, ended lately"],
        entity_identities: [
          ...["asked", "closed", "displaced", "ended", "ended lately", "u", "verified", "verified, ended beside it"]
        ],
        identity_refusals: ["no"],
        mirror_history: ["newest", "newest of b", "newest of t2", "within a year"],
        cluster_messages: stepsLeft,
        cluster_replies: stepsLeft
      })
      assert.deepStrictEqual(yield* sweep(options), {})
    })
  )

  it.effect("goes in batches, past what stays, also where several processes are at it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* empty
      yield* sql.unsafe(rows)
      yield* sql.unsafe(`
        INSERT INTO session (id, "expiresAt", token, "updatedAt", "userId")
        SELECT 's' || n, now() - interval '1 day', 's' || n, now(), 'u' FROM generate_series(1, 2500) AS n;
        INSERT INTO rate_limits (key, hits, allowed, expires_at)
        SELECT 'k' || n, '{}', true, now() + interval '1 day' * (CASE WHEN n % 2 = 0 THEN 1 ELSE -1 END)
        FROM generate_series(1, 2500) AS n;
        INSERT INTO mirror_history (organization_id, template_agent_id, agent_id, user_id, action, revision, rows, created_at)
        SELECT 'org_a', 't3', 'a', 'u', 'resync', n, '[]', now() - interval '2 years' FROM generate_series(1, 2500) AS n;
      `)
      const done = yield* Effect.all([sweep(options), sweep(options), sweep(options)], { concurrency: "unbounded" })
      const total = (what: string) => done.reduce((sum, deleted) => sum + (deleted[what] ?? 0), 0)
      assert.deepStrictEqual(
        [total("sessions"), total("spent rate limits"), total("history")],
        [2_502, 1_251, 2_499 + 3]
      )
    })
  )

  it.effect("is left where somebody is at it, and when another process sweeps, without a wait", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* empty
      yield* sql.unsafe(rows)
      const held = yield* Deferred.make<void>()
      const released = yield* Deferred.make<void>()
      const holder = yield* sql
        .withTransaction(
          Effect.gen(function* () {
            yield* sql`SELECT FROM session WHERE id = 'old' FOR UPDATE`
            yield* sql`SELECT pg_advisory_xact_lock(7203115, ${sweptTables(options).length - 1}::integer)`
            yield* Deferred.succeed(held, undefined)
            yield* Deferred.await(released)
          })
        )
        .pipe(Effect.fork)
      yield* Deferred.await(held)
      const first = yield* sweep(options)
      assert.deepStrictEqual([first.sessions, first["spent rate limits"]], [1, undefined])
      yield* Deferred.succeed(released, undefined)
      yield* Fiber.join(holder)
      assert.deepStrictEqual(yield* sweep(options), { sessions: 1, "spent rate limits": 1 })
    })
  )

  it.effect("is found by an index", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      for (const [place, one] of sweptTables(options).entries()) {
        // As with many rows, where reading and sorting all of them is what costs.
        const plan = yield* sql.withTransaction(
          Effect.zipRight(
            sql`SELECT set_config(name, 'off', true) FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_sort']) AS name`,
            sql.unsafe(`EXPLAIN ${sweepStatement(one)}`, [1, beginningOf(one), 1_000, place])
          )
        )
        const text = plan.map((line) => String(Object.values(line)[0])).join("\n")
        assert.notMatch(text, /Seq Scan/, text)
        const walked = text.slice(text.indexOf("CTE walked"), text.indexOf("CTE due"))
        assert.match(walked, /Index (Only )?Scan using/, text)
        assert.match(walked, /Index Cond: /, text)
        assert.notMatch(walked, /-> +Sort/, text)
      }
    })
  )
})

layer(PgTest, { timeout: "60 seconds" })("the sweep", (it) => {
  it.scoped("runs a minute after the start, and each hour", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* Layer.build(SweepLive(options))
      const keys = Effect.map(sql`SELECT key FROM rate_limits ORDER BY key`, (found) => found.map(({ key }) => key))
      const until = (expected: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          for (let tries = 0; tries < 100; tries++) {
            if ((yield* keys).join() === expected.join()) break
            yield* Effect.sleep("20 millis")
          }
          assert.deepStrictEqual(yield* keys, [...expected])
        }).pipe(Effect.withClock(Clock.make()))
      for (const wait of ["1 minute", "1 hour"] as const) {
        yield* sql`
          INSERT INTO rate_limits (key, hits, allowed, expires_at)
          VALUES ('gone', '{}', true, now() - interval '1 second'), ('stays', '{}', true, now() + interval '1 day')
          ON CONFLICT DO NOTHING
        `
        yield* TestClock.adjust(wait)
        yield* until(["stays"])
      }
    })
  )
})
