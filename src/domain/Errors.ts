import { Duration, Schema } from "effect"
import { DeletionObstacle } from "./account/Deletion.ts"
import { Kind } from "./catalog/Kind.ts"
import { Mode } from "./catalog/Mode.ts"
import { TemplateIssue } from "./catalog/TemplateIssue.ts"
import { AgentId, OrganizationId, UserId } from "./Ids.ts"
import { Verdict, Wish, wishVerdicts } from "./installation/Plan.ts"
import { Permission } from "./publishing/Publisher.ts"

/**
 * What every class of refusal states: the HTTP status, the code that clients branch on (`error` in the body, the anchor on
 * `/docs/errors`) and a title that is the same for every occurrence (RFC 9457).
 */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405 | 408 | 409 | 410 | 413 | 415 | 422 | 429 | 431 | 500 | 503
  readonly code: string
  readonly title: string
}

/** One problem with one place in a request. `path` is dotted (`name`, `adopt.0.slug`), empty for the body itself. */
export const Issue = Schema.Struct({ path: Schema.String, message: Schema.String })
export type Issue = typeof Issue.Type

/** A browser on another site sent this person's cookie along with a request that changes something. */
export class ForeignOrigin extends Schema.TaggedError<ForeignOrigin>()("ForeignOrigin", {}) {
  static readonly status = 403
  static readonly code = "foreign_origin"
  static readonly title = "Request from another site"
  override get message() {
    return "A session cookie is not accepted from another site. Send the request from the service's own pages, or with a bearer token."
  }
}

/** Nobody is signed in: no session, an expired or revoked one, or one whose signature is wrong. */
export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()("Unauthenticated", {}) {
  static readonly status = 401
  static readonly code = "unauthenticated"
  static readonly title = "Not signed in"
  override get message() {
    return "Sign in first (POST /api/auth/sign-in/email), then send the session cookie or the token of the set-auth-token header as a bearer token."
  }
}

/** A budget is spent. `retryAfter` is when the oldest try in the window leaves it. */
export class RateLimitExceeded extends Schema.TaggedError<RateLimitExceeded>()("RateLimitExceeded", {
  policy: Schema.String,
  limit: Schema.Int,
  window: Schema.DurationFromMillis,
  retryAfter: Schema.DurationFromMillis
}) {
  static readonly status = 429
  static readonly code = "rate_limited"
  static readonly title = "Too many tries"
  /** Whole seconds until another try may pass, rounded up. */
  get retryAfterSeconds(): number {
    return Math.max(1, Math.ceil(Duration.toSeconds(this.retryAfter)))
  }
  override get message() {
    return `At most ${this.limit} tries in ${Duration.format(this.window)} are allowed. Try again in ${this.retryAfterSeconds} seconds.`
  }
}

/** The body of a request has an encoding (RFC 9110, 8.4), and the service accepts none. */
export class UnsupportedMediaType extends Schema.TaggedError<UnsupportedMediaType>()("UnsupportedMediaType", {}) {
  static readonly status = 415
  static readonly code = "unsupported_media_type"
  static readonly title = "Unsupported encoding"
  override get message() {
    return "The service accepts no compressed or otherwise encoded bodies. Send the body without Content-Encoding."
  }
}

/** The body of a request is larger than the limit. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { limitBytes: Schema.Int }) {
  static readonly status = 413
  static readonly code = "too_large"
  static readonly title = "Body too large"
  override get message() {
    return `The body of a request may be at most ${this.limitBytes} bytes long.`
  }
}

/** The request is not of the shape that is documented; `issues` names each place. */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()("InvalidRequest", {
  issues: Schema.Array(Issue)
}) {
  static readonly status = 400
  static readonly code = "invalid_request"
  static readonly title = "Invalid request"
  override get message() {
    return this.issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ")
  }
}

