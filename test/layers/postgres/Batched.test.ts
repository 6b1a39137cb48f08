import { SqlClient } from "@effect/sql"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Option, Schedule } from "effect"
import { type BatchedOptions, batched } from "../../../src/layers/postgres/Batched.ts"

const transaction = Context.make(SqlClient.TransactionConnection, [] as never)

/** Until what has ended makes room for the next statement: in the event loop's next turn. */
const nextTurn = Effect.zipRight(
  Effect.yieldNow(),
  Effect.async<void>((resume) => {
    setImmediate(() => resume(Effect.void))
  })
)

/** What was asked by each statement, and the answers, which the test gives when it wants to. */
const asking = (options?: BatchedOptions) => {
  const statements: Array<{
    readonly questions: ReadonlyArray<string>
    /** Whether it runs in a transaction. */
    readonly within: boolean
    readonly end: Deferred.Deferred<ReadonlyArray<string>, string>
  }> = []
  const ask = batched(
    (questions: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const end = yield* Deferred.make<ReadonlyArray<string>, string>()
        const within = Option.isSome(yield* Effect.serviceOption(SqlClient.TransactionConnection))
        statements.push({ questions, within, end })
        return yield* Deferred.await(end)
      }),
    { patience: "1 hour", ...options }
  )
  /** Lets a statement end. */
  const ending = (at: number, end: (statement: (typeof statements)[number]) => Effect.Effect<unknown>) => {
    const statement = statements[at]
    return statement === undefined
      ? Effect.dieMessage(`There is no statement ${at}`)
      : Effect.zipRight(end(statement), nextTurn)
  }
  const answer = (at: number) =>
    ending(at, ({ end, questions }) =>
      Deferred.succeed(
        end,
        questions.map((question) => `${question}!`)
      )
    )
  const fail = (at: number) => ending(at, ({ end }) => Deferred.fail(end, "no"))
  return { ask, answer, fail, statements, asked: () => statements.map(({ questions }) => questions.join("")) }
}

type Ask = (question: string) => Effect.Effect<string, string>

/** Puts a question, in a turn of its own; it is asked, or waits, when this ends. */
const put = (ask: Ask, question: string) => Effect.tap(Effect.fork(ask(question)), nextTurn)
const putAll = (ask: Ask, questions: string) => Effect.forEach([...questions], (question) => put(ask, question))

