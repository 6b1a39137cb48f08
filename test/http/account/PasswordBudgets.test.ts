import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Either, Layer, TestClock } from "effect"
import { UserId } from "../../../src/domain/Ids.ts"
import { guardAccountPassword, guardOwnPassword } from "../../../src/http/account/PasswordBudgets.ts"
import { RateLimiterMemory } from "../../../src/layers/admission/RateLimiterMemory.ts"
import { MemoryStoreLive } from "../../../src/layers/memory/MemoryStore.ts"
import { AuthRoutes } from "../../../src/services/account/AuthRoutes.ts"
import { limits as given } from "../../worlds.ts"

// The large one the shorter: what is left of the small one can be seen after it.
const limits = { ...given, account: { ...given.account, window: Duration.minutes(10) } }

const email = "ada@example.org"
const home = "2001:db8:1:2::1"

/** Ada's password is "right", and she is signed in at home. */
const World = Layer.merge(
  RateLimiterMemory(limits).pipe(Layer.provide(MemoryStoreLive)),
  Layer.succeed(
    AuthRoutes,
    AuthRoutes.of({
      isOffered: true,
      sendsMail: false,
      handle: () => Effect.die("not asked"),
      session: () => Effect.die("not asked"),
      addressesOf: (asked) => Effect.succeed(asked === email ? ["2001:db8:1:2:0:0:0:0"] : [])
    })
  )
)

const answering = (password: string) => Effect.succeed(new Response(null, { status: password === "right" ? 200 : 401 }))

/** Whether the password was looked at, and right; else the budget that is spent. */
const signIn = (address: string, password: string, named = email) =>
  guardAccountPassword(named, address, answering(password)).pipe(
    Effect.either,
    Effect.map(Either.match({ onLeft: ({ policy }) => policy, onRight: ({ ok }) => (ok ? "in" : "out") }))
  )

const guess = (address: string, times: number, named = email) =>
  Effect.replicateEffect(signIn(address, "wrong", named), times)

layer(World)("the budgets of a password", (it) => {
  it.effect("let nobody lock a person out: not from another network, nor where the person is signed in", () =>
    Effect.gen(function* () {
      const { limit } = limits.password
      assert.deepStrictEqual(yield* guess("198.51.100.1", limit + 1), [...Array(limit).fill("out"), "password"])
      assert.strictEqual(yield* signIn("203.0.113.7", "right"), "in")
      // Many networks at once spend what the account has from everywhere.
      yield* Effect.forEach(["198.51.100.2", "198.51.100.3"], (address) => guess(address, limit))
      assert.strictEqual(yield* signIn("198.51.100.4", "wrong"), "account")
      assert.strictEqual(yield* signIn("203.0.113.7", "right"), "account")
      assert.strictEqual(yield* signIn(home, "right"), "in")
      // Which is no way around the budget of that network.
      assert.deepStrictEqual(yield* guess("2001:db8:1:2::2", limit + 1), [...Array(limit).fill("out"), "password"])
      // What was refused for the large budget has spent nothing of the small one.
      yield* TestClock.adjust(Duration.sum(limits.account.window, "1 second"))
      assert.deepStrictEqual(yield* guess("198.51.100.4", limit + 1), [...Array(limit).fill("out"), "password"])
    })
  )

  it.effect("count wrong passwords alone, and accounts apart", () =>
    Effect.gen(function* () {
      const named = "grace@example.org"
      const { limit, window } = limits.password
      yield* guess(home, limit - 1, named)
      for (let at = 0; at < 2 * limit; at++) assert.strictEqual(yield* signIn(home, "right", named), "in")
      assert.deepStrictEqual(yield* guess(home, 2, named.toUpperCase()), ["out", "password"])
      assert.strictEqual(yield* signIn(home, "wrong", "edsger@example.org"), "out")
      yield* TestClock.adjust(Duration.sum(window, "1 second"))
      assert.strictEqual(yield* signIn(home, "right", named), "in")
    })
  )

  it.effect("count those of a session's user from everywhere", () =>
    Effect.gen(function* () {
      const verify = (userId: string, password: string) =>
        Effect.map(Effect.either(guardOwnPassword(UserId.make(userId), answering(password))), Either.isRight)
      const fault = guardOwnPassword(UserId.make("ada"), Effect.die("the database is away"))
      for (let at = 0; at < 2 * limits.password.limit; at++) yield* Effect.exit(fault)
      for (let at = 0; at < limits.password.limit; at++) assert.isTrue(yield* verify("ada", "wrong"))
      assert.isFalse(yield* verify("ada", "right"))
      assert.isTrue(yield* verify("grace", "right"))
    })
  )
})