/** No template is published under this slug. */
export class UnknownTemplateSlug extends Schema.TaggedError<UnknownTemplateSlug>()("UnknownTemplateSlug", {
  slug: Schema.String
}) {
  static readonly status = 404
  static readonly code = "unknown_slug"
  static readonly title = "Unknown template"
  override get message() {
    return `No template is published as ${JSON.stringify(this.slug)}.`
  }
}

/** The person has no organization of their own to install into. */
export class NoPersonalOrg extends Schema.TaggedError<NoPersonalOrg>()("NoPersonalOrg", { userId: UserId }) {
  static readonly status = 409
  static readonly code = "no_personal_org"
  static readonly title = "No personal organization"
  override get message() {
    return "This account has no organization of its own yet. Sign out and sign in again to get one, then try again."
  }
}

/** No template has this id, or it is in a private organization the caller does not belong to. */
export class TemplateNotFound extends Schema.TaggedError<TemplateNotFound>()("TemplateNotFound", {
  templateAgentId: AgentId
}) {
  static readonly status = 400
  static readonly code = "template_not_found"
  static readonly title = "Template not found"
  override get message() {
    return `There is no template agent ${JSON.stringify(this.templateAgentId)}. Look its id up with GET /api/install/manifest/<slug>.`
  }
}

/** The agent named as a template is itself an installed copy. */
export class TemplateIsInstalled extends Schema.TaggedError<TemplateIsInstalled>()("TemplateIsInstalled", {
  templateAgentId: AgentId
}) {
  static readonly status = 400
  static readonly code = "template_is_installed"
  static readonly title = "Not a template"
  override get message() {
    return `Agent ${JSON.stringify(this.templateAgentId)} is itself installed from a template. Install that template instead.`
  }
}

/** A template can't be installed into the organization that publishes it. */
export class SelfInstall extends Schema.TaggedError<SelfInstall>()("SelfInstall", { templateAgentId: AgentId }) {
  static readonly status = 400
  static readonly code = "self_install"
  static readonly title = "Template of the same organization"
  override get message() {
    return `Template ${JSON.stringify(this.templateAgentId)} belongs to the organization it would be installed into.`
  }
}

/** The template's organization is private. Only its members get this answer. */
export class TemplateNotPublic extends Schema.TaggedError<TemplateNotPublic>()("TemplateNotPublic", {
  templateAgentId: AgentId
}) {
  static readonly status = 400
  static readonly code = "template_not_public"
  static readonly title = "Template not public"
  override get message() {
    return `Agent ${JSON.stringify(this.templateAgentId)} is not a published template of a public organization. Publish it first.`
  }
}

/** The caller may not change this organization. */
export class NotOrgAdmin extends Schema.TaggedError<NotOrgAdmin>()("NotOrgAdmin", {
  organizationId: OrganizationId
}) {
  static readonly status = 400
  static readonly code = "not_org_admin"
  static readonly title = "Not an administrator"
  override get message() {
    return `Only an owner or administrator of organization ${JSON.stringify(this.organizationId)} may do this.`
  }
}

/** The template is not offered in that mode. */
export class ModeNotOffered extends Schema.TaggedError<ModeNotOffered>()("ModeNotOffered", {
  mode: Mode,
  modes: Schema.Array(Mode)
}) {
  static readonly status = 400
  static readonly code = "mode_not_offered"
  static readonly title = "Mode not offered"
  override get message() {
    return `The template's publisher does not offer it by ${this.mode}, only by ${this.modes.join(" or ")}.`
  }
}

/** The publisher has deprecated the template, and the organization does not have it. */
export class TemplateDeprecated extends Schema.TaggedError<TemplateDeprecated>()("TemplateDeprecated", {
  reason: Schema.String,
  successor: Schema.NullOr(Schema.String)
}) {
  static readonly status = 409
  static readonly code = "template_deprecated"
  static readonly title = "Template deprecated"
  override get message() {
    const instead = this.successor === null ? "" : ` Take "${this.successor}" instead.`
    return `The publisher has deprecated this template, so it is not installed anew: ${this.reason}${instead}`
  }
}

