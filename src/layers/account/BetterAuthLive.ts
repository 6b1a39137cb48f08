import { AsyncLocalStorage } from "node:async_hooks"
import { createHash } from "node:crypto"
import { apiKey } from "@better-auth/api-key"
import { SqlClient, SqlSchema } from "@effect/sql"
import { BASE_ERROR_CODES, BetterAuthError, betterAuth } from "better-auth"
import { APIError, createAuthMiddleware, isAPIError } from "better-auth/api"
import { verifyPassword } from "better-auth/crypto"
import { bearer } from "better-auth/plugins"
import { Cause, Context, Data, DateTime, Effect, Layer, Option, Redacted, Runtime, Schema } from "effect"
import type Pg from "pg"
import { keyPrefix } from "../../domain/account/ApiKey.ts"
import { mailLinkSeconds, resetMail, verificationMail } from "../../domain/account/Mail.ts"
import { Unauthenticated } from "../../domain/Errors.ts"
import { foreignKeyViolation, isTransient, isUnavailable, sqlStateOf } from "../../domain/Faults.ts"
import { UserId } from "../../domain/Ids.ts"
import { Auth, type Credential } from "../../services/account/Auth.ts"
import { AuthRoutes } from "../../services/account/AuthRoutes.ts"
import { Mailer, type MailSender } from "../../services/account/Mailer.ts"
import { PersonalOrgs } from "../../services/account/PersonalOrgs.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { batched } from "../postgres/Batched.ts"
import { isOutdated } from "../postgres/Connection.ts"
import { outsideTransaction, PgPool, retryWhile } from "../postgres/Database.ts"
import { restingBetweenCalls, underWayWhile } from "./CallStorages.ts"
import { bearerScheme, sessionTokenReader } from "./SessionToken.ts"

export interface BetterAuthOptions {
  /** The public address of the service, as `https://install.example.org`. */
  readonly baseUrl: string
  /** Signs sessions; at least 32 characters. */
  readonly secret: Redacted.Redacted<string>
  /** The origins whose pages may send a session cookie. */
  readonly ownOrigins: ReadonlyArray<string>
}

/** The header that carries the client's address; one of this name from the client is overwritten. */
const addressHeader = "x-agent-install-client"

interface Hooks {
  readonly signedIn: (userId: string) => Promise<void>
  /** `errors` receives the errors that better-auth logs; its other log lines may contain the client's text. */
  readonly mail?: MailHooks | undefined
  readonly log: (level: "debug" | "info" | "warn" | "error", message: string, errors: ReadonlyArray<Error>) => void
}

/** What is done by mail, if mail is sent. */
interface MailHooks {
  readonly sendVerification: (user: Addressee, token: string) => Promise<void>
  readonly sendReset: (user: Addressee, token: string) => Promise<void>
  /** Uses up the token of a verification; false if it was used, has expired or never existed. */
  readonly useVerification: (token: string) => Promise<boolean>
  readonly verified: (userId: string) => Promise<void>
  readonly passwordReset: (userId: string) => Promise<void>
}

interface Addressee {
  readonly id: string
  readonly email: string
}

/** The stored hash of the password that a request has proved, until the request is answered. */
const currentProof = new AsyncLocalStorage<{ hash?: string }>()

/** How much of a User-Agent is stored with a session. */
const maxUserAgent = 512

/** The maximum number of a person's sessions: the newest. Each sign-in adds one, and all are listed. */
const maxSessions = 100

const isError = (value: unknown): value is Error => value instanceof Error

/**
 * better-auth over the pool. Its tables have additions in the migrations; its own limiter is off, since ours comes
 * before it.
 */
