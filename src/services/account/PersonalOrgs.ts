import { Context, type Effect } from "effect"
import type { UserId } from "../../domain/Ids.ts"

/** What sign-up gives a person besides the account. */
export class PersonalOrgs extends Context.Tag("agent-install/PersonalOrgs")<
  PersonalOrgs,
  {
    /**
     * Makes, or finds and completes, the user's personal organization, the owner membership, the `$member` entity and
     * the identities `auth_user_id` (verified) and `email` (claimed until the address is verified, and for as long as it is verified for somebody else). Idempotent, and
     * safe when called for one user, or for many of one name, at once. A user that does not exist is left alone.
     */
    readonly ensure: (userId: UserId) => Effect.Effect<void>
  }
>() {}