/** The publisher has marked the revision as broken: nobody is brought to it. */
export class RevisionBroken extends Schema.TaggedError<RevisionBroken>()("RevisionBroken", {
  revision: Schema.Int,
  reason: Schema.String,
  offered: Schema.NullOr(Schema.Int)
}) {
  static readonly status = 409
  static readonly code = "revision_broken"
  static readonly title = "Revision broken"
  override get message() {
    const newest =
      this.offered === null ? "No other revision is offered." : `The newest that is offered is ${this.offered}.`
    return `The publisher has marked revision ${this.revision} as broken, so nobody is brought to it: ${this.reason} ${newest}`
  }
}

/** A name in a list of wishes, and the verdict of the row that has it (null where there is none). */
export const UnmetWish = Schema.Struct({
  list: Wish,
  kind: Kind,
  slug: Schema.String,
  verdict: Schema.NullOr(Verdict)
})
export type UnmetWish = typeof UnmetWish.Type

/** Names in `adopt`, `revert` or `restore` that no row with the right verdict has. Nothing was written. */
export class NoSuchRow extends Schema.TaggedError<NoSuchRow>()("NoSuchRow", { rows: Schema.Array(UnmetWish) }) {
  static readonly status = 400
  static readonly code = "no_such_row"
  static readonly title = "No such row"
  override get message() {
    const named = this.rows.map(({ kind, list, slug, verdict }) =>
      verdict === null
        ? `${list}: the template has no ${kind} "${slug}"`
        : verdict === "collision" && list === "adopt"
          ? `adopt: ${kind} "${slug}" can't be adopted (adoptable is false in a plan), because the template's own row also exists, or the row with that slug came with another template; rename or delete that row, or uninstall its template`
          : `${list}: ${kind} "${slug}" is ${verdict}, not ${wishVerdicts[list]}`
    )
    return `Nothing was written. ${named.join("; ")}. Ask for a plan to see each row's verdict.`
  }
}

/**
 * A definition of the template whose slug is taken in the organization: the slug of the organization whose row has it, whether
 * that is the organization it would be installed into, and whether the row may be adopted.
 */
export const Collision = Schema.Struct({
  kind: Kind,
  slug: Schema.String,
  owner: Schema.String.annotations({ description: "The slug of the organization whose row has the slug." }),
  own: Schema.Boolean.annotations({
    description: "Whether that is the organization itself; otherwise the row came with a template of the owner's."
  }),
  adoptable: Schema.Boolean.annotations({
    description: "Whether adopt may name the row. If not, the slug has to be freed before any request succeeds."
  })
})
export type Collision = typeof Collision.Type

/** What resolves a collision, in the order of the message. */
const remedies: ReadonlyArray<readonly [remedy: string, applies: (collision: Collision) => boolean]> = [
  ["Name these, which are your own, in adopt, or rename or delete them", ({ adoptable }) => adoptable],
  [
    "Rename or delete these, which can't be adopted, since the template's own row also exists (or revert those that are the template's and that you changed)",
    ({ adoptable, own }) => own && !adoptable
  ],
  [
    "Uninstall the template that these came with, or rename or delete them, or ask its publisher for another slug",
    ({ own }) => !own
  ]
]

/** Slugs the template needs are taken by rows it does not manage. Nothing was written; every collision is named. */
export class SchemaCollision extends Schema.TaggedError<SchemaCollision>()("SchemaCollision", {
  collisions: Schema.Array(Collision)
}) {
  static readonly status = 400
  static readonly code = "schema_collision"
  static readonly title = "Slugs are taken"
  override get message() {
    const groups = remedies.flatMap(([remedy, applies]) => {
      const named = this.collisions.filter(applies).map(({ kind, owner, slug }) => `${kind} "${slug}" (${owner})`)
      return named.length === 0 ? [] : [`${remedy}: ${named.join(", ")}.`]
    })
    return `Nothing was written, because slugs that the template needs are taken. ${groups.join(" ")} Then try again.`
  }
}

