import { Effect, Layer, Option, Redacted } from "effect"
import { AuthRoutes } from "../../services/account/AuthRoutes.ts"
import { MemoryStore } from "../memory/MemoryStore.ts"
import { tokenIn } from "./AuthMemory.ts"

/** The sessions in memory, for browsers. Nobody can sign up or in over HTTP: the people are those of the seed. */
export const AuthRoutesMemory = Layer.effect(
  AuthRoutes,
  Effect.map(MemoryStore, ({ read }) =>
    AuthRoutes.of({
      isOffered: false,
      sendsMail: false,
      handle: () => Effect.succeed(new Response(null, { status: 404 })),
      session: (cookie) =>
        read(({ users }) => {
          const token = tokenIn(Redacted.value(cookie))
          const user = users.find(({ session }) => session !== "" && session === token)
          return Option.map(Option.fromNullable(user), ({ email, id, name }) => ({
            visitor: { userId: id, name, email },
            cookies: []
          }))
        }),
      addressesOf: () => Effect.succeed([])
    })
  )
)
