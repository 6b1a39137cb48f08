import { afterAll, assert, it } from "@effect/vitest"
import { Effect, Either, FastCheck, ManagedRuntime } from "effect"
import { contentText } from "../../../src/domain/catalog/Content.ts"
import { Slug } from "../../../src/domain/Ids.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { InstalledAgents } from "../../../src/services/installation/InstalledAgents.ts"
import {
  type AnyApplyRefusal,
  type Applied,
  TemplateMirror
} from "../../../src/services/installation/TemplateMirror.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { Hands, newPerson, worldsOfBothModes } from "../../worlds.ts"

/*
 * Histories of one person and three templates, two of them of one publisher, with watchers and the classifiers bound to them: told in
 * every world, which must say and do the same. What differs is shrunk to a short history.
 */

/** How many histories: more are told with HISTORIES=1000. */
const numRuns = Number(process.env.HISTORIES ?? 12)

const slug = FastCheck.constantFrom("a", "b")
const which = FastCheck.constantFrom(0, 0, 1, 2)
const kind = FastCheck.constantFrom("watchers" as const, "event_classifiers" as const)
const is = <A extends string>(...acts: ReadonlyArray<A>) => FastCheck.constantFrom(...acts)
const unique = { selector: ({ slug }: { readonly slug: string }) => slug }
const name = FastCheck.constantFrom("X", "Y")
const was = FastCheck.constantFrom("", "", "a", "b")

const act = FastCheck.oneof(
  {
    weight: 3,
    arbitrary: FastCheck.record({
      act: is("publish"),
      which,
      watchers: FastCheck.uniqueArray(FastCheck.record({ slug, name, was }), { ...unique, maxLength: 2 }),
      classifiers: FastCheck.uniqueArray(FastCheck.record({ slug, name, bound: FastCheck.boolean() }), {
        ...unique,
        maxLength: 2
      })
    })
  },
  { weight: 4, arbitrary: FastCheck.record({ act: is("rename", "remove", "erase", "use", "author"), kind, slug }) },
  { weight: 1, arbitrary: FastCheck.record({ act: is("move"), kind, slug, to: slug }) },
  {
    weight: 5,
    arbitrary: FastCheck.record({ act: is("install"), which, wish: is("none", "none", "adopt", "revert", "restore") })
  },
  {
    weight: 1,
    arbitrary: FastCheck.record({ act: is("resync"), which, revision: FastCheck.constantFrom(1, 2, "newest") })
  },
  { weight: 1, arbitrary: FastCheck.record({ act: is("uninstall"), which }) },
  { weight: 2, arbitrary: FastCheck.record({ act: is("rollout"), which }) },
  { weight: 1, arbitrary: FastCheck.record({ act: is("mode"), which, mode: is("copy", "reference") }) }
)
type Act = typeof act extends FastCheck.Arbitrary<infer A> ? A : never
type Publication = Extract<Act, { readonly act: "publish" }>

const wishVerdicts = { adopt: "collision", revert: "customized", restore: "deleted_by_owner" } as const

/** The definitions of a publication: each old slug is taken over by one at most, and a classifier is bound to the watcher of its slug. */
const definitionsOf = ({ classifiers, watchers }: Pick<Publication, "classifiers" | "watchers">) => {
  const taken = new Set<string>()
  return [
    ...watchers.map(({ name, slug, was }) => {
      const takes = was !== "" && was !== slug && !taken.has(was)
      if (takes) taken.add(was)
      return definition("watchers", slug, { name, was: takes ? [Slug.make(was)] : [] })
    }),
    ...classifiers.map(({ bound, name, slug }) =>
      definition("event_classifiers", slug, {
        name,
        references: bound && watchers.some((one) => one.slug === slug) ? { watcher_id: Slug.make(slug) } : {}
      })
    )
  ]
}

const firstRows = {
  watchers: [{ slug: "a", name: "X", was: "" }],
  classifiers: [{ slug: "a", name: "X", bound: true }]
} satisfies Partial<Publication>
const installed: Act = { act: "install", which: 0, wish: "none" }
const watcherErased: Act = { act: "erase", kind: "watchers", slug: "a" }

