import { join } from "node:path"
import { Duration, Effect, Layer, Record } from "effect"
import { kindDescriptions } from "../src/domain/catalog/Kind.ts"
import type { Mode } from "../src/domain/catalog/Mode.ts"
import { readTemplate } from "../src/layers/catalog/TemplateFiles.ts"
import { togetherOptions } from "../src/layers/installation/ShortCut.ts"
import { shortCutStatement } from "../src/layers/installation/ShortCutStatement.ts"
import { shortReferenceStatement } from "../src/layers/installation/ShortReferenceStatement.ts"
import { batched } from "../src/layers/postgres/Batched.ts"
import { PgPool } from "../src/layers/postgres/Database.ts"
import { type BenchPerson, newPeople } from "./database.ts"
import { freshInstalls } from "./install.ts"
import { compare, median, numberOf, rate, report } from "./report.ts"
import { rollOutOf } from "./rollout.ts"
import { fillInstalls, fillPeople, fillReferences, query } from "./seed.ts"
import { portOf, post, Services } from "./server.ts"
import { changing, publish, templateOf } from "./templates.ts"

/*
 * What an install by reference costs and what it makes dearer: the statement that installs, reading the vocabulary by its views and
 * writing entities among a hundred thousand organizations of which most refer, and roll-outs; each against copies.
 */

const asked = 2_000

/** How many a second of a statement through the bare driver, two at once as from two programs; unprepared without a name. */
const statements = (text: string, rows: ReadonlyArray<ReadonlyArray<unknown>>, name?: string) =>
  Effect.flatMap(PgPool, (pool) =>
    rate(rows.length, 2, (at) =>
      Effect.promise(() => pool.query({ text, values: [...(rows[at] ?? [])], ...(name !== undefined && { name }) }))
    )
  )

const texts = { copy: shortCutStatement(kindDescriptions), reference: shortReferenceStatement(kindDescriptions) }

/**
 * First installs by the statement alone, so many at once, as the service asks: a copy by a statement of its own, and by reference
 * all who come while one runs by the next.
 */
const installs = (slug: string, mode: Mode, count: number, concurrency: number) =>
  Effect.gen(function* () {
    const people = yield* newPeople(count)
    const [template] = (yield* query("SELECT id FROM agents WHERE slug = $1", [slug])).rows
    const { rows: watchers } = yield* query(
      `SELECT DISTINCT content ->> 'schedule' AS schedule FROM template_revision_rows
       WHERE template_agent_id = $1 AND kind = 'watchers'`,
      [template?.id]
    )
    const due = JSON.stringify(Object.fromEntries(watchers.map(({ schedule }) => [schedule, new Date()])))
    const pool = yield* PgPool
    const asked = (who: ReadonlyArray<unknown>) =>
      Effect.promise(() =>
        pool.query({ name: `install ${mode}`, text: texts[mode], values: [...who, template?.id, due, mode] })
      )
    const copy = ({ organizationId, userId }: BenchPerson) => asked([organizationId, userId])
    const refer = batched(
      (some: ReadonlyArray<BenchPerson>) =>
        Effect.map(
          asked([some.map(({ organizationId }) => organizationId), some.map(({ userId }) => userId)]),
          ({ rows }) => rows
        ),
      togetherOptions
    )
    return yield* rate(count, concurrency, (at): Effect.Effect<unknown> => {
      const person = people[at]
      if (person === undefined) return Effect.void
      return mode === "copy" ? copy(person) : refer(person)
    })
  })

/** First installs over HTTP, with session and limiter, eight at once. */
const installsOverHttp = (port: number, slug: string, count: number) =>
  Effect.flatMap(newPeople(count), (people) => {
    const posts = people.map(({ bearer }) => ({ authorization: bearer, body: JSON.stringify({ slug }) }))
    return post({ port, path: "/api/install", concurrency: 8, posts })
  })

/** How many first installs a second in one mode: by the statement alone and by the workflow in the process, at 8 and at 32 at once, and over HTTP. */
const installRates = (mode: Mode) =>
  Effect.gen(function* () {
    const { template } = yield* readTemplate(join(process.cwd(), "templates", "personal-finance"))
    yield* publish({ ...template, modes: [mode] })
    const count = mode === "copy" ? 160 : 640
    const medianOf = <E, R>(one: Effect.Effect<number, E, R>) =>
      Effect.map(Effect.replicateEffect(one, 6), (rates) => median(rates.slice(1)))
    const port = yield* portOf(Services, Layer.empty)
    // Learns what the short cut has to know.
    yield* freshInstalls(template.slug, 8, 4, mode)
    return {
      "install/statement/8": yield* medianOf(installs(template.slug, mode, count, 8)),
      "install/statement/32": yield* medianOf(installs(template.slug, mode, count, 32)),
      "install/reference/8": yield* medianOf(freshInstalls(template.slug, count, 8, mode)),
      "install/reference/32": yield* medianOf(freshInstalls(template.slug, count, 32, mode)),
      "install/reference/http/8": yield* medianOf(installsOverHttp(port, template.slug, count))
    }
  })

