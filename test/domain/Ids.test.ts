import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { DefinitionSlug, Slug } from "../../src/domain/Ids.ts"

describe("a slug", () => {
  const both = ["a", "9", "a-b", "due-invoices-2", "a".repeat(63)]
  const definitionsOnly = ["a_b", "a-b_c"]
  const neither = ["", "-", "-a", "a-", "a--b", "a-_b", "_a", "A", "a b", "a.b", "ä", "a\n", "a/b", "a".repeat(64)]
  const said = (schema: Schema.Schema.AnyNoContext, slug: string) =>
    Either.match(Schema.decodeUnknownEither(schema)(slug), { onLeft: String, onRight: () => "fine" })

  it("is lower-case letters and digits with single joints, of which a definition may have one more", () => {
    for (const slug of both) assert.deepStrictEqual([said(Slug, slug), said(DefinitionSlug, slug)], ["fine", "fine"])
    for (const slug of definitionsOnly) assert.strictEqual(said(DefinitionSlug, slug), "fine")
    for (const slug of [...definitionsOnly, ...neither]) {
      assert.match(said(Slug, slug), /letters, digits and single hyphens, 63 characters at most$/m, slug)
    }
    for (const slug of neither) {
      assert.match(
        said(DefinitionSlug, slug),
        /digits and single hyphens or underscores, 63 characters at most$/m,
        slug
      )
    }
  })
})
