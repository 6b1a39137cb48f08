import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { SqlClient } from "@effect/sql"
import { fromRecord, make as makeMigrator } from "@effect/sql/Migrator"
import { assert, describe, it, layer } from "@effect/vitest"
import { getMigrations } from "better-auth/db/migration"
import { Effect, Layer, Redacted } from "effect"
import { migrations } from "../../../migrations/index.ts"
import { contentSize, contentText } from "../../../src/domain/catalog/Content.ts"
import { kindDescriptions } from "../../../src/domain/catalog/Kind.ts"
import { platforms } from "../../../src/domain/identity/Platform.ts"
import { reservedSlugs } from "../../../src/domain/Slug.ts"
import { makeBetterAuth } from "../../../src/layers/account/BetterAuthLive.ts"
import { IdentityLinkerLive } from "../../../src/layers/identity/IdentityLinkerLive.ts"
import { ConnectionLive, migrate, PgPool, PgPoolLive } from "../../../src/layers/postgres/Database.ts"
import { IdentityLinker } from "../../../src/services/identity/IdentityLinker.ts"
import { readSender } from "../../../src/services/identity/ReadSender.ts"
import { sameContents } from "../../fixtures/contents.ts"
import { ownDatabase, PgTest } from "../../pg.ts"

/** The migrations that databases have applied, by the SHA-256 of their files. */
const landed: Readonly<Record<string, string>> = {
  "0001_accounts": "283325d8a8d47b2007364c29ffec59a733a012e20d38b9714b05b1a16491c70f",
  "0002_organizations": "b13e7534cf3f2c5e1acad01b628a98e654f4b191a52dc45fdfd04a17ea94c433",
  "0003_agents": "16646152ba4504aac2fad2829a27f8a0a48a0743f967c01fc550e85e58483f57",
  "0004_definitions": "21d356a50ca1fc0e2f652ad21ee61425f1f127384d16223243bda5e6b94d079c",
  "0005_entities": "26d1d760268e8913250a675ce91d5e7cafdc1ea0ae314dd71dc7de0993ea1172",
  "0006_mirror": "43b6746df843834e6b2af21233200b21285879daf1b3d5d9e0f028d7dd876507",
  "0007_rate_limits": "09540167c365ed142609259279f05f9ea9b5407138ce478d3a01e604e8820c92",
  "0008_mirror_history": "1bc4cb91084fc6c2166e3bdce7255b2daef87ec81be39b973983340febc0bb80",
  "0009_identities": "0f45782e56e0b3b68786b32ec4b508955f04c3dc9d810422f9f606b4a17ac198",
  "0010_identity_answers": "740622c0f53f0e6b701f4046f973e365a9942afb51d758ddb6eeb92910f64498",
  "0011_revision_documents": "0b744a60918495412ed5f35c16e20152d0a1ec15a1b4d925c1f3263ea6cd6e43",
  "0012_agents_by_template": "e10d7631e1b1833ed42273774ec6817788eca3f385558fd5aa81fc6fbd6ee819",
  "0013_remove_agent_plans": "eba81cb1583e4e7966fcd0b0c6d8d13e344f8d9ab36cac216abf4d68eb8cd7bb",
  "0014_slugs_of_publishers": "33042d39fea582f72fdbf23e755e2f71cdb44994aa94077b6aeb8ab8ee252eaa",
  "0015_content_texts": "81cbb34b0659c1c01866d89571e83d20d0573ab3389cbff3c9b45df374b1cfeb",
  "0016_left_rows": "10e6073ab4c17d6106841d02cfdca48fce418399b15dadb1dadd801913454dc4",
  "0017_sweep": "e37087e26c2d57f7a95199370c6d1df97076c3e23ee8ebcaa470f96933342937"
}

describe("the migrations", () => {
  it("that have landed are as they were", () => {
    for (const [name, hash] of Object.entries(landed)) {
      const text = readFileSync(new URL(`../../../migrations/${name}.ts`, import.meta.url))
      assert.strictEqual(createHash("sha256").update(text).digest("hex"), hash, `${name} has changed: add one instead`)
    }
  })

  it("have an id each, in order", () => {
    const ids = Object.keys(migrations).map((name) => name.slice(0, 5))
    for (const id of ids) assert.match(id, /^\d{4}_$/)
    assert.deepStrictEqual(ids, [...new Set(ids)].sort())
  })

  it.scopedLive("are applied once by many that start at once on an empty database", () =>
    Effect.gen(function* () {
      const url = yield* ownDatabase("template0")
      const start = migrate.pipe(Effect.provide(ConnectionLive({ url, maxConnections: 2 })))
      yield* Effect.all([start, start, start, start], { concurrency: "unbounded" })
      const applied = yield* SqlClient.SqlClient.pipe(
        Effect.flatMap((sql) => sql`SELECT name FROM effect_sql_migrations ORDER BY migration_id`),
        Effect.provide(ConnectionLive({ url, maxConnections: 1 }))
      )
      assert.deepStrictEqual(
        applied.map(({ name }) => name),
        Object.keys(migrations).map((name) => name.slice(5))
      )
    })
  )
})