/** Histories that are rarely drawn: what refers to a row that the person deletes, and gets it back or goes along; and what comes back. */
const knownHistories: ReadonlyArray<ReadonlyArray<Act>> = [
  [installed, watcherErased, { ...installed, wish: "restore" }, installed],
  [installed, watcherErased, { act: "uninstall", which: 0 }, installed],
  [
    installed,
    { act: "publish", which: 0, watchers: [], classifiers: [] },
    watcherErased,
    { act: "resync", which: 0, revision: "newest" }
  ],
  [{ ...installed, which: 2 }, watcherErased, { ...installed, wish: "restore" }, installed],
  [
    installed,
    { act: "rename", kind: "event_classifiers", slug: "a" },
    { act: "publish", which: 0, watchers: [], classifiers: [] },
    { act: "rollout", which: 0 },
    { act: "publish", which: 0, ...firstRows },
    { act: "rollout", which: 0 }
  ]
]

let told = 0

/** Lives through a history, and tells all that a person sees of it, in words that no world has of its own. */
const tell = (history: ReadonlyArray<Act>, changesModes: boolean) =>
  Effect.gen(function* () {
    const catalog = yield* TemplateCatalog
    const mirror = yield* TemplateMirror
    const agents = yield* InstalledAgents
    const hands = yield* Hands
    const at = ++told
    const { organization, userId } = yield* newPerson()
    const organizationId = organization.id
    const publish = (which: number, rows: Pick<Publication, "classifiers" | "watchers">) =>
      catalog.publish(
        template(`told-${at}-${which}`, definitionsOf(rows), { publisher: Slug.make(`told-${at}-${which === 1}`) })
      )
    const newest = [1, 1, 1]
    const templateIds = yield* Effect.forEach([0, 1, 2], (which) =>
      Effect.map(Effect.orDie(publish(which, firstRows)), ({ templateAgentId }) => templateAgentId as string)
    )
    const installed = (which: number) =>
      Effect.map(hands.agents(organizationId), (all) =>
        all.find(({ templateAgentId }) => templateAgentId === templateIds[which])
      )
    const numberOf = (known: ReadonlyArray<string | undefined>, id: string | null) =>
      id === null ? null : known.indexOf(id)
    const stands = Effect.gen(function* () {
      const ids = yield* Effect.forEach([0, 1, 2], (which) =>
        Effect.map(installed(which), (agent) => agent?.id as string | undefined)
      )
      const rows = yield* hands.rows(organizationId)
      return rows
        .map(({ agentId, kind, managedBy, name, refersTo, retired, slug }) => ({
          row: `${kind} ${slug} ${name}${retired ? " (retired)" : ""}`,
          refersTo,
          by: numberOf(templateIds, managedBy),
          agent: numberOf(ids, agentId)
        }))
        .sort((a, b) => (a.row < b.row ? -1 : 1))
    })
    /** What the history says of the last two changes. */
    const changes = (agentId: string | undefined) =>
      Effect.gen(function* () {
        if (agentId === undefined) return {}
        const { entries } = yield* agents.history(yield* agents.find(userId, agentId), { limit: 20, rows: "changed" })
        return {
          history: entries
            .filter(({ action }) => action !== "mode")
            .slice(0, 2)
            .map(({ action, revision, rows }) => ({
              action,
              revision,
              // Of a row that was referred to, the history says what the revision says: it names the watcher as that did.
              rows: rows.map((row) => ({
                ...row,
                before: row.before && { ...row.before, watcher_id: undefined },
                fields: row.fields.filter((field) => field !== "watcher_id")
              }))
            }))
        }
      })
    /** What the list says of the agents, and of their rows by their verdicts. */
    const listed = Effect.map(agents.list(userId, { limit: 10 }), ({ agents }) =>
      agents
        .map(({ counts, customized, retired, revision, template: { templateAgentId } }) => ({
          which: templateIds.indexOf(templateAgentId),
          revision,
          counts,
          customized: customized.map(({ kind, slug }) => `${kind} ${slug}`),
          retired: retired.map(({ because, kind, slug }) => `${kind} ${slug} ${because}`)
        }))
        .sort((one, other) => one.which - other.which)
    )
    const tellOne = (one: Act) =>
      Effect.gen(function* () {
        if (one.act === "publish") {
          const { revision } = yield* publish(one.which, one)
          newest[one.which] = revision
          return { revision }
        }
        if (!("which" in one)) {
          const row = { organizationId, kind: one.kind, slug: one.slug }
          const target = one.act === "move" ? one.to : one.slug
          const isTaken = (yield* hands.rows(organizationId)).some(
            ({ kind, slug }) => kind === one.kind && slug === target
          )
          if (one.act === "rename") yield* hands.rename(row, "Mine")
          if (one.act === "remove") yield* hands.remove(row)
          if (one.act === "erase") yield* hands.erase(row)
          if (one.act === "use" && isTaken) yield* hands.use(row)
          if (one.act === "move" && !isTaken) yield* hands.move(row, one.to)
          if (one.act === "author" && !isTaken) {
            yield* hands.author(row, one.kind === "event_classifiers" ? one.slug : undefined)
          }
          return {}
        }
        const agent = yield* installed(one.which)
        const templateAgentId = templateIds[one.which] as never
        const request = { userId, organizationId, templateAgentId }
        // Whoever looks can't tell that the mode has changed: nothing is told of it.
        if (one.act === "mode") {
          if (agent !== undefined && changesModes) {
            yield* mirror.changeMode({ ...request, agentId: agent.id, mode: one.mode })
          }
          return {}
        }
        if (one.act === "rollout") {
          const [done] = yield* mirror.rollOut({
            templateAgentId,
            revision: newest[one.which] ?? 1,
            organizationIds: [organizationId]
          })
          return {
            outcome: done?.outcome,
            collisions: done?.collisions.map(({ owner: _, ...collision }) => collision),
            ...(yield* changes(agent?.id))
          }
        }
        if (one.act === "uninstall") {
          if (agent === undefined) return {}
          const {
            agentId: _,
            organizationId: __,
            planHash: expectedPlan,
            ...planned
          } = yield* mirror.planUninstall({
            ...request,
            agentId: agent.id
          })
          const gone = yield* mirror.uninstall({ ...request, agentId: agent.id, expectedPlan })
          return { planned, agentRemoved: gone.agentRemoved }
        }
        const revision = one.act !== "resync" || one.revision === "newest" ? ("newest" as const) : Number(one.revision)
        const resync =
          one.act === "resync" && agent !== undefined ? { ...request, agentId: agent.id, revision } : undefined
        if (one.act === "resync" && resync === undefined) return {}
        const { planHash, rows } = yield* resync === undefined ? mirror.plan(request) : mirror.planResync(resync)
        const wish = one.act === "install" && one.wish !== "none" ? one.wish : undefined
        const named =
          wish === undefined
            ? []
            : rows
                .filter(({ adoptable, verdict }) => verdict === wishVerdicts[wish] && (wish !== "adopt" || adoptable))
                .map(({ kind, slug }) => ({ kind, slug }))
        const wishes = wish === undefined || named.length === 0 ? {} : { [wish]: named }
        const plan = rows.map(({ owner, ...row }) => ({
          ...row,
          owner: owner?.replace(/-\d+-/, "-").replace(/\d+/g, "")
        }))
        const done: Either.Either<Applied, AnyApplyRefusal> = yield* resync === undefined
          ? Effect.either(mirror.apply({ ...request, ...wishes }))
          : Effect.either(mirror.resync({ ...resync, expectedPlan: planHash }))
        if (Either.isLeft(done)) return { plan, refused: done.left._tag }
        const { created, mirrored, pinned, revision: brought } = done.right
        return { plan, done: { created, mirrored, pinned, brought }, ...(yield* changes(done.right.agentId)) }
      }).pipe(Effect.catchAll(({ _tag }) => Effect.succeed({ refused: _tag })))
    return yield* Effect.forEach(history, (one) =>
      Effect.gen(function* () {
        return {
          one,
          answer: yield* tellOne(one),
          stands: yield* stands,
          listed: yield* listed,
          deleted: (yield* hands.deletedCopies(organizationId)).length
        }
      })
    )
  })

const runtimes = worldsOfBothModes.map(([label, world]) => ({
  changesModes: label.endsWith("by reference"),
  runtime: ManagedRuntime.make(world)
}))
afterAll(() => Promise.all(runtimes.map(({ runtime }) => runtime.dispose())))

it(
  "the mirror says and does the same in every world, whatever happens",
  () =>
    FastCheck.assert(
      FastCheck.asyncProperty(FastCheck.array(act, { minLength: 4, maxLength: 24 }), async (history) => {
        const [first, ...others] = await Promise.all(
          runtimes.map(({ changesModes, runtime }) => runtime.runPromise(tell(history, changesModes)))
        )
        assert.lengthOf(others, worldsOfBothModes.length - 1)
        for (const other of others) {
          const at = other.findIndex((step, at) => contentText(step) !== contentText(first?.[at]))
          assert.strictEqual(at, -1, `one world: ${contentText(first?.[at])}\nanother: ${contentText(other[at])}`)
        }
      }),
      {
        numRuns: numRuns + knownHistories.length,
        examples: knownHistories.map((history) => [[...history]]),
        seed: Number(process.env.HISTORIES_SEED ?? 20261129)
      }
    ),
  240_000
)
