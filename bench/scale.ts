import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Logger, LogLevel } from "effect"
import { Slug } from "../src/domain/Ids.ts"
import { kindDescriptions } from "../src/domain/Kind.ts"
import type { Template } from "../src/domain/Template.ts"
import { PgPool } from "../src/layers/Database.ts"
import { lookupStatement } from "../src/layers/LookupStatement.ts"
import { applyStatement, prepareStatement, quickStatement } from "../src/layers/MirrorStatements.ts"
import { IdentityLinker } from "../src/services/IdentityLinker.ts"
import { TemplateCatalog } from "../src/services/TemplateCatalog.ts"
import { analyze, databaseOn, openPostgres } from "./database.ts"
import { freshInstalls, InProcess } from "./install.ts"
import { rate, report, wanted } from "./report.ts"

/* `npm run bench:scale`: whether what the service costs stays what it is as people, templates and identities grow. */

const templateOf = (slug: string, types: number): Template => ({
  slug: Slug.make(slug),
  name: slug,
  description: "A template of entity types",
  publisher: Slug.make(`${slug}-publisher`),
  botPhone: null,
  extensions: {},
  definitions: Array.from({ length: types }, (_, at) => ({
    kind: "entity_types" as const,
    slug: Slug.make(`type-${at}`),
    name: `Type ${at}`,
    description: "One of many",
    was: [],
    content: { icon: null, color: null, metadata_schema: { type: "object" }, event_kinds: [] },
    references: {},
    extensions: {}
  }))
})

const query = (text: string, values: ReadonlyArray<unknown> = []) =>
  Effect.flatMap(PgPool, (pool) => Effect.promise(() => pool.query<Record<string, unknown>>(text, [...values])))

let filled = 0

/** Organizations that have the template, each as an install leaves it, so many altogether. */
const fillTo = (slug: string, count: number) =>
  Effect.gen(function* () {
    const [from, to] = [filled + 1, count]
    filled = count
    yield* query(
      `WITH n AS MATERIALIZED (SELECT 'org_f' || at AS org, 'f-' || at AS slug FROM generate_series($1::int, $2::int) AS at),
       t AS MATERIALIZED (SELECT * FROM agents WHERE slug = $3),
       r AS MATERIALIZED (SELECT r.* FROM template_revision_rows r JOIN t ON t.id = r.template_agent_id),
       o AS (INSERT INTO organization (id, name, slug) SELECT org, 'Filled', slug FROM n),
       a AS (
         INSERT INTO agents (organization_id, template_agent_id, name, revision, template_name, template_description)
         SELECT n.org, t.id, t.name, t.revision, t.name, t.description FROM n, t
       ),
       c AS MATERIALIZED (SELECT nextval('entity_types_id_seq') AS copy_id, n.org, r.* FROM n, r),
       e AS (
         INSERT INTO entity_types (id, organization_id, slug, name, metadata_schema, managed_by_template_agent_id, source_template_org_id)
         SELECT c.copy_id, c.org, c.slug, c.content ->> 'name', c.content -> 'metadata_schema', t.id, t.organization_id FROM c, t
       )
       INSERT INTO mirror_ledger (organization_id, template_agent_id, kind, source_id, copy_id, slug, applied_hash)
       SELECT c.org, t.id, c.kind, c.source_id, c.copy_id, c.slug, c.hash FROM c, t`,
      [from, to, slug]
    )
    yield* analyze
  })

const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const medianOf = <E, R>(one: Effect.Effect<number, E, R>) => Effect.map(Effect.replicateEffect(one, 5), median)

/** Installs while there are more and more organizations. */
const organizations = Effect.gen(function* () {
  const slug = "ten-types"
  yield* Effect.flatMap(TemplateCatalog, (catalog) => catalog.publish(templateOf(slug, 10)))
  let first = 0
  for (const count of [1_000, 10_000, 100_000]) {
    for (let at = filled; at < count; at += 10_000) yield* fillTo(slug, Math.min(count, at + 10_000))
    yield* freshInstalls(slug, 100, 8)
    const ours = yield* medianOf(freshInstalls(slug, 200, 8))
    if (first === 0) first = ours
    const name = `organizations/${count}`
    yield* report({ name, ours, reference: first, unit: "installs/s", ratio: ours / first, target: 1 / 1.3 })
  }
})

/** Installs of larger and larger templates: rows a second. */
const templates = Effect.gen(function* () {
  let first = 0
  for (const types of [10, 100, 1_000]) {
    const slug = `types-${types}`
    yield* Effect.flatMap(TemplateCatalog, (catalog) => catalog.publish(templateOf(slug, types)))
    yield* freshInstalls(slug, 8, 4)
    const ours = types * (yield* medianOf(freshInstalls(slug, types === 1_000 ? 16 : 64, 4)))
    if (first === 0) first = ours
    yield* report({ name: `types/${types}`, ours, reference: first, unit: "rows/s", ratio: ours / first, target: 1 })
  }
})