describe("what was claimed before there were links", () => {
  it.scopedLive("can be asked about and confirmed like what is claimed now", () =>
    Effect.gen(function* () {
      const url = yield* ownDatabase("template0")
      const program = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const earlier = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < "0009"))
        yield* makeMigrator({})({ loader: fromRecord(earlier) })
        yield* sql`INSERT INTO "user" (id, name, email, "emailVerified") VALUES ('u', 'U', 'u@example.org', false)`
        yield* sql`INSERT INTO organization (id, name, slug) VALUES ('org_a', 'A', 'a')`
        yield* sql`INSERT INTO entity_types (id, organization_id, slug, name) VALUES (101, 'org_a', '$member', 'M')`
        yield* sql`INSERT INTO entities (id, organization_id, entity_type_id) VALUES (101, 'org_a', 101)`
        yield* sql`
          INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier, state)
          VALUES ('org_a', 101, 'auth_user_id', 'u', 'verified'), ('org_a', 101, 'phone', '+447911123456', 'claimed'),
            ('org_a', 101, 'wa_jid', '447911123456@s.whatsapp.net', 'claimed')
        `
        yield* makeMigrator({})({ loader: fromRecord(migrations) })
        const linker = yield* Effect.provide(IdentityLinker, IdentityLinkerLive({ defaultCountry: "GB" }))
        const sender = yield* readSender({ platform: "whatsapp", platformUserId: "447911123456@s.whatsapp.net" })
        const [found = null] = yield* linker.lookup({
          identities: [{ namespace: "phone", identifier: "+447911123456" }]
        })
        const prompt = found !== null && "prompt" in found ? found.prompt : undefined
        return yield* linker.answer({ linkId: prompt?.pendingId ?? ("" as never), sender, yes: true })
      })
      const said = yield* program.pipe(Effect.provide(ConnectionLive({ url, maxConnections: 2 })))
      assert.strictEqual(said, "verified")
    })
  )
})

describe("what uninstalls left before", () => {
  it.scopedLive("is seen, and loses its tags where nothing remembers it", () =>
    Effect.gen(function* () {
      const url = yield* ownDatabase("template0")
      const program = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const earlier = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < "0016"))
        yield* makeMigrator({})({ loader: fromRecord(earlier) })
        yield* sql`INSERT INTO organization (id, name, slug) VALUES ('org_a', 'A', 'a'), ('org_p', 'P', 'p')`
        yield* sql`INSERT INTO agents (id, organization_id, name) VALUES ('agent_gone', 'org_p', 'G'), ('agent_here', 'org_p', 'H')`
        yield* sql`INSERT INTO agents (organization_id, name, template_agent_id) VALUES ('org_a', 'I', 'agent_here')`
        yield* sql`
          INSERT INTO watchers (organization_id, slug, name, deleted_at, retired_at, managed_by_template_agent_id, source_template_org_id)
          SELECT 'org_a', slug, slug, deleted, retired, template, 'org_p'
          FROM (VALUES
            ('deleted', now(), NULL, 'agent_gone'), ('tombstone', now(), NULL, 'agent_here'), ('used', NULL, now(), 'agent_gone'),
            ('adopted', NULL, now(), 'agent_gone'), ('hidden', NULL, now(), 'agent_here')
          ) AS rows (slug, deleted, retired, template)
        `
        yield* sql`
          INSERT INTO mirror_ledger (organization_id, template_agent_id, kind, source_id, copy_id, slug, applied_hash, adopted)
          SELECT 'org_a', managed_by_template_agent_id, 'watchers', id, id, slug, 'h', slug IN ('adopted', 'hidden')
          FROM watchers WHERE slug <> 'deleted'
        `
        yield* makeMigrator({})({ loader: fromRecord(migrations) })
        return yield* sql`
          SELECT w.slug, w.retired_at IS NOT NULL AS retired, w.managed_by_template_agent_id AS managed_by,
            EXISTS (SELECT FROM mirror_ledger l WHERE l.copy_id = w.id) AS remembered
          FROM watchers w ORDER BY w.slug
        `
      })
      const rows = yield* program.pipe(Effect.provide(ConnectionLive({ url, maxConnections: 2 })))
      assert.deepStrictEqual(rows, [
        { slug: "adopted", retired: false, managedBy: null, remembered: false },
        { slug: "deleted", retired: false, managedBy: null, remembered: false },
        { slug: "hidden", retired: true, managedBy: "agent_here", remembered: true },
        { slug: "tombstone", retired: false, managedBy: "agent_here", remembered: true },
        { slug: "used", retired: false, managedBy: "agent_gone", remembered: true }
      ])
    })
  )
})

