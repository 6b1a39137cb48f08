import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { EventsQuery, isContinued } from "../../../src/domain/events/Event.ts"

describe("a reader of the events", () => {
  const asked = Schema.decodeUnknownEither(EventsQuery)

  it("misses nothing where all that follows is kept, and the number was given", () => {
    const isComplete = (after: number) => isContinued({ first: 10, last: 20 }, after)
    assert.deepStrictEqual([8, 9, 10, 20, 21].map(isComplete), [false, true, true, true, false])
    assert.isTrue(isContinued({ first: 1, last: 0 }, 0))
  })

  it("may say from where, how many and how long", () => {
    assert.deepStrictEqual(asked({}), Either.right({ limit: 100, wait: 0 }))
    assert.deepStrictEqual(asked({ after: "0", limit: "1", wait: "0" }), Either.right({ after: 0, limit: 1, wait: 0 }))
    const wrong: ReadonlyArray<readonly [of: string, texts: ReadonlyArray<string>, said: RegExp]> = [
      ["after", ["-1", "1.5", "x"], /Expected the number of an event\b/],
      ["limit", ["0", "1001", "x"], /Expected a number from 1 to 1000\b/],
      ["wait", ["-1", "31", "x"], /Expected a number from 0 to 30\b/]
    ]
    for (const [of, texts, said] of wrong) {
      for (const text of texts) assert.match(String(asked({ [of]: text })), said, text)
    }
  })
})