export const makeBetterAuth = (pool: Pg.Pool, options: BetterAuthOptions, { mail, ...hooks }: Hooks) =>
  betterAuth({
    database: pool,
    baseURL: options.baseUrl,
    basePath: "/api/auth",
    secret: Redacted.value(options.secret),
    trustedOrigins: [...options.ownOrigins],
    emailAndPassword: {
      enabled: true,
      password: {
        verify: async (given) => {
          const isRight = await verifyPassword(given)
          const proof = currentProof.getStore()
          if (isRight && proof !== undefined) proof.hash = given.hash
          return isRight
        }
      },
      ...(mail === undefined
        ? {}
        : {
            sendResetPassword: ({ token, user }: { token: string; user: Addressee }) => mail.sendReset(user, token),
            resetPasswordTokenExpiresIn: mailLinkSeconds.reset,
            revokeSessionsOnPasswordReset: true,
            onPasswordReset: ({ user }: { user: Addressee }) => mail.passwordReset(user.id)
          })
    },
    ...(mail === undefined
      ? {}
      : {
          emailVerification: {
            sendVerificationEmail: ({ token, user }: { token: string; user: Addressee }) =>
              mail.sendVerification(user, token),
            sendOnSignUp: true,
            expiresIn: mailLinkSeconds.verification,
            afterEmailVerification: (user: Addressee) => mail.verified(user.id)
          }
        }),
    // Somebody who can read the table must not be able to set anybody's password.
    verification: { storeIdentifier: "hashed" },
    plugins: [
      bearer({ requireSignature: true }),
      // Keys have the budgets of this service, like everything else.
      apiKey({
        defaultPrefix: keyPrefix,
        rateLimit: { enabled: false },
        startingCharactersConfig: { charactersLength: keyPrefix.length + 4 },
        maximumNameLength: 200
      })
    ],
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    advanced: {
      // This service checks origins before all routes; redirects of better-auth still have to be to one of
      // `trustedOrigins`.
      disableCSRFCheck: true,
      disableOriginCheck: false,
      database: { joins: true },
      ipAddress: { ipAddressHeaders: [addressHeader] }
    },
    onAPIError: { throw: true },
    logger: {
      level: "warn",
      log: (level, message: unknown, ...rest) =>
        hooks.log(level, isError(message) ? message.name : String(message), [message, ...rest].filter(isError))
    },
    hooks: {
      // Somebody who had the old password may be signed in: a new password ends every session, except that the session
      // which changed it goes on under a new token.
      before: createAuthMiddleware(async ({ body, path, query }) => {
        // better-auth's tokens can be used until they expire; here they can be used once.
        if (path === "/verify-email" && (await mail?.useVerification(String(query?.token))) !== true) {
          throw APIError.from("UNAUTHORIZED", BASE_ERROR_CODES.INVALID_TOKEN)
        }
        return path === "/change-password" ? { context: { body: { ...body, revokeOtherSessions: true } } } : undefined
      })
    },
    databaseHooks: { session: { create: { after: (session) => hooks.signedIn(session.userId) } } }
  })

/** The context of a call while better-auth calls back: the caller's runtime, and the faults so far. */
interface Call {
  readonly runtime: Runtime.Runtime<never>
  readonly faults: Array<Error>
}

const currentCall = new AsyncLocalStorage<Call>()

/** For a process of this service alone, whose requests then cost less: see `restingBetweenCalls`. */
export const BetterAuthAlone = restingBetweenCalls([currentProof, currentCall])

/**
 * Whether an error that better-auth logs is a fault. It also logs what it refuses to a client, which the answer says
 * already.
 */
export const isFault = (error: Error): boolean =>
  !(isAPIError(error) ? error.statusCode < 500 : error instanceof BetterAuthError || error.name.endsWith("ZodError"))

// What better-auth logs about a request, in other words: its own may quote what the client sent.
const words: ReadonlyArray<readonly [its: RegExp, ours: string]> = [
  [/^Reset Password: User not found$/, "Somebody asked for a new password of an account that is not there"],
  [/^User not found$/, "Somebody tried to sign in to an account that is not there"],
  [/^Failed to validate API key:$/, "Somebody showed a key that is not there"],
  [/^(Invalid password|Password not found)$/, "Somebody gave a wrong password"],
  [/^Password is too (short|long)$/, "Somebody gave a password that is too short or too long"],
  [/^Invalid \w+: /, "Somebody named an address to return to that is not the service's own"]
]

const inOurWords = (message: string, isRefusal: boolean): string =>
  words.find(([its]) => its.test(message))?.[1] ??
  (isRefusal ? "better-auth had something to say of a request" : "better-auth met a fault")

// Two requests wanted the same address at once: better-auth refuses the later one.
const isConflict = (fault: Error) => "code" in fault && typeof fault.code === "string" && fault.code.startsWith("23")

// The person of a new session or account was deleted meanwhile: foreign_key_violation. When retried, they are not
// found.
const isOfNobody = (fault: unknown) => sqlStateOf(fault) === foreignKeyViolation

const isRetryable = (fault: unknown) => isTransient(fault) || isOutdated(fault) || isOfNobody(fault)

/** Another transaction interfered, or a statement was outdated: the call was rolled back and can be retried. */
class Overtaken extends Data.TaggedError("Overtaken")<{ readonly fault: Error }> {}

/**
 * Calls better-auth, and retries if another transaction interfered. better-auth answers some faults of its database as
 * a refusal, some as success, and the others without a message: here any fault that it met becomes the defect.
 */
