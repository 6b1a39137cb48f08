import { Hash, Schema } from "effect"
import { AgentId, exampleIds, OrganizationId, Slug, UserId } from "../Ids.ts"
import { listQuery, next, type PageKey } from "../Page.ts"
import { BoundedText, TextOrNull } from "../Text.ts"
import { codeLifetimeSeconds, messageWith } from "./InstallCode.ts"
import { E164, LinkedPhone, WaJid } from "./Phone.ts"
import { Namespace, Platform, platforms } from "./Platform.ts"

/*
 * What people and gateways exchange about identities. A link is an agreement between a person and a sender: the person
 * agrees by typing the number or confirming it in their session, the sender by saying yes to the named account.
 */

/** The id of a link, with which a gateway passes on its sender's answer: `link_` and 122 random bits. */
export const LinkId = BoundedText(1, 200).pipe(Schema.brand("LinkId"))
export type LinkId = typeof LinkId.Type

/** The id of one of the caller's identities. */
export const IdentityId = BoundedText(1, 200).pipe(Schema.brand("IdentityId"))
export type IdentityId = typeof IdentityId.Type

const dots = "•••"

/**
 * Masks an identifier so that its owner recognizes it and others learn little: the first three and the last three
 * characters stay.
 */
export const maskIdentifier = (identifier: string): string => {
  const [user = "", server] = identifier.split("@")
  const masked = user.length > 8 ? `${user.slice(0, 3)}${dots}${user.slice(-3)}` : `${dots}${user.slice(-2)}`
  return server === undefined ? masked : `${masked}@${server}`
}

/**
 * Masks an e-mail address so that its owner recognizes it: the first and the last letter before the @ and the host
 * stay.
 */
export const maskEmail = (email: string): string => {
  const at = email.lastIndexOf("@")
  const letters = [...email.slice(0, Math.max(0, at))]
  const last = letters.length > 3 ? letters.at(-1) : ""
  return `${letters.length > 1 ? letters[0] : ""}${dots}${last}${email.slice(at)}`
}

/**
 * Four digits that both the question of a link and its person's session show. An account can be created whose masked
 * address looks like another's, and the digits of a LID mean nothing to anybody. A sender who sees the same number in
 * both places knows that the question is about their own account, and a person knows that the sender is theirs.
 */
export const checkNumber = (id: LinkId): string => String(Math.abs(Hash.string(id)) % 10_000).padStart(4, "0")

/** The question that names the account to a sender. */
export const challengeText = (email: string, id: LinkId): string =>
  `The account ${maskEmail(email)} asks to be linked to this chat: messages from here would go to that account's assistant. Reply YES if it is yours and shows ${checkNumber(id)} where you are signed in, NO if it does not.`

/** The question for a link's sender, with the id to answer it by. */
export const promptOf = (email: string, pendingId: LinkId): Prompt => ({
  pendingId,
  text: challengeText(email, pendingId)
})

/** The reply to the sender of a code that links nothing. */
export const codeTexts: Readonly<Record<Exclude<ClaimAnswer["status"], "confirm_sender">, string>> = {
  token_invalid: "This code is not known. Get a new one where you are signed in, and send it as it is.",
  token_expired: "This code has expired. Get a new one where you are signed in.",
  token_used: "This code has been used. Get a new one where you are signed in.",
  no_personal_org: "The account is not ready yet. Sign out and sign in again there, then send the code once more.",
  already_linked_here: "This chat is linked to that account already."
}

/** The reply to a sender who has answered. */
export const answerTexts: Readonly<Record<AnswerOutcome, string>> = {
  verified: "Done: this chat is linked to your account.",
  confirm_session: "Thank you. Now confirm this number where you are signed in, and the chat is linked.",
  declined: "Nothing was linked."
}

const exampleLinkId = LinkId.make("link_62c5d8a11e204abba6d6b6ddc7daed22")
const examplePrompt = promptOf("ada@example.org", exampleLinkId)
const exampleCode = "mzxw6ytboi2gc3dmn5uw4zdfpb2gs5df"
const exampleJid = "447911123456@s.whatsapp.net"
const exampleOwn = {
  id: IdentityId.make("3"),
  platform: "whatsapp",
  namespace: "phone",
  identifier: maskIdentifier("+447911123456")
} as const

/**
 * The state of an identity: `claimed` until its sender has said yes; `declined` if it was typed again after its sender
 * said no, who is then not asked again unless they send a code; `confirm_session` until the person has confirmed the
 * masked number too; `verified`; `displaced` if somebody else has proved it since.
 */
export const IdentityState = Schema.Literal("claimed", "declined", "confirm_session", "verified", "displaced")
export type IdentityState = typeof IdentityState.Type

/** One of the caller's identities. */
export const OwnIdentity = Schema.Struct({
  id: IdentityId,
  platform: Platform,
  namespace: Namespace,
  identifier: Schema.String.annotations({ description: "Masked: how it begins and how it ends." }),
  state: IdentityState,
  checkNumber: Schema.optionalWith(Schema.String, { exact: true }).annotations({
    description: "While it waits for an answer: the four digits in the question its sender gets."
  })
}).annotations({
  identifier: "OwnIdentity",
  description: "A way in which the person is known on a chat platform, and how far it is proved.",
  examples: [{ ...exampleOwn, state: "verified" }]
})
export type OwnIdentity = typeof OwnIdentity.Type