describe("batched", () => {
  it.effect("asks for a lone caller at once, and for those who come meanwhile together", () =>
    Effect.gen(function* () {
      const { answer, ask, asked } = asking()
      const callers = yield* putAll(ask, "abcd")
      assert.deepStrictEqual(asked(), ["a"])
      yield* answer(0)
      assert.deepStrictEqual(asked(), ["a", "bcd"])
      yield* answer(1)
      assert.deepStrictEqual(yield* Fiber.join(Fiber.all(callers)), ["a!", "b!", "c!", "d!"])
      const late = yield* put(ask, "e")
      yield* answer(2)
      assert.strictEqual(yield* Fiber.join(late), "e!")
    })
  )

  it.effect("asks no more by one statement than it may", () =>
    Effect.gen(function* () {
      const { answer, ask, asked } = asking({ size: 3 })
      const callers = yield* putAll(ask, "abcdefg")
      for (const at of [0, 1, 2]) yield* answer(at)
      assert.deepStrictEqual(asked(), ["a", "bcd", "efg"])
      assert.strictEqual((yield* Fiber.join(Fiber.all(callers))).join(""), "a!b!c!d!e!f!g!")
    })
  )

  it.live("waits for a statement that hangs no longer than it has patience", () =>
    Effect.gen(function* () {
      const { answer, ask, asked } = asking({ patience: "1 millis", size: 2 })
      const [hanging, ...others] = yield* putAll(ask, "abcd")
      const areAsked = Effect.suspend(() => (asked().length === 3 ? Effect.void : Effect.fail("not yet")))
      yield* Effect.retry(areAsked, Schedule.spaced("1 millis"))
      assert.deepStrictEqual(asked(), ["a", "bc", "d"])
      yield* Effect.zipRight(answer(2), answer(1))
      assert.deepStrictEqual(yield* Fiber.join(Fiber.all(others)), ["b!", "c!", "d!"])
      const late = yield* put(ask, "e")
      yield* answer(0)
      assert.strictEqual(hanging && (yield* Fiber.join(hanging)), "a!")
      yield* answer(3)
      assert.strictEqual(yield* Fiber.join(late), "e!")
    })
  )

  it.effect("fails all who were asked for together, and nobody else", () =>
    Effect.gen(function* () {
      const { answer, ask, asked, fail } = asking()
      const callers = yield* putAll(ask, "abc")
      yield* answer(0)
      const later = yield* put(ask, "d")
      yield* fail(1)
      const exits = yield* Effect.forEach(callers, Fiber.await)
      assert.deepStrictEqual(exits, [Exit.succeed("a!"), Exit.fail("no"), Exit.fail("no")])
      yield* answer(2)
      assert.strictEqual(yield* Fiber.join(later), "d!")
      assert.deepStrictEqual(asked(), ["a", "bc", "d"])
    })
  )

  it.effect("asks together who comes in the same turn", () =>
    Effect.gen(function* () {
      const { answer, ask, asked } = asking()
      const callers = yield* Effect.forEach([..."abc"], (question) => Effect.fork(ask(question)))
      yield* nextTurn
      assert.deepStrictEqual(asked(), ["abc"])
      yield* answer(0)
      assert.deepStrictEqual(yield* Fiber.join(Fiber.all(callers)), ["a!", "b!", "c!"])
    })
  )

  it.effect("asks nothing where everybody who came is gone", () =>
    Effect.gen(function* () {
      const { answer, ask, asked } = asking()
      const gone = yield* Effect.fork(ask("a"))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(gone)
      yield* nextTurn
      const b = yield* put(ask, "b")
      assert.deepStrictEqual(asked(), ["b"])
      yield* answer(0)
      assert.strictEqual(yield* Fiber.join(b), "b!")
    })
  )

  it.effect("asks with those who waited who comes in the turn in which a statement ends", () =>
    Effect.gen(function* () {
      const { answer, ask, asked } = asking()
      const [a, b] = [yield* put(ask, "a"), yield* put(ask, "b")]
      const again = yield* Effect.fork(Effect.zipRight(Fiber.join(a), ask("c")))
      yield* answer(0)
      assert.deepStrictEqual(asked(), ["a", "bc"])
      yield* answer(1)
      assert.deepStrictEqual([yield* Fiber.join(b), yield* Fiber.join(again)], ["b!", "c!"])
    })
  )

  it.effect("asks each again and alone, where a statement for several fails, if it is told so", () =>
    Effect.gen(function* () {
      const { answer, ask, asked, fail } = asking({ failsAlone: true })
      const callers = yield* putAll(ask, "abcd")
      yield* fail(0)
      assert.deepStrictEqual(asked(), ["a", "bcd"])
      yield* fail(1)
      assert.deepStrictEqual(asked(), ["a", "bcd", "b", "c", "d"])
      yield* answer(2)
      yield* fail(3)
      yield* answer(4)
      const exits = yield* Effect.forEach(callers, Fiber.await)
      assert.deepStrictEqual(exits, [Exit.fail("no"), Exit.succeed("b!"), Exit.fail("no"), Exit.succeed("d!")])
    })
  )

  it.effect("takes nothing from the others when a caller is interrupted, whether it asks, waits or is asked for", () =>
    Effect.gen(function* () {
      const { answer, ask, asked } = asking()
      const [a, b, c, d] = [yield* put(ask, "a"), yield* put(ask, "b"), yield* put(ask, "c"), yield* put(ask, "d")]
      yield* Fiber.interrupt(b)
      yield* Fiber.interrupt(a)
      yield* answer(0)
      assert.deepStrictEqual(asked(), ["a", "cd"])
      yield* Fiber.interrupt(c)
      yield* answer(1)
      assert.strictEqual(yield* Fiber.join(d), "d!")
      const e = yield* put(ask, "e")
      yield* answer(2)
      assert.strictEqual(yield* Fiber.join(e), "e!")
    })
  )

  it.effect("asks for others outside the transaction of one who left, and tidies up in it", () =>
    Effect.gen(function* () {
      const { answer, ask, statements } = asking()
      const done = yield* Deferred.make<void>()
      const tidying = (question: string) =>
        Effect.onInterrupt(ask(question), () => Effect.provide(Deferred.await(done), transaction))
      const first = yield* put(ask, "a")
      const left = yield* put(tidying, "b")
      const other = yield* put(ask, "c")
      yield* Fiber.interruptFork(left)
      yield* nextTurn
      yield* answer(0)
      yield* answer(1)
      assert.strictEqual(yield* Fiber.join(other), "c!")
      assert.isFalse(statements.some(({ within }) => within))
      yield* Deferred.succeed(done, undefined)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(left)))
      assert.strictEqual(yield* Fiber.join(first), "a!")
    })
  )

  it.effect("asks alone within a transaction, whoever else asks", () =>
    Effect.gen(function* () {
      const { answer, ask, asked } = asking()
      const outside = yield* put(ask, "a")
      const within = yield* put((question) => Effect.provide(ask(question), transaction), "b")
      assert.deepStrictEqual(asked(), ["a", "b"])
      yield* answer(1)
      assert.strictEqual(yield* Fiber.join(within), "b!")
      yield* answer(0)
      assert.strictEqual(yield* Fiber.join(outside), "a!")
    })
  )

  it.effect("dies where a question has no answer", () =>
    Effect.gen(function* () {
      const ask = batched(() => Effect.succeed([]))
      const exit = yield* Effect.exit(ask("a"))
      assert.isTrue(Exit.isFailure(exit) && exit.cause._tag === "Die")
    })
  )
})
