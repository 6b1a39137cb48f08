import { Context, type Effect, type Redacted } from "effect"
import type { Unauthenticated } from "../../domain/Errors.ts"
import type { UserId } from "../../domain/Ids.ts"

/** What a caller shows to say who they are: the headers of the request, as they came. */
export interface Credential {
  readonly authorization?: Redacted.Redacted<string> | undefined
  readonly cookie?: Redacted.Redacted<string> | undefined
}

/** Who is calling? */
export class Auth extends Context.Tag("agent-install/Auth")<
  Auth,
  {
    /** The name of the cookie that holds a session. */
    readonly sessionCookie: string
    /**
     * The user whose session the credential names. A bearer token counts alone: where there is one, the cookie is not
     * looked at, so what passes the check on foreign origins is what is authenticated.
     */
    readonly identify: (
      credential: Credential
    ) => Effect.Effect<{ readonly userId: UserId; readonly sessionId: string }, Unauthenticated>
  }
>() {}
