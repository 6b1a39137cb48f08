import { createHmac } from "node:crypto"
import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Cause, Effect, Either, Layer, Redacted, TestClock } from "effect"
import { isUnavailable } from "../../../src/domain/Faults.ts"
import { AuthLive, AuthRoutesLive, BetterAuth, BetterAuthLive } from "../../../src/layers/account/BetterAuthLive.ts"
import { PersonalOrgsLive } from "../../../src/layers/account/PersonalOrgsLive.ts"
import { ConnectionLive } from "../../../src/layers/postgres/Database.ts"
import { Auth } from "../../../src/services/account/Auth.ts"
import { askAuth } from "../../askAuth.ts"
import { PgTest } from "../../pg.ts"
import { authentication, credential, password } from "../../worlds.ts"

/** How often better-auth was asked for a session. */
let asked = 0

const Counted = Layer.effect(
  BetterAuth,
  Effect.map(BetterAuth, (auth) => {
    const { getSession } = auth.api
    const counted = (...given: Parameters<typeof getSession>) => {
      asked++
      return getSession(...given)
    }
    return { ...auth, api: Object.assign({}, auth.api, { getSession: counted as typeof getSession }) }
  })
)

const liveAt = (baseUrl: string) =>
  Layer.merge(AuthLive, AuthRoutesLive).pipe(
    Layer.provideMerge(Counted),
    Layer.provide(BetterAuthLive({ ...authentication, baseUrl })),
    Layer.provide(PersonalOrgsLive),
    Layer.provideMerge(PgTest)
  )

let people = 0

/** A new session: its token, its signature, and its cookie as the answer sets it. */
const signedUp = Effect.gen(function* () {
  const answer = yield* askAuth("sign-up/email", { name: "Ada", email: `ada-${++people}@example.org`, password })
  const [token = "", signature = ""] = (answer.headers.get("set-auth-token") ?? "").split(".")
  const [cookie = ""] = (answer.headers.get("set-cookie") ?? "").split(";")
  const [name = "", value = ""] = cookie.split("=")
  return { token, signature, cookie, name, value }
})

type Session = Effect.Effect.Success<typeof signedUp>

const signedBy = (secret: string, token: string) => createHmac("sha256", secret).update(token).digest("base64")
const flipped = (text: string) => `${text.startsWith("x") ? "y" : "x"}${text.slice(1)}`
const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
/** The same bytes in base64 with other bits where none are read. */
const loosely = (signature: string) =>
  `${signature.slice(0, 42)}${digits[digits.indexOf(signature[42] ?? "") + 1]}${signature.slice(43)}`
const hex = (letter: string) => `%${letter.charCodeAt(0).toString(16)}`

type Shown = (session: Session) => Parameters<typeof credential>[0]

/** Shown as better-auth writes it: its session is found without it. */
const plain: Readonly<Record<string, Shown>> = {
  "a bearer token": ({ signature, token }) => ({ bearer: `Bearer ${token}.${signature}` }),
  "a bearer token that is percent-encoded": ({ signature, token }) => ({
    bearer: `Bearer ${token}.${encodeURIComponent(signature)}`
  }),
  "the scheme in small letters": ({ signature, token }) => ({ bearer: `bearer ${token}.${signature}` }),
  "the scheme in capitals": ({ signature, token }) => ({ bearer: `BEARER ${token}.${signature}` }),
  "a bearer token with a cookie that is wrong": ({ name, signature, token }) => ({
    bearer: `Bearer ${token}.${signature}`,
    cookie: `${name}=nonsense`
  }),
  "a cookie": ({ cookie }) => ({ cookie }),
  "a cookie that is not percent-encoded": ({ name, signature, token }) => ({ cookie: `${name}=${token}.${signature}` }),
  "a cookie among others": ({ cookie }) => ({ cookie: `a=1; ${cookie}; b=2` }),
  "a cookie among others without blanks": ({ cookie }) => ({ cookie: `a;b="2;${cookie};c` }),
  "a cookie with a scheme that is no bearer's": ({ cookie }) => ({ bearer: "Basic YTpi", cookie })
}

