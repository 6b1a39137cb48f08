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

describe("the row that a definition continues", () => {
  const resolved = (definitions: ReadonlyArray<ReturnType<typeof type>>, known: ReadonlyArray<KnownSource>) => {
    const found = resolveSources(definitions, known)
    return definitions.map((one) => found.get(one))
  }
  const [newest, earlier, elsewhere] = [
    source("a", { sourceId: "newest" }),
    source("a", { sourceId: "earlier", foundIn: "earlier" }),
    source("a", { sourceId: "elsewhere", foundIn: "elsewhere" })
  ]

  it("is that of its slug in the newest revision, else in the latest earlier one, else the publisher's, else none", () => {
    assert.deepStrictEqual(resolved([type("a")], [elsewhere, earlier, newest]), ["newest"])
    assert.deepStrictEqual(
      resolved([type("a")], [elsewhere, earlier, { ...earlier, sourceId: "long ago" }, source("b")]),
      ["earlier"]
    )
    assert.deepStrictEqual(resolved([type("a")], [elsewhere, source("b")]), ["elsewhere"])
    assert.deepStrictEqual(resolved([type("a")], [source("b"), { ...newest, kind: "watchers" }]), [null])
  })

  it("is the one that it is renamed from, once, where its slug is free or left", () => {
    assert.deepStrictEqual(resolved([type("b", ["a"])], [newest]), ["newest"])
    assert.deepStrictEqual(resolved([type("b", ["a"])], [newest, source("b")]), ["source-b"])
    assert.deepStrictEqual(resolved([type("c", ["b"]), type("b", ["a"])], [newest, source("b")]), [
      "source-b",
      "newest"
    ])
    // Once published, it has no more effect.
    assert.deepStrictEqual(resolved([type("a"), type("b", ["a"])], [newest, source("b", { was: ["a"] })]), [
      "newest",
      "source-b"
    ])
  })

  it("is no other's, and may have the number of a row of another kind", () => {
    const sameRow = { ...earlier, sourceId: "newest" }
    assert.deepStrictEqual(resolved([type("b", ["a"]), type("a")], [newest, sameRow]), ["newest", null])
    const watcher = definition("watchers", "a")
    assert.deepStrictEqual(resolved([type("a"), watcher], [newest, { ...newest, kind: "watchers" }]), [
      "newest",
      "newest"
    ])
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

  it("refuses slugs that no definition of the kind ever had, each at its place", () => {
    assert.deepStrictEqual(said(type("a", ["b", "first", "second"]), [source("b")]), [
      'was.1 no revision ever had the entity "first"; leave it out where this one is new',
      'was.2 no revision ever had the entity "second"; leave it out where this one is new'
    ])
    assert.deepStrictEqual(said(type("a", ["inbox"]), [source("b"), source("inbox", { kind: "watchers" })]), [
      'was.0 no revision ever had the entity "inbox"; leave it out where this one is new'
    ])
    const former = (kind: KnownSource["kind"]) =>
      renameIssues([type("a", ["old"])], [source("b")], [{ kind, slug: "old" }])
    assert.lengthOf(former("entity_types"), 0)
    assert.lengthOf(former("watchers"), 1)
  })

  it("refuses what would continue two, or take the slug of one that goes on", () => {
    assert.deepStrictEqual(said(type("x", ["a", "b"]), [source("a"), source("b")]), [
      "was a, b are published as 2 definitions, and this can continue only one; name that one"
    ])
    assert.deepStrictEqual(said(type("b", ["a"]), [source("a"), source("b", { was: ["a"] })]), [])
    const taking = type("b", ["b", "x", "a"])
    const known = [source("a"), source("b"), source("x", { foundIn: "earlier" })]
    assert.deepStrictEqual(said(taking, known), [
      'was.2 "a" can\'t become "b", which is published as another definition; say was: [b] in the one that continues that, or publish once without it first'
    ])
    assert.deepStrictEqual(renameIssues([taking, type("c", ["b"])], known, []), [])
    const [issue, ...more] = renameIssues(
      [definition("watchers", "c", { was: [Slug.make("b")] }), taking],
      [...known, source("b", { kind: "watchers" })],
      []
    )
    assert.lengthOf(more, 0)
    assert.deepInclude(issue, { where: 'entity "b"', definition: 1 })
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
