import { assert } from "@effect/vitest"
import { Effect, Either, FastCheck } from "effect"
import type { Kind } from "../src/domain/catalog/Kind.ts"
import type { Definition } from "../src/domain/catalog/Template.ts"
import { AgentId, type OrganizationId, Slug } from "../src/domain/Ids.ts"
import { countVerdicts, type PlannedRow } from "../src/domain/installation/Plan.ts"
import { TemplateCatalog } from "../src/services/catalog/TemplateCatalog.ts"
import { type AnyApplyRefusal, type Applied, TemplateMirror } from "../src/services/installation/TemplateMirror.ts"
import type { StoredRow } from "../src/testing/installation/Prepared.ts"
import { definition, template } from "./fixtures/templates.ts"
import { Hands, newPerson } from "./worlds.ts"

/*
 * Histories of two people and three templates, two of them of one publisher: what publishers publish, what people do to their
 * rows by hand, and installs, resyncs and uninstalls, each of which must do exactly what its plan said.
 */

const slugs = ["a", "b", "c"]
const slug = FastCheck.constantFrom(...slugs)
const person = FastCheck.constantFrom(0, 0, 0, 1)
const which = FastCheck.constantFrom(0, 0, 0, 1, 2, 2)
const is = <A extends string>(...acts: ReadonlyArray<A>) => FastCheck.constantFrom(...acts)

const publish = FastCheck.record({
  act: is("publish"),
  which,
  rows: FastCheck.uniqueArray(FastCheck.tuple(slug, FastCheck.constantFrom("", "", ...slugs), is("X", "Y")), {
    selector: ([name]) => name
  })
})
const byHand = FastCheck.record({ act: is("rename", "remove", "erase", "use", "use", "author"), person, slug })
const move = FastCheck.record({ act: is("move"), person, slug, to: slug })
const install = FastCheck.record({
  act: is("install"),
  person,
  which,
  wish: is("none", "none", "adopt", "revert", "restore")
})
const resync = FastCheck.record({ act: is("resync"), person, which, revision: FastCheck.constantFrom(1, 2, "newest") })
const uninstall = FastCheck.record({ act: is("uninstall"), person, which })
const act = FastCheck.oneof(
  { arbitrary: publish, weight: 3 },
  { arbitrary: byHand, weight: 4 },
  { arbitrary: move, weight: 1 },
  { arbitrary: install, weight: 5 },
  { arbitrary: resync, weight: 1 },
  { arbitrary: uninstall, weight: 1 }
)
type Act = typeof act extends FastCheck.Arbitrary<infer A> ? A : never

/** So many histories, the same at every run. */
export const histories = (numRuns: number): ReadonlyArray<ReadonlyArray<Act>> =>
  FastCheck.sample(FastCheck.array(act, { minLength: 12, maxLength: 40 }), { numRuns, seed: 20261122 })

const [mine, theirs] = [0, 1]
const brings = (which: number, ...rows: ReadonlyArray<string>): Act => ({
  act: "publish",
  which,
  rows: rows.map((name) => [name, "", "X"])
})
const byMe = (act: "rename" | "remove" | "erase" | "use" | "author", slug: string): Act => ({ act, person: mine, slug })
const installs = (which = 0, wish: "none" | "adopt" | "revert" | "restore" = "none", person = mine): Act => ({
  act: "install",
  person,
  which,
  wish
})
const leaves = (which = 0): Act => ({ act: "uninstall", person: mine, which })

