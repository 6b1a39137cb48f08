import { SqlClient } from "@effect/sql"
import { betterAuth } from "better-auth"
import { bearer } from "better-auth/plugins"
import { Context, Effect, Layer, Redacted, Runtime } from "effect"
import type Pg from "pg"
import { Unauthenticated } from "../domain/Errors.ts"
import { UserId } from "../domain/Ids.ts"
import { Auth } from "../services/Auth.ts"
import { AuthRoutes } from "../services/AuthRoutes.ts"
import { PersonalOrgs } from "../services/PersonalOrgs.ts"
import { PgPool } from "./Database.ts"

export interface BetterAuthOptions {
  /** The public address of the service, as `https://install.example.org`. */
  readonly baseUrl: string
  /** Signs sessions; at least 32 characters. */
  readonly secret: Redacted.Redacted<string>
  /** The origins whose pages may send a session cookie along. */
  readonly ownOrigins: ReadonlyArray<string>
}

/** The header in which the client's address is handed over; what a client sends under this name is overwritten. */
const addressHeader = "x-agent-install-client"

interface Hooks {
  readonly signedIn: (userId: string) => Promise<void>
  readonly log: (level: "debug" | "info" | "warn" | "error", message: string) => void
}

/** better-auth over the pool. What its tables need beyond it is in the migrations; its own limiter is off, ours stands before it. */
export const makeBetterAuth = (pool: Pg.Pool, options: BetterAuthOptions, hooks: Hooks) =>
  betterAuth({
    database: pool,
    baseURL: options.baseUrl,
    basePath: "/api/auth",
    secret: Redacted.value(options.secret),
    trustedOrigins: [...options.ownOrigins],
    emailAndPassword: { enabled: true },
    plugins: [bearer({ requireSignature: true })],
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    advanced: { database: { joins: true }, ipAddress: { ipAddressHeaders: [addressHeader] } },
    logger: { level: "warn", log: (level, message) => hooks.log(level, message) },
    databaseHooks: { session: { create: { after: (session) => hooks.signedIn(session.userId) } } }
  })

class BetterAuth extends Context.Tag("agent-install/BetterAuth")<BetterAuth, ReturnType<typeof makeBetterAuth>>() {}

const BetterAuthLive = (options: BetterAuthOptions) =>
  Layer.effect(
    BetterAuth,
    Effect.gen(function* () {
      const pool = yield* PgPool
      const personalOrgs = yield* PersonalOrgs
      const runtime = yield* Effect.runtime<never>()
      return makeBetterAuth(pool, options, {
        // Every sign-up and sign-in begins a session. What fails here is mended at the next one; the account stands.
        signedIn: (userId) =>
          personalOrgs.ensure(UserId.make(userId)).pipe(
            Effect.catchAllCause((cause) =>
              Effect.logError("The personal organization was not made; the next sign-in tries again", cause)
            ),
            Effect.annotateLogs({ userId }),
            Runtime.runPromise(runtime)
          ),
        log: (level, message) =>
          Runtime.runFork(runtime)(
            level === "error"
              ? Effect.logError(message)
              : level === "warn"
                ? Effect.logWarning(message)
                : Effect.logDebug(message)
          )
      })
    })
  )

const bearerScheme = /^bearer\s/i

const AuthLive = Layer.effect(
  Auth,
  Effect.gen(function* () {
    const auth = yield* BetterAuth
    const { authCookies } = yield* Effect.promise(() => auth.$context)
    // better-auth looks at the schema when it is first asked anything: now, rather than in somebody's request.
    yield* Effect.promise(() => auth.api.getSession({ headers: new Headers() }))

    return Auth.of({
      sessionCookie: authCookies.sessionToken.name,
      identify: Effect.fn("Auth.identify")(function* ({ authorization, cookie }) {
        const headers = new Headers()
        if (authorization !== undefined && bearerScheme.test(Redacted.value(authorization))) {
          headers.set("authorization", Redacted.value(authorization))
        } else if (cookie !== undefined) {
          headers.set("cookie", Redacted.value(cookie))
        } else {
          return yield* new Unauthenticated()
        }
        // A session is prolonged by better-auth's own routes, whose answers carry the new cookie.
        const session = yield* Effect.promise(() => auth.api.getSession({ headers, query: { disableRefresh: true } }))
        if (session === null) return yield* new Unauthenticated()
        return { userId: UserId.make(session.user.id) }
      })
    })
  })
)

const AuthRoutesLive = Layer.effect(
  AuthRoutes,
  Effect.gen(function* () {
    const auth = yield* BetterAuth
    const sql = yield* SqlClient.SqlClient
    // better-auth holds a connection while it hashes a password: a few at a time, so that the rest of the pool is free.
    const turns = yield* Effect.makeSemaphore(4)

    return AuthRoutes.of({
      handle: Effect.fn("AuthRoutes.handle")(function* (request, clientAddress) {
        const headers = new Headers(request.headers)
        headers.set(addressHeader, clientAddress)
        const response = yield* turns.withPermits(1)(
          Effect.promise(() => auth.handler(new Request(request, { headers })))
        )
        // better-auth answers 500 for any fault of its database: asking it here tells one that is away from one that is not.
        if (response.status >= 500) yield* Effect.orDie(sql`SELECT 1`)
        return response
      })
    })
  })
)

/** Sessions and the routes under `/api/auth`, kept by better-auth on the one pool. */
export const AuthenticationLive = (options: BetterAuthOptions) =>
  Layer.merge(AuthLive, AuthRoutesLive).pipe(Layer.provide(BetterAuthLive(options)))
