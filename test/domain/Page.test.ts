import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { firstThatFit, pageQuery } from "../../src/domain/Page.ts"

describe("the first items that fit into a page", () => {
  const sum = (max: number) => ({ of: (item: number) => item, max })

  it("are as many as were asked for, or all", () => {
    assert.deepStrictEqual(firstThatFit([1, 2, 3], 2, []), [1, 2])
    assert.deepStrictEqual(firstThatFit([1, 2], 2, []), [1, 2])
    assert.deepStrictEqual(firstThatFit([1], 2, []), [1])
    assert.deepStrictEqual(firstThatFit([], 2, [sum(1)]), [])
  })

  it("come to no more than each measure says, and to just that", () => {
    assert.deepStrictEqual(firstThatFit([1, 2, 3, 4], 9, [sum(6)]), [1, 2, 3])
    assert.deepStrictEqual(firstThatFit([1, 2, 3, 4], 9, [sum(5)]), [1, 2])
    assert.deepStrictEqual(firstThatFit([1, 2, 3, 4], 9, [sum(6), { of: () => 1, max: 2 }]), [1, 2])
    assert.deepStrictEqual(firstThatFit([1, 2, 3, 4], 9, [{ of: () => 1, max: 2 }, sum(6)]), [1, 2])
  })

  it("are one at least, which is alone where it is too large", () => {
    assert.deepStrictEqual(firstThatFit([7, 0, 1], 9, [sum(6)]), [7])
  })

  it("leave the others unread", () => {
    const read: Array<number> = []
    const items = function* () {
      for (let item = 1; ; item++) {
        read.push(item)
        yield item
      }
    }
    assert.deepStrictEqual(firstThatFit(items(), 2, []), [1, 2])
    assert.deepStrictEqual(read, [1, 2])
  })
})

describe("the parameters of a page", () => {
  const decode = Schema.decodeUnknownEither(Schema.Struct(pageQuery("things", /^\d+$/, 20)))

  it("are a limit of 1 to 100, else the usual one, and where to go on", () => {
    assert.deepStrictEqual(decode({}), Either.right({ limit: 20 }))
    assert.deepStrictEqual(decode({ limit: "1", before: "7" }), Either.right({ limit: 1, before: "7" }))
    assert.deepStrictEqual(decode({ limit: "100" }), Either.right({ limit: 100 }))
    for (const limit of ["0", "101", "1.5", "many", ""]) {
      assert.match(String(decode({ limit })), /Expected a number from 1 to 100/, limit)
    }
    assert.match(String(decode({ before: "x" })), /Expected the next of a page/)
  })
})
