import { Context, type Effect } from "effect"
import type { IdentityTaken, InvalidPhone, NoMember } from "../domain/Errors.ts"
import type { OrganizationId, UserId } from "../domain/Ids.ts"
import type { LinkedPhone } from "../domain/Install.ts"

/** A phone as its owner typed it. */
export interface PhoneClaim {
  readonly userId: UserId
  readonly organizationId: OrganizationId
  readonly phone: string
  /** The country by which a national number is read; absent means the service's default. */
  readonly country?: string | undefined
}

/** What every implementation has to be told. */
export interface IdentityLinkerOptions {
  /** The country by which a national number is read where the caller names none. */
  readonly defaultCountry: string
}

/** Attaches identifiers to the entity that stands for a person. */
export class IdentityLinker extends Context.Tag("agent-install/IdentityLinker")<
  IdentityLinker,
  {
    /**
     * Claims the phone, and the WhatsApp address derived from it, for the person's `$member` entity in that
     * organization; an earlier claim of another number ends. Idempotent. A claim blocks nobody; only a number that is
     * verified for another organization is refused.
     */
    readonly claimPhone: (claim: PhoneClaim) => Effect.Effect<LinkedPhone, InvalidPhone | NoMember | IdentityTaken>
  }
>() {}
