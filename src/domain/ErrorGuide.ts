import { Duration } from "effect"
import {
  AgentNotFound,
  type AnyRefusal,
  EventsGone,
  ForeignOrigin,
  HeaderTooLarge,
  IdempotencyKeyInUse,
  IdempotencyKeyReused,
  IdentityNotFound,
  IdentityTaken,
  Internal,
  InvalidPhone,
  InvalidRequest,
  InvitationNotFound,
  KeyNotFound,
  LastOwner,
  LimitReached,
  MemberNotFound,
  MethodNotAllowed,
  ModeNotOffered,
  NoMember,
  NoPersonalOrg,
  NoSuchRevision,
  NoSuchRow,
  NotGateway,
  NotOrgAdmin,
  NotPermitted,
  OrganizationInUse,
  PendingNotFound,
  PlanStale,
  PublisherNotFound,
  RateLimitExceeded,
  RevisionBroken,
  RolloutEnded,
  RolloutNotFound,
  RolloutRuns,
  RouteNotFound,
  RowNotFound,
  SchemaCollision,
  SelfInstall,
  TemplateDeprecated,
  TemplateInUse,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic,
  TemplateRefused,
  TooLarge,
  TooSlow,
  Unauthenticated,
  Unavailable,
  UnknownTemplateSlug,
  UnsupportedMediaType,
  WatcherNotFound,
  WithdrawalRefused,
  WrongPassword
} from "./Errors.ts"
import { AgentId, OrganizationId, Slug, UserId } from "./Ids.ts"

/** What the documentation says about an error beyond what its class says. */
export interface Guidance<E> {
  /** When it comes. */
  readonly when: string
  /** What the caller does next. */
  readonly remedy: string
  readonly example: E
}

const templateAgentId = AgentId.make("agent_a6672434b8364bfda00ef65341e202cc")