/** Histories that chance tells too seldom. */
export const chosenHistories: ReadonlyArray<ReadonlyArray<Act>> = [
  // Adopted, withdrawn, given back, and wanted again.
  [
    byMe("author", "a"),
    installs(0, "adopt"),
    brings(0, "b"),
    installs(),
    leaves(),
    byMe("rename", "a"),
    installs(),
    brings(0, "a", "b"),
    installs(),
    installs(0, "adopt"),
    leaves(),
    installs(),
    leaves()
  ],
  // Changed or in use, withdrawn, seen after the uninstall, hidden by the next install and removed once nothing uses it.
  [
    installs(),
    byMe("rename", "a"),
    byMe("use", "b"),
    brings(0, "c"),
    installs(),
    leaves(),
    installs(),
    brings(0, "a", "c"),
    installs(),
    leaves()
  ],
  // Deleted by their owner: with one template, with a sibling that has them too, and with one that is gone.
  [
    installs(0),
    installs(2),
    byMe("remove", "a"),
    byMe("remove", "b"),
    leaves(0),
    installs(0),
    leaves(2),
    byMe("remove", "b"),
    leaves(0),
    installs(0),
    installs(2),
    leaves(2)
  ],
  // Kept by one template, taken away by its sibling, and installed again.
  [
    installs(0),
    byMe("rename", "a"),
    leaves(0),
    installs(2, "revert"),
    leaves(2),
    installs(0),
    installs(0, "none", theirs),
    byMe("remove", "a"),
    brings(0, "b"),
    installs(0)
  ],
  // Replaced by a row of the person's own, which then stands in the way of a restore.
  [
    installs(0),
    byMe("remove", "a"),
    byMe("author", "a"),
    installs(0),
    installs(0, "adopt"),
    installs(0, "restore"),
    leaves(0),
    installs(0),
    installs(0, "adopt")
  ]
]

/** Each old slug is taken over by one definition at most, as a template must say it. */
const definitions = (
  kind: Kind,
  content: Definition["content"],
  rows: ReadonlyArray<readonly [string, string, string]>
): ReadonlyArray<Definition> => {
  const claimed = new Set<string>()
  return rows.map(([now, was, name]) => {
    const takes = was !== "" && was !== now && !claimed.has(was)
    if (takes) claimed.add(was)
    return definition(kind, now, { name, content, was: takes ? [Slug.make(was)] : [] })
  })
}

const of = (rows: ReadonlyArray<PlannedRow>, verdict: string, fate?: string) =>
  rows.filter((row) => row.verdict === verdict && (fate === undefined || row.fate === fate))

let worlds = 0

/**
 * Lives through one history with rows of a kind. Every verdict that occurs is added to `seen`. Answers with a transcript in
 * which no id and no made-up name stands: the same for every world.
 */
