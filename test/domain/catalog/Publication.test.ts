import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import {
  type KnownSource,
  renameIssues,
  resolveSources,
  withdrawalToAgreeTo
} from "../../../src/domain/catalog/Publication.ts"
import { Slug } from "../../../src/domain/Ids.ts"
import { definition } from "../../fixtures/templates.ts"
import { mutating, workOf } from "../../machine.ts"

const slugs = ["a", "b", "c", "d", "e"]
const type = (slug: string, was: ReadonlyArray<string> = []) =>
  definition("entity_types", slug, { was: was.map((former) => Slug.make(former)) })
const source = (slug: string, rest: Partial<KnownSource> = {}): KnownSource => ({
  kind: "entity_types",
  slug,
  sourceId: `source-${slug}`,
  was: [],
  foundIn: "newest",
  ...rest
})

/** What a publisher may have: each slug once in the template's own revisions, any row of theirs besides. */
const anyKnown = FastCheck.tuple(
  FastCheck.uniqueArray(
    FastCheck.record({
      slug: FastCheck.constantFrom(...slugs),
      was: FastCheck.subarray(slugs),
      foundIn: FastCheck.constantFrom("newest" as const, "earlier" as const)
    }),
    { selector: ({ slug }) => slug }
  ),
  FastCheck.subarray(slugs)
).map(([own, elsewhere]) => [
  ...own.map(({ slug, ...rest }) => source(slug, rest)),
  ...elsewhere.map((slug) => source(slug, { foundIn: "elsewhere", sourceId: `source-${slug}` }))
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
        const newest = (slug: string) => known.find((one) => one.slug === slug && one.foundIn === "newest")
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

describe("withdrawalToAgreeTo", () => {
  const none = { removals: 0, retirements: 0 }
  const changes = (added: number, withdrawn: number) => [
    ...Array.from({ length: added }, () => ({ change: "added" })),
    ...Array.from({ length: withdrawn }, () => ({ change: "withdrawn" })),
    { change: "changed" },
    { change: "renamed" }
  ]

  it("is what takes more than half of the rows there were, however many come for them", () => {
    assert.isUndefined(withdrawalToAgreeTo(4, changes(2, 2), none))
    assert.deepStrictEqual(withdrawalToAgreeTo(4, changes(3, 3), none), { rows: 3, of: 4, installed: 0 })
    assert.deepStrictEqual(withdrawalToAgreeTo(0, changes(0, 1), none), { rows: 1, of: 1, installed: 0 })
  })

  it("is any that takes a row from an installation", () => {
    assert.deepStrictEqual(withdrawalToAgreeTo(99, changes(0, 1), { removals: 3, retirements: 2 }), {
      rows: 1,
      of: 100,
      installed: 5
    })
  })

  it("is none where no row is withdrawn", () => {
    assert.isUndefined(withdrawalToAgreeTo(5, changes(5, 0), { removals: 2, retirements: 0 }))
  })
})

describe("renameIssues", () => {
  const said = (definition: ReturnType<typeof type>, known: ReadonlyArray<KnownSource>) =>
    renameIssues([definition], known, []).map(({ message, path }) => `${path.join(".")} ${message}`)

  it("takes any old slug in a first revision, and afterwards those that were", () => {
    assert.deepStrictEqual(said(type("a", ["nowhere"]), []), [])
    assert.deepStrictEqual(said(type("a", ["nowhere"]), [source("a", { foundIn: "elsewhere" })]), [])
    assert.deepStrictEqual(said(type("a", ["old"]), [source("a", { was: ["old"] })]), [])
    assert.deepStrictEqual(said(type("a", ["b"]), [source("c"), source("b", { foundIn: "earlier" })]), [])
    assert.deepStrictEqual(said(type("a", ["b"]), [source("c"), source("b", { foundIn: "elsewhere" })]), [])
    assert.deepStrictEqual(said(type("a", ["a"]), [source("c")]), [])
    assert.deepStrictEqual(said(type("a", ["b", "invoise"]), [source("invoice"), source("b")]), [
      'was.1 no revision ever had the entity "invoise"; did you mean "invoice"?'
    ])
  })

  it.skipIf(mutating)("has an end with thousands of definitions", () => {
    const many = Array.from({ length: 5_000 }, (_, at) => type(`now-${at}`, [`old-${at}`]))
    const known = many.map((_, at) => source(`old-${at}`))
    const work = workOf(() => {
      assert.deepStrictEqual(renameIssues(many, known, []), [])
      assert.strictEqual(resolveSources(many, known).size, 5_000)
    })
    assert.isBelow(work, 3_000)
  })
})
