import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { orderOfKeys } from "../../../src/domain/account/ApiKey.ts"

describe("the keys of a publisher", () => {
  it("are listed the newest first, and by id where they are equally new", () => {
    const createdAt = DateTime.unsafeMake(1_000)
    const key = { id: "a", name: "CI", start: "aik_", scopes: [], createdAt, lastUsedAt: null }
    assert.deepStrictEqual(orderOfKeys(key), [-1_000, "a"])
  })
})
