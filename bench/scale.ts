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
import { databaseOn, openPostgres } from "./database.ts"
import { freshInstalls, InProcess } from "./install.ts"
import { rate, report, wanted } from "./report.ts"
import { fillInstalls, fillPeople, jidOfPerson } from "./seed.ts"

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

const publish = (template: Template) => Effect.flatMap(TemplateCatalog, (catalog) => catalog.publish(template))

const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const medianOf = <E, R>(one: Effect.Effect<number, E, R>) => Effect.map(Effect.replicateEffect(one, 5), median)

/** Installs while there are more and more people who have the template. */
const organizations = Effect.gen(function* () {
  const slug = "ten-types"
  yield* publish(templateOf(slug, 10))
  let first = 0
  let filled = 0
  for (const count of [1_000, 10_000, 100_000]) {
    yield* fillPeople(filled + 1, count)
    yield* fillInstalls(slug, filled + 1, count)
    filled = count
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
    yield* publish(templateOf(slug, types))
    yield* freshInstalls(slug, 8, 4)
    const ours = types * (yield* medianOf(freshInstalls(slug, types === 1_000 ? 16 : 64, 4)))
    if (first === 0) first = ours
    yield* report({ name: `types/${types}`, ours, reference: first, unit: "rows/s", ratio: ours / first, target: 1 })
  }
})

/** Look-ups while there are more and more verified identities. */
const identities = Effect.gen(function* () {
  const linker = yield* IdentityLinker
  let first = 0
  let filled = 0
  for (const count of [10_000, 100_000, 1_000_000]) {
    yield* fillPeople(filled + 1, count)
    filled = count
    const step = Math.max(1, Math.floor(count / 2_000))
    const one = rate(2_000, 8, (at) =>
      linker.lookup({ identities: [{ namespace: "wa_jid", identifier: jidOfPerson(((at * step) % count) + 1) }] })
    )
    yield* Effect.replicateEffect(one, 2)
    const ours = yield* medianOf(one)
    if (first === 0) first = ours
    const name = `identities/${count}`
    yield* report({ name, ours, reference: first, unit: "look-ups/s", ratio: ours / first, target: 1 / 1.2 })
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

/** Each on a Postgres of its own, so that none meets what another left behind. */
const alone = <A, E>(part: Effect.Effect<A, E, Parts>) =>
  Effect.flatMap(openPostgres(), (url) =>
    Effect.provide(part, InProcess.pipe(Layer.provideMerge(databaseOn(url))))
  ).pipe(Effect.scoped)

type Parts = Layer.Layer.Success<typeof InProcess> | Layer.Layer.Success<ReturnType<typeof databaseOn>>

const program = Effect.gen(function* () {
  if (wanted("types")) yield* alone(templates)
  if (wanted("organizations")) yield* alone(organizations)
  if (wanted("identities")) yield* alone(identities)
  if (wanted("plans")) yield* alone(plans)
})

program.pipe(Effect.provide([NodeContext.layer, Logger.minimumLogLevel(LogLevel.Warning)]), NodeRuntime.runMain)
