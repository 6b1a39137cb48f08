import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Auth } from "../../../src/services/account/Auth.ts"
import { credential, Hands, worlds } from "../../worlds.ts"

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`Auth (${label})`, (it) => {
    const identify = (headers: { readonly bearer?: string; readonly cookie?: string }) =>
      Effect.flatMap(Auth, (auth) => auth.identify(credential(headers)))
    const refused = (headers: { readonly bearer?: string; readonly cookie?: string }) =>
      Effect.map(Effect.flip(identify(headers)), (error) => assert.strictEqual(error._tag, "Unauthenticated"))

    it.effect("knows a person by bearer token and by cookie, as the same", () =>
      Effect.gen(function* () {
        const ada = yield* Effect.flatMap(Hands, (hands) => hands.signUp("ada"))
        const byBearer = yield* identify({ bearer: ada.bearer })
        const byCookie = yield* identify({ cookie: ada.cookie })
        assert.deepStrictEqual(byBearer, byCookie)
      })
    )

    it.effect("tells people apart", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const bob = yield* identify({ bearer: (yield* hands.signUp("bob")).bearer })
        const eve = yield* identify({ bearer: (yield* hands.signUp("eve")).bearer })
        assert.notStrictEqual(bob.userId, eve.userId)
      })
    )

    it.effect("refuses nothing, nonsense, a token changed by a letter and another scheme", () =>
      Effect.gen(function* () {
        const { bearer, cookie } = yield* Effect.flatMap(Hands, (hands) => hands.signUp("carol"))
        yield* refused({})
        yield* refused({ bearer: "Bearer " })
        yield* refused({ bearer: "Bearer nonsense" })
        yield* refused({ bearer: "Bearer %00.%00" })
        yield* refused({
          bearer: bearer.replace(/^(Bearer .)./, (_, start) => `${start}${bearer[8] === "x" ? "y" : "x"}`)
        })
        yield* refused({ bearer: bearer.replace("Bearer", "Basic") })
        yield* refused({ cookie: `other${cookie}` })
      })
    )

    it.effect("looks at the bearer token alone where there is one", () =>
      Effect.gen(function* () {
        const { cookie } = yield* Effect.flatMap(Hands, (hands) => hands.signUp("dora"))
        yield* refused({ bearer: "Bearer nonsense", cookie })
      })
    )
  })
}
