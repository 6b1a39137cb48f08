import { Context, type Effect } from "effect"
import type { IdentityNotFound, IdentityTaken, InvalidPhone, NoMember, PendingNotFound } from "../../domain/Errors.ts"
import type { OrganizationId, UserId } from "../../domain/Ids.ts"
import type {
  AnswerOutcome,
  ClaimedPhone,
  IdentityId,
  LinkId,
  LookupRequest,
  LookupResult,
  OwnIdentity
} from "../../domain/identity/Identity.ts"
import type { Challenge } from "../../domain/identity/Link.ts"
import type { Sender } from "../../domain/identity/Sender.ts"

/** A person, in their own organization. */
export interface Person {
  readonly userId: UserId
  readonly organizationId: OrganizationId
}

/** A phone as its owner typed it. */
export interface PhoneClaim extends Person {
  readonly phone: string
  /** The country by which a national number is read; absent means the service's default. */
  readonly country?: string | undefined
}

/** A code of this person's that came from this sender. */
export interface SentCode extends Person {
  readonly sender: Sender
}

/** A sender's answer to the question of a link. */
export interface GivenAnswer {
  readonly linkId: LinkId
  readonly sender: Sender
  readonly yes: boolean
}

/** One of the person's identities. */
export interface OwnedIdentity extends Person {
  readonly id: IdentityId
}

/** The settings of every implementation. */
export interface IdentityLinkerOptions {
  /** The country by which a national number is read where the caller names none. */
  readonly defaultCountry: string
  /** Whether the one person who typed a number is routed to before its sender said yes; absent means no. */
  readonly routeOnClaim?: boolean | undefined
}

/** Links identifiers to the entities that stand for people, and says whose an identifier is. */
export class IdentityLinker extends Context.Tag("agent-install/IdentityLinker")<
  IdentityLinker,
  {
    /**
     * Claims the phone, and the WhatsApp address derived from it, for the person's `$member` entity in that
     * organization; an earlier claim of another number ends. Idempotent. A claim blocks nobody; only a number that is
     * verified for another person is refused. If its sender has said no to this person, the claim is `declined`: the sender is not asked.
     */
    readonly claimPhone: (claim: PhoneClaim) => Effect.Effect<ClaimedPhone, InvalidPhone | NoMember | IdentityTaken>
    /** The person's identities on chat platforms, masked; several claims of one sender are one identity. */
    readonly list: (person: Person) => Effect.Effect<ReadonlyArray<OwnIdentity>>
    /** Says that the person knows the sender of a link: needed if the sender is not the number that was typed. */
    readonly confirm: (own: OwnedIdentity) => Effect.Effect<OwnIdentity, IdentityNotFound>
    /** Ends the identity and all that was claimed or proved with it. */
    readonly unlink: (own: OwnedIdentity) => Effect.Effect<void, IdentityNotFound>
    /**
     * Opens the question whether this sender wants to be linked to this person, for an hour; an earlier question that a code opened
     * ends. Routes nothing. If the sender is linked to the person already, nothing is asked.
     */
    readonly challenge: (code: SentCode) => Effect.Effect<Challenge | "already_linked_here", NoMember>
    /**
     * Takes the sender's answer. A yes verifies the sender's identifiers if the person typed this sender's number or has confirmed it.
     * Then the identifiers are displaced for whoever had them before, the person's own earlier ones of the same namespaces end, and so
     * does every other question about them. A second yes changes nothing.
     */
    readonly answer: (answer: GivenAnswer) => Effect.Effect<AnswerOutcome, PendingNotFound>
    /**
     * Whose each identifier is, in the order of the request, in one statement. Remembers the form in which a verified address was
     * asked for, as the address to answer to.
     */
    readonly lookup: (request: LookupRequest) => Effect.Effect<ReadonlyArray<LookupResult>>
  }
>() {}