layer(PgTest, { timeout: "60 seconds", excludeTestServices: true })("the schema", (it) => {
  const fails = (statement: string) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const error = yield* Effect.flip(sql.unsafe(statement))
      return (error.cause as { readonly constraint?: string; readonly code?: string }).code
    })

  it.effect("has the chat platforms of the code, and the namespaces of their senders", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql`
        SELECT platform, array_agg(namespace ORDER BY namespace) AS namespaces
        FROM identity_platforms JOIN identity_namespaces USING (platform) GROUP BY platform ORDER BY platform
      `
      assert.deepStrictEqual(
        rows.map(({ namespaces, platform }) => [platform, namespaces]) as ReadonlyArray<unknown>,
        Object.entries(platforms).map(([platform, { namespaces }]) => [platform, namespaces.toSorted()])
      )
    })
  )

  it.effect("keeps the document of each kind and the rest beside the content of what is published", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const documents = kindDescriptions.map(({ document, kind }) => ({ kind, document }))
      const kept = yield* sql.unsafe(
        `WITH o AS (INSERT INTO organization (id, name, slug) VALUES ('org_d', 'D', 'd') RETURNING id),
        a AS (INSERT INTO agents (id, organization_id, name) SELECT 'agent_d', id, 'D' FROM o RETURNING id),
        v AS (
          INSERT INTO template_revisions (template_agent_id, revision, hash, name, description)
          SELECT id, 1, 'h', 'D', '' FROM a RETURNING template_agent_id
        )
        INSERT INTO template_revision_rows (template_agent_id, revision, kind, slug, source_id, hash, content)
        SELECT v.template_agent_id, 1, d.kind, filled::text, filled, 'h',
          jsonb_build_object(d.document, CASE filled WHEN 1 THEN '{"a": [1]}'::jsonb WHEN 2 THEN 'null' END, 'slug', 's')
        FROM v, jsonb_to_recordset($1::jsonb) AS d (kind text, document text), generate_series(1, 2) AS filled
        RETURNING kind, slug, document, rest`,
        [JSON.stringify(documents)]
      )
      assert.sameDeepMembers(
        [...kept],
        documents.flatMap(({ kind }) => [
          { kind, slug: "1", document: { a: [1] }, rest: { slug: "s" } },
          { kind, slug: "2", document: null, rest: { slug: "s" } }
        ])
      )
    })
  )

  it.effect("has all that better-auth wants of it", () =>
    Effect.gen(function* () {
      const pool = yield* PgPool
      const auth = makeBetterAuth(
        pool,
        { baseUrl: "http://127.0.0.1:3000", ownOrigins: [], secret: Redacted.make("x".repeat(32)) },
        { signedIn: () => Promise.resolve(), log: () => {} }
      )
      const { toBeAdded, toBeCreated } = yield* Effect.promise(() => getMigrations(auth.options))
      assert.deepStrictEqual({ toBeAdded, toBeCreated }, { toBeAdded: [], toBeCreated: [] })
    })
  )

  it.effect("indexes agents by their template in no other place than the first", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const places = yield* sql`
        SELECT place::integer
        FROM pg_index
        CROSS JOIN LATERAL unnest(indkey::smallint[]) WITH ORDINALITY AS key (attnum, place)
        JOIN pg_attribute a ON a.attrelid = indrelid AND a.attnum = key.attnum
        WHERE indrelid = 'agents'::regclass AND a.attname = 'template_agent_id'
      `
      assert.deepStrictEqual(places, [{ place: 1 }])
    })
  )

  it.effect("reserves the slugs that the domain reserves, and no others", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const [constraint] = yield* sql`
        SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'organization_slug_not_reserved'
      `
      const reserved = [...String(constraint?.text).matchAll(/'([^']*)'/g)].map(([, slug]) => slug)
      assert.deepStrictEqual(reserved.sort(), [...reservedSlugs].sort())
      assert.strictEqual(yield* fails("INSERT INTO organization (name, slug) VALUES ('x', 'api')"), "23514")
    })
  )

  it.effect("makes the wrong states impossible", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`INSERT INTO organization (id, name, slug) VALUES ('org_a', 'A', 'a'), ('org_b', 'B', 'b')`
      yield* sql`INSERT INTO "user" (id, name, email, "emailVerified") VALUES ('u', 'U', 'u@example.org', false)`
      yield* sql`INSERT INTO agents (id, organization_id, name) VALUES ('agent_t', 'org_a', 'T'), ('agent_b', 'org_b', 'B')`
      yield* sql`INSERT INTO agents (organization_id, name, template_agent_id) VALUES ('org_b', 'I', 'agent_t')`
      yield* sql`INSERT INTO entity_types (id, organization_id, slug, name) VALUES (101, 'org_a', 'a', 'A'), (102, 'org_b', 'b', 'B')`
      yield* sql`INSERT INTO entities (id, organization_id, entity_type_id) VALUES (101, 'org_a', 101), (102, 'org_b', 102)`
      yield* sql`INSERT INTO watchers (id, organization_id, slug, name) VALUES (101, 'org_a', 'w', 'W')`
      yield* sql`INSERT INTO event_classifiers (id, organization_id, slug, name) VALUES (101, 'org_a', 'c', 'C')`
      yield* sql`INSERT INTO event_classifier_versions (classifier_id) VALUES (101)`
      yield* sql`
        INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier, state)
        VALUES ('org_a', 101, 'phone', '+447911123456', 'verified'), ('org_b', 102, 'phone', '+447911123456', 'claimed')
      `
      yield* sql`
        INSERT INTO organization (name, slug, metadata) VALUES ('P', 'p', '{"personal_org_for_user_id": "u"}')
      `
      yield* sql`
        INSERT INTO identity_links (id, organization_id, entity_id, platform, origin, person_agreed_at)
        VALUES ('link_open', 'org_b', 102, 'whatsapp', 'typed', now())
      `
      yield* sql`
        INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier, link_id)
        VALUES ('org_b', 102, 'wa_jid', '447911123456@s.whatsapp.net', 'link_open')
      `
      const wrong: ReadonlyArray<readonly [code: string, statement: string]> = [
        ["23505", "INSERT INTO organization (name, slug) VALUES ('x', 'a')"],
        ["23505", "INSERT INTO organization (name, slug, visibility) VALUES ('x', 'a', 'public')"],
        [
          "23505",
          `INSERT INTO organization (name, slug, metadata) VALUES ('x', 'p', '{"personal_org_for_user_id": "w"}')`
        ],
        ["23505", "UPDATE organization SET slug = 'a', visibility = 'public' WHERE slug = 'p'"],
        [
          "23505",
          `INSERT INTO organization (name, slug, metadata) VALUES ('Q', 'q', '{"personal_org_for_user_id": "u"}')`
        ],
        ["23514", "INSERT INTO organization (name, slug) VALUES ('x', 'Not A Slug')"],
        ["23514", "INSERT INTO organization (name, slug, metadata) VALUES ('x', 'x', '[]')"],
        ["23514", "INSERT INTO organization (name, slug, visibility) VALUES ('x', 'x', 'secret')"],
        ["23514", "INSERT INTO member (organization_id, user_id, role) VALUES ('org_a', 'u', 'guest')"],
        ["23505", "INSERT INTO agents (organization_id, name, template_agent_id) VALUES ('org_b', 'J', 'agent_t')"],
        ["23514", "UPDATE agents SET slug = 'x' WHERE template_agent_id IS NOT NULL"],
        ["23514", "UPDATE agents SET template_agent_id = id WHERE id = 'agent_b'"],
        ["23505", "INSERT INTO entity_types (organization_id, slug, name) VALUES ('org_a', 'a', 'A')"],
        ["23503", "UPDATE entity_types SET managed_by_template_agent_id = 'agent_t', source_template_org_id = 'org_b'"],
        ["23503", "UPDATE entity_types SET managed_by_template_agent_id = 'agent_t'"],
        [
          "23514",
          `INSERT INTO entity_types (organization_id, slug, name, managed_by_template_agent_id, source_template_org_id)
                   VALUES ('org_b', '$member', 'M', 'agent_t', 'org_a')`
        ],
        ["23503", "INSERT INTO entities (organization_id, entity_type_id) VALUES ('org_b', 101)"],
        ["23503", "UPDATE watchers SET agent_id = 'agent_b'"],
        [
          "23503",
          "INSERT INTO event_classifiers (organization_id, slug, name, watcher_id) VALUES ('org_b', 'd', 'D', 101)"
        ],
        ["23505", "INSERT INTO event_classifier_versions (classifier_id, version) VALUES (101, 2)"],
        ["23505", "UPDATE entity_identities SET state = 'verified'"],
        ["23503", "UPDATE entity_identities SET state = 'verified' WHERE link_id = 'link_open'"],
        ["23503", "UPDATE entity_identities SET link_id = 'link_open' WHERE state = 'verified'"],
        ["23503", "UPDATE entity_identities SET namespace = 'shoe' WHERE link_id = 'link_open'"],
        ["23514", "UPDATE identity_links SET person_agreed_at = NULL"],
        [
          "23505",
          "INSERT INTO identity_links (organization_id, entity_id, platform, origin, person_agreed_at) VALUES ('org_b', 102, 'whatsapp', 'typed', now())"
        ],
        [
          "23514",
          "INSERT INTO identity_links (organization_id, entity_id, platform, origin) VALUES ('org_a', 101, 'whatsapp', 'code')"
        ],
        ["23502", "UPDATE identity_links SET expires_at = NULL"],
        [
          "23503",
          "INSERT INTO identity_refusals (organization_id, entity_id, namespace, identifier) VALUES ('org_a', 102, 'phone', '+447911123456')"
        ],
        ["23514", "INSERT INTO install_tokens VALUES ('u', 'agent_t', 'x', now(), now())"],
        [
          "23514",
          "INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier) VALUES ('org_a', 101, 'phone', '07911')"
        ],
        [
          "23503",
          "INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier) VALUES ('org_a', 102, 'email', 'x')"
        ]
      ]
      for (const [code, statement] of wrong) assert.strictEqual(yield* fails(statement), code, statement)
    })
  )
})

