import {
  getCurrentAuthContextAsyncLocalStorage,
  getCurrentDBAdapterAsyncLocalStorage,
  getRequestStateAsyncLocalStorage
} from "@better-auth/core/context"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import {
  AuthLive,
  AuthRoutesLive,
  BetterAuthAlone,
  BetterAuthLive
} from "../../../src/layers/account/BetterAuthLive.ts"
import { underWayWhile } from "../../../src/layers/account/CallStorages.ts"
import { PersonalOrgsLive } from "../../../src/layers/account/PersonalOrgsLive.ts"
import { Auth } from "../../../src/services/account/Auth.ts"
import { askAuth } from "../../askAuth.ts"
import { PgTest } from "../../pg.ts"
import { authentication, credential, password } from "../../worlds.ts"

const Alone = Layer.merge(AuthLive, AuthRoutesLive).pipe(
  Layer.provide(BetterAuthLive(authentication)),
  Layer.merge(BetterAuthAlone),
  Layer.provide(PersonalOrgsLive),
  Layer.provideMerge(PgTest)
)

const signUp = (who: string) => askAuth("sign-up/email", { name: who, email: `${who}@example.org`, password })

/** Which storages are on. Node 24 and later follow nothing for them, and don't say. */
const on = Effect.promise(async () => {
  const storages = [
    await getCurrentAuthContextAsyncLocalStorage(),
    await getCurrentDBAdapterAsyncLocalStorage(),
    await getRequestStateAsyncLocalStorage()
  ]
  return storages.filter((storage) => Reflect.get(storage, "enabled") === true)
})

layer(Alone, { timeout: "60 seconds" })("the storages of better-auth, alone in a process", (it) => {
  it.effect("are off before its first call and after each", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* on, [])
      assert.strictEqual((yield* signUp("ada")).status, 200)
      assert.deepStrictEqual(yield* on, [])
    })
  )

  it.effect("stay on while another call is under way", () =>
    Effect.gen(function* () {
      const auth = yield* Auth
      let goOn = () => {}
      const gate = new Promise<void>((resolve) => {
        goOn = resolve
      })
      const storage = yield* Effect.promise(() => getRequestStateAsyncLocalStorage())
      const state = new WeakMap()
      const long = () => storage.run(state, () => gate.then(() => storage.getStore()))
      const kept = yield* Effect.fork(Effect.promise(() => underWayWhile(long)))
      yield* Effect.yieldNow()
      // It is refused by better-auth, so a call has ended.
      assert.strictEqual(
        (yield* Effect.flip(auth.identify(credential({ bearer: "Bearer no" }))))._tag,
        "Unauthenticated"
      )
      assert.include(yield* on, storage)
      goOn()
      assert.strictEqual(yield* kept, state)
      assert.deepStrictEqual(yield* on, [])
    })
  )
})