export const callBetterAuth = <A>(call: () => Promise<A>): Effect.Effect<A> =>
  Effect.flatMap(Effect.runtime<never>(), (runtime) => {
    const attempt = Effect.suspend(() => {
      const faults: Array<Error> = []
      const worst = () => faults.find(isUnavailable) ?? faults.find((fault) => !isConflict(fault))
      const overtaking = () => faults.find(isRetryable)
      return Effect.promise(() => underWayWhile(() => currentCall.run({ runtime, faults }, call))).pipe(
        Effect.catchAllDefect((defect) => {
          const fault = overtaking() ?? (isRetryable(defect) ? defect : undefined)
          return fault instanceof Error ? new Overtaken({ fault }) : Effect.die(worst() ?? defect)
        }),
        Effect.tap((result) => {
          const [transient, fault] = [overtaking(), worst()]
          if (transient !== undefined) return new Overtaken({ fault: transient })
          if (fault !== undefined) return Effect.die(fault)
          return result instanceof Response && result.status >= 500
            ? Effect.dieMessage(`better-auth answered ${result.status}`)
            : Effect.void
        })
      )
    })
    return attempt.pipe(
      retryWhile((error) => error instanceof Overtaken),
      Effect.catchTag("Overtaken", ({ fault }) => Effect.die(fault))
    )
  })

/** The name of a verification in the table: a digest, so that somebody who can read the table can't verify anything. */
const verificationOf = (token: string) => `verify-email:${createHash("sha256").update(token).digest("base64url")}`

const makeMailHooks = (mailer: MailSender, baseUrl: string, running: <A>(effect: Effect.Effect<A>) => Promise<A>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const personalOrgs = yield* PersonalOrgs

    const keep = SqlSchema.void({
      Request: Schema.Struct({ verification: Schema.String, userId: Schema.String }),
      execute: ({ userId, verification }) => sql`
        INSERT INTO verification (id, identifier, value, "expiresAt", "updatedAt")
        SELECT ${verification}, ${verification}, id, now() + make_interval(secs => ${mailLinkSeconds.verification}), now()
        FROM "user" WHERE id = ${userId}
        ON CONFLICT DO NOTHING
      `
    })
    const use = SqlSchema.findOne({
      Request: Schema.String,
      Result: Schema.Struct({ id: Schema.String }),
      execute: (verification) => sql`
        DELETE FROM verification WHERE identifier = ${verification} AND "expiresAt" > now() RETURNING id
      `
    })
    const endSessions = SqlSchema.void({
      Request: Schema.String,
      execute: (userId) => sql`DELETE FROM session WHERE "userId" = ${userId}`
    })

    return {
      // A sign-up succeeds whether or not its mail is sent; the person can ask for another.
      sendVerification: ({ email, id }, token) =>
        keep({ verification: verificationOf(token), userId: id }).pipe(
          Effect.zipRight(mailer.send(verificationMail(baseUrl, email, token))),
          Effect.catchAllCause((cause) => Effect.logError("The mail that verifies an address was not sent", cause)),
          running
        ),
      sendReset: ({ email }, token) => running(mailer.send(resetMail(baseUrl, email, token))),
      useVerification: (token) => use(verificationOf(token)).pipe(Effect.map(Option.isSome), Effect.orDie, running),
      verified: (userId) =>
        personalOrgs.ensure(UserId.make(userId)).pipe(
          Effect.catchAllCause((cause) =>
            Effect.logError("A verified address was not noted as an identity; the next sign-in tries again", cause)
          ),
          running
        ),
      // Again: a sign-in that had read the old password may have begun a session since the others were ended.
      passwordReset: (userId) => endSessions(userId).pipe(Effect.orDie, running)
    } satisfies MailHooks
  })

/** The configured better-auth. */
export class BetterAuth extends Context.Tag("agent-install/BetterAuth")<
  BetterAuth,
  ReturnType<typeof makeBetterAuth>
>() {}