/** An install would no longer do what the plan says that the caller agreed to. Nothing was written. */
export class PlanStale extends Schema.TaggedError<PlanStale>()("PlanStale", {}) {
  static readonly status = 409
  static readonly code = "plan_stale"
  static readonly title = "Plan out of date"
  override get message() {
    return "The organization or the template has changed since that plan was made. Nothing was written; ask for a new plan."
  }
}

/** No installed agent has this id in an organization of the caller's. */
export class AgentNotFound extends Schema.TaggedError<AgentNotFound>()("AgentNotFound", { agentId: Schema.String }) {
  static readonly status = 404
  static readonly code = "agent_not_found"
  static readonly title = "Agent not found"
  override get message() {
    return `You have no installed agent ${JSON.stringify(this.agentId)}. GET /api/agents lists those you have.`
  }
}

/** The agent has no visible watcher with that slug. */
export class WatcherNotFound extends Schema.TaggedError<WatcherNotFound>()("WatcherNotFound", { slug: Schema.String }) {
  static readonly status = 404
  static readonly code = "watcher_not_found"
  static readonly title = "Watcher not found"
  override get message() {
    return `The agent has no watcher ${JSON.stringify(this.slug)}. GET /api/agents/<id>/watchers lists those it has.`
  }
}

/** The agent has no visible row of that kind and slug. */
export class RowNotFound extends Schema.TaggedError<RowNotFound>()("RowNotFound", {
  kind: Schema.String,
  slug: Schema.String
}) {
  static readonly status = 404
  static readonly code = "row_not_found"
  static readonly title = "Row not found"
  override get message() {
    return `The agent has no row ${JSON.stringify(this.slug)} among ${JSON.stringify(this.kind)}. GET /api/agents/<id>/plan lists those it has.`
  }
}

/** The template has no such revision. */
export class NoSuchRevision extends Schema.TaggedError<NoSuchRevision>()("NoSuchRevision", {
  revision: Schema.Int,
  newest: Schema.Int
}) {
  static readonly status = 400
  static readonly code = "no_such_revision"
  static readonly title = "No such revision"
  override get message() {
    return `The template has no revision ${this.revision}; its newest is ${this.newest}.`
  }
}

/** The text can't be read as a phone number, or is the number of one of WhatsApp's own bots; `reason` says why. */
export class InvalidPhone extends Schema.TaggedError<InvalidPhone>()("InvalidPhone", {
  reason: Schema.Literal("too_short", "too_long", "not_a_number", "has_extension", "unknown_country", "not_a_person")
}) {
  static readonly status = 400
  static readonly code = "invalid_phone"
  static readonly title = "Invalid phone number"
  override get message() {
    if (this.reason === "not_a_person") return "This is the number of one of WhatsApp's own bots. Give your own."
    return `The phone number can't be read (${this.reason}). Write it with + and country code, as in +44 7911 123456.`
  }
}

/** The organization has no `$member` entity that stands for the person. */
export class NoMember extends Schema.TaggedError<NoMember>()("NoMember", { organizationId: OrganizationId }) {
  static readonly status = 409
  static readonly code = "no_member"
  static readonly title = "No member entity"
  override get message() {
    return "The organization has no member entity for this person yet. Sign out and sign in again to repair that, then try again."
  }
}

/** The identifier is verified for another account. */
export class IdentityTaken extends Schema.TaggedError<IdentityTaken>()("IdentityTaken", {}) {
  static readonly status = 409
  static readonly code = "already_linked"
  static readonly title = "Already linked"
  override get message() {
    return "This number is verified for another account. Its owner can link it here by writing from it."
  }
}