/** Valid, but written otherwise: better-auth is asked. */
const odd: Readonly<Record<string, Shown>> = {
  "two blanks after the scheme": ({ signature, token }) => ({ bearer: `Bearer  ${token}.${signature}` }),
  "a blank at the end": ({ signature, token }) => ({ bearer: `Bearer ${token}.${signature} ` }),
  "a letter of a bearer token percent-encoded": ({ signature, token }) => ({
    bearer: `Bearer ${hex(token[0] ?? "")}${token.slice(1)}.${signature}`
  }),
  "a signature with other bits at its end": ({ signature, token }) => ({
    bearer: `Bearer ${token}.${loosely(signature)}`
  }),
  "a cookie in quotation marks": ({ name, value }) => ({ cookie: `${name}="${value}"` }),
  "a cookie with blanks": ({ name, value }) => ({ cookie: `a=1;  ${name} = ${value} ; b=2` }),
  "two cookies of the name, the first of which is right": ({ cookie, name }) => ({
    cookie: `${cookie}; ${name}=nonsense`
  }),
  "a cookie beside one whose name ends so": ({ cookie, name }) => ({ cookie: `other-${name}=1; ${cookie}` })
}

/** Refused. */
const wrong: Readonly<Record<string, Shown>> = {
  nothing: () => ({}),
  "another token with that signature": ({ signature, token }) => ({ bearer: `Bearer ${flipped(token)}.${signature}` }),
  "another signature": ({ signature, token }) => ({ bearer: `Bearer ${token}.${flipped(signature)}` }),
  "a cookie with another signature": ({ name, signature, token }) => ({
    cookie: `${name}=${token}.${encodeURIComponent(flipped(signature))}`
  }),
  "the signature of another secret": ({ token }) => ({
    bearer: `Bearer ${token}.${signedBy("another secret of more than thirty-two characters", token)}`
  }),
  "a token without its last letter": ({ signature, token }) => ({
    bearer: `Bearer ${token.slice(0, -1)}.${signature}`
  }),
  "a signature without its end": ({ signature, token }) => ({ bearer: `Bearer ${token}.${signature.slice(0, -1)}` }),
  "more after the signature": ({ signature, token }) => ({ bearer: `Bearer ${token}.${signature}.more` }),
  "a token without a signature": ({ token }) => ({ bearer: `Bearer ${token}` }),
  "a cookie without a signature": ({ name, token }) => ({ cookie: `${name}=${token}` }),
  "an empty signature": ({ token }) => ({ bearer: `Bearer ${token}.` }),
  "no token": ({ signature }) => ({ bearer: `Bearer .${signature}` }),
  "a signed token that no session has": () => {
    const token = "abcdefghijklmnopqrstuvwxyz012345"
    return { bearer: `Bearer ${token}.${signedBy(Redacted.value(authentication.secret), token)}` }
  },
  "another scheme": ({ signature, token }) => ({ bearer: `Basic ${token}.${signature}` }),
  "a tab after the scheme": ({ signature, token }) => ({ bearer: `Bearer\t${token}.${signature}` }),
  "a bearer token that is wrong with a cookie that is right": ({ cookie }) => ({ bearer: "Bearer nonsense", cookie }),
  "two cookies of the name, the first of which is wrong": ({ cookie, name }) => ({
    cookie: `${name}=nonsense; ${cookie}`
  }),
  "two cookies of the name, the first with a blank behind it and wrong": ({ cookie, name }) => ({
    cookie: `${name} =nonsense; ${cookie}`
  }),
  "a cookie of another name": ({ name, value }) => ({ cookie: `other-${name}=${value}` }),
  "a cookie of the name that it has elsewhere": ({ name, value }) => ({
    cookie: `${name.startsWith("__Secure-") ? name.slice(9) : `__Secure-${name}`}=${value}`
  }),
  "a cookie in capitals": ({ name, value }) => ({ cookie: `${name.toUpperCase()}=${value}` })
}

