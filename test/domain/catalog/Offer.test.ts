import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { Kind } from "../../../src/domain/catalog/Kind.ts"
import { saidModes } from "../../../src/domain/catalog/Mode.ts"
import { OffersQuery, offerPage, offersToFind, wordsOf } from "../../../src/domain/catalog/Offer.ts"
import { Slug } from "../../../src/domain/Ids.ts"

const offered = (slug: string) => ({
  slug: Slug.make(slug),
  name: slug,
  description: "",
  publisher: { slug: Slug.make("acme"), name: "Acme" },
  deprecated: null,
  definitions: 1
})

describe("the offers", () => {
  it("are searched for words, in whatever letters and however far apart", () => {
    assert.deepStrictEqual(wordsOf("  Personal \t finance\n"), ["personal", "finance"])
    assert.deepStrictEqual(wordsOf(""), [])
  })

  it("come in pages that say where the next one begins", () => {
    const all = ["a", "b", "c"].map(offered)
    const page = (query: unknown) => {
      const asked = Schema.decodeUnknownSync(OffersQuery)(query)
      const { next, templates } = offerPage(all.slice(0, offersToFind(asked)), asked)
      return [templates.length, next]
    }
    assert.deepStrictEqual(
      [page({ limit: "2" }), page({ limit: "3" }), page({})],
      [
        [2, "b"],
        [3, null],
        [3, null]
      ]
    )
    assert.deepStrictEqual(Schema.decodeUnknownSync(OffersQuery)({}), { q: "", after: "", limit: 20 })
  })

  it("are told with the modes they allow, where those are not the usual ones", () => {
    assert.deepStrictEqual(saidModes(["copy"]), {})
    assert.deepStrictEqual(saidModes(["reference"]), { modes: ["reference"] })
    assert.deepStrictEqual(saidModes(["copy", "reference"]), { modes: ["copy", "reference"] })
  })
})

describe("a kind", () => {
  it("has a name that a table may have", () => {
    const isKind = (value: unknown) => Either.isRight(Schema.decodeUnknownEither(Kind)(value))
    const names = [
      "watchers",
      "a",
      `a${"b".repeat(62)}`,
      `a${"b".repeat(63)}`,
      "",
      "_a",
      "1a",
      "a1",
      "Watchers",
      "a b",
      "a\n"
    ]
    assert.deepStrictEqual(names.filter(isKind), names.slice(0, 3))
    assert.isFalse(isKind(["watchers"]))
    assert.match(
      String(Schema.decodeUnknownEither(Kind)("A")),
      /Expected a kind, as entity_types, entity_relationship_types, watchers, event_classifiers"/
    )
  })
})
