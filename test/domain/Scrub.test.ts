import { SqlError } from "@effect/sql/SqlError"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Either, Schema } from "effect"
import { scrub, withoutValues } from "../../src/domain/Scrub.ts"

describe("scrub", () => {
  it("takes out addresses, numbers and tokens", () => {
    const cases: ReadonlyArray<readonly [text: string, scrubbed: string]> = [
      ["Key (email)=(ada.l+x@mail.example.org) exists", "Key (email)=([address]) exists"],
      ["447911123456@s.whatsapp.net and 123456@lid", "[address] and [address]"],
      ['actual "+447911123456"', 'actual "[number]"'],
      [`Bearer ${"aB3_-".repeat(6)}.${"x/Y+".repeat(11)}=`, "Bearer [token]"],
      [`cookie=${"aB3_-".repeat(6)}.${"xYz%2F".repeat(8)}%3D;`, "cookie=[token];"]
    ]
    for (const [text, scrubbed] of cases) assert.strictEqual(scrub(text), scrubbed)
  })

  it("leaves what a log is read for", () => {
    const text = [
      "agent_a6672434b8364bfda00ef65341e202cc",
      "5f2f1a52-6f7e-4a58-9a5b-2f0a4b1f2c3d",
      "2026-11-23T06:30:00.000Z +00:00",
      "at run (/srv/node_modules/@effect/sql/src/x.ts:1:2)",
      '"timeUnixNano":"1763846400000000000"'
    ].join("\n")
    assert.strictEqual(scrub(text), text)
  })
})

describe("withoutValues", () => {
  const marker = "what somebody sent"
  const postgres = (code: string, message: string) => Object.assign(new Error(message), { code, detail: marker })
  const told = (fault: unknown) => Cause.pretty(Cause.die(withoutValues(fault)), { renderErrorCause: true })

  it("takes out what Postgres and schemas quote, in every cause, and leaves where it happened", () => {
    const invalid = Schema.decodeUnknownEither(Schema.Struct({ id: Schema.Int, name: Schema.Literal("a") }), {
      errors: "all"
    })({ id: marker, name: `${marker}\n    at ${marker}` })
    const faults = [
      postgres("22P02", `invalid input syntax for type bigint: "${marker}\n    at ${marker}"`),
      new SqlError({
        message: "Failed to execute statement",
        cause: postgres("22003", `value "${marker}" is out of range for type integer`)
      }),
      Either.getOrThrowWith(Either.flip(invalid), () => new Error("it is valid")),
      new Error("A step failed", { cause: new Error("within", { cause: postgres("22007", `: "${marker}"`) }) })
    ]
    for (const fault of faults) {
      assert.include(Cause.pretty(Cause.die(fault), { renderErrorCause: true }), marker)
      assert.notInclude(told(fault), marker)
    }
    assert.match(told(faults[0]), /data exception 22P02\n +at .*Scrub.test.ts/)
    assert.match(told(faults[1]), /Failed to execute statement.*data exception 22003/s)
    assert.match(told(faults[2]), /\["id"\].*Expected number/s)
  })

  it("says the rest in the words that were there, of an error that is otherwise the same", () => {
    const schema = Either.getOrThrowWith(
      Either.flip(Schema.decodeUnknownEither(Schema.Number)(marker)),
      () => new Error("it is valid")
    )
    assert.strictEqual((withoutValues(schema) as Error).message, "Expected number")
    const fault = postgres("22P02", `"${marker}"`)
    const clean = withoutValues(fault) as Error
    assert.instanceOf(clean, Error)
    assert.isFalse("cause" in clean)
    assert.match(clean.stack ?? "", /^Error: data exception 22P02\n/)
    assert.deepStrictEqual(Object.getOwnPropertyDescriptor(clean, "message"), {
      value: "data exception 22P02",
      configurable: true,
      enumerable: false,
      writable: true
    })
    const traceless = Object.assign(postgres("22P02", `"${marker}"`), { stack: undefined })
    assert.deepInclude(withoutValues(traceless), { message: "data exception 22P02", stack: undefined })
    const numbered = Object.assign(new Error("x"), { code: 22_001 })
    assert.strictEqual(withoutValues(numbered), numbered)
  })

  it("leaves every other fault as it is", () => {
    const missing = postgres("42P01", 'relation "nowhere" does not exist')
    for (const fault of [missing, new Error("x", { cause: missing }), "a text", undefined]) {
      assert.strictEqual(withoutValues(fault), fault)
    }
  })
})
