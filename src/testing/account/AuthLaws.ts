import assert from "node:assert/strict"
import { Effect, Either, Redacted } from "effect"
import { Auth } from "../../services/account/Auth.ts"
import { type Law, law, type NeedsOf, newName } from "../Law.ts"

/** A session as header fields hold it: `Bearer …`, and `name=value`. */
export interface Session {
  readonly bearer: string
  readonly cookie: string
}

/** What the laws do besides asking. */
export interface AuthHands<R> {
  /** Begins a session of somebody new. */
  readonly signUp: (name: string) => Effect.Effect<Session, never, R>
}

const identify = ({ bearer, cookie }: Partial<Session>) =>
  Effect.flatMap(Auth, (auth) =>
    auth.identify({
      authorization: bearer === undefined ? undefined : Redacted.make(bearer),
      cookie: cookie === undefined ? undefined : Redacted.make(cookie)
    })
  )

const isRefused = (session: Partial<Session>) =>
  Effect.map(Effect.flip(identify(session)), ({ _tag }) => assert.equal(_tag, "Unauthenticated"))

/** The same token with its first letter changed. */
const forged = (bearer: string) =>
  bearer.replace(/^(Bearer )(.)/, (_, scheme, letter) => `${scheme}${letter === "x" ? "y" : "x"}`)

const lawsWith = <R>({ signUp }: AuthHands<R>): ReadonlyArray<Law<Auth | R>> => [
  law(
    "knows a person by bearer token and by cookie, as the same",
    Effect.gen(function* () {
      const { bearer, cookie } = yield* signUp(newName("ada"))
      assert.deepEqual(yield* identify({ bearer }), yield* identify({ cookie }))
    })
  ),
  law(
    "tells people apart",
    Effect.gen(function* () {
      const bob = yield* identify({ bearer: (yield* signUp(newName("bob"))).bearer })
      const eve = yield* identify({ bearer: (yield* signUp(newName("eve"))).bearer })
      assert.notEqual(bob.userId, eve.userId)
    })
  ),
  law(
    "answers each of many who ask at once for themselves",
    Effect.gen(function* () {
      const sessions = yield* Effect.forEach(["a", "b", "c", "d", "e"], (name) => signUp(newName(name)))
      const alone = yield* Effect.forEach(sessions, ({ bearer }) => identify({ bearer }))
      const asked = Array.from({ length: 30 }, (_, at) => sessions[at % 5]?.bearer ?? "")
      const together = yield* Effect.forEach(
        asked,
        (bearer, at) => Effect.either(identify({ bearer: at % 7 === 0 ? forged(bearer) : bearer })),
        { concurrency: "unbounded" }
      )
      for (const [at, answer] of together.entries()) {
        if (at % 7 === 0) assert.equal(Either.isLeft(answer), true)
        else assert.deepEqual(answer, Either.right(alone[at % 5]))
      }
    })
  ),
  law(
    "refuses nothing, nonsense, a token changed by a letter and another scheme",
    Effect.gen(function* () {
      const { bearer, cookie } = yield* signUp(newName("carol"))
      yield* isRefused({})
      yield* isRefused({ bearer: "Bearer " })
      yield* isRefused({ bearer: "Bearer nonsense" })
      yield* isRefused({ bearer: "Bearer %00.%00" })
      yield* isRefused({ bearer: forged(bearer) })
      yield* isRefused({ bearer: bearer.replace("Bearer", "Basic") })
      yield* isRefused({ cookie: `other${cookie}` })
    })
  ),
  law(
    "looks at the bearer token alone where there is one",
    Effect.gen(function* () {
      const { cookie } = yield* signUp(newName("dora"))
      yield* isRefused({ bearer: "Bearer nonsense", cookie })
    })
  )
]

/** What every `Auth` promises. */
export const authLaws = <Hands extends AuthHands<unknown>>(hands: Hands) =>
  lawsWith(hands as AuthHands<unknown> as AuthHands<NeedsOf<Hands>>)
