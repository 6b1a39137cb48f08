import { assert, describe, it } from "@effect/vitest"
import { constraintOf, isTransient, isUnavailable, isUnwritable, sqlStateOf } from "../../src/domain/Faults.ts"

const coded = (code: string) => Object.assign(new Error("said by the database"), { code })

describe("what a fault says of the database", () => {
  it("is found in its causes", () => {
    const wrapped = new Error("outer", { cause: new Error("inner", { cause: coded("57014") }) })
    assert.strictEqual(sqlStateOf(wrapped), "57014")
    assert.isTrue(isUnavailable(wrapped))
    assert.isTrue(isUnavailable(new Error("outer", { cause: new Error("Connection terminated unexpectedly") })))
    assert.strictEqual(constraintOf(new Error("outer", { cause: { constraint: "user_email_key" } })), "user_email_key")
  })

  it("is found though they go round in a circle, and is text alone", () => {
    const circle = new Error("none")
    for (const fault of [Object.assign(circle, { cause: circle }), new Error("none", { cause: null }), null, "text"]) {
      assert.isUndefined(sqlStateOf(fault))
      assert.isFalse(isUnavailable(fault))
    }
    assert.isFalse(isUnavailable({ code: 57014, cause: { message: { toString: () => "Connection terminated" } } }))
    assert.strictEqual(sqlStateOf({ code: 1, cause: coded("57014") }), "57014")
  })

  it("is that it can't do this now, or that nothing can be done about it later either", () => {
    const notNow = [
      ...["08000", "08006", "53000", "53100", "53200", "53300", "53400", "57P01", "57P02", "57P03", "57P05", "57014"],
      ...["55P03", "25006", "25P03", "25P04", "58030", "40001", "40P01", "ECONNREFUSED", "ETIMEDOUT"]
    ]
    for (const code of notNow) assert.isTrue(isUnavailable(coded(code)), code)
    for (const code of ["22021", "23505", "23503", "42501", "42P01", "0A000", "26000", "XX000", "P0001"]) {
      assert.isFalse(isUnavailable(coded(code)), code)
    }
    assert.isTrue(isUnavailable(new Error("timeout exceeded when trying to connect")))
    assert.isFalse(isUnavailable(new Error("timeout")))
  })

  it("is that the same may succeed at once, where other transactions came between", () => {
    assert.isTrue(isTransient(coded("40001")))
    assert.isTrue(isTransient(coded("40P01")))
    assert.isFalse(isTransient(coded("55P03")))
  })

  it("is that nothing can be written, where the disk is full or the server a standby", () => {
    for (const code of ["53100", "53200", "58030", "25006"]) assert.isTrue(isUnwritable(coded(code)), code)
    for (const code of ["53300", "57014", "40001"]) assert.isFalse(isUnwritable(coded(code)), code)
  })
})