/** Every refusal, explained. A new error class without its entry does not compile. */
export const errorGuide: {
  readonly [Tag in AnyRefusal["_tag"]]: Guidance<Extract<AnyRefusal, { readonly _tag: Tag }>>
} = {
  ForeignOrigin: {
    when: "A request that changes something came with a session cookie, and the browser says that it comes from another site: Origin is not the service's (or null), or Sec-Fetch-Site is cross-site or same-site. No budget was spent, and the body was not read.",
    remedy:
      "Send the request from the service's own pages. If it came from such a page, BASE_URL is not the address that the browser shows. Programs use a bearer token.",
    example: new ForeignOrigin()
  },
  Unauthenticated: {
    when: "The request has neither a session cookie nor a bearer token, or the one it has is expired, revoked, or not signed by this service. This is checked before the body.",
    remedy:
      "Sign in with POST /api/auth/sign-in/email, then send the cookie it sets, or the value of its set-auth-token header as Authorization: Bearer.",
    example: new Unauthenticated()
  },
  RateLimitExceeded: {
    when: "A budget is spent: the person's (installs, or other requests about them), the address's (sign-ups, and requests that test a password), or the one for wrong passwords (of one account from one network, of one account from all networks, or of the person who is signed in). Failed tries count; refused ones do not.",
    remedy:
      "Wait for the seconds in Retry-After. The RateLimit field of every answer says how many tries are left, so a client can avoid this error.",
    example: new RateLimitExceeded({
      policy: "install",
      limit: 20,
      window: Duration.hours(1),
      retryAfter: Duration.minutes(12)
    })
  },
  UnsupportedMediaType: {
    when: "The request has a body and a Content-Encoding (gzip, br or any other but identity), or a Transfer-Encoding other than chunked.",
    remedy: "Send the body without an encoding. No request of this service is large enough to be worth compressing.",
    example: new UnsupportedMediaType()
  },
  TooLarge: {
    when: "The body is larger than 64 KiB.",
    remedy: "Send less. No request of this service needs more.",
    example: new TooLarge({ limitBytes: 65_536 })
  },
  InvalidRequest: {
    when: "The body is not JSON in UTF-8, is not sent as application/json, or does not have the documented shape (an unknown or repeated member, too); a text has a NUL character or a lone surrogate; the query is not as documented; or the request line has no URL.",
    remedy:
      "Correct the places that issues names: path says where (empty for the body itself), message what was expected there. For an unknown member it says which one was probably meant.",
    example: new InvalidRequest({ issues: [{ path: "slug", message: "give slug or templateAgentId" }] })
  },
  UnknownTemplateSlug: {
    when: "No template is published under that slug, or its organization is private.",
    remedy: "Check the slug with GET /api/install/manifest/<slug>, or ask the publisher for it.",
    example: new UnknownTemplateSlug({ slug: "personal-finances" })
  },
  NoPersonalOrg: {
    when: "The account owns no private organization of its own. Sign-up creates one; if that failed, the next sign-in creates it.",
    remedy:
      "Sign out, sign in again and repeat the request. If the error comes again, the organization has another owner now.",
    example: new NoPersonalOrg({ userId: UserId.make("Jx3VqA4mR0zW") })
  },
  TemplateNotFound: {
    when: "No template agent has the id, or it is in a private organization that the caller does not belong to.",
    remedy: "Look the id up with GET /api/install/manifest/<slug>, or install by slug.",
    example: new TemplateNotFound({ templateAgentId })
  },
  TemplateIsInstalled: {
    when: "The id is the id of an installed agent, not of a template.",
    remedy: "Install the template that the agent was installed from.",
    example: new TemplateIsInstalled({ templateAgentId })
  },
  SelfInstall: {
    when: "The template belongs to the organization that it would be installed into.",
    remedy: "Use another account to try your own template.",
    example: new SelfInstall({ templateAgentId })
  },
  TemplateNotPublic: {
    when: "The template is in a private organization. Only its members get this error; others get template_not_found.",
    remedy: "Publish it from a public organization.",
    example: new TemplateNotPublic({ templateAgentId })
  },
  NotOrgAdmin: {
    when: "The caller belongs to the organization, but is neither its owner nor an administrator.",
    remedy: "Ask an owner of the organization to do it, or to make you an administrator.",
    example: new NotOrgAdmin({ organizationId: OrganizationId.make("org_f0588612b60a49f6af20c461948e2920") })
  },
  ModeNotOffered: {
    when: "The request names a mode (copy or reference) in which the template's publisher does not offer it. Nothing was written.",
    remedy: "Leave mode out, or name one of those in modes.",
    example: new ModeNotOffered({ mode: "reference", modes: ["copy"] })
  },
  TemplateDeprecated: {
    when: "The publisher has deprecated the template, and the organization does not have it. Who has it keeps it, and is brought up to date as before.",
    remedy:
      "Install the successor, where one is named. Nothing else installs this template until its publisher brings it back.",
    example: new TemplateDeprecated({ reason: "Replaced by one that also keeps receipts.", successor: "money" })
  },
  RevisionBroken: {
    when: "An install, a resync, its plan or a roll-out would bring somebody to a revision that its publisher has marked as broken.",
    remedy:
      "Name another revision, or none: that goes to offered, the newest that is not broken. A roll-out goes on with a mended one.",
    example: new RevisionBroken({ revision: 3, reason: "Its watcher reads every message twice.", offered: 2 })
  },
  NoSuchRow: {
    when: "A name in adopt, revert or restore has no row with the verdict that the list is for (adopt: a collision that is adoptable; revert: customized; restore: deleted_by_owner). Nothing was written; rows names each with the verdict it has.",
    remedy:
      "Ask for a plan, which names every row with its verdict, and send only names with the right one. To resolve a collision that is not adoptable, rename or delete the row that has the slug, or uninstall the template it came with.",
    example: new NoSuchRow({
      rows: [{ list: "revert", kind: "entity_types", slug: "bank-account", verdict: "unchanged" }]
    })
  },
  SchemaCollision: {
    when: "Slugs that the template needs are taken: by rows the person made, by a row of the template that keeps a slug another row is to get, or by rows that came with another template. Nothing was written; collisions names each, says whether the row is the organization's own (own), and whether it may be adopted (adoptable).",
    remedy:
      "If adoptable is true, name the row in adopt, or rename or delete it. If adoptable is false and own is true, rename or delete your own row, or revert the row you changed. There are three such cases: a definition was renamed to the slug of the person's row, and the template has a copy already; the person changed a row of the template, so it keeps its slug; the person made a row in place of one that is to be restored. If own is false, uninstall the template the row came with, rename or delete the row, or ask a publisher for another slug. Then repeat the request. A plan shows all of this beforehand.",
    example: new SchemaCollision({
      collisions: [{ kind: "entity_types", slug: "bank-account", owner: "ada-lovelace", own: true, adoptable: true }]
    })
  },
  PlanStale: {
    when: "The request sent a planHash as expectedPlan, and the organization or the template has changed since that plan was made. Nothing was written.",
    remedy: "Ask for a new plan on the same route as the first, look at it, and send its planHash.",
    example: new PlanStale()
  },
  AgentNotFound: {
    when: "No installed agent has the id in an organization that the caller belongs to: it never existed, it was uninstalled, or it is somebody else's. All three get the same answer.",
    remedy: "Look the id up with GET /api/agents. A template that was uninstalled can be installed again.",
    example: new AgentNotFound({ agentId: "agent_5d0f1c0f6a5b4c1e9a4f0c5f3f6b7a88" })
  },
  WatcherNotFound: {
    when: "The agent has no watcher with that slug: it never existed, it was deleted, or it is hidden since its publisher withdrew it.",
    remedy: "Look the slugs up with GET /api/agents/:id/watchers.",
    example: new WatcherNotFound({ slug: "weekly-deadline-radar" })
  },
  RowNotFound: {
    when: "The agent has no row of that kind with that slug: it never existed, it was deleted, or it is hidden since its publisher withdrew it.",
    remedy: "Name it by the slug it has in the organization. A row that was deleted comes back by restore in a resync.",
    example: new RowNotFound({ kind: "entity_types", slug: "bank-account" })
  },
  NoSuchRevision: {
    when: "A resync or its plan names a revision that was never published.",
    remedy: "Name one from 1 to newest, or newest itself.",
    example: new NoSuchRevision({ revision: 9, newest: 3 })
  },
  InvalidPhone: {
    when: "The text can't be read as a phone number, or is the number of one of WhatsApp's own bots; reason says why. The answer to an install has it as whatsappError; the install has succeeded all the same.",
    remedy: "Write the number with + and its country code, or name the country.",
    example: new InvalidPhone({ reason: "too_short" })
  },
  NoMember: {
    when: "The person's organization has no member entity for them yet, so there is nothing to link a number to. The answer to an install has it as whatsappError.",
    remedy: "Sign out and sign in again, which repairs it, then link the number again.",
    example: new NoMember({ organizationId: OrganizationId.make("org_f0588612b60a49f6af20c461948e2920") })
  },
  IdentityTaken: {
    when: "The number is verified for another account. The answer to an install has it as whatsappError.",
    remedy:
      "The owner of the number can prove it again by sending a code from it; a newer proof displaces the older one.",
    example: new IdentityTaken()
  },
  IdentityNotFound: {
    when: "The caller has no identity with that id: it never was theirs, it has ended, or its link was declined.",
    remedy: "Look the ids up with GET /api/identities.",
    example: new IdentityNotFound()
  },
  PendingNotFound: {
    when: "No link that waits for an answer has the id, or the sender is not the one who was asked: it was answered, it expired (after an hour; after thirty days for a typed number), somebody has proved the sender since, or it never existed. All get the same answer.",
    remedy: "Start again: the person gets another code, or the sender's next message is looked up.",
    example: new PendingNotFound()
  },
  NotGateway: {
    when: "A route of the chat gateway was called without GATEWAY_TOKEN as bearer token, or the service has no such token.",
    remedy: "Send Authorization: Bearer and the service's GATEWAY_TOKEN; docs/gateway.md says where it is kept.",
    example: new NotGateway()
  },
  RolloutNotFound: {
    when: "The address names a roll-out that this template does not have.",
    remedy: "GET …/rollouts lists the template's roll-outs.",
    example: new RolloutNotFound({ rolloutId: "rollout_5c0c2a9f4d1e4c0f8f1f0d3c7b6a5e41" })
  },
  RolloutRuns: {
    when: "A roll-out was to be started while another one of the template runs or is paused.",
    remedy: "Wait for it, cancel it, or go on with another revision: POST …/rollouts/<id>/resume with revision.",
    example: new RolloutRuns({ rolloutId: "rollout_5c0c2a9f4d1e4c0f8f1f0d3c7b6a5e41" })
  },
  RolloutEnded: {
    when: "A roll-out that is done or cancelled was to be paused, resumed or cancelled.",
    remedy: "Start another roll-out; one of an earlier revision goes back.",
    example: new RolloutEnded({ rolloutId: "rollout_5c0c2a9f4d1e4c0f8f1f0d3c7b6a5e41", state: "done" })
  },
  EventsGone: {
    when: "GET /api/events was asked for what follows a number, and events after it have been deleted since (they are kept for EVENTS_DAYS days), or the number was never given, as after a database was restored from a backup.",
    remedy: "Read anew what you keep a copy of, then go on after the last number that the answer names.",
    example: new EventsGone({ after: 17, first: 4_001, last: 9_344 })
  },
  IdempotencyKeyInUse: {
    when: "A request was repeated with its Idempotency-Key while the first one was still being answered.",
    remedy: "Repeat it after Retry-After seconds, with the same key and body.",
    example: new IdempotencyKeyInUse()
  },
  IdempotencyKeyReused: {
    when: "The same caller sent this Idempotency-Key to the same address within the last day, with another body or other query parameters. Bodies are compared byte by byte.",
    remedy:
      "Make a new key for each request that is meant to do something; repeat a request with exactly the body that it had.",
    example: new IdempotencyKeyReused()
  },
  WrongPassword: {
    when: "The request is final, so it needs the account's password, and the one that was sent is wrong. Wrong passwords count against a budget.",
    remedy: "Ask the person for the password again. If the service sends mail, a forgotten password can be reset.",
    example: new WrongPassword()
  },
  OrganizationInUse: {
    when: "The account is the only owner of an organization that other people belong to, or whose templates others have installed or keep rows of. All such organizations are named. GET /api/account/deletion lists them beforehand, as obstacles.",
    remedy:
      "Give each of them another owner; the deletion then only removes the account from it. If nobody else belongs to it, ask the operator of the service.",
    example: new OrganizationInUse({
      organizations: [
        {
          organizationId: OrganizationId.make("org_2c1d7a0f6c4f4d0e8d5b0f4f5b7c9a11"),
          organizationSlug: Slug.make("ada-templates"),
          name: "Ada's templates",
          otherMembers: 0,
          installations: 12,
          kept: true
        }
      ]
    })
  },
  PublisherNotFound: {
    when: "No publisher has this slug, it is private, the caller does not belong to it, or the key is another publisher's. The answer does not say which.",
    remedy:
      "Look the slug up with GET /api/publishers. Somebody who should belong to it is invited by an owner; a new publisher is made by whoever runs the service.",
    example: new PublisherNotFound({ slug: "acme" })
  },
  NotPermitted: {
    when: "Whoever asks belongs to the publisher, and may not do this: keys are made and ended by owners and admins, members invited and removed by owners, both signed in; a key publishes only with the scope publish.",
    remedy: "Ask an owner or an admin of the publisher, or use a key that has the scope.",
    example: new NotPermitted({ permission: "publish", byKey: true })
  },
  KeyNotFound: {
    when: "The publisher has no key of this id: it was deleted, or is another publisher's.",
    remedy: "List the keys with GET /api/publishers/<slug>/keys. One that was deleted opens nothing any more.",
    example: new KeyNotFound()
  },
  MemberNotFound: {
    when: "Nobody of this id belongs to the publisher; they may have left.",
    remedy: "List the members with GET /api/publishers/<slug>/members.",
    example: new MemberNotFound({ userId: "Jx3VqA4mR0zW" })
  },
  LastOwner: {
    when: "The publisher's only owner would leave, be removed, or get another role.",
    remedy: "Make another member an owner first.",
    example: new LastOwner()
  },
  InvitationNotFound: {
    when: "The invitation was used or taken back, has expired after seven days, never was, or is for an account with another e-mail address.",
    remedy: "Sign in with the account that was invited, or ask an owner of the publisher for another invitation.",
    example: new InvitationNotFound()
  },
  LimitReached: {
    when: "The publisher has as many keys, or members and open invitations, as it may have.",
    remedy: "Delete a key or an invitation that nobody uses, or remove a member, then try again.",
    example: new LimitReached({ what: "keys", limit: 100 })
  },
  TemplateRefused: {
    when: "A template that was sent to be published has something wrong: in what it says of itself, in a definition, or beside what is published already. Nothing was written; issues names every problem with the number of the definition (from 0; absent: what the template says of itself) and the path in it.",
    remedy:
      "Correct every place and send it again. agent-install template validate finds most of it without a service.",
    example: new TemplateRefused({
      issues: [
        {
          where: "definitions.3.schedule",
          path: ["schedule"],
          message: "expected five fields: minute, hour, day of the month, month, day of the week",
          definition: 3
        }
      ]
    })
  },
  WithdrawalRefused: {
    when: "The revision would withdraw rows that installations have, or more than half of the template's rows, and the request does not agree to that. Nothing was written.",
    remedy:
      "Look at what it would do with dryRun=true. To publish it all the same, send withdraw: true (the command line: --yes).",
    example: new WithdrawalRefused({ rows: 2, of: 89, installed: 240 })
  },
  TemplateInUse: {
    when: "A template was to be withdrawn for good while organizations have it installed.",
    remedy: "Deprecate it, so that nobody begins with it, and withdraw it when nobody has it any more.",
    example: new TemplateInUse({ installations: 12 })
  },
  RouteNotFound: {
    when: "No route has this path.",
    remedy: "Look the path up in /docs or /openapi.json.",
    example: new RouteNotFound()
  },
  MethodNotAllowed: {
    when: "The path exists, with other methods.",
    remedy: "Use one of the methods in allow, which is also the Allow header.",
    example: new MethodNotAllowed({ allow: ["POST"] })
  },
  Internal: {
    when: "The service met a fault that the caller can't fix. An install has written nothing, unless it had succeeded before the fault.",
    remedy:
      "Report it with the id in instance; the operator finds the cause in the log under that id. Repeating an install is safe.",
    example: new Internal()
  },
  TooSlow: {
    when: "The header of a request, or its body, did not arrive in time. The connection is closed.",
    remedy: "Send the request again, over a new connection.",
    example: new TooSlow()
  },
  HeaderTooLarge: {
    when: "The request line and the header fields together are larger than the limit. The connection is closed.",
    remedy: "Send fewer or shorter header fields. The cause is usually cookies.",
    example: new HeaderTooLarge({ limitBytes: 16_384 })
  },
  Unavailable: {
    when: "The database can't be reached, is starting or stopping, gave no connection or answer in time, or can't be written to since its disk is full or it is a standby. As whatsappError in the answer to an install: a fault while the phone was linked; the install has succeeded, and the phone can be linked later by POST /api/identities/phone.",
    remedy: "Retry after the seconds in Retry-After. Repeating an install is safe.",
    example: new Unavailable()
  }
}