layer(PgTest, { timeout: "60 seconds", excludeTestServices: true })("contents", (it) => {
  it.effect("have the text and are equal by the rule of the domain", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      for (const [first = "", ...others] of sameContents) {
        for (const text of [first, ...others]) {
          const found = yield* sql`
            SELECT content_text(${text}::jsonb) AS text, ${text}::jsonb = ${first}::jsonb AS same,
              content_hash(${text}::jsonb) = content_hash(${first}::jsonb) AS hashed_the_same,
              octet_length(${first}::jsonb::text) AS size
          `
          const size = contentSize(JSON.parse(text))
          assert.deepStrictEqual(found, [{ text: first, same: true, hashedTheSame: true, size }], text)
          assert.strictEqual(contentText(JSON.parse(text)), first)
        }
      }
      const hashes = yield* sql`
        SELECT count(DISTINCT content_hash(text::jsonb))::integer AS hashes
        FROM unnest(${sameContents.map(([first = ""]) => first)}::text[]) AS text
      `
      assert.deepStrictEqual(hashes, [{ hashes: sameContents.length }])
    })
  )
})

layer(PgTest, { timeout: "60 seconds", excludeTestServices: true })("the client", (it) => {
  it.effect("has each statement planned once a connection, under a name", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const prepared = yield* sql.withTransaction(
        Effect.gen(function* () {
          for (const value of [1, 2, 3]) yield* sql`SELECT ${value}::integer AS value`
          return yield* sql`SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%AS value%' AND ${1} = 1`
        })
      )
      assert.strictEqual(
        prepared.filter(({ statement }) => String(statement).startsWith("SELECT $1::integer")).length,
        1
      )
    })
  )

  it.scoped("prepares nothing where a pooler stands between", () =>
    Effect.gen(function* () {
      const address = new URL(Redacted.value(yield* ownDatabase()))
      address.searchParams.set("pgbouncer", "true")
      const pool = yield* Layer.build(PgPoolLive({ url: Redacted.make(address.toString()), maxConnections: 1 })).pipe(
        Effect.flatMap((context) => Effect.provide(PgPool, context))
      )
      const prepared = yield* Effect.promise(() =>
        pool.query("SELECT count(*)::integer AS count FROM pg_prepared_statements WHERE $1 = 1", [1])
      )
      assert.deepStrictEqual(prepared.rows, [{ count: 0 }])
    })
  )
})
