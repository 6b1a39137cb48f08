import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { firstThatFit, listQuery, pageOf, pageQuery } from "../../src/domain/Page.ts"

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

describe("a page of a list that is read whole", () => {
  type Item = readonly [string, number]
  const keyOf = ([name, id]: Item) => [name, -id]
  const query = Schema.decodeUnknownEither(Schema.Struct(listQuery("things")))
  const walk = (items: ReadonlyArray<Item>, limit: number, meanwhile: (page: number) => ReadonlyArray<Item>) => {
    const pages: Array<ReadonlyArray<Item>> = []
    let all = items
    for (let after: string | undefined; ; ) {
      const asked = Either.getOrThrow(query({ limit: String(limit), ...(after === undefined ? {} : { after }) }))
      const { items: page, next } = pageOf(all, keyOf, asked)
      pages.push(page)
      if (next === null) return pages
      after = next
      all = meanwhile(pages.length)
    }
  }
  const items: ReadonlyArray<Item> = [
    ["b", 1],
    ["a", 1],
    ["b", 2],
    ["ä\0", 3],
    ["a", 2]
  ]
  const sorted: ReadonlyArray<Item> = [
    ["a", 2],
    ["a", 1],
    ["b", 2],
    ["b", 1],
    ["ä\0", 3]
  ]

  it("has them all, each once, in the order of their keys, whatever its size", () => {
    for (const limit of [1, 2, 4, 5, 100]) assert.deepStrictEqual(walk(items, limit, () => items).flat(), sorted)
    const lengths = (limit: number) => walk(items, limit, () => items).map(({ length }) => length)
    assert.deepStrictEqual([lengths(2), lengths(5), lengths(9)], [[2, 2, 1], [5], [5]])
    assert.deepStrictEqual(
      walk([], 2, () => []),
      [[]]
    )
  })

  it("goes on behind an item that is gone, and shows no other twice", () => {
    assert.deepStrictEqual(
      walk(items, 2, () => [...items.filter(([, id]) => id !== 1), ["a", 0] as const, ["0", 9] as const]).flat(),
      [...sorted.slice(0, 2), ["a", 0], ["b", 2], ["ä\0", 3]]
    )
  })

  it("is asked for by the next of another page alone", () => {
    for (const after of [
      "",
      "x",
      "%",
      Buffer.from("{}").toString("base64url"),
      Buffer.from("[null]").toString("base64url")
    ]) {
      assert.match(String(query({ after })), /Expected the next of a page/, after)
    }
    for (const limit of ["0", "101", "many"]) assert.isTrue(Either.isLeft(query({ limit })), limit)
    assert.deepStrictEqual(Either.getOrThrow(query({})), { limit: 100 })
  })
})
