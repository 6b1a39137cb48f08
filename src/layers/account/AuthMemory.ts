import { Effect, Layer, Redacted } from "effect"
import { Unauthenticated } from "../../domain/Errors.ts"
import { Auth } from "../../services/account/Auth.ts"
import { MemoryStore, sessionId } from "../memory/MemoryStore.ts"

const sessionCookie = "session"

/** The session token in a `Cookie` header. */
export const tokenIn = (header: string): string | undefined =>
  header
    .split(";")
    .map((pair) => pair.trim().split("="))
    .find(([name]) => name === sessionCookie)?.[1]

/** Sessions in memory: a user's token, as a bearer token or in a cookie named `session`. */
export const AuthMemory = Layer.effect(
  Auth,
  Effect.map(MemoryStore, ({ read }) =>
    Auth.of({
      sessionCookie,
      identify: ({ authorization, cookie }) =>
        Effect.gen(function* () {
          const bearer = /^bearer\s+(.*)$/i.exec(authorization === undefined ? "" : Redacted.value(authorization))
          const token = bearer === null ? tokenIn(cookie === undefined ? "" : Redacted.value(cookie)) : bearer[1]
          const user = yield* read(({ users }) => users.find(({ session }) => session !== "" && session === token))
          return user === undefined ? yield* new Unauthenticated() : { userId: user.id, sessionId: sessionId(user) }
        })
    })
  )
)
