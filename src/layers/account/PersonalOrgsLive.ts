import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Option, Schema } from "effect"
import { OrganizationId, UserId } from "../../domain/Ids.ts"
import { numberedSlug, personalSlug, reservedSlugs } from "../../domain/Slug.ts"
import { shownName } from "../../domain/Text.ts"
import { PersonalOrgs } from "../../services/account/PersonalOrgs.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { retryTransient, violates } from "../postgres/Database.ts"

const User = Schema.Struct({ id: UserId, name: Schema.String, email: Schema.String, emailVerified: Schema.Boolean })
type User = typeof User.Type

// The account was deleted since it was read, or somebody else verified its address.
const isConflict = violates("member_user_id_fkey", "entity_identities_verified")

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const findUser = SqlSchema.findOne({
    Request: UserId,
    Result: User,
    execute: (id) =>
      sql`SELECT u.id, u.name, u.email, u."emailVerified" AS email_verified FROM "user" u WHERE u.id = ${id}`
  })

  const findOrganization = SqlSchema.findOne({
    Request: UserId,
    Result: Schema.Struct({ id: OrganizationId }),
    execute: (userId) => sql`
      SELECT id FROM organization
      WHERE metadata ->> 'personal_org_for_user_id' = ${userId} AND visibility = 'private'
      FOR NO KEY UPDATE
    `
  })

  // Numbers are assigned for each base slug, so people of one name who sign up at once take turns instead of colliding.
  const nextNumber = SqlSchema.single({
    Request: Schema.String,
    Result: Schema.Struct({ last: Schema.Int }),
    execute: (base) => sql`
      INSERT INTO organization_slug_counter (base, last) VALUES (${base}, 1)
      ON CONFLICT (base) DO UPDATE SET last = organization_slug_counter.last + 1
      RETURNING last
    `
  })

  const addOrganization = SqlSchema.findOne({
    Request: Schema.Struct({ userId: UserId, name: Schema.String, slug: Schema.String }),
    Result: Schema.Struct({ id: OrganizationId }),
    execute: ({ name, slug, userId }) => sql`
      INSERT INTO organization (name, slug, visibility, metadata)
      VALUES (${name}, ${slug}, 'private', jsonb_build_object('personal_org_for_user_id', ${userId}::text))
      ON CONFLICT DO NOTHING
      RETURNING id
    `
  })

  const addOwner = SqlSchema.findOne({
    Request: Schema.Struct({ organizationId: OrganizationId, userId: UserId }),
    Result: Schema.Struct({ userId: UserId }),
    execute: ({ organizationId, userId }) => sql`
      INSERT INTO member (organization_id, user_id, role)
      SELECT ${organizationId}, ${userId}, 'owner'
      WHERE NOT EXISTS (
        SELECT FROM member WHERE organization_id = ${organizationId} AND role = 'owner' AND user_id <> ${userId}
      )
      ON CONFLICT (organization_id, user_id) DO UPDATE SET role = 'owner'
      RETURNING user_id
    `
  })

  const addMemberType = SqlSchema.void({
    Request: OrganizationId,
    execute: (organizationId) => sql`
      INSERT INTO entity_types (organization_id, slug, name, description)
      VALUES (${organizationId}, '$member', 'Member', 'Stands for a person inside the organization')
      ON CONFLICT (organization_id, slug) WHERE deleted_at IS NULL DO NOTHING
    `
  })

  const addMemberEntity = SqlSchema.void({
    Request: Schema.Struct({ organizationId: OrganizationId, userId: UserId, name: Schema.String }),
    execute: ({ name, organizationId, userId }) => sql`
      WITH added AS (
        INSERT INTO entities (organization_id, entity_type_id, name)
        SELECT t.organization_id, t.id, ${name}
        FROM entity_types t
        WHERE t.organization_id = ${organizationId} AND t.slug = '$member' AND t.deleted_at IS NULL
          AND NOT EXISTS (
            SELECT FROM entity_identities i
            JOIN entities e ON e.id = i.entity_id AND e.deleted_at IS NULL
            WHERE i.namespace = 'auth_user_id' AND i.identifier = ${userId} AND i.deleted_at IS NULL
              AND i.organization_id = ${organizationId}
          )
        RETURNING id, organization_id
      )
      INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier, state)
      SELECT organization_id, id, 'auth_user_id', ${userId}, 'verified' FROM added
      ON CONFLICT (namespace, identifier) WHERE state = 'verified' AND deleted_at IS NULL
      DO UPDATE SET entity_id = excluded.entity_id, organization_id = excluded.organization_id
    `
  })

  const addEmail = SqlSchema.void({
    Request: Schema.Struct({
      organizationId: OrganizationId,
      userId: UserId,
      email: Schema.String,
      state: Schema.String
    }),
    execute: ({ email, organizationId, state, userId }) => sql`
      WITH me AS MATERIALIZED (
        SELECT i.entity_id FROM entity_identities i
        WHERE i.namespace = 'auth_user_id' AND i.identifier = ${userId} AND i.deleted_at IS NULL
          AND i.organization_id = ${organizationId}
      ),
      ended AS (
        UPDATE entity_identities i SET deleted_at = now() FROM me
        WHERE i.entity_id = me.entity_id AND i.namespace = 'email' AND i.identifier <> ${email} AND i.deleted_at IS NULL
      )
      INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier, state)
      SELECT ${organizationId}, me.entity_id, 'email', ${email},
        CASE WHEN EXISTS (
          SELECT FROM entity_identities other
          WHERE other.namespace = 'email' AND other.identifier = ${email} AND other.state = 'verified'
            AND other.deleted_at IS NULL AND other.entity_id <> me.entity_id
        ) THEN 'claimed' ELSE ${state} END
      FROM me
      ON CONFLICT (namespace, identifier, entity_id) WHERE deleted_at IS NULL AND link_id IS NULL
      DO UPDATE SET state = excluded.state
    `
  })

  /** The user's organization, made under the first free slug; undefined if another process made it meanwhile. */
  const makeOrganization = Effect.fnUntraced(function* (user: User) {
    const base = personalSlug(user)
    while (true) {
      const { last } = yield* nextNumber(base)
      const slug = numberedSlug(base, last)
      if (reservedSlugs.has(slug)) continue
      const made = yield* addOrganization({ userId: user.id, name: shownName(user.name), slug })
      if (Option.isSome(made)) return made
      const found = yield* findOrganization(user.id)
      if (Option.isSome(found)) return found
    }
  })

  const complete = Effect.fnUntraced(function* (userId: UserId) {
    const found = yield* findUser(userId)
    if (Option.isNone(found)) return
    const user = found.value
    const existing = yield* findOrganization(userId)
    const { id: organizationId } = yield* Option.isSome(existing) ? existing : yield* makeOrganization(user)
    const owner = yield* addOwner({ organizationId, userId })
    if (Option.isNone(owner)) {
      return yield* Effect.logWarning("An organization tagged as a person's own belongs to somebody else").pipe(
        Effect.annotateLogs({ organizationId, userId })
      )
    }
    yield* addMemberType(organizationId)
    yield* addMemberEntity({ organizationId, userId, name: shownName(user.name) })
    yield* addEmail({
      organizationId,
      userId,
      email: user.email,
      state: user.emailVerified ? "verified" : "claimed"
    })
  })

  return PersonalOrgs.of({
    ensure: traced("PersonalOrgs.ensure")((userId: UserId) =>
      sql.withTransaction(complete(userId)).pipe(retryTransient(isConflict), Effect.orDie)
    )
  })
})

/** Personal organizations in Postgres. */
export const PersonalOrgsLive = Layer.effect(PersonalOrgs, make)