const bearerOf = ({ signature, token }: Session) => ({ bearer: `Bearer ${token}.${signature}` })

/** What the service says of a credential, and how often it asked better-auth. */
const ours = (shown: ReturnType<Shown>) =>
  Effect.gen(function* () {
    const auth = yield* Auth
    const before = asked
    const answer = yield* Effect.either(auth.identify(credential(shown)))
    return { answer: Either.getOrNull(answer), asked: asked - before }
  })

/** What better-auth says of it. A bearer token counts alone, which it would not by itself. */
const theirs = ({ bearer, cookie }: ReturnType<Shown>) =>
  Effect.gen(function* () {
    const auth = yield* BetterAuth
    const isBearer = bearer !== undefined && /^bearer\s/i.test(bearer)
    const headers = new Headers(isBearer ? { authorization: bearer } : cookie === undefined ? {} : { cookie })
    const session = yield* Effect.promise(() => auth.api.getSession({ headers, query: { disableRefresh: true } }))
    return session === null ? null : { userId: session.user.id, sessionId: session.session.id }
  })

for (const baseUrl of ["http://127.0.0.1:3000", "https://install.example.org"]) {
  layer(liveAt(baseUrl), { timeout: "60 seconds" })(`sessions at ${baseUrl}`, (it) => {
    const says = (shown: Shown, isKnown: boolean, timesAsked?: number) =>
      Effect.gen(function* () {
        const session = yield* signedUp
        const [first, second] = [yield* ours(shown(session)), yield* theirs(shown(session))]
        assert.deepEqual(first.answer, second)
        assert.strictEqual(second !== null, isKnown)
        if (timesAsked !== undefined) assert.strictEqual(first.asked, timesAsked)
      })
    for (const [what, shown] of Object.entries(plain)) {
      it.effect(`takes ${what} without asking better-auth`, () => says(shown, true, 0))
    }
    for (const [what, shown] of Object.entries(odd)) {
      it.effect(`takes ${what} where better-auth does`, () => says(shown, true, 1))
    }
    for (const [what, shown] of Object.entries(wrong)) {
      it.effect(`refuses ${what}, as better-auth does`, () => says(shown, false))
    }

    it.effect.each([
      ["has expired", `UPDATE session SET "expiresAt" = now() - interval '1 second' WHERE token = $1`],
      ["was revoked", "DELETE FROM session WHERE token = $1"],
      ["is of somebody deleted", `DELETE FROM "user" WHERE id = (SELECT "userId" FROM session WHERE token = $1)`]
    ] as const)("refuses a session that %s, as better-auth does", ([, statement]) =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const session = yield* signedUp
        const shown = bearerOf(session)
        assert.notStrictEqual((yield* ours(shown)).answer, null)
        yield* sql.unsafe(statement, [session.token])
        assert.deepStrictEqual(yield* ours(shown), { answer: null, asked: 1 })
        assert.strictEqual(yield* theirs(shown), null)
      })
    )

    it.effect(
      "lets better-auth decide where the process says that a session has expired and the database does not",
      () =>
        Effect.gen(function* () {
          const session = yield* signedUp
          yield* TestClock.setTime(Date.parse("2999-01-01T00:00:00Z"))
          assert.strictEqual((yield* ours(bearerOf(session))).asked, 1)
        })
    )
  })
}

layer(liveAt("http://127.0.0.1:3000"), { timeout: "60 seconds", excludeTestServices: true })("sessions", (it) => {
  it.effect("say that the database is away, where it is", () =>
    Effect.gen(function* () {
      const session = yield* signedUp
      const away = ConnectionLive({ url: Redacted.make("postgres://127.0.0.1:1/nothing"), maxConnections: 1 })
      const cause = yield* ours(bearerOf(session)).pipe(
        Effect.provide(Layer.provide(AuthLive, away)),
        Effect.sandbox,
        Effect.flip
      )
      assert.isTrue(isUnavailable(Cause.squash(cause)))
    })
  )
})
