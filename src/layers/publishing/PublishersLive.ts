import { createHash, randomBytes } from "node:crypto"
import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Option, Redacted, Schema } from "effect"
import { InvitationNotFound, LimitReached } from "../../domain/Errors.ts"
import { OrganizationId, Slug, UserId } from "../../domain/Ids.ts"
import { joinedAs, mayChange } from "../../domain/publishing/MayPublish.ts"
import {
  Invitation,
  invitationDays,
  Member,
  mostMembers,
  OwnPublisher,
  Role
} from "../../domain/publishing/Publisher.ts"
import { isCleanText } from "../../domain/Text.ts"
import { NoSuchAccount, NotAPublisher } from "../../services/publishing/CreatePublisherErrors.ts"
import { Publishers } from "../../services/publishing/Publishers.ts"
import { traced } from "../../services/runtime/Traced.ts"

const time = Schema.DateTimeUtcFromDate

/** Only a digest is stored: somebody who can read the table can't accept an invitation. */
const digestOf = (token: Redacted.Redacted<string>) => createHash("sha256").update(Redacted.value(token)).digest("hex")

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const notPersonal = sql`NOT (o.visibility = 'private' AND o.metadata ->> 'personal_org_for_user_id' IS NOT NULL)`

  const findFacts = SqlSchema.findOne({
    Request: Schema.Struct({ slug: Schema.String, userId: Schema.NullOr(UserId) }),
    Result: Schema.Struct({
      id: OrganizationId,
      slug: Slug,
      name: Schema.String,
      isPublic: Schema.Boolean,
      role: Schema.NullOr(Role)
    }),
    execute: ({ slug, userId }) => sql`
      SELECT o.id, o.slug, o.name, o.visibility = 'public' AS is_public, m.role
      FROM organization o LEFT JOIN member m ON m.organization_id = o.id AND m.user_id = ${userId}
      WHERE o.slug = ${slug} AND ${notPersonal}
    `
  })

  const findOfPerson = SqlSchema.findAll({
    Request: UserId,
    Result: OwnPublisher,
    execute: (userId) => sql`
      SELECT o.id, o.slug, o.name, m.role
      FROM member m JOIN organization o ON o.id = m.organization_id
      WHERE m.user_id = ${userId} AND o.visibility = 'public'
      ORDER BY o.slug COLLATE "C"
    `
  })

  const findAccount = SqlSchema.findOne({
    Request: Schema.String,
    Result: Schema.Struct({ id: UserId, name: Schema.String, email: Schema.String, emailVerified: Schema.Boolean }),
    execute: (email) =>
      sql`SELECT id, name, email, "emailVerified" AS email_verified FROM "user" WHERE email = ${email.toLowerCase()}`
  })

  const addPublisher = SqlSchema.findOne({
    Request: Slug,
    Result: Schema.Struct({ id: OrganizationId }),
    execute: (slug) => sql`
      INSERT INTO organization (name, slug, visibility) VALUES (${slug}, ${slug}, 'public')
      ON CONFLICT (slug) WHERE NOT (visibility = 'private' AND metadata ->> 'personal_org_for_user_id' IS NOT NULL)
      DO NOTHING RETURNING id
    `
  })

  const addMember = SqlSchema.void({
    Request: Schema.Struct({ organizationId: OrganizationId, userId: UserId, role: Role }),
    execute: ({ organizationId, role, userId }) => sql`
      INSERT INTO member (organization_id, user_id, role) VALUES (${organizationId}, ${userId}, ${role})
      ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role
    `
  })

  const findMembers = SqlSchema.findAll({
    Request: OrganizationId,
    Result: Schema.Struct({ ...Member.fields, since: time }),
    execute: (organizationId) => sql`
      SELECT u.id AS user_id, u.name, u.email, m.role, m.created_at AS since
      FROM member m JOIN "user" u ON u.id = m.user_id
      WHERE m.organization_id = ${organizationId} ORDER BY u.name COLLATE "C", u.id
    `
  })

  const findInvitations = SqlSchema.findAll({
    Request: OrganizationId,
    Result: Schema.Struct({ ...Invitation.fields, expiresAt: time }),
    execute: (organizationId) => sql`
      SELECT id, email, role, expires_at FROM invitations
      WHERE organization_id = ${organizationId} AND expires_at > now() ORDER BY email COLLATE "C"
    `
  })

  // Changes of who belongs to it take turns by locking the organization's row.
  const hold = SqlSchema.void({
    Request: OrganizationId,
    execute: (organizationId) => sql`SELECT FROM organization WHERE id = ${organizationId} FOR UPDATE`
  })

  const findMembership = SqlSchema.single({
    Request: Schema.Struct({ organizationId: OrganizationId, userId: Schema.String }),
    Result: Schema.Struct({ role: Schema.NullOr(Role), owners: Schema.Int }),
    execute: ({ organizationId, userId }) => sql`
      SELECT max(role) FILTER (WHERE user_id = ${userId}) AS role,
        count(*) FILTER (WHERE role = 'owner')::integer AS owners
      FROM member WHERE organization_id = ${organizationId}
    `
  })

  const removeMember = SqlSchema.void({
    Request: Schema.Struct({ organizationId: OrganizationId, userId: UserId }),
    execute: ({ organizationId, userId }) =>
      sql`DELETE FROM member WHERE organization_id = ${organizationId} AND user_id = ${userId}`
  })

  const countMembers = SqlSchema.single({
    Request: Schema.Struct({ organizationId: OrganizationId, email: Schema.String }),
    Result: Schema.Struct({ count: Schema.Int }),
    execute: ({ email, organizationId }) => sql`
      SELECT (
        (SELECT count(*) FROM member WHERE organization_id = ${organizationId}) +
        (SELECT count(*) FROM invitations
          WHERE organization_id = ${organizationId} AND expires_at > now() AND email <> ${email})
      )::integer AS count
    `
  })

  const addInvitation = SqlSchema.single({
    Request: Schema.Struct({
      organizationId: OrganizationId,
      email: Schema.String,
      role: Role,
      digest: Schema.String
    }),
    Result: Schema.Struct({ id: Schema.String, expiresAt: time }),
    execute: ({ digest, email, organizationId, role }) => sql`
      INSERT INTO invitations AS i (organization_id, email, role, digest, expires_at)
      VALUES (${organizationId}, ${email}, ${role}, decode(${digest}, 'hex'), now() + make_interval(days => ${invitationDays}))
      ON CONFLICT (organization_id, email) DO UPDATE SET id = excluded.id, role = excluded.role, digest = excluded.digest,
        created_at = now(), expires_at = excluded.expires_at
      RETURNING id, expires_at
    `
  })

  const removeInvitation = SqlSchema.findOne({
    Request: Schema.Struct({ organizationId: OrganizationId, id: Schema.String }),
    Result: Schema.Struct({ id: Schema.String }),
    execute: ({ id, organizationId }) => sql`
      DELETE FROM invitations WHERE organization_id = ${organizationId} AND id = ${id} RETURNING id
    `
  })

  const Offered = Schema.Struct({ userId: UserId, digest: Schema.String })
  const invitationOf = ({ digest, userId }: typeof Offered.Encoded) => sql`
    i.digest = decode(${digest}, 'hex') AND i.expires_at > now()
      AND i.email = (SELECT email FROM "user" WHERE id = ${userId})
  `
  const findInvited = SqlSchema.findOne({
    Request: Offered,
    Result: OwnPublisher,
    execute: (offered) => sql`
      SELECT o.id, o.slug, o.name, i.role FROM invitations i JOIN organization o ON o.id = i.organization_id
      WHERE ${invitationOf(offered)}
    `
  })
  const useInvitation = SqlSchema.void({
    Request: Offered,
    execute: (offered) => sql`DELETE FROM invitations i WHERE ${invitationOf(offered)}`
  })

  const facts = (slug: string, userId: UserId | null) =>
    isCleanText(slug)
      ? findFacts({ slug, userId }).pipe(
          Effect.map(
            Option.match({
              onNone: () => ({ publisher: null, role: null }),
              onSome: ({ role, ...publisher }) => ({ publisher, role })
            })
          ),
          Effect.orDie
        )
      : Effect.succeed({ publisher: null, role: null })

  /** What an invitation is for; those who accept one take turns at the publisher. */
  const invited = (offered: typeof Offered.Type) =>
    Effect.flatMap(
      Effect.orDie(findInvited(offered)),
      Option.match({ onNone: () => new InvitationNotFound(), onSome: Effect.succeed })
    )
  const offeredTo = (userId: UserId, token: Redacted.Redacted<string>) => ({ userId, digest: digestOf(token) })

  const atomically = <A, E>(effect: Effect.Effect<A, E>) =>
    sql.withTransaction(effect).pipe(Effect.catchTag("SqlError", Effect.die))

  return Publishers.of({
    create: traced("Publishers.create")((slug, email) =>
      atomically(
        Effect.gen(function* () {
          const account = yield* Effect.orDie(findAccount(email))
          if (Option.isNone(account)) return yield* new NoSuchAccount({ email })
          const { id: userId, ...owner } = account.value
          const made = yield* Effect.orDie(addPublisher(slug))
          const { publisher } = yield* facts(slug, userId)
          if (publisher === null || !publisher.isPublic) return yield* new NotAPublisher({ slug })
          yield* Effect.orDie(addMember({ organizationId: publisher.id, userId, role: "owner" }))
          const { isPublic: _, ...named } = publisher
          return { publisher: named, owner, created: Option.isSome(made) }
        })
      )
    ),
    facts: traced("Publishers.facts")(facts),
    list: traced("Publishers.list")((userId) => Effect.orDie(findOfPerson(userId))),
    members: traced("Publishers.members")((organizationId) =>
      Effect.orDie(Effect.all({ members: findMembers(organizationId), invitations: findInvitations(organizationId) }))
    ),
    change: traced("Publishers.change")((organizationId, userId, role) =>
      atomically(
        Effect.gen(function* () {
          yield* Effect.orDie(hold(organizationId))
          const known = yield* Effect.orDie(findMembership({ organizationId, userId }))
          yield* mayChange(known, userId, role)
          yield* Effect.orDie(
            role === null ? removeMember({ organizationId, userId }) : addMember({ organizationId, userId, role })
          )
        })
      )
    ),
    invite: traced("Publishers.invite")((organizationId, { email: written, role }) =>
      atomically(
        Effect.gen(function* () {
          const email = written.trim().toLowerCase()
          yield* Effect.orDie(hold(organizationId))
          const { count } = yield* Effect.orDie(countMembers({ organizationId, email }))
          if (count >= mostMembers) return yield* new LimitReached({ what: "members", limit: mostMembers })
          const token = Redacted.make(randomBytes(16).toString("base64url"))
          const made = yield* Effect.orDie(addInvitation({ organizationId, email, role, digest: digestOf(token) }))
          return { ...made, token }
        })
      )
    ),
    withdraw: traced("Publishers.withdraw")(function* (organizationId, id) {
      const gone = isCleanText(id) ? yield* Effect.orDie(removeInvitation({ organizationId, id })) : Option.none()
      if (Option.isNone(gone)) return yield* new InvitationNotFound()
    }),
    invited: traced("Publishers.invited")((userId, token) => invited(offeredTo(userId, token))),
    join: traced("Publishers.join")((userId, token) =>
      atomically(
        Effect.gen(function* () {
          const offered = offeredTo(userId, token)
          const { id: organizationId } = yield* invited(offered)
          yield* Effect.orDie(hold(organizationId))
          // Read again: it may have been withdrawn or used meanwhile.
          const { role, ...publisher } = yield* invited(offered)
          yield* Effect.orDie(useInvitation(offered))
          const after = joinedAs(yield* Effect.orDie(findMembership({ organizationId, userId })), role)
          yield* Effect.orDie(addMember({ organizationId, userId, role: after }))
          return { ...publisher, role: after }
        })
      )
    )
  })
})

/** Publishers in Postgres. */
export const PublishersLive = Layer.effect(Publishers, make)