const targets = {
  "install/statement/8": 5,
  "install/statement/32": 8,
  "install/reference/8": 3,
  "install/reference/32": 3,
  "install/reference/http/8": 2.5
} as const

/**
 * Installs by reference against those that copy, one after the other and each on a Postgres of its own: what copies leave behind to
 * be vacuumed and written to the disk would slow down whoever comes next.
 */
export const benchInstalls = <E, R>(
  alone: (
    part: ReturnType<typeof installRates>
  ) => Effect.Effect<Effect.Effect.Success<ReturnType<typeof installRates>>, E, R>
) =>
  Effect.gen(function* () {
    const [referred, copied] = [yield* alone(installRates("reference")), yield* alone(installRates("copy"))]
    for (const [name, target] of Record.toEntries(targets)) {
      const [ours, reference] = [referred[name], copied[name]]
      yield* report({ name, ours, reference, unit: "installs/s", ratio: ours / reference, target })
    }
  })

const reading = "forty-types"
const types = 40

/**
 * A hundred thousand organizations, of which one in ten has a copy and the others refer; of those one in a hundred has changed a
 * type, deleted another and made one of its own.
 */
const fillReading = (people: number) =>
  Effect.gen(function* () {
    yield* publish({ ...templateOf(reading, types), modes: ["copy", "reference"] })
    yield* fillPeople(1, people)
    const copies = people / 10
    yield* fillInstalls(reading, 1, copies)
    yield* fillReferences(reading, copies + 1, people)
    const changed = `organization_id IN (
      SELECT 'org_' || md5(at::text) FROM generate_series($1::int, $2::int, 100) AS at
    )`
    for (let from = copies + 1; from < people; from += 10_000) {
      const portion = [from, Math.min(people, from + 9_999)]
      yield* query(`UPDATE vocabulary.entity_types SET name = 'Mine' WHERE slug = 'type-1' AND ${changed}`, portion)
      yield* query(`DELETE FROM vocabulary.entity_types WHERE slug = 'type-2' AND ${changed}`, portion)
      yield* query(
        `INSERT INTO entity_types (organization_id, slug, name)
         SELECT 'org_' || md5(at::text), 'my-own', 'Own' FROM generate_series($1::int, $2::int, 100) AS at`,
        portion
      )
    }
    yield* query("VACUUM ANALYZE")
    const organizations = (from: number, upTo: number) =>
      Effect.map(
        query(
          `SELECT 'org_' || md5((at % ($2::int - $1::int) + $1::int)::text) AS id
           FROM generate_series(1, $3::int * 7919, 7919) AS at`,
          [from, upTo, asked]
        ),
        ({ rows }) => rows.map(({ id }) => id)
      )
    return { copying: yield* organizations(1, copies), referring: yield* organizations(copies + 1, people) }
  })

/** Entities of a type of each organization: by the view, so that a type that is only referred to is found too. */
const newEntities = (organizations: ReadonlyArray<unknown>, slug: string) =>
  Effect.map(
    query(
      `INSERT INTO entities (organization_id, entity_type_id, name)
       SELECT o.id, t.id, 'Entity' FROM unnest($1::text[]) AS o (id)
       CROSS JOIN LATERAL (SELECT id FROM vocabulary.entity_types WHERE organization_id = o.id AND slug = $2 OFFSET 0) t
       RETURNING id`,
      [organizations, slug]
    ),
    ({ rows }) => rows.map(({ id }) => [id])
  )

const typeIds = (organizations: ReadonlyArray<unknown>, slug: string) =>
  Effect.map(
    query(
      `SELECT o.id AS organization, t.id FROM unnest($1::text[]) AS o (id)
       CROSS JOIN LATERAL (SELECT id FROM vocabulary.entity_types WHERE organization_id = o.id AND slug = $2 OFFSET 0) t`,
      [organizations, slug]
    ),
    ({ rows }) => rows.map(({ id, organization }) => [organization, id])
  )

const insertEntity = "INSERT INTO entities (organization_id, entity_type_id, name) VALUES ($1, $2, 'Entity')"

/** Without what makes an anchor when a type is first referred to. */
const withoutTrigger = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    query("ALTER TABLE entities DISABLE TRIGGER entities_refer"),
    () => effect,
    () => query("ALTER TABLE entities ENABLE TRIGGER entities_refer")
  )

