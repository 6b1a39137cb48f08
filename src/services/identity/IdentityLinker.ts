import { Context, type Effect } from "effect"
import type { IdentityNotFound, IdentityTaken, InvalidPhone, NoMember, PendingNotFound } from "../../domain/Errors.ts"
import type { OrganizationId, UserId } from "../../domain/Ids.ts"
import type {
  AnswerOutcome,
  ClaimedPhone,
  Found,
  IdentityId,
  LookupRequest,
  OwnIdentity,
  PendingId
} from "../../domain/identity/Identity.ts"
import type { Platform } from "../../domain/identity/Platform.ts"
import type { Identifier } from "../../domain/identity/WaId.ts"

/** A person, in their own organization. */
export interface Me {
  readonly userId: UserId
  readonly organizationId: OrganizationId
}

/** A phone as its owner typed it. */
export interface PhoneClaim extends Me {
  readonly phone: string
  /** The country by which a national number is read; absent means the service's default. */
  readonly country?: string | undefined
}

/** Who wrote a message: at least one identifier, no two that name different senders. */
export interface Sender {
  readonly platform: Platform
  readonly identifiers: ReadonlyArray<Identifier>
}

/** A code of this person's that came from this sender. */
export interface CodeClaim extends Me {
  readonly sender: Sender
}

/** The question that is open now, and the account's e-mail address, which it names; nothing where all is proved already. */
export type Opened = { readonly pendingId: PendingId; readonly email: string } | "already_linked_here"

/** What a sender says of a pending link. */
export interface SenderSays {
  readonly pendingId: PendingId
  readonly sender: Sender
  readonly yes: boolean
}

/** One of the person's identities. */
export interface Own extends Me {
  readonly id: IdentityId
}

/** What every implementation has to be told. */
export interface IdentityLinkerOptions {
  /** The country by which a national number is read where the caller names none. */
  readonly defaultCountry: string
  /** Whether the one person who typed a number is routed to before its sender said yes; absent means no. */
  readonly routeOnClaim?: boolean | undefined
}

/** Attaches identifiers to the entities that stand for people, and says whose an identifier is. */
export class IdentityLinker extends Context.Tag("agent-install/IdentityLinker")<
  IdentityLinker,
  {
    /**
     * Claims the phone, and the WhatsApp address derived from it, for the person's `$member` entity in that
     * organization; an earlier claim of another number ends. Idempotent. A claim blocks nobody; only a number that is
     * verified for another person is refused. One whose sender said no to this person is kept as `declined`, of whom nothing is asked.
     */
    readonly claimPhone: (claim: PhoneClaim) => Effect.Effect<ClaimedPhone, InvalidPhone | NoMember | IdentityTaken>
    /** The person's identities of the chat platforms, masked, each link and state once. */
    readonly mine: (me: Me) => Effect.Effect<ReadonlyArray<OwnIdentity>>
    /** Says that the person knows the sender of a link: the second half where the sender is not who was typed. */
    readonly confirm: (own: Own) => Effect.Effect<OwnIdentity, IdentityNotFound>
    /** Ends the identity and all that was claimed or proved with it; a pending one is declined by it. */
    readonly unlink: (own: Own) => Effect.Effect<void, IdentityNotFound>
    /**
     * Opens the question whether this sender wants to be linked to this person, for an hour; an earlier one between the
     * two ends. Routes nothing.
     */
    readonly open: (claim: CodeClaim) => Effect.Effect<Opened, NoMember>
    /**
     * Takes the sender's answer. With a yes, and where the person typed this sender's number or has confirmed it, its
     * identifiers are verified: whoever they were verified for sees them displaced, the person's own earlier ones of the
     * kind end, and so does every other question about them, whose ever it was. Said again, a yes changes nothing.
     */
    readonly answer: (says: SenderSays) => Effect.Effect<AnswerOutcome, PendingNotFound>
    /**
     * Whose each identifier is, in the order asked, in one statement. The form of an address that a verified one is
     * asked by is kept as the one to answer to.
     */
    readonly lookup: (request: LookupRequest) => Effect.Effect<ReadonlyArray<Found>>
  }
>() {}
