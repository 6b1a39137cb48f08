import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Array as Arr, Effect, Fiber, Redacted, Schedule } from "effect"
import { authPaths } from "../../../src/http/account/AuthPaths.ts"
import { isFault, makeBetterAuth } from "../../../src/layers/account/BetterAuthLive.ts"
import { PgPool } from "../../../src/layers/postgres/Database.ts"
import { AuthRoutes } from "../../../src/services/account/AuthRoutes.ts"
import { PgTest } from "../../pg.ts"
import { type Answer, type Ask, isProblem, Running, TestServer } from "../server.ts"

const options = {
  baseUrl: "http://127.0.0.1:3000",
  ownOrigins: ["http://127.0.0.1:3000"],
  secret: Redacted.make("a secret of at least thirty-two characters")
}

/** What better-auth has and the service has not, each knowingly. */
const declined = [
  // Of providers: none is configured.
  "POST /sign-in/social",
  "GET /callback/:id",
  "POST /callback/:id",
  "POST /link-social",
  "POST /unlink-account",
  "GET /list-accounts",
  "POST /refresh-token",
  "POST /get-access-token",
  "GET /account-info",
  // By mail: none is sent.
  "GET /verify-email",
  "POST /send-verification-email",
  "POST /change-email",
  "POST /delete-user",
  "GET /delete-user/callback",
  "POST /request-password-reset",
  "POST /reset-password",
  "GET /reset-password/:token",
  // For settings of better-auth's that are not set: it refuses them.
  "POST /get-session",
  "POST /update-session",
  // Keys are a publisher's: /api/publishers/:slug/keys.
  "POST /api-key/create",
  "GET /api-key/get",
  "POST /api-key/update",
  "POST /api-key/delete",
  "GET /api-key/list",
  // /health/live and /docs/errors are the service's own.
  "GET /ok",
  "GET /error"
]

layer(PgTest, { timeout: "60 seconds" })("better-auth", (it) => {
  const made = Effect.map(PgPool, (pool) => {
    const logged: Array<Error> = []
    const auth = makeBetterAuth(pool, options, {
      signedIn: () => Promise.resolve(),
      log: (_level, _message, errors) => logged.push(...errors)
    })
    return { auth, logged }
  })

  it.effect("has no route that is neither listed nor declined", () =>
    Effect.gen(function* () {
      const { auth } = yield* made
      const its = Object.values(auth.api).flatMap(({ options, path }: { options: object; path?: string }) => {
        const { metadata, method } = options as { metadata?: { SERVER_ONLY?: boolean }; method: string | Array<string> }
        return path === undefined || metadata?.SERVER_ONLY === true
          ? []
          : Arr.ensure(method).map((one) => `${one} ${path}`)
      })
      const listed = authPaths.map(({ method, path }) => `${method} ${path.slice("/api/auth".length)}`)
      assert.sameMembers(its, [...listed, ...declined])
    })
  )

  it.effect("logs errors of clients that are no faults, and those of its database that are", () =>
    Effect.gen(function* () {
      const { auth, logged } = yield* made
      const answer = yield* Effect.promise(() =>
        auth.handler(new Request("http://127.0.0.1:3000/api/auth/callback/nobody?state=x"))
      )
      assert.isBelow(answer.status, 500)
      assert.isNotEmpty(logged)
      assert.deepStrictEqual(logged.filter(isFault), [])

      const sql = yield* SqlClient.SqlClient
      yield* sql`ALTER TABLE "user" RENAME TO user_away`
      const failed = yield* Effect.exit(
        Effect.promise(() =>
          auth.handler(
            new Request("http://127.0.0.1:3000/api/auth/sign-up/email", {
              method: "POST",
              headers: { "content-type": "application/json" },
              body: JSON.stringify({ name: "Ada", email: "ada@example.org", password: "a long password" })
            })
          )
        )
      )
      yield* sql`ALTER TABLE user_away RENAME TO "user"`
      assert.strictEqual(failed._tag, "Failure")
    })
  )
})

