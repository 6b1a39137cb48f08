import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { Slug } from "../../../src/domain/Ids.ts"
import { deprecationOf, mayWithdraw } from "../../../src/domain/publishing/Lifecycle.ts"

const tagOf = <A, E extends { readonly _tag: string }>(result: Either.Either<A, E>) =>
  Either.isLeft(result) ? result.left._tag : "allowed"

describe("the end of a template", () => {
  const [own, other] = [Slug.make("finance"), Slug.make("money")]
  const reason = "Replaced"

  it("says why, and names another template that is offered, if any", () => {
    assert.deepStrictEqual(deprecationOf(own, { reason }, false), Either.right({ reason, successor: null }))
    const named = { reason, successor: other }
    assert.deepStrictEqual(deprecationOf(own, named, true), Either.right(named))
    assert.strictEqual(tagOf(deprecationOf(own, named, false)), "UnknownTemplateSlug")
    const itself = Either.flip(deprecationOf(own, { reason, successor: own }, true))
    assert.deepInclude(Either.getOrThrow(itself), {
      issues: [{ path: "successor", message: "names the template itself; name another, or leave it out" }]
    })
  })

  it("is for good only where nobody has it", () => {
    assert.deepStrictEqual(
      [0, 1, 2].map((many) => tagOf(mayWithdraw(many))),
      ["allowed", "TemplateInUse", "TemplateInUse"]
    )
  })
})
