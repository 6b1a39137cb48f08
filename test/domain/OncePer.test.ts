import { assert, it } from "@effect/vitest"
import { oncePer } from "../../src/domain/OncePer.ts"

it("a function is called once for each object, and its answer is kept for that alone", () => {
  const asked: Array<object> = []
  const nameOf = oncePer((one: { readonly name: string }) => {
    asked.push(one)
    return one.name
  })
  const [first, alike] = [{ name: "a" }, { name: "a" }]
  const other = { name: "" }
  assert.deepStrictEqual([first, first, alike, other, other, first].map(nameOf), ["a", "a", "a", "", "", "a"])
  assert.strictEqual(asked.length, 3)
  assert.strictEqual(asked[1], alike)
})
