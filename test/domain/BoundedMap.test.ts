import { assert, describe, it } from "@effect/vitest"
import { boundedMap } from "../../src/domain/BoundedMap.ts"

const filled = (capacity: number, names: ReadonlyArray<string>) => {
  const map = boundedMap<string, number>(capacity)
  names.forEach((name, at) => {
    map.set(name, at)
  })
  return (name: string) => map.get(name)
}

describe("a map with a limit", () => {
  it("forgets the oldest entry, and no other, when one too many comes", () => {
    const names = Array.from({ length: 17 }, (_, at) => `name ${at}`)
    assert.deepStrictEqual(names.map(filled(16, names)), [undefined, ...names.slice(1).map((_, at) => at + 1)])
  })

  it("keeps all up to its limit", () => {
    assert.deepStrictEqual(["a", "b"].map(filled(2, ["a", "b"])), [0, 1])
  })

  it("gives a key that it has another value in place of the old one", () => {
    assert.deepStrictEqual(["a", "b"].map(filled(2, ["a", "b", "b"])), [0, 2])
  })

  it("counts a key that is set again as new", () => {
    assert.deepStrictEqual(["a", "b", "c"].map(filled(2, ["a", "b", "a", "c"])), [2, undefined, 3])
  })
})
