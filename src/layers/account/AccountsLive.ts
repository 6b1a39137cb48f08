import { createHash } from "node:crypto"
import { SqlClient, SqlSchema } from "@effect/sql"
import { verifyPassword } from "better-auth/crypto"
import { Chunk, Effect, Layer, Option, Redacted, Schema, Stream } from "effect"
import { decideDeletion, referredTo } from "../../domain/account/Deletion.ts"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { OrganizationInUse, Unauthenticated, WrongPassword } from "../../domain/Errors.ts"
import { OrganizationId, Slug, UserId } from "../../domain/Ids.ts"
import { isCleanText } from "../../domain/Text.ts"
import { Accounts } from "../../services/account/Accounts.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { dieOfFaults, retryTransient, violatesForeignKey } from "../postgres/Database.ts"
import { type HeldTable, heldStatement, heldTables } from "./HeldTables.ts"

/** The digest by which budgets know an e-mail address, as `PasswordBudgets` makes it. */
const digestOf = (email: string) => createHash("sha256").update(email.toLowerCase()).digest("base64url")

const make = (kinds: ReadonlyArray<KindDescription>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    const findUser = SqlSchema.findOne({
      Request: UserId,
      Result: Schema.Struct({
        name: Schema.String,
        email: Schema.String,
        emailVerified: Schema.Boolean,
        createdAt: Schema.DateTimeUtcFromDate
      }),
      execute: (id) => sql`
      SELECT name, email, "emailVerified" AS email_verified, "createdAt" AS created_at FROM "user" WHERE id = ${id}
    `
    })

    const findByEmail = SqlSchema.findOne({
      Request: Schema.String,
      Result: Schema.Struct({ id: UserId }),
      execute: (email) => sql`SELECT id FROM "user" WHERE email = ${email.toLowerCase()}`
    })

    const findSessions = SqlSchema.findAll({
      Request: UserId,
      Result: Schema.Struct({
        id: Schema.String,
        createdAt: Schema.DateTimeUtcFromDate,
        expiresAt: Schema.DateTimeUtcFromDate,
        ipAddress: Schema.NullOr(Schema.String),
        userAgent: Schema.NullOr(Schema.String)
      }),
      execute: (userId) => sql`
      SELECT id, "createdAt" AS created_at, "expiresAt" AS expires_at, NULLIF("ipAddress", '') AS ip_address,
        NULLIF("userAgent", '') AS user_agent
      FROM session WHERE "userId" = ${userId} AND "expiresAt" > now()
      ORDER BY "createdAt" DESC, id
    `
    })

    const organizationsOf = (userId: string) => sql`
    SELECT organization_id AS id FROM member WHERE user_id = ${userId}
    UNION
    SELECT id FROM organization WHERE metadata ->> 'personal_org_for_user_id' = ${userId} AND visibility = 'private'
  `

    const findOrganizations = SqlSchema.findAll({
      Request: UserId,
      Result: Schema.Struct({
        organizationId: OrganizationId,
        organizationSlug: Slug,
        name: Schema.String,
        personal: Schema.Boolean,
        role: Schema.NullOr(Schema.Literal("owner", "admin", "member")),
        otherOwners: Schema.Int,
        otherMembers: Schema.Int,
        agents: Schema.Int,
        definitions: Schema.Int,
        entities: Schema.Int,
        identities: Schema.Int,
        publishes: Schema.Boolean
      }),
      execute: (userId) => sql`
      WITH mine AS MATERIALIZED (
        SELECT o.id, o.slug, o.name, m.role, m.id AS membership,
          o.visibility = 'private' AND o.metadata ->> 'personal_org_for_user_id' IS NOT DISTINCT FROM ${userId} AS personal
        FROM organization o LEFT JOIN member m ON m.organization_id = o.id AND m.user_id = ${userId}
        WHERE o.id IN (${organizationsOf(userId)})
      )
      SELECT mine.id AS organization_id, mine.slug AS organization_slug, mine.name, mine.personal, mine.role,
        others.owners AS other_owners, others.members AS other_members,
        (SELECT count(*) FROM agents a WHERE a.organization_id = mine.id)::integer AS agents,
        (${sql.literal(
          kinds
            .map(
              ({ published, table }) => `(
                SELECT count(*) FROM ${published === undefined ? table : `vocabulary.${table}`} t
                WHERE t.organization_id = mine.id AND t.deleted_at IS NULL AND t.slug NOT LIKE '$%'
              )`
            )
            .join(" + ")
        )})::integer AS definitions,
        (
          SELECT count(*) FROM entities e JOIN vocabulary.used_entity_types t ON t.id = e.entity_type_id
          WHERE e.organization_id = mine.id AND e.deleted_at IS NULL AND t.slug NOT LIKE '$%'
        )::integer AS entities,
        (
          SELECT count(*) FROM entity_identities i
          WHERE i.organization_id = mine.id AND i.deleted_at IS NULL AND i.namespace <> 'auth_user_id'
        )::integer AS identities,
        EXISTS (SELECT FROM agents a WHERE a.organization_id = mine.id AND a.slug IS NOT NULL) AS publishes
      FROM mine CROSS JOIN LATERAL (
        SELECT count(*)::integer AS members, (count(*) FILTER (WHERE m.role = 'owner'))::integer AS owners
        FROM member m WHERE m.organization_id = mine.id AND m.user_id <> ${userId}
      ) AS others
      ORDER BY mine.personal DESC, mine.slug, mine.id
    `
    })

    // Only for those who publish: to find who has installed a popular template, all installed agents are read.
    const findHolders = SqlSchema.findAll({
      Request: Schema.Array(OrganizationId),
      Result: Schema.Struct({
        organizationId: OrganizationId,
        installedElsewhere: Schema.Int,
        keptElsewhere: Schema.Boolean,
        installedIn: Schema.Array(OrganizationId)
      }),
      execute: (mine) =>
        sql.unsafe(
          `WITH installed AS MATERIALIZED (
          SELECT DISTINCT t.organization_id AS publisher, i.organization_id AS id
          FROM agents t JOIN agents i ON i.template_agent_id = t.id
          WHERE t.organization_id = ANY ($1) AND i.organization_id <> t.organization_id
        )
        SELECT mine.id AS organization_id,
          (SELECT count(*) FROM installed i WHERE i.publisher = mine.id AND i.id <> ALL ($1))::integer AS installed_elsewhere,
          EXISTS (
            SELECT FROM agents t JOIN mirror_ledger l ON l.template_agent_id = t.id
            WHERE t.organization_id = mine.id AND t.slug IS NOT NULL AND l.organization_id <> ALL ($1)
          ) AS kept_elsewhere,
          ARRAY(SELECT i.id FROM installed i WHERE i.publisher = mine.id AND i.id = ANY ($1) ORDER BY i.id) AS installed_in
        FROM unnest($1::text[]) AS mine (id)`,
          [mine]
        )
    })

    const nobodyHolds = { installedElsewhere: 0, keptElsewhere: false, installedIn: [] }

    const gather = Effect.fnUntraced(function* (userId: UserId) {
      const organizations = yield* findOrganizations(userId)
      const holders = organizations.some(({ publishes }) => publishes)
        ? yield* findHolders(organizations.map(({ organizationId }) => organizationId))
        : []
      return organizations.map(({ publishes: _, ...organization }) => ({
        ...organization,
        ...(holders.find(({ organizationId }) => organizationId === organization.organizationId) ?? nobodyHolds)
      }))
    })

    const decided = (userId: UserId) => Effect.map(gather(userId), decideDeletion)

    const pagesOf = (held: HeldTable) => {
      const text = heldStatement(held)
      return SqlSchema.findAll({
        Request: Schema.Struct({
          userId: UserId,
          organizations: Schema.Array(OrganizationId),
          digest: Schema.String,
          after: Schema.NullOr(Schema.Array(Schema.String))
        }),
        Result: Schema.Struct({ row: Schema.String, key: Schema.Array(Schema.String), remaining: Schema.Int }),
        execute: ({ after, digest, organizations, userId }) => sql.unsafe(text, [userId, organizations, digest, after])
      })
    }
    const tables = heldTables(kinds).map((held) => ({ table: held.table.replaceAll('"', ""), page: pagesOf(held) }))

    const held = (userId: UserId) =>
      Effect.gen(function* () {
        const user = yield* findUser(userId)
        if (Option.isNone(user)) return Stream.empty
        const organizations = (yield* decided(userId)).organizations.map(({ organizationId }) => organizationId)
        const asked = { userId, organizations, digest: digestOf(user.value.email) }
        return Stream.fromIterable(tables).pipe(
          Stream.flatMap(({ page, table }) =>
            Stream.paginateChunkEffect(null as ReadonlyArray<string> | null, (after) =>
              Effect.map(Effect.orDie(page({ ...asked, after })), (rows) => [
                Chunk.fromIterable(rows.map(({ row }) => ({ table, row }))),
                Option.filterMap(Option.fromNullable(rows.at(-1)), ({ key, remaining }) =>
                  remaining > rows.length ? Option.some(key) : Option.none()
                )
              ])
            )
          )
        )
      }).pipe(Effect.orDie, Stream.unwrap)

    const findPassword = SqlSchema.findOne({
      Request: UserId,
      Result: Schema.Struct({ hash: Schema.NullOr(Schema.String) }),
      execute: (userId) => sql`
      SELECT a.password AS hash FROM "user" u
      LEFT JOIN account a ON a."userId" = u.id AND a."providerId" = 'credential'
      WHERE u.id = ${userId}
    `
    })

    // The organizations before the person, in the order in which an install locks them.
    const lockOrganizations = SqlSchema.void({
      Request: UserId,
      execute: (userId) => sql`
      SELECT o.id FROM organization o WHERE o.id IN (${organizationsOf(userId)}) ORDER BY o.id FOR UPDATE OF o
    `
    })

    const lockUser = SqlSchema.findOne({
      Request: Schema.Struct({ userId: UserId, hash: Schema.String }),
      Result: Schema.Struct({ email: Schema.String, proved: Schema.Boolean }),
      execute: ({ hash, userId }) => sql`
      SELECT u.email, EXISTS (
        SELECT FROM account a WHERE a."userId" = u.id AND a."providerId" = 'credential' AND a.password = ${hash}
      ) AS proved
      FROM "user" u WHERE u.id = ${userId} FOR UPDATE OF u
    `
    })

    // Rows with a foreign key to their organization or user are deleted with it; these have none.
    const untied = heldTables(kinds).filter(({ table }) =>
      ["entity_identities", "verification", "rate_limits"].includes(table)
    )
    const remove = (userId: UserId, organizations: ReadonlyArray<OrganizationId>, digest: string) =>
      Effect.gen(function* () {
        yield* sql.unsafe("DELETE FROM organization WHERE id = ANY ($1)", [organizations])
        for (const { table, where } of untied) {
          yield* sql.unsafe(
            `WITH given AS (SELECT $1::text, $2::text[], $3::text) DELETE FROM ${table} WHERE ${where}`,
            [userId, organizations, digest]
          )
        }
        yield* sql`DELETE FROM "user" WHERE id = ${userId}`
      })

    const removeProved = Effect.fnUntraced(function* (userId: UserId, hash: string) {
      // Postgres looks for rows that refer to each deleted row, with a plan for that row instead of one for a popular
      // template.
      yield* sql`SET LOCAL plan_cache_mode = force_custom_plan`
      yield* lockOrganizations(userId)
      const user = yield* lockUser({ userId, hash })
      if (Option.isNone(user)) return yield* new Unauthenticated()
      if (!user.value.proved) return yield* new WrongPassword()
      const { obstacles, organizations } = yield* decided(userId)
      if (obstacles.length > 0) return yield* new OrganizationInUse({ organizations: obstacles })
      const ids = organizations.map(({ organizationId }) => organizationId)
      yield* remove(userId, ids, digestOf(user.value.email))
    })

    return Accounts.of({
      withEmail: traced("Accounts.withEmail")(function* (email) {
        // Postgres can't store unclean text, so no account has such an address, and asking would be an error.
        if (!isCleanText(email)) return Option.none()
        return Option.map(yield* Effect.orDie(findByEmail(email)), ({ id }) => id)
      }),
      view: traced("Accounts.view")(function* (userId, sessionId) {
        const user = yield* Effect.orDie(findUser(userId))
        if (Option.isNone(user)) return yield* new Unauthenticated()
        const sessions = yield* Effect.orDie(findSessions(userId))
        return {
          ...user.value,
          sessions: sessions.map((session) => ({ ...session, current: session.id === sessionId }))
        }
      }),
      held,
      planDeletion: traced("Accounts.planDeletion")(function* (userId) {
        const user = yield* Effect.orDie(findUser(userId))
        if (Option.isNone(user)) return yield* new Unauthenticated()
        const sessions = yield* Effect.orDie(findSessions(userId))
        return { email: user.value.email, sessions: sessions.length, ...(yield* Effect.orDie(decided(userId))) }
      }),
      delete: traced("Accounts.delete")(function* (userId, password) {
        const found = yield* Effect.orDie(findPassword(userId))
        if (Option.isNone(found)) return yield* new Unauthenticated()
        const { hash } = found.value
        const isRight =
          hash !== null && (yield* Effect.promise(() => verifyPassword({ hash, password: Redacted.value(password) })))
        if (!isRight) return yield* new WrongPassword()
        yield* sql.withTransaction(removeProved(userId, hash)).pipe(
          retryTransient(violatesForeignKey),
          // It still fails after some tries, so it was not a concurrent install: another program's rows refer to it.
          Effect.catchIf(violatesForeignKey, () =>
            Effect.flatMap(
              decided(userId),
              ({ organizations }) => new OrganizationInUse({ organizations: referredTo(organizations) })
            )
          ),
          dieOfFaults
        )
      })
    })
  })

/** Accounts in Postgres. */
export const AccountsLive = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(Accounts, make(kinds))
