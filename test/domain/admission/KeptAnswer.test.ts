import { assert, describe, it } from "@effect/vitest"
import { Either, Redacted, Schema } from "effect"
import { answerAgain, IdempotencyKey } from "../../../src/domain/admission/KeptAnswer.ts"

describe("a request that is repeated", () => {
  const answer = { status: 200, contentType: "application/json", text: "{}" }

  it("gets its answer again, and nobody else's", () => {
    assert.deepStrictEqual(answerAgain(undefined, "a"), Either.right(undefined))
    assert.deepStrictEqual(answerAgain({ fingerprint: "a", answer }, "a"), Either.right(answer))
    assert.isTrue(Either.isLeft(answerAgain({ fingerprint: "b", answer }, "a")))
  })

  it("has a key of printable ASCII", () => {
    const isKey = (key: string) => Either.isRight(Schema.decodeUnknownEither(IdempotencyKey)(key))
    const keys = ["a", " ~", "k".repeat(255), "k".repeat(256), "", "a\n", "\ta", "ä"]
    assert.deepStrictEqual(keys.filter(isKey), keys.slice(0, 3))
    assert.strictEqual(Redacted.value(Schema.decodeSync(IdempotencyKey)("a")), "a")
  })
})
