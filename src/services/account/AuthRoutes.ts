import { Context, type Effect, type Option, type Redacted } from "effect"
import type { UserId } from "../../domain/Ids.ts"

/** A session as a browser holds it, with the `Set-Cookie` fields that prolong it, where it is time for that. */
export interface BrowserSession {
  readonly visitor: { readonly userId: UserId; readonly name: string; readonly email: string }
  readonly cookies: ReadonlyArray<string>
}

/** The routes under `/api/auth`: sign-up, sign-in, sign-out, sessions, passwords. Their paths, bodies and answers are better-auth's. */
export class AuthRoutes extends Context.Tag("agent-install/AuthRoutes")<
  AuthRoutes,
  {
    /** Whether people sign up and in here; where accounts are kept elsewhere, nothing is served under `/api/auth`. */
    readonly isOffered: boolean
    /** Whether mail is sent, and so whether an address can be verified and a forgotten password be replaced. */
    readonly sendsMail: boolean
    /** Answers a request whose body has been read and checked; `clientAddress` is kept with the session. */
    readonly handle: (request: Request, clientAddress: string) => Effect.Effect<Response>
    /** The session that a browser's cookies name. One that was not prolonged for a day is. */
    readonly session: (cookie: Redacted.Redacted<string>) => Effect.Effect<Option.Option<BrowserSession>>
    /** The addresses from which the account with that e-mail address has sessions now; none where there is no such account. */
    readonly addressesOf: (email: string) => Effect.Effect<ReadonlyArray<string>>
  }
>() {}