export const live = (history: ReadonlyArray<Act>, kind: Kind, seen: Set<string>, content: Definition["content"] = {}) =>
  Effect.gen(function* () {
    const catalog = yield* TemplateCatalog
    const mirror = yield* TemplateMirror
    const hands = yield* Hands
    const at = ++worlds
    const people = [yield* newPerson(), yield* newPerson()]
    const publishers = [`one-${at}`, `two-${at}`, `one-${at}`]
    const publishing = (which: number, rows: ReadonlyArray<Definition>) =>
      catalog.publish(template(`history-${at}-${which}`, rows, { publisher: Slug.make(publishers[which] ?? "") }))
    const templateIds = yield* Effect.forEach([0, 1, 2], (which) =>
      Effect.map(
        Effect.orDie(
          publishing(
            which,
            definitions(
              kind,
              content,
              // What says that it was "c" makes that a slug which later revisions may name as one that was.
              which === 2
                ? [["a", "c", "X"]]
                : [
                    ["a", "c", "X"],
                    ["b", "", "X"]
                  ]
            )
          )
        ),
        ({ templateAgentId }) => templateAgentId
      )
    )
    const transcript: Array<unknown> = []
    const of1 = <A>(all: ReadonlyArray<A>, index: number): A => {
      const one = all[index]
      assert(one !== undefined)
      return one
    }

    const describe = (rows: ReadonlyArray<StoredRow>) =>
      rows
        .filter((row) => row.kind === kind)
        .map(({ managedBy, name, retired, slug }) => ({
          slug,
          name,
          by: managedBy === null ? -1 : templateIds.indexOf(AgentId.make(managedBy)),
          retired
        }))
        .sort((a, b) => (a.slug < b.slug ? -1 : 1))
    // Rows that the person deleted and that something still remembers.
    const deletedCopies = (organizationId: OrganizationId) =>
      Effect.map(hands.deletedCopies(organizationId), (rows) =>
        rows.map(({ managedBy, slug }) => `${slug} ${templateIds.indexOf(AgentId.make(managedBy))}`).sort()
      )
    const owns = (organization: { readonly slug: string }, owner: string | null) =>
      owner === null ? null : owner === organization.slug ? "own" : owner.replace(`-${at}`, "")

    for (const one of history) {
      if (one.act === "publish") {
        const published = yield* Effect.either(publishing(one.which, definitions(kind, content, one.rows)))
        transcript.push(Either.isRight(published) ? published.right.revision : published.left._tag)
        continue
      }
      const { organization, userId } = of1(people, one.person)
      const organizationId = organization.id
      const stored = Effect.map(hands.rows(organizationId), describe)
      const before = yield* stored
      if (one.act === "move" || one.act === "author") {
        const taken = before.some(({ slug }) => slug === (one.act === "move" ? one.to : one.slug))
        if (one.act === "move" && !taken) yield* hands.move({ organizationId, kind, slug: one.slug }, one.to)
        if (one.act === "author" && !taken) yield* hands.author({ organizationId, kind, slug: one.slug })
        continue
      }
      if (one.act !== "install" && one.act !== "resync" && one.act !== "uninstall") {
        const row = { organizationId, kind, slug: one.slug }
        if (one.act === "rename") yield* hands.rename(row, "Mine")
        if (one.act === "remove") yield* hands.remove(row)
        if (one.act === "erase") yield* hands.erase(row)
        if (one.act === "use") yield* hands.use(row)
        continue
      }

      const other = of1(people, 1 - one.person).organization.id
      const elsewhere = yield* hands.rows(other)
      const templateAgentId = of1(templateIds, one.which)
      const request = { userId, organizationId, templateAgentId }
      const installed = (yield* hands.agents(organizationId)).find((agent) => agent.templateAgentId === templateAgentId)
      const authored = before.filter(({ by }) => by === -1)

      if (one.act === "uninstall") {
        if (installed === undefined) continue
        const agent = { ...request, agentId: installed.id }
        const { planHash, ...planned } = yield* Effect.orDie(mirror.planUninstall(agent))
        const { agentRemoved, ...gone } = yield* Effect.orDie(mirror.uninstall({ ...agent, expectedPlan: planHash }))
        const after = yield* stored
        const story = JSON.stringify({ history, one, planned, before, after })
        assert.isTrue(agentRemoved)
        assert.deepStrictEqual(gone, planned, story)
        const isIn = (rows: ReadonlyArray<{ readonly slug: string }>, slug: string) =>
          rows.some((one) => one.slug === slug)
        // What stays is seen, though the publisher had withdrawn it.
        const left = before
          .filter(({ slug }) => !isIn(planned.removed, slug))
          .map((row) => ({ ...row, retired: row.retired && !isIn(planned.kept, row.slug) }))
        if (before.some(({ retired, slug }) => retired && after.some((row) => row.slug === slug && row.by === -1)))
          seen.add("uninstall returned")
        const withoutOwner = (rows: typeof before) => rows.map(({ by: _, ...row }) => row)
        assert.deepStrictEqual(withoutOwner(after), withoutOwner(left), story)
        for (const row of authored) assert.deepInclude(after, row, story)
        for (const fate of ["removed", "kept", "passedOn"] as const)
          if (planned[fate].length > 0) seen.add(`uninstall ${fate}`)
        transcript.push([planned.removed, planned.kept, planned.passedOn, after, yield* deletedCopies(organizationId)])
        continue
      }

      if (one.act === "resync" && installed === undefined) continue
      const planned =
        one.act === "resync" && installed !== undefined
          ? mirror.planResync({
              ...request,
              agentId: installed.id,
              revision: one.revision === "newest" ? "newest" : Number(one.revision)
            })
          : mirror.plan(request)
      const plan = yield* Effect.either<
        Effect.Effect.Success<typeof planned>,
        Effect.Effect.Error<typeof planned>,
        never
      >(planned)
      if (Either.isLeft(plan)) {
        transcript.push(plan.left._tag)
        continue
      }
      const { planHash, revision, rows } = plan.right
      const wish = one.act === "install" && one.wish !== "none" ? one.wish : undefined
      const verdict = { adopt: "collision", revert: "customized", restore: "deleted_by_owner" } as const
      const named =
        wish === undefined
          ? []
          : of(rows, verdict[wish])
              .filter(({ adoptable }) => wish !== "adopt" || adoptable)
              .map(({ slug }) => ({ kind, slug }))
      const wishes = wish === undefined ? {} : { [wish]: named }
      const applied: Either.Either<Applied, AnyApplyRefusal> = yield* one.act === "resync" && installed !== undefined
        ? Effect.either(
            mirror.resync({
              ...request,
              agentId: installed.id,
              revision: one.revision === "newest" ? "newest" : Number(one.revision),
              expectedPlan: planHash
            })
          )
        : Effect.either(
            mirror.apply({ ...request, ...wishes, ...(history.length % 2 === 0 ? {} : { expectedPlan: planHash }) })
          )
      const after = yield* stored
      const story = JSON.stringify({ history, one, rows, before, after, applied })
      for (const { because, fate, verdict } of rows) seen.add(fate === "kept" ? `kept ${because}` : (fate ?? verdict))
      transcript.push([
        rows.map(({ adoptable, because, fate, fields, name, owner, slug, verdict }) => [
          adoptable,
          slug,
          name,
          verdict,
          fate,
          because,
          owns(organization, owner),
          fields
        ]),
        after,
        yield* deletedCopies(organizationId),
        Either.isRight(applied) ? applied.right.mirrored : applied.left._tag
      ])
      assert.deepStrictEqual(yield* hands.rows(other), elsewhere, story)

      if (Either.isLeft(applied)) {
        const { left } = applied
        // What a plan calls adoptable is adopted, so that no name is refused.
        assert(left._tag === "SchemaCollision", story)
        const collisions = left.collisions
          .map(({ adoptable, own, owner, slug }) => [slug, owner, own, adoptable])
          .sort()
        transcript.push(left.collisions.map(({ adoptable, own, slug }) => [slug, own, adoptable]))
        if (wish === undefined) {
          assert.deepStrictEqual(
            collisions,
            of(rows, "collision")
              .map(({ adoptable, owner, slug }) => [slug, owner ?? "", owner === organization.slug, adoptable])
              .sort(),
            story
          )
        }
        assert.deepStrictEqual(after, before, story)
        continue
      }

      if (named.length > 0 && wish !== undefined) seen.add(wish)
      assert.deepStrictEqual(applied.right.revision, revision, story)
      assert.sameDeepMembers([...applied.right.verdicts], [...countVerdicts(rows)], story)
      if (wish === undefined) assert.deepStrictEqual(of(rows, "collision"), [], story)
      const isNamed = ({ slug }: { readonly slug: string }) => named.some((row) => row.slug === slug)
      const writtenRows = [
        ...of(rows, "create"),
        ...of(rows, "update"),
        ...of(rows, "unchanged"),
        ...rows.filter((row) => row.verdict !== "retire" && isNamed(row))
      ]
      for (const { slug } of writtenRows) {
        const row = after.find((one) => one.slug === slug)
        assert.isFalse(row?.retired ?? true, story)
        assert.notStrictEqual(row?.name, "Mine", story)
        assert.notStrictEqual(row?.by, -1, story)
      }
      for (const row of authored) {
        if (wish !== "adopt" || !isNamed(row)) assert.deepInclude(after, row, story)
      }
      assert.strictEqual(
        applied.right.mirrored[kind],
        rows.filter(({ verdict }) => verdict !== "retire" && verdict !== "deleted_by_owner").length +
          (wish === "restore" ? named.length : 0),
        story
      )
      const settled = yield* Effect.orDie(mirror.plan(request))
      assert.deepStrictEqual(
        settled.rows.filter(({ verdict }) => verdict === "create" || verdict === "update"),
        [],
        story
      )
    }
    return transcript
  })