/** The caller has no identity with this id. Somebody else's gets the same answer. */
export class IdentityNotFound extends Schema.TaggedError<IdentityNotFound>()("IdentityNotFound", {}) {
  static readonly status = 404
  static readonly code = "identity_not_found"
  static readonly title = "Identity not found"
  override get message() {
    return "There is no identity of yours with this id. GET /api/identities lists them."
  }
}

/** No link waits for this sender's answer under this id: it never existed, was declined, has expired, or is another sender's. */
export class PendingNotFound extends Schema.TaggedError<PendingNotFound>()("PendingNotFound", {}) {
  static readonly status = 404
  static readonly code = "pending_not_found"
  static readonly title = "Nothing pending"
  override get message() {
    return "No question with this id is open for this sender. Ask for the identity again with POST /api/identities/lookup."
  }
}

/** No roll-out of the template has this id. */
export class RolloutNotFound extends Schema.TaggedError<RolloutNotFound>()("RolloutNotFound", {
  rolloutId: Schema.String
}) {
  static readonly status = 404
  static readonly code = "rollout_not_found"
  static readonly title = "Roll-out not found"
  override get message() {
    return `This template has no roll-out ${JSON.stringify(this.rolloutId)}.`
  }
}

/** A roll-out of the template runs or is paused; there is one at a time. */
export class RolloutRuns extends Schema.TaggedError<RolloutRuns>()("RolloutRuns", { rolloutId: Schema.String }) {
  static readonly status = 409
  static readonly code = "rollout_runs"
  static readonly title = "A roll-out is under way"
  override get message() {
    return `Roll-out ${this.rolloutId} of this template has not ended. Wait for it, cancel it, or resume it with another revision.`
  }
}

/** The roll-out has ended: it can't be paused, resumed or cancelled any more. */
export class RolloutEnded extends Schema.TaggedError<RolloutEnded>()("RolloutEnded", {
  rolloutId: Schema.String,
  state: Schema.String
}) {
  static readonly status = 409
  static readonly code = "rollout_ended"
  static readonly title = "The roll-out has ended"
  override get message() {
    return `Roll-out ${this.rolloutId} is ${this.state}. Start another one.`
  }
}

/** A request with this `Idempotency-Key` is being answered. */
export class IdempotencyKeyInUse extends Schema.TaggedError<IdempotencyKeyInUse>()("IdempotencyKeyInUse", {}) {
  static readonly status = 409
  static readonly code = "idempotency_key_in_use"
  static readonly title = "The first request is still being answered"
  /** Whole seconds after which a retry makes sense. */
  readonly retryAfterSeconds = 1
  override get message() {
    return `A request with this Idempotency-Key is still being answered. Repeat it in ${this.retryAfterSeconds} second to get the same answer.`
  }
}

/** Another request had this `Idempotency-Key` before. */
export class IdempotencyKeyReused extends Schema.TaggedError<IdempotencyKeyReused>()("IdempotencyKeyReused", {}) {
  static readonly status = 422
  static readonly code = "idempotency_key_reused"
  static readonly title = "The key belongs to another request"
  override get message() {
    return "This Idempotency-Key was sent with another body or other parameters within the last day. Use a new key for a new request."
  }
}

/** Events after that number are not kept any more, or there never was such a number: the database may be an older one. */
export class EventsGone extends Schema.TaggedError<EventsGone>()("EventsGone", {
  after: Schema.Int,
  first: Schema.Int,
  last: Schema.Int
}) {
  static readonly status = 410
  static readonly code = "events_gone"
  static readonly title = "Events not kept"
  override get message() {
    return `What follows event ${this.after} is not known without a gap: events ${this.first} to ${this.last} are kept. Read the tables anew, then go on after ${this.last}.`
  }
}

/** The bearer token is not the chat gateway's, or the service has no gateway token. */
export class NotGateway extends Schema.TaggedError<NotGateway>()("NotGateway", {}) {
  static readonly status = 401
  static readonly code = "not_gateway"
  static readonly title = "Not the chat gateway"
  override get message() {
    return "This route is for the chat gateway. Send the service's GATEWAY_TOKEN as a bearer token."
  }
}