/** better-auth on the one pool. */
export const BetterAuthLive = (options: BetterAuthOptions) =>
  Layer.effect(
    BetterAuth,
    Effect.gen(function* () {
      const pool = yield* PgPool
      const personalOrgs = yield* PersonalOrgs
      const sql = yield* SqlClient.SqlClient
      const endOldest = SqlSchema.void({
        Request: Schema.String,
        execute: (userId) => sql`
          DELETE FROM session WHERE id IN (
            SELECT id FROM session WHERE "userId" = ${userId} ORDER BY "createdAt" DESC, id OFFSET ${maxSessions}
          )
        `
      })
      const runtime = yield* Effect.runtime<never>()
      const running = <A>(effect: Effect.Effect<A>) =>
        Runtime.runPromise(currentCall.getStore()?.runtime ?? runtime)(effect)
      const mailer = yield* Mailer
      const mail = Option.isNone(mailer) ? undefined : yield* makeMailHooks(mailer.value, options.baseUrl, running)
      let answers = false
      const auth = makeBetterAuth(pool, options, {
        // Every sign-up and sign-in begins a session. If this fails, the next one repairs it; the account exists.
        signedIn: (userId) =>
          personalOrgs.ensure(UserId.make(userId)).pipe(
            Effect.catchAllCause((cause) =>
              Effect.logError("The personal organization was not made; the next sign-in tries again", cause)
            ),
            Effect.zipRight(endOldest(userId)),
            Effect.catchAllCause((cause) =>
              Effect.logWarning("The oldest sessions were not ended; the next sign-in tries again", cause)
            ),
            Effect.annotateLogs({ userId }),
            running
          ),
        mail,
        log: (level, message, errors) => {
          const call = currentCall.getStore()
          const faults = errors.filter(isFault)
          call?.faults.push(...faults)
          // Before the first request it logs only about the settings, and quotes no client.
          const isRefusal = answers && faults.length === 0
          const said = [
            answers ? inOurWords(message, isRefusal) : message,
            ...(isRefusal ? [] : errors).map((error) => Cause.die(error))
          ]
          Runtime.runFork(call?.runtime ?? runtime)(
            // What is retried, or reported by the refusal of the request, is not logged again.
            level === "debug" || faults.some((fault) => isUnavailable(fault) || isOutdated(fault) || isConflict(fault))
              ? Effect.logDebug(...said)
              : isRefusal
                ? Effect.logInfo(...said)
                : level === "error"
                  ? Effect.logError(...said)
                  : Effect.logWarning(...said)
          )
        }
      })
      yield* Effect.promise(() => auth.$context)
      // better-auth checks the schema on its first call: do that now instead of during a request.
      yield* Effect.promise(() => underWayWhile(() => auth.api.getSession({ headers: new Headers() })))
      answers = true
      return auth
    })
  )

/** Sessions of better-auth. */
export const AuthLive = Layer.effect(
  Auth,
  Effect.gen(function* () {
    const auth = yield* BetterAuth
    const { authCookies, secret } = yield* Effect.promise(() => auth.$context)
    const sql = yield* SqlClient.SqlClient
    const sessionCookie = authCookies.sessionToken.name
    const tokenOf = sessionTokenReader(secret, sessionCookie)

    // What has expired by one of the clocks has expired: better-auth reads that of the process. A session's user
    // exists, by its foreign key.
    const findSessions = SqlSchema.findAll({
      Request: Schema.Struct({ tokens: Schema.Array(Schema.String), now: Schema.DateFromSelf }),
      Result: Schema.Struct({ token: Schema.String, userId: UserId, sessionId: Schema.String }),
      execute: ({ now, tokens }) => sql`
        SELECT token, "userId" AS user_id, id AS session_id FROM session
        WHERE token = ANY (${tokens}::text[]) AND "expiresAt" > greatest(now(), ${now})
      `
    })
    const findSession = batched((tokens: ReadonlyArray<string>) =>
      DateTime.nowAsDate.pipe(
        Effect.flatMap((now) => findSessions({ tokens, now })),
        Effect.map((sessions) => tokens.map((token) => sessions.find((session) => session.token === token)))
      )
    )
    const find = (token: string) => findSession(token).pipe(Effect.orDie, outsideTransaction)

    const ask = Effect.fnUntraced(function* ({ authorization, cookie }: Credential) {
      const headers = new Headers()
      if (authorization !== undefined && bearerScheme.test(Redacted.value(authorization))) {
        headers.set("authorization", Redacted.value(authorization))
      } else if (cookie !== undefined) {
        headers.set("cookie", Redacted.value(cookie))
      } else {
        return yield* new Unauthenticated()
      }
      // Only better-auth's own routes prolong a session, since their answers carry the new cookie.
      const session = yield* callBetterAuth(() => auth.api.getSession({ headers, query: { disableRefresh: true } }))
      if (session === null) return yield* new Unauthenticated()
      return { userId: UserId.make(session.user.id), sessionId: session.session.id }
    })

    return Auth.of({
      sessionCookie,
      // A token with its signature whose session exists is all that better-auth would ask for, at many times the cost;
      // it decides whatever is not as plain as that.
      identify: traced("Auth.identify")(function* (credential) {
        const token = tokenOf(credential)
        const session = token === undefined ? undefined : yield* find(token)
        if (session === undefined) return yield* ask(credential)
        return { userId: session.userId, sessionId: session.sessionId }
      })
    })
  })
)

