import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { Slug } from "../../src/domain/Ids.ts"
import { type KnownSource, renameIssues, resolveSources } from "../../src/domain/Publication.ts"
import { definition } from "../fixtures/templates.ts"

const slugs = ["a", "b", "c", "d", "e"]
const type = (slug: string, was: ReadonlyArray<string> = []) =>
  definition("entity_types", slug, { was: was.map((former) => Slug.make(former)) })
const source = (slug: string, rest: Partial<KnownSource> = {}): KnownSource => ({
  kind: "entity_types",
  slug,
  sourceId: `source-${slug}`,
  was: [],
  standing: "newest",
  ...rest
})

/** What a publisher may have: each slug once in the template's own revisions, any row of theirs besides. */
const anyKnown = FastCheck.tuple(
  FastCheck.uniqueArray(
    FastCheck.record({
      slug: FastCheck.constantFrom(...slugs),
      was: FastCheck.subarray(slugs),
      standing: FastCheck.constantFrom("newest" as const, "earlier" as const)
    }),
    { selector: ({ slug }) => slug }
  ),
  FastCheck.subarray(slugs)
).map(([own, elsewhere]) => [
  ...own.map(({ slug, ...rest }) => source(slug, rest)),
  ...elsewhere.map((slug) => source(slug, { standing: "elsewhere", sourceId: `source-${slug}` }))
])

/** Definitions of which no two say that they were the same, as no template may. */
const anyDefinitions = FastCheck.tuple(
  FastCheck.shuffledSubarray(slugs),
  FastCheck.array(FastCheck.constantFrom(undefined, ...slugs), { minLength: slugs.length, maxLength: slugs.length })
).map(([own, owners]) =>
  own.map((slug) =>
    type(
      slug,
      slugs.filter((_, at) => owners[at] === slug)
    )
  )
)

describe("resolveSources", () => {
  it("resolves every definition, and no source twice", () => {
    FastCheck.assert(
      FastCheck.property(anyDefinitions, anyKnown, (definitions, known) => {
        const resolved = resolveSources(definitions, known)
        assert.sameMembers([...resolved.keys()], [...definitions])
        const continued = [...resolved.values()].filter((id) => id !== null)
        assert.strictEqual(new Set(continued).size, continued.length)
      })
    )
  })

  it("follows every rename that is not refused", () => {
    FastCheck.assert(
      FastCheck.property(anyDefinitions, anyKnown, (definitions, known) => {
        if (renameIssues(definitions, known, []).length > 0) return
        const newest = (slug: string) => known.find((one) => one.slug === slug && one.standing === "newest")
        const resolved = resolveSources(definitions, known)
        for (const one of definitions) {
          const before = newest(one.slug)?.was ?? []
          for (const former of one.was) {
            if (former === one.slug || before.includes(former) || newest(former) === undefined) continue
            assert.strictEqual(resolved.get(one), `source-${former}`)
          }
        }
      })
    )
  })

  it("follows swaps and cycles of any length", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.shuffledSubarray(slugs, { minLength: slugs.length }), (formers) => {
        const definitions = slugs.map((slug, at) => type(slug, [formers[at] ?? ""]))
        const known = slugs.map((slug) => source(slug))
        assert.deepStrictEqual(renameIssues(definitions, known, []), [])
        const resolved = resolveSources(definitions, known)
        assert.deepStrictEqual(
          definitions.map((one) => resolved.get(one)),
          formers.map((slug) => `source-${slug}`)
        )
      })
    )
  })
})
