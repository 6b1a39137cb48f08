import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Context, Effect, Layer, Logger, LogLevel, type Scope } from "effect"
import { IdentityLinker } from "../src/services/identity/IdentityLinker.ts"
import { databaseOn, openPostgres } from "./database.ts"
import { freshInstalls, InProcess } from "./install.ts"
import { explaining, many, plans } from "./plans.ts"
import { rehearsal } from "./rehearsal.ts"
import { compare, isSelected, rate, report } from "./report.ts"
import { fillInstalls, fillPeople, jidOfPerson } from "./seed.ts"
import { publish, templateOf } from "./templates.ts"
import { benchInstalls, benchMoves, benchVocabulary } from "./vocabulary.ts"

/* `npm run bench:scale`: whether what the service costs stays what it is as people, templates and identities grow. */

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

/** Look-ups among so many verified identities, in a Postgres of their own: how many a second. */
const lookupsAmong = (count: number) =>
  Effect.gen(function* () {
    // Room for what is asked here; with the default of 128 MB the cache is measured, not the look-up.
    const url = yield* openPostgres({ shared_buffers: "1GB" })
    const context = yield* Layer.build(InProcess.pipe(Layer.provideMerge(databaseOn(url))))
    const linker = Context.get(context, IdentityLinker)
    yield* Effect.provide(fillPeople(1, count), context)
    const step = Math.floor(count / 2_000)
    const one = rate(2_000, 8, (at) =>
      linker.lookup({ identities: [{ namespace: "wa_jid", identifier: jidOfPerson(((at * step) % count) + 1) }] })
    )
    yield* Effect.replicateEffect(one, 3)
    return { one }
  })

/** Look-ups among more and more verified identities. */
const identities = Effect.gen(function* () {
  const { one: first } = yield* lookupsAmong(10_000)
  for (const count of [100_000, 1_000_000]) {
    const { one: among } = yield* lookupsAmong(count)
    yield* compare({ name: `identities/${count}`, unit: "look-ups/s", turns: 9, target: 1 / 1.2 }, among, first)
  }
}).pipe(Effect.scoped)

/** Each on a Postgres of its own, so that none meets what another left behind. */
const alone = <A, E>(
  part: Effect.Effect<A, E, Parts | Scope.Scope>,
  settings?: Readonly<Record<string, string>>,
  connections?: number
) =>
  Effect.flatMap(openPostgres(settings), (url) =>
    Effect.provide(
      part,
      InProcess.pipe(Layer.provideMerge(databaseOn(url, connections)), Layer.merge(NodeContext.layer))
    )
  ).pipe(Effect.scoped)

type Parts =
  | NodeContext.NodeContext
  | Layer.Layer.Success<typeof InProcess>
  | Layer.Layer.Success<ReturnType<typeof databaseOn>>

const program = Effect.gen(function* () {
  if (isSelected("types")) yield* alone(templates)
  if (isSelected("organizations")) yield* alone(organizations)
  if (isSelected("identities")) yield* identities
  if (isSelected("install")) yield* benchInstalls((part) => alone(part, {}, 32))
  if (["vocabulary", "entities"].some(isSelected)) yield* alone(benchVocabulary(many), { shared_buffers: "1GB" })
  if (isSelected("moves")) yield* benchMoves((part) => alone(part))
  if (isSelected("rollout")) yield* rehearsal
  if (isSelected("plans")) yield* alone(plans, explaining)
})

program.pipe(Effect.provide([NodeContext.layer, Logger.minimumLogLevel(LogLevel.Warning)]), NodeRuntime.runMain)