/** The password is not the account's. */
export class WrongPassword extends Schema.TaggedError<WrongPassword>()("WrongPassword", {}) {
  static readonly status = 403
  static readonly code = "wrong_password"
  static readonly title = "Wrong password"
  override get message() {
    return "This is not the password of the account you are signed in to. Nothing was changed."
  }
}

const counted = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`

/** Others depend on organizations that would be deleted with the account. Nothing was deleted; each of them is named. */
export class OrganizationInUse extends Schema.TaggedError<OrganizationInUse>()("OrganizationInUse", {
  organizations: Schema.Array(DeletionObstacle)
}) {
  static readonly status = 409
  static readonly code = "organization_in_use"
  static readonly title = "Others depend on your organization"
  override get message() {
    const named = this.organizations.map(({ installations, kept, organizationSlug, otherMembers }) => {
      const why = [
        ...(otherMembers > 0 ? [counted(otherMembers, "other member", "other members")] : []),
        ...(installations > 0 ? [counted(installations, "installation by others", "installations by others")] : []),
        ...(kept && installations === 0 ? ["rows of its templates that others keep"] : [])
      ]
      return `${organizationSlug} (${why.join(", ")})`
    })
    return `Nothing was deleted, because others depend on organizations of yours: ${named.join(", ")}. Make another member an owner of each, then try again.`
  }
}

/** The caller belongs to no publisher with that slug. */
export class PublisherNotFound extends Schema.TaggedError<PublisherNotFound>()("PublisherNotFound", {
  slug: Schema.String
}) {
  static readonly status = 404
  static readonly code = "publisher_not_found"
  static readonly title = "Publisher not found"
  override get message() {
    return `You belong to no publisher ${JSON.stringify(this.slug)}. GET /api/publishers lists those you belong to; a key gives access to one publisher only.`
  }
}

/** What each permission requires of a member, and of a key. */
const needed: Readonly<Record<Permission, readonly [role: string, scope: string]>> = {
  read: ["a member of the publisher", "a key with the scope read or publish"],
  publish: ["a member of the publisher", "a key with the scope publish"],
  team: ["a member of the publisher, signed in,", "no key"],
  withdraw: ["an owner or admin of the publisher", "a key with the scope publish"],
  keys: ["an owner or admin of the publisher, signed in,", "no key"],
  members: ["an owner of the publisher, signed in,", "no key"]
}

/** The caller is a member of the publisher, or uses one of its keys, but lacks the permission. */
export class NotPermitted extends Schema.TaggedError<NotPermitted>()("NotPermitted", {
  permission: Permission,
  byKey: Schema.Boolean
}) {
  static readonly status = 403
  static readonly code = "not_permitted"
  static readonly title = "Not permitted"
  override get message() {
    const [role, scope] = needed[this.permission]
    const isForPeople = scope === "no key"
    return this.byKey && !isForPeople ? `Only ${scope} may do this.` : `Only ${role} may do this.`
  }
}

/** The publisher has no key with this id. */
export class KeyNotFound extends Schema.TaggedError<KeyNotFound>()("KeyNotFound", {}) {
  static readonly status = 404
  static readonly code = "key_not_found"
  static readonly title = "Key not found"
  override get message() {
    return "The publisher has no key with this id. GET /api/publishers/<slug>/keys lists those it has."
  }
}

/** The publisher has no member with this id. */
export class MemberNotFound extends Schema.TaggedError<MemberNotFound>()("MemberNotFound", { userId: Schema.String }) {
  static readonly status = 404
  static readonly code = "member_not_found"
  static readonly title = "Member not found"
  override get message() {
    return `The publisher has no member with the id ${JSON.stringify(this.userId)}. GET /api/publishers/<slug>/members lists its members.`
  }
}

/** The publisher would have no owner. */
export class LastOwner extends Schema.TaggedError<LastOwner>()("LastOwner", {}) {
  static readonly status = 409
  static readonly code = "last_owner"
  static readonly title = "The only owner"
  override get message() {
    return "A publisher needs an owner, and this is the only one. Make another member an owner first."
  }
}

/** The invitation never existed, was withdrawn or used, has expired, or is for another account. */
export class InvitationNotFound extends Schema.TaggedError<InvitationNotFound>()("InvitationNotFound", {}) {
  static readonly status = 404
  static readonly code = "invitation_not_found"
  static readonly title = "Invitation not found"
  override get message() {
    return "There is no such invitation for this account: it was used or withdrawn, has expired, or is for another e-mail address. Ask an owner for a new one."
  }
}

/** The limit of keys or members is reached. */
export class LimitReached extends Schema.TaggedError<LimitReached>()("LimitReached", {
  what: Schema.Literal("keys", "members"),
  limit: Schema.Int
}) {
  static readonly status = 409
  static readonly code = "limit_reached"
  static readonly title = "Limit reached"
  override get message() {
    return `A publisher has ${this.limit} ${this.what === "keys" ? "keys" : "members and open invitations"} at most. Remove one first.`
  }
}

/** A template that can't be published as it is. Nothing was written; every problem is named. */
export class TemplateRefused extends Schema.TaggedError<TemplateRefused>()("TemplateRefused", {
  issues: Schema.Array(TemplateIssue)
}) {
  static readonly status = 400
  static readonly code = "template_refused"
  static readonly title = "Template refused"
  override get message() {
    const lines = this.issues.map(({ message, path, where }) =>
      [where, path.join("."), message].filter((part) => part !== "").join(": ")
    )
    return `Nothing was published. ${lines.join("\n")}`
  }
}

/** A publication withdraws so much that it is done only where the request agrees to it. Nothing was written. */
export class WithdrawalRefused extends Schema.TaggedError<WithdrawalRefused>()("WithdrawalRefused", {
  rows: Schema.Int,
  of: Schema.Int,
  installed: Schema.Int
}) {
  static readonly status = 409
  static readonly code = "withdrawal_not_agreed"
  static readonly title = "Withdraws much"
  override get message() {
    const copies = this.installed === 0 ? "" : `, and with them ${this.installed} that installations have`
    return `Nothing was published, since it withdraws ${this.rows} of ${this.of} rows${copies}. See what it would do with dryRun=true; to publish it, say "withdraw": true.`
  }
}

/** A template that somebody has installed was to be withdrawn. */
export class TemplateInUse extends Schema.TaggedError<TemplateInUse>()("TemplateInUse", {
  installations: Schema.Int
}) {
  static readonly status = 409
  static readonly code = "template_in_use"
  static readonly title = "Template in use"
  override get message() {
    return `Nothing was withdrawn, since ${this.installations} organizations have the template installed. Deprecate it, and withdraw it when nobody has it any more.`
  }
}

/** No route has this path. */
export class RouteNotFound extends Schema.TaggedError<RouteNotFound>()("RouteNotFound", {}) {
  static readonly status = 404
  static readonly code = "not_found"
  static readonly title = "No such route"
  override get message() {
    return "No route has this path. GET /openapi.json lists all routes."
  }
}

/** The path exists, with other methods. */
export class MethodNotAllowed extends Schema.TaggedError<MethodNotAllowed>()("MethodNotAllowed", {
  allow: Schema.Array(Schema.String)
}) {
  static readonly status = 405
  static readonly code = "method_not_allowed"
  static readonly title = "Method not allowed"
  override get message() {
    return `This path accepts only ${this.allow.join(", ")}.`
  }
}

/** A request did not arrive completely in time. */
export class TooSlow extends Schema.TaggedError<TooSlow>()("TooSlow", {}) {
  static readonly status = 408
  static readonly code = "request_timeout"
  static readonly title = "Request timeout"
  override get message() {
    return "The request took too long to arrive. Send it again, over a new connection."
  }
}

/** The header of a request is larger than the limit. */
export class HeaderTooLarge extends Schema.TaggedError<HeaderTooLarge>()("HeaderTooLarge", {
  limitBytes: Schema.Int
}) {
  static readonly status = 431
  static readonly code = "header_too_large"
  static readonly title = "Header too large"
  override get message() {
    return `The header of a request, including its target, may be at most ${this.limitBytes} bytes long.`
  }
}

/** A fault that the caller can't fix. */
export class Internal extends Schema.TaggedError<Internal>()("Internal", {}) {
  static readonly status = 500
  static readonly code = "internal"
  static readonly title = "Internal error"
  override get message() {
    return "The service failed to handle the request. Report it with the id in `instance`."
  }
}

/** The database can't be reached, gave no connection or answer in time, or can't be written to at the moment. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {}) {
  static readonly status = 503
  static readonly code = "unavailable"
  static readonly title = "Unavailable"
  /** Whole seconds after which a retry makes sense. */
  readonly retryAfterSeconds = 2
  override get message() {
    return `The database is not available now. Try again in ${this.retryAfterSeconds} seconds.`
  }
}

/** The errors of the install workflow, in the order of refusal. The type requires each class to state its status. */
export const installErrors = [
  ForeignOrigin,
  Unauthenticated,
  RateLimitExceeded,
  UnsupportedMediaType,
  TooLarge,
  InvalidRequest,
  UnknownTemplateSlug,
  NoPersonalOrg,
  TemplateNotFound,
  TemplateIsInstalled,
  SelfInstall,
  TemplateNotPublic,
  NotOrgAdmin,
  TemplateDeprecated,
  RevisionBroken,
  ModeNotOffered,
  NoSuchRow,
  SchemaCollision,
  PlanStale
] as const satisfies ReadonlyArray<Refusal>

/** Why the body of a request can't be read, in the order in which this is checked. */
export type ReadError = UnsupportedMediaType | TooLarge | InvalidRequest

/** The failures of the install workflow: all of these except the one that only a browser can cause. */
export type InstallError = Exclude<InstanceType<(typeof installErrors)[number]>, ForeignOrigin>

/** The errors of planning an install. Collisions are part of the plan, not errors. */
export type PlanError = Exclude<InstallError, ModeNotOffered | NoSuchRow | SchemaCollision | PlanStale>

/** The errors of every request about one publisher. */
export type PublisherError = Unauthenticated | RateLimitExceeded | PublisherNotFound | NotPermitted

/** The errors of every request about one installed agent. */
export type AgentError = Unauthenticated | RateLimitExceeded | AgentNotFound | NotOrgAdmin

/** Every refusal, for documentation and encoding. */
export const refusals = [
  ...installErrors,
  AgentNotFound,
  WatcherNotFound,
  RowNotFound,
  NoSuchRevision,
  InvalidPhone,
  NoMember,
  IdentityTaken,
  IdentityNotFound,
  PendingNotFound,
  NotGateway,
  RolloutNotFound,
  RolloutRuns,
  RolloutEnded,
  EventsGone,
  IdempotencyKeyInUse,
  IdempotencyKeyReused,
  WrongPassword,
  OrganizationInUse,
  PublisherNotFound,
  NotPermitted,
  KeyNotFound,
  MemberNotFound,
  LastOwner,
  InvitationNotFound,
  LimitReached,
  TemplateRefused,
  WithdrawalRefused,
  TemplateInUse,
  RouteNotFound,
  MethodNotAllowed,
  TooSlow,
  HeaderTooLarge,
  Internal,
  Unavailable
] as const satisfies ReadonlyArray<Refusal>

export type AnyRefusal = InstanceType<(typeof refusals)[number]>

/** The code of a refusal, by which clients and metrics distinguish it. */
export const codeOf = (refusal: AnyRefusal): string =>
  refusals.find(({ _tag }) => _tag === refusal._tag)?.code ?? refusal._tag
