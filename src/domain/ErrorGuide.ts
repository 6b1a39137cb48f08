import { Duration } from "effect"
import {
  AgentNotFound,
  type AnyRefusal,
  EventsGone,
  ForeignOrigin,
  HeaderTooLarge,
  IdentityNotFound,
  IdentityTaken,
  Internal,
  InvalidPhone,
  InvalidRequest,
  MethodNotAllowed,
  NoMember,
  NoPersonalOrg,
  NoSuchRevision,
  NoSuchRow,
  NotGateway,
  NotOrgAdmin,
  OrganizationInUse,
  PendingNotFound,
  PlanStale,
  RateLimitExceeded,
  RolloutEnded,
  RolloutNotFound,
  RolloutRuns,
  RouteNotFound,
  SchemaCollision,
  SelfInstall,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic,
  TooLarge,
  TooSlow,
  Unauthenticated,
  Unavailable,
  UnknownTemplateSlug,
  UnsupportedMediaType,
  WatcherNotFound,
  WrongPassword
} from "./Errors.ts"
import { AgentId, OrganizationId, Slug, UserId } from "./Ids.ts"

/** What a reader of the documentation is told of an error beyond what its class says. */
export interface Guidance<E> {
  /** When it comes. */
  readonly when: string
  /** What whoever meets it does next. */
  readonly remedy: string
  /** One as it may come. */
  readonly example: E
}

const templateAgentId = AgentId.make("agent_a6672434b8364bfda00ef65341e202cc")

