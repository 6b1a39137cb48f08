import { createHmac, timingSafeEqual } from "node:crypto"
import { SqlClient } from "@effect/sql"
import { Auth, PersonalOrgs, Unauthenticated, UserId } from "agent-install/account"
import { HttpLive } from "agent-install/http"
import { AppLive, type AppOptions, AuthRoutesNone } from "agent-install/layers"
import { Clock, Effect, Layer, Option, Redacted, Schema } from "effect"

/* Tokens from elsewhere (JWT, HS256) in place of better-auth's sessions, behind the product's own routes. */

const Claims = Schema.Struct({
  sub: UserId,
  name: Schema.String,
  email: Schema.String,
  exp: Schema.Number
})

const readClaims = Schema.decodeOption(Schema.compose(Schema.StringFromBase64Url, Schema.parseJson(Claims)))

const isSigned = (key: Redacted.Redacted<string>, signed: string, signature: string) => {
  const expected = createHmac("sha256", Redacted.value(key)).update(signed).digest()
  const given = Buffer.from(signature, "base64url")
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** Knows whoever shows a token that the key signed, and gives them an account and an organization at the first. */
export const JwtAuthLive = (key: Redacted.Redacted<string>) =>
  Layer.effect(
    Auth,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { ensure } = yield* PersonalOrgs
      return Auth.of({
        sessionCookie: "session",
        identify: ({ authorization }) =>
          Effect.gen(function* () {
            const [, token = ""] = /^bearer (.+)$/i.exec(authorization ? Redacted.value(authorization) : "") ?? []
            const [header, payload = "", signature = ""] = token.split(".")
            const claims = Option.getOrUndefined(readClaims(payload))
            const now = (yield* Clock.currentTimeMillis) / 1000
            if (!isSigned(key, `${header}.${payload}`, signature)) return yield* new Unauthenticated()
            if (claims === undefined || claims.exp <= now) return yield* new Unauthenticated()
            const { email, name, sub: userId } = claims
            yield* Effect.orDie(sql`INSERT INTO "user" (id, name, email, "emailVerified")
              VALUES (${userId}, ${name}, ${email}, true) ON CONFLICT (id) DO NOTHING`)
            yield* ensure(userId)
            return { userId, sessionId: `jwt-${userId}` }
          })
      })
    })
  )

/** The product's routes and pages, on a database and a server that it is provided with. */
export const JwtServiceLive = (options: AppOptions, key: Redacted.Redacted<string>) =>
  Layer.provide(HttpLive, Layer.provideMerge(Layer.merge(JwtAuthLive(key), AuthRoutesNone), AppLive(options)))