/** Look-ups while there are more and more verified identities, each the phone of an organization of its own. */
const identities = Effect.gen(function* () {
  const linker = yield* IdentityLinker
  let first = 0
  let made = 0
  for (const count of [10_000, 100_000, 1_000_000]) {
    for (; made < count; made += 10_000) {
      yield* query(
        `WITH n AS MATERIALIZED (
           SELECT at, 'org_i' || at AS org, 'user_i' || at AS usr, '447' || lpad(at::text, 9, '0') AS digits
           FROM generate_series($1::int + 1, $1::int + 10000) AS at
         ),
         u AS (INSERT INTO "user" (id, name, email, "emailVerified") SELECT usr, 'I', usr || '@example.org', false FROM n),
         o AS (INSERT INTO organization (id, name, slug) SELECT org, 'I', 'i-' || at FROM n),
         m AS (INSERT INTO member (organization_id, user_id, role) SELECT org, usr, 'owner' FROM n),
         t AS MATERIALIZED (SELECT nextval('entity_types_id_seq') AS type_id, nextval('entities_id_seq') AS entity_id, n.* FROM n),
         e AS (INSERT INTO entity_types (id, organization_id, slug, name) SELECT type_id, org, '$member', 'Member' FROM t),
         p AS (INSERT INTO entities (id, organization_id, entity_type_id, name) SELECT entity_id, org, type_id, 'I' FROM t),
         l AS MATERIALIZED (SELECT 'link_i' || at AS link, t.* FROM t),
         k AS (
           INSERT INTO identity_links (id, organization_id, entity_id, platform, origin, person_agreed_at, sender_agreed_at, closed_at)
           SELECT link, org, entity_id, 'whatsapp', 'typed', now(), now(), now() FROM l
         )
         INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier, state, link_id, address)
         SELECT org, entity_id, 'auth_user_id', usr, 'verified', NULL, NULL FROM l
         UNION ALL SELECT org, entity_id, 'phone', '+' || digits, 'verified', link, NULL FROM l
         UNION ALL SELECT org, entity_id, 'wa_jid', digits || '@s.whatsapp.net', 'verified', link, digits || '@s.whatsapp.net' FROM l`,
        [made]
      )
    }
    yield* analyze
    const step = Math.max(1, Math.floor(count / 2_000))
    const one = rate(2_000, 8, (at) =>
      linker.lookup({
        identities: [{ namespace: "phone", identifier: `+447${String(((at * step) % count) + 1).padStart(9, "0")}` }]
      })
    )
    yield* one
    const ours = yield* medianOf(one)
    if (first === 0) first = ours
    yield* report({
      name: `identities/${count}`,
      ours,
      reference: first,
      unit: "look-ups/s",
      ratio: ours / first,
      target: 1 / 1.2
    })
  }
})

/** The tables that grow with users, read row by row by the plan that a connection keeps of a statement. */
const scansOf = (name: string, types: string, text: string) =>
  Effect.gen(function* () {
    const pool = yield* PgPool
    const plan = yield* Effect.promise(async () => {
      const client = await pool.connect()
      try {
        await client.query(`PREPARE scanned (${types}) AS ${text}`)
        const nulls = types
          .split(",")
          .map(() => "NULL")
          .join(", ")
        const { rows } = await client.query<{ "QUERY PLAN": string }>(`EXPLAIN EXECUTE scanned (${nulls})`)
        await client.query("DEALLOCATE scanned")
        return rows.map((row) => row["QUERY PLAN"])
      } finally {
        client.release()
      }
    })
    const scans = plan.filter((line) => /Seq Scan on (?!pg_)/.test(line)).map((line) => line.trim())
    yield* Console.log(`${name}: ${plan.length} lines of plan, ${scans.length} sequential scans ${scans.join("; ")}`)
  })

const plans = Effect.gen(function* () {
  yield* scansOf("quick", "text,text,text,jsonb", quickStatement(kindDescriptions))
  yield* scansOf("prepare", "text,text,text,text,integer,boolean", prepareStatement(kindDescriptions))
  yield* scansOf("apply", "text,text,integer,text,text,text,jsonb,jsonb,boolean,text", applyStatement(kindDescriptions))
  yield* scansOf("look-up", "text[],text[],text,boolean", lookupStatement)
})

const program = Effect.gen(function* () {
  if (wanted("types")) yield* templates
  if (wanted("organizations")) yield* organizations
  if (wanted("identities")) yield* identities
  if (wanted("plans")) yield* plans
})

Effect.scoped(
  Effect.flatMap(openPostgres, (url) => Effect.provide(program, InProcess.pipe(Layer.provideMerge(databaseOn(url)))))
).pipe(Effect.provide([NodeContext.layer, Logger.minimumLogLevel(LogLevel.Warning)]), NodeRuntime.runMain)