/** Reading and writing among so many organizations. */
export const benchVocabulary = (people: number) =>
  Effect.gen(function* () {
    const { copying, referring } = yield* fillReading(people)
    const each = (organizations: ReadonlyArray<unknown>, ...more: ReadonlyArray<unknown>) =>
      organizations.map((organization) => [organization, ...more])
    const list = (relation: string) => `SELECT * FROM ${relation} WHERE organization_id = $1 AND deleted_at IS NULL`
    const bySlug = (relation: string) => `${list(relation)} AND slug = $2`
    const unit = "reads/s"
    yield* compare(
      { name: "vocabulary/list", unit, turns: 7, target: 0.8 },
      statements(list("vocabulary.entity_types"), each(referring), "list by view"),
      statements(list("entity_types"), each(copying), "list")
    )
    yield* compare(
      { name: "vocabulary/slug", unit, turns: 7, target: 0.5 },
      statements(bySlug("vocabulary.entity_types"), each(referring, "type-7"), "slug by view"),
      statements(bySlug("entity_types"), each(copying, "type-7"), "slug")
    )
    yield* compare(
      { name: "vocabulary/function", unit, turns: 7, target: 0.7 },
      statements("SELECT * FROM vocabulary.entity_types_of($1, $2)", each(referring, "type-7")),
      statements(bySlug("entity_types"), each(copying, "type-7"))
    )
    const join = (relation: string) =>
      `SELECT e.name, t.slug, t.name AS type FROM entities e JOIN ${relation} t ON t.id = e.entity_type_id WHERE e.id = $1`
    const [referred, copied] = [yield* newEntities(referring, "type-7"), yield* newEntities(copying, "type-7")]
    yield* query("VACUUM ANALYZE entities")
    yield* query("VACUUM ANALYZE entity_types")
    yield* compare(
      { name: "vocabulary/join", unit, turns: 7, target: 0.6 },
      statements(join("vocabulary.used_entity_types"), referred, "join by view"),
      statements(join("entity_types"), copied, "join")
    )
    const [own, anchored] = [yield* typeIds(copying, "type-7"), yield* typeIds(referring, "type-7")]
    const inserted = { unit: "inserts/s", turns: 9 }
    yield* compare(
      { name: "entities/own", ...inserted, target: 0.97 },
      statements(insertEntity, own, "insert"),
      withoutTrigger(statements(insertEntity, own, "insert"))
    )
    yield* compare(
      { name: "entities/anchored", ...inserted, target: 0.75 },
      statements(insertEntity, anchored, "insert"),
      withoutTrigger(statements(insertEntity, own, "insert"))
    )
  })

/** How many installations of each mode are moved: `--organizations=…`. */
const moving = numberOf("organizations", 1_000)

const changes = {
  "moves/everything": { target: 20, isChanged: () => true },
  "moves/one": { target: 2, isChanged: (at: number) => at === 0 }
} as const

/** How many installations of one mode a second a roll-out moves: to revisions in which everything changed, and to such in which one type did. */
const moveRates = (mode: Mode) =>
  Effect.gen(function* () {
    const change = (isChanged: (at: number) => boolean) => changing("moved", 41, isChanged, [mode])
    yield* fillPeople(1, moving)
    yield* change(() => false)
    yield* (mode === "copy" ? fillInstalls : fillReferences)("moved", 1, moving)
    const rateOf = (publishing: ReturnType<typeof change>) =>
      Effect.map(Effect.timed(rollOutOf(publishing)), ([took]) => moving / Duration.toSeconds(took))
    const medianOf = (isChanged: (at: number) => boolean) =>
      Effect.map(Effect.replicateEffect(rateOf(change(isChanged)), 4), (rates) => median(rates.slice(1)))
    return {
      "moves/everything": yield* medianOf(changes["moves/everything"].isChanged),
      "moves/one": yield* medianOf(changes["moves/one"].isChanged)
    }
  })

/** Roll-outs to installations that refer, against the same to copies; each on a Postgres of its own, as installs are. */
export const benchMoves = <E, R>(
  alone: (
    part: ReturnType<typeof moveRates>
  ) => Effect.Effect<Effect.Effect.Success<ReturnType<typeof moveRates>>, E, R>
) =>
  Effect.gen(function* () {
    const [referred, copied] = [yield* alone(moveRates("reference")), yield* alone(moveRates("copy"))]
    for (const [name, { target }] of Record.toEntries(changes)) {
      const [ours, reference] = [referred[name], copied[name]]
      yield* report({ name, ours, reference, unit: "installs/s", ratio: ours / reference, target })
    }
  })