/** The maximum number of identities that a person is shown. */
export const maxIdentities = 200

/** The maximum number of a person's agents in a look-up. */
export const maxAgents = 100

/** What `GET /api/identities` answers. */
export const OwnIdentities = Schema.Struct({
  identities: Schema.Array(OwnIdentity).annotations({
    description: `At most ${maxIdentities}: where there are more, the newest, and what is displaced after all else.`
  }),
  next
}).annotations({
  identifier: "OwnIdentities",
  description: "A page of the identities of the person who asks.",
  examples: [{ identities: [{ ...exampleOwn, state: "claimed", checkNumber: checkNumber(exampleLinkId) }], next: null }]
})

/** The parameters of that list. */
export const IdentitiesQuery = Schema.Struct(listQuery("identities"))

/** What the list is in the order of: the oldest first, and what is displaced after all else. */
export const orderOfIdentities = ({ id, state }: OwnIdentity): PageKey => [state === "displaced" ? 1 : 0, Number(id)]

/** The body of `POST /api/identities/phone`. */
export const PhoneRequest = Schema.Struct({
  phone: BoundedText(1, 200),
  country: Schema.optionalWith(TextOrNull, { exact: true }).annotations({
    description: "The two-letter country by which a national number is read; the service's default otherwise."
  })
}).annotations({
  identifier: "PhoneRequest",
  description: "A phone that the person says is theirs.",
  examples: [{ phone: "07911 123456", country: "GB" }]
})
export type PhoneRequest = typeof PhoneRequest.Type

/** What `POST /api/identities/phone` answers. */
export const ClaimedPhone = Schema.Struct({
  ...LinkedPhone.fields,
  state: IdentityState.pipe(Schema.pickLiteral("claimed", "declined", "verified")).annotations({
    description:
      "verified: proved before. claimed: its sender is to be asked. declined: its sender said no to this account, and is asked again only when a code is sent from it."
  })
}).annotations({
  identifier: "ClaimedPhone",
  description: "The phone as it is kept, and how its owner proves it.",
  examples: [{ phone: E164.make("+447911123456"), waJid: WaJid.make(exampleJid), verified: false, state: "claimed" }]
})
export type ClaimedPhone = typeof ClaimedPhone.Type

/** What `POST /api/install/token` answers. */
export const TokenAnswer = Schema.Struct({
  token: Schema.String.annotations({ description: "The code, for the message the person sends. It works once." }),
  expiresInSeconds: Schema.Int,
  link: Schema.optionalWith(Schema.String, { exact: true }).annotations({
    description: "Opens a chat with the template's bot in which the message is written; absent where it has no phone."
  })
}).annotations({
  identifier: "TokenAnswer",
  description: "A code to send from the phone that is to be linked.",
  examples: [
    {
      token: exampleCode,
      expiresInSeconds: codeLifetimeSeconds,
      link: platforms.whatsapp.link(E164.make("+447911000000"), messageWith(exampleCode))
    }
  ]
})
export type TokenAnswer = typeof TokenAnswer.Type

const senderFields = {
  platform: Platform,
  platformUserId: BoundedText(1, 200).annotations({
    description: "The sender of a direct message, as the platform names them."
  }),
  alternateIds: Schema.optionalWith(Schema.Array(BoundedText(1, 200)).pipe(Schema.maxItems(8)), {
    exact: true
  }).annotations({ description: "Other ids the platform gives the same sender, as the phone's JID beside a LID." })
}

/** A sender, as a gateway names them. */
export interface SenderFields {
  readonly platform: Platform
  readonly platformUserId: string
  readonly alternateIds?: ReadonlyArray<string>
}

/** The body of `POST /api/install/claim`. */
export const ClaimRequest = Schema.Struct({
  message: BoundedText(0, 4_096).annotations({
    description: "The text of the message, with the code somewhere in it."
  }),
  ...senderFields
}).annotations({
  identifier: "ClaimRequest",
  description: "A message with a code, and who sent it, as the chat gateway received it.",
  examples: [
    {
      message: messageWith(exampleCode),
      platform: "whatsapp",
      platformUserId: "185031603552434@lid",
      alternateIds: [exampleJid]
    }
  ]
})
export type ClaimRequest = typeof ClaimRequest.Type

const text = Schema.String.annotations({ description: "The sentence to send to the sender." })

/** What `POST /api/install/claim` answers. */
export const ClaimAnswer = Schema.Struct({
  status: Schema.Literal(
    "confirm_sender",
    "token_invalid",
    "token_expired",
    "token_used",
    "no_personal_org",
    "already_linked_here"
  ),
  text,
  pendingId: Schema.optionalWith(LinkId, { exact: true }).annotations({
    description: "With confirm_sender: what the sender's YES or NO answers."
  }),
  installError: Schema.optionalWith(Schema.String, { exact: true }).annotations({
    description: "Why the template could not be installed; the sender can be linked all the same."
  })
}).annotations({
  identifier: "ClaimAnswer",
  description: "What the code was good for.",
  examples: [{ status: "confirm_sender", ...examplePrompt }]
})
export type ClaimAnswer = typeof ClaimAnswer.Type