/** The part of an answer that shows it begins a session. */
const Begun = Schema.Struct({ token: Schema.String })

/** The refusal, as better-auth words it. */
const wrongPassword = { message: "Invalid email or password", code: "INVALID_EMAIL_OR_PASSWORD" }

/** The routes under `/api/auth`, answered by better-auth. */
export const AuthRoutesLive = Layer.effect(
  AuthRoutes,
  Effect.gen(function* () {
    const auth = yield* BetterAuth
    const { options } = yield* PgPool
    const sql = yield* SqlClient.SqlClient

    // better-auth looks accounts up in lower case.
    const findAddresses = SqlSchema.findAll({
      Request: Schema.String,
      Result: Schema.Struct({ address: Schema.String }),
      execute: (email) => sql`
        SELECT DISTINCT s."ipAddress" AS address FROM session s JOIN "user" u ON u.id = s."userId"
        WHERE u.email = ${email.toLowerCase()} AND s."expiresAt" > now() AND s."ipAddress" <> ''
      `
    })

    const endOutdated = SqlSchema.findOne({
      Request: Schema.Struct({ token: Schema.String, hash: Schema.String }),
      Result: Schema.Struct({ id: Schema.String }),
      execute: ({ hash, token }) => sql`
        DELETE FROM session s USING account a
        WHERE s.token = ${token} AND a."userId" = s."userId" AND a."providerId" = 'credential' AND a.password <> ${hash}
        RETURNING s.id
      `
    })

    const endOthers = SqlSchema.void({
      Request: Schema.String,
      execute: (token) => sql`
        DELETE FROM session other USING session own
        WHERE own.token = ${token} AND other."userId" = own."userId" AND other.id <> own.id
      `
    })

    /**
     * Ensures that no session outlives the password it was begun with, even if the two happen at once. If the password
     * of a sign-in has been changed by the time its session exists, that session is ended; once a new password is set,
     * the sessions that began meanwhile are ended.
     */
    const settle = Effect.fnUntraced(function* (url: string, hash: string | undefined, response: Response) {
      if (!response.ok || hash === undefined) return response
      const begun = Schema.decodeUnknownOption(Begun)(yield* Effect.promise(() => response.clone().json()))
      if (Option.isNone(begun)) return response
      const { token } = begun.value
      if (new URL(url).pathname.endsWith("/change-password")) yield* endOthers(token)
      else if (Option.isSome(yield* endOutdated({ token, hash }))) return Response.json(wrongPassword, { status: 401 })
      return response
    }, Effect.orDie)

    // better-auth holds a connection while it hashes a password: only a few at a time, so that the rest of the pool
    // stays free.
    const turns = yield* Effect.makeSemaphore(Math.max(1, Math.min(4, Math.floor((options.max ?? 10) / 2))))

    return AuthRoutes.of({
      isOffered: true,
      sendsMail: Option.isSome(yield* Mailer),
      session: traced("AuthRoutes.session")(function* (cookie) {
        const headers = new Headers({ cookie: Redacted.value(cookie) })
        const answer = yield* callBetterAuth(() => auth.api.getSession({ headers, returnHeaders: true }))
        return Option.map(Option.fromNullable(answer.response), ({ user: { email, id, name } }) => ({
          visitor: { userId: UserId.make(id), name, email },
          cookies: answer.headers.getSetCookie()
        }))
      }),
      addressesOf: traced("AuthRoutes.addressesOf")((email) =>
        findAddresses(email).pipe(
          Effect.map((rows) => rows.map(({ address }) => address)),
          Effect.orDie
        )
      ),
      handle: traced("AuthRoutes.handle")(function* (request, clientAddress) {
        const headers = new Headers(request.headers)
        headers.set(addressHeader, clientAddress)
        // It is stored with the session for as long as that lasts, and shown in the list of sessions.
        headers.set("user-agent", (headers.get("user-agent") ?? "").slice(0, maxUserAgent))
        const proof: { hash?: string } = {}
        const answer = () => currentProof.run(proof, () => auth.handler(new Request(request.clone(), { headers })))
        const response = yield* turns.withPermits(1)(callBetterAuth(answer))
        return yield* settle(request.url, proof.hash, response)
      })
    })
  })
)
