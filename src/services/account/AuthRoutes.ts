import { Context, type Effect } from "effect"

/** The routes under `/api/auth`: sign-up, sign-in, sign-out, sessions, passwords. Their paths, bodies and answers are better-auth's. */
export class AuthRoutes extends Context.Tag("agent-install/AuthRoutes")<
  AuthRoutes,
  {
    /** Answers a request whose body has been read and checked; `clientAddress` is kept with the session. */
    readonly handle: (request: Request, clientAddress: string) => Effect.Effect<Response>
    /** The addresses from which the account with that e-mail address has sessions now; none where there is no such account. */
    readonly addressesOf: (email: string) => Effect.Effect<ReadonlyArray<string>>
  }
>() {}