let people = 0

layer(TestServer, { timeout: "120 seconds", excludeTestServices: true })("the routes of accounts", (it) => {
  const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))
  const account = () => ({ name: "A Person", email: `person-${++people}@example.org`, password: "a long password" })
  const bearerOf = (answer: Answer) => ({ authorization: `Bearer ${answer.headers["set-auth-token"]}` })
  const signUp = (given: ReturnType<typeof account>) =>
    Effect.map(ask("/api/auth/sign-up/email", { body: given }), bearerOf)
  const signIn = (email: string, password: string, headers: Record<string, string> = {}) =>
    ask("/api/auth/sign-in/email", { body: { email, password }, headers })

  it.effect("keep a person's newest hundred sessions, however often they sign in", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const given = account()
      yield* signUp(given)
      const [user] = yield* sql`SELECT id FROM "user" WHERE email = ${given.email}`
      yield* sql`
        INSERT INTO session (id, "expiresAt", token, "createdAt", "updatedAt", "userId")
        SELECT 'many-' || at, now() + interval '1 day', 'many-' || at, now() - make_interval(mins => at), now(), ${user?.id}
        FROM generate_series(1, 150) AS at
      `
      const headers = bearerOf(yield* signIn(given.email, given.password))
      const { body } = yield* ask("/api/auth/list-sessions", { headers })
      assert.strictEqual(body.length, 100)
      assert.deepStrictEqual(yield* sql`SELECT id FROM session WHERE id IN ('many-98', 'many-99')`, [{ id: "many-98" }])
    })
  )

  it.effect("spend nothing of the budgets of a password where none was found wrong", () =>
    Effect.gen(function* () {
      const given = account()
      const headers = yield* signUp(given)
      for (let at = 0; at < 12; at++) {
        const short = yield* ask("/api/auth/change-password", {
          headers,
          body: { currentPassword: given.password, newPassword: "x" }
        })
        assert.strictEqual(short.status, 400)
        const elsewhere = yield* ask("/api/auth/sign-in/email", {
          body: { email: given.email, password: given.password, callbackURL: "http://elsewhere.example/" }
        })
        assert.strictEqual(elsewhere.status, 403)
      }
      const right = yield* ask("/api/auth/verify-password", { headers, body: { password: given.password } })
      assert.deepStrictEqual([right.status, (yield* signIn(given.email, given.password)).status], [200, 200])
    })
  )

  it.effect("keep of what a browser says of itself no more than is of use", () =>
    Effect.gen(function* () {
      const given = account()
      yield* signUp(given)
      const headers = bearerOf(yield* signIn(given.email, given.password, { "user-agent": "x".repeat(10_000) }))
      const { body } = yield* ask("/api/auth/list-sessions", { headers })
      const agents: ReadonlyArray<string> = body.map(({ userAgent }: { readonly userAgent: string }) => userAgent)
      assert.strictEqual(Math.max(...agents.map(({ length }) => length)), 512)
    })
  )

  it.effect("are those of the list: any other is not there, and any other method not allowed", () =>
    Effect.gen(function* () {
      for (const one of declined) {
        const [method = "", path = ""] = one.split(" ")
        const listed = authPaths.some((known) => known.path === `/api/auth${path}`)
        const answer = yield* ask(`/api/auth${path.replace(/:\w+/, "x")}?state=x&token=x&error=x`, { method })
        isProblem(answer, listed ? 405 : 404, listed ? "method_not_allowed" : "not_found")
      }
      isProblem(yield* ask("/api/auth/callback/google?state=x", { body: {} }), 404, "not_found")
      for (const { method, path } of authPaths) {
        const answer = yield* ask(path, { method: method === "GET" ? "POST" : "GET" })
        isProblem(answer, 405, "method_not_allowed")
        assert.strictEqual(answer.headers.allow, method === "GET" ? "GET, HEAD" : "POST")
      }
      for (const path of ["/api/auth", "/api/auth/", "/api/auth/sign-in", "/api/auth/sign-in%2Femail"]) {
        isProblem(yield* ask(path, { method: "POST" }), 404, "not_found")
      }
      assert.strictEqual((yield* ask("/api/auth/get-session", { method: "HEAD" })).status, 200)
    })
  )

  it.effect("give wrong passwords of a session's user a budget, and right ones none", () =>
    Effect.gen(function* () {
      const given = account()
      const headers = yield* signUp(given)
      const verify = (password: string) => ask("/api/auth/verify-password", { body: { password }, headers })
      const change = (currentPassword: string) =>
        ask("/api/auth/change-password", { body: { currentPassword, newPassword: "another password" }, headers })
      for (let at = 0; at < 6; at++) assert.strictEqual((yield* verify(given.password)).status, 200)
      assert.strictEqual((yield* verify("wrong password")).status, 400)
      assert.match(
        String((yield* change("wrong password")).headers.ratelimit),
        /^"auth";r=\d+;t=\d+, "password";r=2;t=\d+$/
      )
      assert.strictEqual((yield* change("wrong password")).status, 400)
      assert.strictEqual((yield* verify("wrong password")).status, 400)
      for (const answer of [yield* verify("wrong password"), yield* change(given.password)]) {
        isProblem(answer, 429, "rate_limited")
        assert.isAbove(Number(answer.headers["retry-after"]), 0)
      }
      isProblem(yield* ask("/api/auth/verify-password", { body: { password: "x" } }), 401, "unauthenticated")
    })
  )

  it.effect("give wrong passwords for an account a budget, also many at once, and right ones none", () =>
    Effect.gen(function* () {
      const given = account()
      yield* signUp(given)
      for (let at = 0; at < 6; at++) assert.strictEqual((yield* signIn(given.email, given.password)).status, 200)
      const wrong = yield* Effect.forEach(Arr.range(1, 20), () => signIn(given.email.toUpperCase(), "wrong password"), {
        concurrency: "unbounded"
      })
      const counted = Arr.countBy(wrong, ({ status }) => status === 401)
      assert.strictEqual(counted, 4)
      isProblem(yield* signIn(given.email, given.password), 429, "rate_limited")
      // An account that is not there is no different, and no account is kept from another.
      const nobody = account()
      const tries = yield* Effect.forEach(Arr.range(1, 5), () => signIn(nobody.email, "wrong password"))
      assert.deepStrictEqual(
        tries.map(({ status }) => status),
        [401, 401, 401, 401, 429]
      )
    })
  )

  it.effect("know from where an account has sessions now", () =>
    Effect.gen(function* () {
      const routes = yield* AuthRoutes
      const given = account()
      assert.deepStrictEqual(yield* routes.addressesOf(given.email), [])
      const headers = yield* signUp(given)
      assert.deepStrictEqual(yield* routes.addressesOf(given.email.toUpperCase()), ["127.0.0.1"])
      yield* ask("/api/auth/sign-out", { method: "POST", headers })
      assert.deepStrictEqual(yield* routes.addressesOf(given.email), [])
    })
  )

  for (const asked of [{}, { revokeOtherSessions: false }, { revokeOtherSessions: "no" }]) {
    it.effect(`end all sessions but one where the password is changed with ${JSON.stringify(asked)}`, () =>
      Effect.gen(function* () {
        const given = account()
        const first = yield* signUp(given)
        const second = bearerOf(yield* signIn(given.email, given.password))
        const other = yield* signUp(account())
        const isSignedIn = (headers: Record<string, string>) =>
          Effect.map(ask("/api/auth/get-session", { headers }), ({ body }) => body !== null)
        const newPassword = "another long password"
        const wrong = yield* ask("/api/auth/change-password", {
          body: { ...asked, currentPassword: "wrong password", newPassword },
          headers: second
        })
        assert.strictEqual(wrong.status, 400)
        assert.isTrue(yield* isSignedIn(first))

        const body = { ...asked, currentPassword: given.password, newPassword }
        const changed = yield* ask("/api/auth/change-password", { body, headers: second })
        assert.strictEqual(changed.status, 200, changed.text)
        const third = bearerOf(changed)
        const cookie = String(changed.headers["set-cookie"]).split(";")[0] ?? ""
        assert.deepStrictEqual(yield* Effect.forEach([first, second, third, { cookie }, other], isSignedIn), [
          false,
          false,
          true,
          true,
          true
        ])
        assert.strictEqual((yield* signIn(given.email, given.password)).status, 401)
        assert.strictEqual((yield* signIn(given.email, newPassword)).status, 200)
      })
    )
  }

  /** Runs `meanwhile` once what is asked waits for the lock that `statement` takes, then lets go. */
  const whileLocked = <A, E, R, B, E2, R2>(
    statement: string,
    asked: Effect.Effect<A, E, R>,
    meanwhile: Effect.Effect<B, E2, R2>
  ) =>
    Effect.gen(function* () {
      const pool = yield* PgPool
      const sql = yield* SqlClient.SqlClient
      const other = yield* Effect.acquireRelease(
        Effect.promise(() => pool.connect()),
        (client) => Effect.sync(() => client.release())
      )
      const run = (text: string) => Effect.promise(() => other.query(text))
      yield* run("BEGIN")
      yield* run(statement)
      const waiting = yield* Effect.fork(asked)
      yield* sql`
        SELECT count(*)::integer AS waits FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()
      `.pipe(Effect.repeat({ until: ([row]) => Number(row?.waits) > 0, schedule: Schedule.spaced("20 millis") }))
      yield* meanwhile
      yield* run("COMMIT")
      return yield* Fiber.join(waiting)
    }).pipe(Effect.scoped)

  it.effect("begin no session by a password that is changed while it begins", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const given = account()
      yield* signUp(given)
      const changed = sql`
        UPDATE account a SET password = 'another' FROM "user" u WHERE u.id = a."userId" AND u.email = ${given.email}
      `
      const answer = yield* whileLocked(
        "LOCK TABLE session IN SHARE MODE",
        signIn(given.email, given.password),
        changed
      )
      assert.deepStrictEqual([answer.status, answer.body.code], [401, "INVALID_EMAIL_OR_PASSWORD"])
      assert.isUndefined(answer.headers["set-cookie"])
      const routes = yield* AuthRoutes
      assert.deepStrictEqual(
        yield* sql`SELECT count(*)::integer AS count FROM session s JOIN "user" u ON u.id = s."userId" WHERE u.email = ${given.email}`,
        [{ count: 1 }]
      )
      assert.deepStrictEqual(yield* routes.addressesOf(given.email), ["127.0.0.1"])
    })
  )

  it.effect("end a session that began while the password was changed", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const given = account()
      const headers = yield* signUp(given)
      const begun = sql`
        INSERT INTO session (id, token, "userId", "expiresAt", "updatedAt")
        SELECT 'late', 'late', id, now() + interval '1 day', now() FROM "user" WHERE email = ${given.email}
      `
      const changed = yield* whileLocked(
        `SELECT FROM account a JOIN "user" u ON u.id = a."userId" WHERE u.email = '${given.email}' FOR UPDATE OF a`,
        ask("/api/auth/change-password", {
          body: { currentPassword: given.password, newPassword: "another long password" },
          headers
        }),
        begun
      )
      assert.strictEqual(changed.status, 200, changed.text)
      assert.deepStrictEqual(yield* sql`SELECT id FROM session WHERE id = 'late'`, [])
      const session = yield* ask("/api/auth/get-session", { headers: bearerOf(changed) })
      assert.strictEqual(session.body.user.email, given.email)
    })
  )
})
