import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Option, Redacted, Schedule } from "effect"
import { mailPaths } from "../../../src/http/account/AuthPaths.ts"
import { Smtp, SmtpLive, tokenIn } from "../../smtp.ts"
import { type Ask, isProblem, ownOrigin, Running, TestServer, testServer } from "../server.ts"

const from = "agents@example.org"
const logged: Array<string> = []
const Logged = Layer.merge(
  Logger.add(Logger.make((line) => logged.push(Logger.logfmtLogger.log(line)))),
  Logger.minimumLogLevel(LogLevel.All)
)

const Live = Layer.unwrapEffect(
  Effect.map(Smtp, ({ url }) => testServer(Option.some({ url: Redacted.make(url), from, retryAfter: "50 millis" })))
).pipe(Layer.provide(Logged), Layer.provideMerge(SmtpLive))

const often = Schedule.spaced("20 millis")

let people = 0
const account = () => ({ name: "A Person", email: `mailed-${++people}@example.org`, password: "a long password" })
type Account = ReturnType<typeof account>

const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))
const signUp = (given: Account) =>
  Effect.map(ask("/api/auth/sign-up/email", { body: given }), ({ headers, status }) => {
    assert.strictEqual(status, 200)
    return { authorization: `Bearer ${headers["set-auth-token"]}` }
  })
const signIn = ({ email, password }: Account) =>
  Effect.map(ask("/api/auth/sign-in/email", { body: { email, password } }), ({ status }) => status)
