import { Effect } from "effect"
import { PgPool } from "../src/layers/postgres/Database.ts"

/** Asks the database through the pool. */
export const query = (text: string, values: ReadonlyArray<unknown> = []) =>
  Effect.flatMap(PgPool, (pool) => Effect.promise(() => pool.query<Record<string, unknown>>(text, [...values])))

/** Runs a statement that fills tables. Its references are right as it is written, so nobody looks after each of them. */
const fill = (text: string, values: ReadonlyArray<unknown>) =>
  Effect.flatMap(PgPool, (pool) =>
    Effect.promise(async () => {
      const client = await pool.connect()
      try {
        await client.query("BEGIN; SET LOCAL session_replication_role = replica")
        await client.query(text, [...values])
        await client.query("COMMIT")
      } finally {
        client.release()
      }
    })
  )

const portion = 10_000

/** Runs a statement for the numbers from `$1` to `$2`, portion by portion. */
const fillIn = (from: number, to: number, text: string, ...values: ReadonlyArray<unknown>) =>
  Effect.iterate(from, {
    while: (at) => at <= to,
    body: (at) => Effect.as(fill(text, [at, Math.min(to, at + portion - 1), ...values]), at + portion)
  })

/** Leaves the database as a quiet hour does: statistics and visibility up to date, and everything on the disk. */
const settle = Effect.zipRight(query("VACUUM ANALYZE"), query("CHECKPOINT"))

/** The WhatsApp address of the person of that number. */
export const jidOfPerson = (at: number) => `447${String(at).padStart(9, "0")}@s.whatsapp.net`

/**
 * People of those numbers, as far as they are not there yet, each with an organization of their own and a verified phone. Ids are
 * scattered, as those of the service are: the planner knows in which order they stand.
 */
export const fillPeople = (from: number, to: number) =>
  fillIn(
    from,
    to,
    `WITH n AS MATERIALIZED (
       SELECT at, 'org_' || md5(at::text) AS org, md5('user' || at) AS usr, 'link_' || md5(at::text) AS link,
         '447' || lpad(at::text, 9, '0') AS digits, nextval('entity_types_id_seq') AS type_id, nextval('entities_id_seq') AS entity_id
       FROM generate_series($1::int, $2::int) AS at
       WHERE NOT EXISTS (SELECT FROM "user" WHERE id = md5('user' || at))
     ),
     u AS (INSERT INTO "user" (id, name, email, "emailVerified") SELECT usr, 'Seeded', usr || '@example.org', false FROM n),
     o AS (
       INSERT INTO organization (id, name, slug, metadata)
       SELECT org, 'Seeded', 's-' || at, jsonb_build_object('personal_org_for_user_id', usr) FROM n
     ),
     m AS (INSERT INTO member (organization_id, user_id, role) SELECT org, usr, 'owner' FROM n),
     t AS (INSERT INTO entity_types (id, organization_id, slug, name) SELECT type_id, org, '$member', 'Member' FROM n),
     e AS (INSERT INTO entities (id, organization_id, entity_type_id, name) SELECT entity_id, org, type_id, 'Seeded' FROM n),
     l AS (
       INSERT INTO identity_links (id, organization_id, entity_id, platform, origin, person_agreed_at, sender_agreed_at, closed_at)
       SELECT link, org, entity_id, 'whatsapp', 'typed', now(), now(), now() FROM n
     )
     INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier, state, link_id, address)
     SELECT org, entity_id, 'auth_user_id', usr, 'verified', NULL, NULL FROM n
     UNION ALL SELECT org, entity_id, 'phone', '+' || digits, 'verified', link, NULL FROM n
     UNION ALL SELECT org, entity_id, 'wa_jid', digits || '@s.whatsapp.net', 'verified', link, digits || '@s.whatsapp.net' FROM n`
  ).pipe(Effect.zipRight(settle))

