import { assert, it } from "@effect/vitest"
import { Effect, Either, FastCheck } from "effect"
import { Slug } from "../../src/domain/Ids.ts"
import type { Definition } from "../../src/domain/Template.ts"
import { TemplateCatalog } from "../../src/services/TemplateCatalog.ts"
import { TemplateMirror } from "../../src/services/TemplateMirror.ts"
import { definition, oneOfEach, template } from "../fixtures/templates.ts"
import { Hands, newPerson, worlds } from "../worlds.ts"

let templates = 0
const newSlug = () => `plan-${++templates}`

/** What happens between installs: the publisher publishes, the person does as they please with their rows. */
type Act =
  | { readonly act: "publish"; readonly rows: ReadonlyArray<readonly [slug: string, was: string, name: string]> }
  | { readonly act: "rename" | "remove" | "use" | "author"; readonly slug: string }

const slugs = ["a", "b", "c", "d"]
const slug = FastCheck.constantFrom(...slugs)
const acts: FastCheck.Arbitrary<ReadonlyArray<Act>> = FastCheck.array(
  FastCheck.oneof(
    FastCheck.record({
      act: FastCheck.constant("publish" as const),
      rows: FastCheck.uniqueArray(
        FastCheck.tuple(slug, FastCheck.constantFrom("", ...slugs), FastCheck.constantFrom("X", "Y")),
        {
          selector: ([name]) => name
        }
      )
    }),
    FastCheck.record({
      act: FastCheck.constantFrom("rename" as const, "remove" as const, "use" as const, "author" as const),
      slug
    })
  ),
  { minLength: 1, maxLength: 4 }
)
const histories = FastCheck.sample(FastCheck.array(acts, { minLength: 2, maxLength: 5 }), {
  numRuns: 60,
  seed: 20261122
})