const newest = (to: string, count?: number) => Effect.flatMap(Smtp, (smtp) => smtp.newest(to, count))

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("where mail is sent", (it) => {
  const verify = (token: string) => ask(`/api/auth/verify-email?token=${encodeURIComponent(token)}`)
  const emailIdentity = (email: string) =>
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      Effect.map(
        sql.unsafe<{ readonly state: string }>(
          "SELECT state FROM entity_identities WHERE namespace = 'email' AND identifier = $1 AND deleted_at IS NULL",
          [email]
        ),
        (rows) => rows.map(({ state }) => state)
      )
    )
  const isVerified = (headers: Record<string, string>) =>
    Effect.map(ask("/api/account", { headers }), ({ body }) => body.emailVerified)

  it.effect("an address is verified by the link in the mail that a sign-up sends, once", () =>
    Effect.gen(function* () {
      const given = account()
      const headers = yield* signUp(given)
      const mail = yield* newest(given.email)
      assert.deepStrictEqual([mail.from, mail.to], [from, [given.email]])
      assert.match(mail.headers, /^Subject: Is this your e-mail address\?$/m)
      assert.match(mail.headers, /^Content-Type: text\/plain/m)
      assert.notInclude(mail.text, given.name)
      assert.deepStrictEqual(mail.text.match(/http\S+\?\S+/g)?.length, 1)
      assert.include(mail.text, `${ownOrigin}/account/verify?token=`)
      assert.strictEqual(yield* isVerified(headers), false)
      assert.deepStrictEqual(yield* emailIdentity(given.email), ["claimed"])

      const token = tokenIn(mail)
      assert.strictEqual((yield* verify(`${token.slice(0, -2)}xx`)).status, 401)
      assert.strictEqual((yield* verify(token)).status, 200)
      assert.strictEqual(yield* isVerified(headers), true)
      assert.deepStrictEqual(yield* emailIdentity(given.email), ["verified"])
      assert.deepStrictEqual((yield* verify(token)).body.code, "INVALID_TOKEN")
    })
  )

  it.effect("a link that has expired, or whose account is gone, verifies nothing", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const given = account()
      const headers = yield* signUp(given)
      const first = tokenIn(yield* newest(given.email))
      yield* sql`UPDATE verification SET "expiresAt" = now() - interval '1 second'`
      assert.strictEqual((yield* verify(first)).status, 401)
      assert.strictEqual(yield* isVerified(headers), false)

      // JWTs of the same second are the same, and so is their token.
      yield* Effect.sleep("1100 millis")
      const again = yield* ask("/api/auth/send-verification-email", { headers, body: { email: given.email } })
      assert.strictEqual(again.status, 200)
      const second = tokenIn(yield* newest(given.email, 2))
      const deleted = yield* ask("/api/account/delete", { headers, body: { password: given.password } })
      assert.strictEqual(deleted.status, 204)
      const anew = yield* signUp(given)
      assert.strictEqual((yield* verify(second)).status, 401)
      assert.strictEqual(yield* isVerified(anew), false)
    })
  )

  it.effect("a forgotten password is replaced by the link in a mail, once, and every session ends", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const given = account()
      const headers = yield* signUp(given)
      yield* newest(given.email)
      const asked = yield* ask("/api/auth/request-password-reset", { body: { email: given.email.toUpperCase() } })
      const nobody = yield* ask("/api/auth/request-password-reset", { body: { email: "nobody@example.org" } })
      assert.deepStrictEqual([asked.status, asked.text], [nobody.status, nobody.text])
      const mail = yield* newest(given.email, 2)
      assert.include(mail.text, `${ownOrigin}/account/reset?token=`)
      const token = tokenIn(mail)
      const kept = yield* sql`SELECT FROM verification v WHERE to_jsonb(v)::text LIKE ${`%${token}%`}`
      assert.deepStrictEqual(kept, [])

      const reset = (newPassword: string) => ask("/api/auth/reset-password", { body: { token, newPassword } })
      assert.strictEqual((yield* reset("short")).status, 400)
      assert.strictEqual(yield* signIn(given), 200)
      assert.strictEqual((yield* reset("another long password")).status, 200)
      isProblem(yield* ask("/api/account", { headers }), 401, "unauthenticated")
      assert.deepStrictEqual(
        [yield* signIn(given), yield* signIn({ ...given, password: "another long password" })],
        [401, 200]
      )
      assert.deepStrictEqual((yield* reset("a third long password")).body.code, "INVALID_TOKEN")
      assert.strictEqual(yield* signIn({ ...given, password: "another long password" }), 200)

      yield* ask("/api/auth/request-password-reset", { body: { email: given.email } })
      const late = tokenIn(yield* newest(given.email, 3))
      yield* sql`UPDATE verification SET "expiresAt" = now() - interval '1 second'`
      const expired = yield* ask("/api/auth/reset-password", { body: { token: late, newPassword: "a long password" } })
      assert.deepStrictEqual(expired.body.code, "INVALID_TOKEN")
    })
  )

  it.effect("nobody is sent mails without end, whether or not there is an account", () =>
    Effect.gen(function* () {
      const { arrived } = yield* Smtp
      const given = account()
      yield* signUp(given)
      for (const email of [given.email, "nobody.at.all@example.org"]) {
        for (let at = 0; at < 3; at++) {
          assert.strictEqual((yield* ask("/api/auth/request-password-reset", { body: { email } })).status, 200)
        }
        isProblem(yield* ask("/api/auth/request-password-reset", { body: { email } }), 429, "rate_limited")
        isProblem(yield* ask("/api/auth/send-verification-email", { body: { email } }), 429, "rate_limited")
      }
      yield* newest(given.email, 4)
      assert.deepStrictEqual(
        (yield* arrived).filter(({ to }) => to.includes("nobody.at.all@example.org")),
        []
      )
    })
  )

  it.effect("a mail server that is away, or says not now, keeps nobody waiting, and gets the mail later", () =>
    Effect.gen(function* () {
      const smtp = yield* Smtp
      const given = account()
      yield* smtp.stop
      yield* Effect.timeout(signUp(given), "8 seconds")
      yield* smtp.start
      yield* newest(given.email)

      const other = account()
      yield* smtp.answer(451)
      const before = yield* smtp.handed
      yield* signUp(other)
      yield* Effect.repeat(smtp.handed, { schedule: often, until: (handed) => handed > before + 1 })
      yield* smtp.answer(250)
      yield* newest(other.email)
    })
  )

  it.effect("a mail that is refused for good is not sent again", () =>
    Effect.gen(function* () {
      const smtp = yield* Smtp
      yield* smtp.answer(550)
      const before = yield* smtp.handed
      yield* signUp(account())
      yield* Effect.repeat(smtp.handed, { schedule: often, until: (handed) => handed > before })
      yield* Effect.sleep("400 millis")
      assert.strictEqual(yield* smtp.handed, before + 1)
      yield* smtp.answer(250)
    })
  )

  it.effect("no line of the log holds a token, an address or a word of a mail", () =>
    Effect.gen(function* () {
      const { arrived } = yield* Smtp
      const text = logged.join("\n")
      assert.include(text, "The mail server did not take a mail; it is tried again")
      assert.include(text, "A mail was not sent, and is not tried again")
      assert.include(text, "/api/auth/verify-email")
      for (const mail of yield* arrived) {
        for (const secret of [tokenIn(mail), ...mail.to]) assert.notInclude(text, secret)
      }
    })
  )

  it.effect("a mail server that never says a word keeps nobody waiting", () =>
    Effect.gen(function* () {
      const smtp = yield* Smtp
      yield* smtp.fallSilent
      const answered = yield* Effect.timeout(signUp(account()), "8 seconds")
      assert.isDefined(answered.authorization)
    })
  )
})

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("where no mail is sent", (it) => {
  it.effect("nothing that needs mail is there", () =>
    Effect.gen(function* () {
      yield* signUp(account())
      for (const { method, path } of mailPaths) {
        isProblem(
          yield* ask(`${path}?token=x`, method === "POST" ? { body: { email: "ada@example.org" } } : { method }),
          404,
          "not_found"
        )
      }
      const headers = { accept: "text/html" }
      for (const path of ["/account/forgot", "/account/reset?token=x", "/account/verify?token=x"]) {
        assert.strictEqual((yield* ask(path, { headers })).status, 404)
      }
      assert.notInclude((yield* ask("/sign-in", { headers })).text, "Forgot")
    })
  )
})