/** Who installs, and what: the people from `$1` to `$2`, the template of the slug `$3`. */
const installing = `WITH n AS MATERIALIZED (
       SELECT 'org_' || md5(at::text) AS org, md5('user' || at) AS usr, 'agent_' || md5(at::text) AS agent
       FROM generate_series($1::int, $2::int) AS at
     ),
     t AS MATERIALIZED (SELECT * FROM agents WHERE slug = $3),`

/** Puts the template of that slug, whose rows are entity types, into the organizations of those people, as installs leave it. */
export const fillInstalls = (slug: string, from: number, to: number) =>
  fillIn(
    from,
    to,
    `${installing}
     r AS MATERIALIZED (
       SELECT r.* FROM template_revision_rows r JOIN t ON t.id = r.template_agent_id AND t.revision = r.revision
     ),
     a AS (
       INSERT INTO agents (id, organization_id, template_agent_id, name, owner_user_id, revision, template_name, template_description)
       SELECT n.agent, n.org, t.id, t.name, n.usr, t.revision, t.name, t.description FROM n, t
     ),
     c AS MATERIALIZED (SELECT nextval('entity_types_id_seq') AS copy_id, n.org, r.* FROM n, r),
     e AS (
       INSERT INTO entity_types (id, organization_id, slug, name, description, metadata_schema, managed_by_template_agent_id, source_template_org_id)
       SELECT c.copy_id, c.org, c.slug, c.content ->> 'name', c.content ->> 'description', c.content -> 'metadata_schema', t.id, t.organization_id
       FROM c, t
     ),
     h AS (
       INSERT INTO mirror_history (organization_id, template_agent_id, agent_id, user_id, action, revision, rows)
       SELECT n.org, t.id, n.agent, n.usr, 'install', t.revision,
         (SELECT jsonb_agg(jsonb_build_array(kind, source_id, slug, 'created', NULL)) FROM r)
       FROM n, t
     )
     INSERT INTO mirror_ledger (organization_id, template_agent_id, kind, source_id, copy_id, slug, applied_hash, applied_edits)
     SELECT c.org, t.id, c.kind, c.source_id, c.copy_id, c.slug, c.hash, 0 FROM c, t`,
    slug
  ).pipe(Effect.zipRight(settle))

/** The same by reference. */
export const fillReferences = (slug: string, from: number, to: number) =>
  fillIn(
    from,
    to,
    `${installing}
     a AS (
       INSERT INTO agents (id, organization_id, template_agent_id, name, owner_user_id, revision, template_name, template_description,
         mode, first_id)
       SELECT n.agent, n.org, t.id, t.name, n.usr, t.revision, t.name, t.description, 'reference', new_first_id() FROM n, t
     )
     INSERT INTO mirror_history (organization_id, template_agent_id, agent_id, user_id, action, revision, rows, besides)
     SELECT n.org, t.id, n.agent, n.usr, 'install', t.revision, '[]', '[]' FROM n, t`,
    slug
  ).pipe(Effect.zipRight(settle))

/** What those people leave behind by using the service: sessions, accounts, limits, codes. */
export const fillDailyLife = (slug: string, from: number, to: number) =>
  fillIn(
    from,
    to,
    `WITH n AS MATERIALIZED (SELECT at, md5('user' || at) AS usr FROM generate_series($1::int, $2::int) AS at),
     s AS (
       INSERT INTO session (id, "expiresAt", token, "updatedAt", "userId")
       SELECT md5('session' || at), now() + interval '1 day', md5('token' || at), now(), usr FROM n
     ),
     a AS (
       INSERT INTO account (id, "accountId", "providerId", "userId", "updatedAt")
       SELECT md5('account' || at), usr, 'credential', usr, now() FROM n
     ),
     r AS (
       INSERT INTO rate_limits (key, hits, allowed, expires_at)
       SELECT 'install:' || usr, ARRAY[now()], true, now() + interval '1 hour' FROM n
     )
     INSERT INTO install_tokens (user_id, template_agent_id, digest, expires_at)
     SELECT usr, t.id, sha256(convert_to(usr, 'UTF8')), now() + interval '15 minutes' FROM n, agents t WHERE t.slug = $3`,
    slug
  ).pipe(Effect.zipRight(settle))