/** The body of `POST /api/identities/pending/:id/answer`. */
export const SenderAnswer = Schema.Struct({ ...senderFields, yes: Schema.Boolean }).annotations({
  identifier: "SenderAnswer",
  description: "What the sender said to the question whether the account is theirs.",
  examples: [{ platform: "whatsapp", platformUserId: exampleJid, yes: true }]
})
export type SenderAnswer = typeof SenderAnswer.Type

/** The state of a link after its sender's answer. */
export const AnswerOutcome = Schema.Literal("verified", "confirm_session", "declined")
export type AnswerOutcome = typeof AnswerOutcome.Type

/** What `POST /api/identities/pending/:id/answer` answers. */
export const AnswerResult = Schema.Struct({ status: AnswerOutcome, text }).annotations({
  identifier: "AnswerResult",
  description: "What came of the sender's answer.",
  examples: [{ status: "verified", text: answerTexts.verified }]
})
export type AnswerResult = typeof AnswerResult.Type

/** The body of `POST /api/identities/lookup`. */
export const LookupRequest = Schema.Struct({
  identities: Schema.Array(Schema.Struct({ namespace: Namespace, identifier: BoundedText(1, 200) })).pipe(
    Schema.minItems(1),
    Schema.maxItems(500)
  ),
  template: Schema.optionalWith(BoundedText(1, 200), { exact: true }).annotations({
    description: "The slug or the id of a template: only the agent installed from it is wanted."
  })
}).annotations({
  identifier: "LookupRequest",
  description: "Identifiers as a chat platform tells them.",
  examples: [{ identities: [{ namespace: "wa_jid", identifier: exampleJid }], template: "personal-finance" }]
})
export type LookupRequest = typeof LookupRequest.Type

/** The question for a sender whom one account claims. */
export const Prompt = Schema.Struct({ pendingId: LinkId, text })
export type Prompt = typeof Prompt.Type

const route = {
  person: Schema.Struct({ userId: UserId, name: Schema.String }),
  organization: Schema.Struct({ id: OrganizationId, slug: Slug }),
  memberEntityId: Schema.String.annotations({ description: "The entity that stands for the person there." }),
  agents: Schema.Array(Schema.Struct({ agentId: AgentId, templateAgentId: Schema.NullOr(AgentId) })).annotations({
    description: `The organization's agents, the oldest first, at most ${maxAgents}; with template, the one installed from it, if any.`
  }),
  answerTo: Schema.NullOr(Schema.String).annotations({
    description: "The address the sender was last seen under, to answer to; null while none was seen."
  })
}

/** Where the messages of a sender go whose identity is proved. */
export const Route = Schema.Struct({ verified: Schema.Literal(true), ...route }).annotations({
  identifier: "Route",
  description: "To whom a message of a verified sender goes."
})
export type Route = typeof Route.Type

/**
 * Where the messages of a sender go whom only one person claims, if that is enabled; and the question to ask
 * nevertheless.
 */
export const ClaimedRoute = Schema.Struct({ verified: Schema.Literal(false), ...route, prompt: Prompt }).annotations({
  identifier: "ClaimedRoute",
  description: "To whom a message of a sender goes whose number was typed and not yet proved."
})
export type ClaimedRoute = typeof ClaimedRoute.Type

/** A sender whom one account claims: only the question, and not whose it is. */
export const Unproved = Schema.Struct({ verified: Schema.Literal(false), prompt: Prompt }).annotations({
  identifier: "Unproved",
  description: "A sender whom nobody has proved to be theirs."
})
export type Unproved = typeof Unproved.Type

/** Whose an identifier is; null if it is nobody's, or if several accounts claim it. */
export const LookupResult = Schema.NullOr(
  // A ClaimedRoute is an Unproved with more members, so it is tried first: otherwise those would be dropped.
  Schema.Union(Route, ClaimedRoute, Unproved)
)
export type LookupResult = typeof LookupResult.Type

/** What `POST /api/identities/lookup` answers: a result for each identity, in the same order. */
export const LookupAnswer = Schema.Struct({ identities: Schema.Array(LookupResult) }).annotations({
  identifier: "LookupAnswer",
  description: "Whose the identifiers are.",
  examples: [
    {
      identities: [
        {
          verified: true,
          person: { userId: exampleIds.userId, name: "Ada Lovelace" },
          organization: { id: exampleIds.organizationId, slug: Slug.make("ada-lovelace") },
          memberEntityId: "1",
          agents: [{ agentId: exampleIds.agentId, templateAgentId: exampleIds.templateAgentId }],
          answerTo: exampleJid
        },
        { verified: false, prompt: examplePrompt },
        null
      ]
    }
  ]
})
export type LookupAnswer = typeof LookupAnswer.Type