/** Every refusal, explained. A new error class without its entry does not compile. */
export const errorGuide: {
  readonly [Tag in AnyRefusal["_tag"]]: Guidance<Extract<AnyRefusal, { readonly _tag: Tag }>>
} = {
  ForeignOrigin: {
    when: "A session cookie came with a request that changes something, and the browser says that it comes from another site: Origin is another (or null), or Sec-Fetch-Site is cross-site or same-site. Nothing was spent or read.",
    remedy:
      "Send the request from the service's own pages. If this is the service's own page, BASE_URL is not the address the browser shows. Programs use a bearer token.",
    example: new ForeignOrigin()
  },
  Unauthenticated: {
    when: "There is neither a session cookie nor a bearer token, or what there is has expired, was revoked, or is not signed by this service. It is said whatever the body is.",
    remedy:
      "Sign in with POST /api/auth/sign-in/email, then send the cookie it sets, or the value of its set-auth-token header as Authorization: Bearer.",
    example: new Unauthenticated()
  },
  RateLimitExceeded: {
    when: "The budget of the person (installs, or other requests about them), of the address (sign-ups, and whatever tests a password) or of wrong passwords (for one account from one network, for one account from everywhere, or of whoever is signed in) is spent. Failed tries count, refused ones do not.",
    remedy:
      "Wait for the seconds in Retry-After. The RateLimit field of every answer says how many tries are left, so that a client need not run into this.",
    example: new RateLimitExceeded({
      policy: "install",
      limit: 20,
      window: Duration.hours(1),
      retryAfter: Duration.minutes(12)
    })
  },
  UnsupportedMediaType: {
    when: "The request has a body and a Content-Encoding (gzip, br or any other but identity), or a Transfer-Encoding other than chunked.",
    remedy: "Send the body as it is. No request of this service is large enough to be worth compressing.",
    example: new UnsupportedMediaType()
  },
  TooLarge: {
    when: "The body is larger than 64 KiB.",
    remedy: "Send less. No request of this service needs more.",
    example: new TooLarge({ limitBytes: 65_536 })
  },
  InvalidRequest: {
    when: "The body is not JSON in UTF-8, not sent as application/json, or not of the documented shape: also where it has a member that is not documented, or one twice; a text holds a NUL character or a lone surrogate; the query is not as documented; or the request line holds no URL.",
    remedy:
      "Mend the places that issues names: path is where (empty for the body itself), message what was expected there. Of an unknown member it says which one was probably meant.",
    example: new InvalidRequest({ issues: [{ path: "slug", message: "give slug or templateAgentId" }] })
  },
  UnknownTemplateSlug: {
    when: "No template is published under that slug. A template of a private organization counts as none.",
    remedy: "Check the slug with GET /api/install/manifest/<slug>, or ask the publisher for it.",
    example: new UnknownTemplateSlug({ slug: "personal-finances" })
  },
  NoPersonalOrg: {
    when: "The account has no private organization of its own that it is the owner of. Sign-up makes one; what went wrong then is mended at the next sign-in.",
    remedy:
      "Sign out, sign in again and repeat the request. If it comes back, the organization has passed to another owner.",
    example: new NoPersonalOrg({ userId: UserId.make("Jx3VqA4mR0zW") })
  },
  TemplateNotFound: {
    when: "No template agent has the id, or it is in a private organization that the caller does not belong to.",
    remedy: "Look the id up with GET /api/install/manifest/<slug>, or install by slug.",
    example: new TemplateNotFound({ templateAgentId })
  },
  TemplateIsInstalled: {
    when: "The id is that of an installed agent, not of a template.",
    remedy: "Install the template that it was installed from.",
    example: new TemplateIsInstalled({ templateAgentId })
  },
  SelfInstall: {
    when: "The template belongs to the very organization that it would be installed into.",
    remedy: "Use another account to try your own template.",
    example: new SelfInstall({ templateAgentId })
  },
  TemplateNotPublic: {
    when: "The template is in a private organization. Only its members are told so; others are told that there is none.",
    remedy: "Publish it from a public organization.",
    example: new TemplateNotPublic({ templateAgentId })
  },
  NotOrgAdmin: {
    when: "The caller belongs to the organization, but is neither its owner nor an administrator.",
    remedy: "Ask an owner of the organization to do it, or to make you an administrator.",
    example: new NotOrgAdmin({ organizationId: OrganizationId.make("org_f0588612b60a49f6af20c461948e2920") })
  },
  NoSuchRow: {
    when: "A name in adopt, revert or restore has no row with the verdict that list is for (collision that is adoptable, customized, deleted_by_owner). Nothing was written; rows names each with the verdict it has.",
    remedy:
      "Ask for a plan, which names every row with its verdict, and send only names that have the right one. A collision that is not adoptable is ended by renaming or deleting the row that has the slug, or by uninstalling what it came with.",
    example: new NoSuchRow({
      rows: [{ list: "revert", kind: "entity_types", slug: "bank-account", verdict: "unchanged" }]
    })
  },
  SchemaCollision: {
    when: "Slugs that the template needs are taken: by rows the person made, by a row of the template's that stays under a slug another is to have, or by rows that came with another template. Nothing was written; collisions names every one, whether it is the organization's own (own), and whether it may be adopted (adoptable).",
    remedy:
      "Where adoptable is true, name the row in adopt, or rename or delete it. Where it is false and own is true, the template's copy stands beside the person's row (a definition was renamed into its slug), or the template's own row stays under that slug, for the person changed it, or a row that is to be restored was replaced by one of the person's own: rename or delete one's own, or revert what was changed. Where own is false, uninstall the template it came with, rename or delete the row, or ask a publisher for another slug. Then repeat the request. A plan shows all of it beforehand.",
    example: new SchemaCollision({
      collisions: [{ kind: "entity_types", slug: "bank-account", owner: "ada-lovelace", own: true, adoptable: true }]
    })
  },
  PlanStale: {
    when: "The request named a planHash as expectedPlan, and the organization or the template has changed since that plan was made. Nothing was written.",
    remedy: "Ask for a new plan where the first one came from, look at it, and send its planHash.",
    example: new PlanStale()
  },
  AgentNotFound: {
    when: "No installed agent has the id in an organization that the caller belongs to: there never was one, it was taken away, or it is somebody else's. All three get the same answer.",
    remedy: "Look the id up with GET /api/agents. A template that was taken away can be installed again.",
    example: new AgentNotFound({ agentId: "agent_5d0f1c0f6a5b4c1e9a4f0c5f3f6b7a88" })
  },
  WatcherNotFound: {
    when: "The agent has no watcher of that slug: there never was one, or it was deleted, or hidden after its publisher withdrew it.",
    remedy: "Look the slugs up with GET /api/agents/:id/watchers.",
    example: new WatcherNotFound({ slug: "weekly-deadline-radar" })
  },
  NoSuchRevision: {
    when: "A resync or its plan names a revision that was never published.",
    remedy: "Name one from 1 to newest, or newest itself.",
    example: new NoSuchRevision({ revision: 9, newest: 3 })
  },
  InvalidPhone: {
    when: "The text is no phone number that can be read, or that of one of WhatsApp's own bots; reason says why. In the answer to an install it stands as whatsappError, and the install has landed all the same.",
    remedy: "Write the number with + and its country code, or name the country.",
    example: new InvalidPhone({ reason: "too_short" })
  },
  NoMember: {
    when: "Nothing stands for the person in their organization yet, so there is nothing to link a number to. In the answer to an install it stands as whatsappError.",
    remedy: "Sign out and sign in again, which repairs it, then link the number again.",
    example: new NoMember({ organizationId: OrganizationId.make("org_f0588612b60a49f6af20c461948e2920") })
  },
  IdentityTaken: {
    when: "The number is verified for another account. In the answer to an install it stands as whatsappError.",
    remedy: "Whoever owns the number proves it anew by writing from it; a newer proof displaces the older one.",
    example: new IdentityTaken()
  },
  IdentityNotFound: {
    when: "No identity of the caller's has the id: it never was theirs, it ended, or its link was declined.",
    remedy: "Look the ids up with GET /api/identities.",
    example: new IdentityNotFound()
  },
  PendingNotFound: {
    when: "No link that waits for an answer has the id, or the sender is not the one who was asked: it was answered, it expired (after an hour; after thirty days where a number was typed), somebody has proved the sender since, or it never was. All get the same answer.",
    remedy: "Ask anew: the person makes another code, or the sender's next message is looked up again.",
    example: new PendingNotFound()
  },
  NotGateway: {
    when: "A route of the chat gateway was asked without GATEWAY_TOKEN as bearer token, or the service has none.",
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
  WrongPassword: {
    when: "What is asked for is final, so it wants the password once more, and this is another. Wrong ones count against a budget.",
    remedy: "Ask the person for the password again. A forgotten one can be set anew where the service sends mail.",
    example: new WrongPassword()
  },
  OrganizationInUse: {
    when: "The account is the only owner of an organization that other people belong to, or whose templates others have installed or keep rows of. All such organizations are named. GET /api/account/deletion tells them beforehand, as obstacles.",
    remedy:
      "Give each of them another owner; the account is then only taken out of it. Where nobody else belongs to it, ask those who run the service.",
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
    when: "Something broke here that the caller can't mend. Nothing of an install has landed, unless it had before.",
    remedy:
      "Report it with the id in instance; whoever runs the service finds the cause in its log under that id. Repeating an install is safe.",
    example: new Internal()
  },
  TooSlow: {
    when: "The header of a request, or its body, was not there in time. The connection is closed.",
    remedy: "Send the request again, over a new connection.",
    example: new TooSlow()
  },
  HeaderTooLarge: {
    when: "The request line and the header fields are larger than is read, all together. The connection is closed.",
    remedy: "Send fewer or shorter header fields: mostly it is cookies that have grown.",
    example: new HeaderTooLarge({ limitBytes: 16_384 })
  },
  Unavailable: {
    when: "The database is away, is starting or stopping, gave no connection or answer in time, or can't be written to: its disk is full, or it is a standby. As whatsappError in the answer to an install: a fault while the phone was linked; the install has landed, and the phone is linked later by POST /api/identities/phone.",
    remedy: "Repeat the request after the seconds in Retry-After. Repeating an install is safe.",
    example: new Unavailable()
  }
}