/** Each old slug is taken over by one definition at most, as a template must say it. */
const definitions = (rows: Extract<Act, { act: "publish" }>["rows"]): ReadonlyArray<Definition> => {
  const claimed = new Set<string>()
  return rows.map(([now, was, name]) => {
    const takes = was !== "" && was !== now && !claimed.has(was)
    if (takes) claimed.add(was)
    return definition("entity_types", now, { name, was: takes ? [Slug.make(was)] : [] })
  })
}

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`TemplateMirror.plan (${label})`, (it) => {
    const prepared = Effect.gen(function* () {
      const person = yield* newPerson()
      const slug = newSlug()
      const catalog = yield* TemplateCatalog
      const publish = (rows: ReadonlyArray<Definition>) => Effect.orDie(catalog.publish(template(slug, rows)))
      const { templateAgentId } = yield* publish(oneOfEach)
      const request = { userId: person.userId, organizationId: person.organization.id, templateAgentId }
      return { person, publish, request, hands: yield* Hands, mirror: yield* TemplateMirror }
    })

    it.effect("says of each row what an install would do, and in which fields, and changes nothing", () =>
      Effect.gen(function* () {
        const { hands, mirror, person, publish, request } = yield* prepared
        const fresh = yield* mirror.plan(request)
        assert.deepStrictEqual(
          fresh.rows.map(({ kind, slug, verdict }) => [kind, slug, verdict]),
          oneOfEach.map(({ kind, slug }) => [kind, slug as string, "create"])
        )
        assert.deepStrictEqual(yield* hands.standing(request.organizationId), [])
        assert.deepStrictEqual(yield* hands.agents(request.organizationId), [])
        yield* mirror.apply(request)
        yield* hands.rename({ organizationId: request.organizationId, kind: "entity_types", slug: "invoice" }, "Mine")
        yield* hands.remove({ organizationId: request.organizationId, kind: "entity_relationship_types", slug: "pays" })
        const [invoice, pays, inbox] = oneOfEach
        assert(invoice !== undefined && pays !== undefined && inbox !== undefined)
        yield* hands.author({ organizationId: request.organizationId, kind: "entity_types", slug: "note" })
        yield* publish([
          invoice,
          pays,
          { ...inbox, name: "Inbox", content: { ...inbox.content, prompt: "Look again" } },
          definition("entity_types", "note")
        ])
        const { rows } = yield* mirror.plan(request)
        assert.deepStrictEqual(
          rows.map(({ fate, fields, name, owner, slug, verdict }) => [slug, name, verdict, fate, owner, fields]),
          [
            ["invoice", "Mine", "customized", null, null, ["name"]],
            ["note", "note", "collision", null, person.organization.slug as string, []],
            ["pays", "pays", "deleted_by_owner", null, null, []],
            ["inbox", "inbox", "update", null, null, ["name", "prompt"]],
            ["topic", "topic", "retire", "removed", null, []]
          ]
        )
      })
    )

    it.effect("holds an install to it, or refuses with nothing written", () =>
      Effect.gen(function* () {
        const { hands, mirror, publish, request } = yield* prepared
        const first = yield* mirror.plan(request)
        assert.isTrue((yield* mirror.apply({ ...request, expectedPlan: first.planHash })).created)
        const changes = [
          hands.rename({ organizationId: request.organizationId, kind: "entity_types", slug: "invoice" }, "Mine"),
          hands.remove({ organizationId: request.organizationId, kind: "watchers", slug: "inbox" }),
          publish(oneOfEach.slice(0, 3))
        ]
        for (const change of changes) {
          const { planHash } = yield* mirror.plan(request)
          assert.strictEqual((yield* mirror.plan(request)).planHash, planHash)
          yield* change
          const before = yield* hands.standing(request.organizationId)
          const refusal = yield* Effect.flip(mirror.apply({ ...request, expectedPlan: planHash }))
          assert.strictEqual(refusal._tag, "PlanStale")
          assert.deepStrictEqual(yield* hands.standing(request.organizationId), before)
        }
        yield* mirror.apply({ ...request, expectedPlan: (yield* mirror.plan(request)).planHash })
      })
    )

    it.effect("refuses as an install does", () =>
      Effect.gen(function* () {
        const { mirror, request } = yield* prepared
        const stranger = yield* newPerson()
        const refusal = yield* Effect.flip(mirror.plan({ ...request, userId: stranger.userId }))
        assert.strictEqual(refusal._tag, "NotOrgAdmin")
      })
    )

    it.effect(
      "is what an install does, whatever happened before",
      () => {
        const seen = new Set<string>()
        return Effect.forEach(
          histories,
          (history) =>
            Effect.gen(function* () {
              const { hands, mirror, person, publish, request } = yield* prepared
              yield* publish(definitions(slugs.map((slug) => [slug, "", "X"])))
              const { organizationId } = request
              for (const step of history) {
                for (const one of step) {
                  if (one.act === "publish") yield* publish(definitions(one.rows))
                  else {
                    const row = { organizationId, kind: "entity_types" as const, slug: one.slug }
                    const taken = (yield* hands.standing(organizationId)).some(({ slug }) => slug === one.slug)
                    if (one.act === "author" && !taken) yield* hands.author(row)
                    if (one.act === "rename") yield* hands.rename(row, "Mine")
                    if (one.act === "remove") yield* hands.remove(row)
                    if (one.act === "use") yield* hands.use(row)
                  }
                }
                const before = yield* hands.standing(organizationId)
                const { planHash, rows } = yield* mirror.plan(request)
                const applied = yield* Effect.either(mirror.apply({ ...request, expectedPlan: planHash }))
                const after = yield* hands.standing(organizationId)
                for (const { fate, verdict } of rows) seen.add(fate ?? verdict)
                const story = JSON.stringify({ history, rows, before, after })
                const of = (verdict: string) => rows.filter((row) => row.verdict === verdict)
                if (Either.isLeft(applied)) {
                  assert(applied.left._tag === "SchemaCollision", story)
                  assert.deepStrictEqual(
                    applied.left.collisions.map(({ owner, slug }) => [slug, owner]).sort(),
                    of("collision")
                      .map(({ owner, slug }) => [slug, owner ?? ""])
                      .sort()
                  )
                  assert.deepStrictEqual(after, before)
                  continue
                }
                assert.deepStrictEqual(of("collision"), [], story)
                const named = (slug: string) => after.find((row) => row.slug === slug)
                for (const { slug } of [...of("create"), ...of("update"), ...of("unchanged")]) {
                  assert.isFalse(named(slug)?.retired ?? true, story)
                  assert.notStrictEqual(named(slug)?.name, "Mine", story)
                }
                const count = (verdict: string, fate?: string) =>
                  of(verdict).filter((row) => fate === undefined || row.fate === fate).length
                const authored = before.filter(({ managedBy }) => managedBy === null)
                assert.strictEqual(
                  after.length,
                  authored.length +
                    count("create") +
                    count("update") +
                    count("unchanged") +
                    count("customized") +
                    count("retire", "kept"),
                  story
                )
                for (const row of authored) assert.deepStrictEqual(named(row.slug), row, story)
                assert.strictEqual(after.filter(({ retired }) => retired).length, count("retire", "kept"), story)
                assert.strictEqual(
                  applied.right.mirrored.entity_types,
                  count("create") + count("update") + count("unchanged") + count("customized"),
                  story
                )
                const settled = yield* mirror.plan(request)
                assert.deepStrictEqual(
                  settled.rows.filter(({ verdict }) => verdict === "create" || verdict === "update"),
                  [],
                  story
                )
                assert.strictEqual(person.organization.id, organizationId)
              }
            }),
          { discard: true }
        ).pipe(
          Effect.map(() =>
            assert.sameMembers(
              [...seen],
              [
                "collision",
                "create",
                "customized",
                "deleted_by_owner",
                "forgotten",
                "kept",
                "removed",
                "unchanged",
                "update"
              ]
            )
          )
        )
      },
      120_000
    )
  })
}
