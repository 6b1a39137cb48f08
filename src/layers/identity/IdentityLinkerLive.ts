import { SqlClient, SqlSchema } from "@effect/sql"
import { Duration, Effect, Layer, Option, Schema } from "effect"
import { IdentityNotFound, IdentityTaken, NoMember, PendingNotFound } from "../../domain/Errors.ts"
import { AgentId, OrganizationId, Slug, UserId } from "../../domain/Ids.ts"
import {
  type Found,
  IdentityId,
  IdentityState,
  type LookupRequest,
  mostIdentities,
  PendingId,
  promptOf
} from "../../domain/identity/Identity.ts"
import {
  claimFor,
  isSameSender,
  isUnproved,
  mostIdentifiers,
  ownIdentities,
  ownIdentity,
  pendingFor,
  standingWith
} from "../../domain/identity/Link.ts"
import { E164, jidOf, readPhone, WaJid } from "../../domain/identity/Phone.ts"
import { canonical, Namespace, Platform } from "../../domain/identity/Platform.ts"
import {
  type CodeClaim,
  IdentityLinker,
  type IdentityLinkerOptions,
  type Own
} from "../../services/identity/IdentityLinker.ts"
import { retryTransient, violates } from "../postgres/Database.ts"
import { isRefused, lookupStatement } from "./LookupStatement.ts"

const pendingSeconds = Duration.toSeconds(pendingFor)
const claimSeconds = Duration.toSeconds(claimFor)

/** Steps that end the links in another step, and their identifiers. */
const ending = (links: string) => `closed AS (
    UPDATE identity_links SET closed_at = now() WHERE id IN (SELECT id FROM ${links})
  ),
  ended AS (
    UPDATE entity_identities SET deleted_at = now() WHERE link_id IN (SELECT id FROM ${links}) AND deleted_at IS NULL
  )`

const Ids = { organizationId: OrganizationId, userId: UserId }
const Identifiers = Schema.Array(
  Schema.Struct({ namespace: Schema.String, identifier: Schema.String, address: Schema.optional(Schema.String) })
)

const make = ({ defaultCountry, routeOnClaim = false }: IdentityLinkerOptions) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    const me = ({ organizationId, userId }: { readonly organizationId: string; readonly userId: string }) => sql`
      SELECT i.entity_id
      FROM entity_identities i
      JOIN entities e ON e.id = i.entity_id AND e.deleted_at IS NULL
      WHERE i.namespace = 'auth_user_id' AND i.identifier = ${userId} AND i.organization_id = ${organizationId}
        AND i.deleted_at IS NULL AND i.link_id IS NULL
    `

    const claim = SqlSchema.single({
      Request: Schema.Struct({ ...Ids, phone: E164, waJid: WaJid }),
      Result: Schema.Struct({
        known: Schema.Boolean,
        taken: Schema.Boolean,
        state: Schema.Literal("claimed", "declined", "verified")
      }),
      execute: ({ organizationId, phone, userId, waJid }) => sql`
        WITH me AS MATERIALIZED (${me({ organizationId, userId })}),
        wanted (namespace, identifier) AS (VALUES ('phone', ${phone}::text), ('wa_jid', ${waJid}::text)),
        proved AS MATERIALIZED (
          SELECT i.entity_id FROM entity_identities i
          JOIN wanted w ON w.namespace = i.namespace AND w.identifier = i.identifier
          JOIN entities e ON e.id = i.entity_id AND e.deleted_at IS NULL
          WHERE i.state = 'verified' AND i.deleted_at IS NULL
        ),
        rival AS MATERIALIZED (SELECT FROM proved WHERE entity_id NOT IN (SELECT entity_id FROM me)),
        standing AS MATERIALIZED (
          SELECT l.id FROM identity_links l
          JOIN me ON me.entity_id = l.entity_id
          JOIN entity_identities i ON i.link_id = l.id AND i.namespace = 'phone' AND i.identifier = ${phone} AND i.deleted_at IS NULL
          WHERE l.platform = 'whatsapp' AND l.origin = 'typed' AND l.closed_at IS NULL AND l.expires_at > now()
        ),
        renewed AS (
          UPDATE identity_links l SET expires_at = now() + make_interval(secs => ${claimSeconds})
          FROM standing WHERE l.id = standing.id
        ),
        closed AS (
          UPDATE identity_links l SET closed_at = now()
          FROM me
          WHERE l.entity_id = me.entity_id AND l.platform = 'whatsapp' AND l.origin = 'typed' AND l.closed_at IS NULL
            AND l.id NOT IN (SELECT id FROM standing) AND NOT EXISTS (SELECT FROM rival)
          RETURNING l.id
        ),
        ended AS (
          UPDATE entity_identities i SET deleted_at = now()
          FROM closed
          WHERE i.link_id = closed.id AND i.deleted_at IS NULL
        ),
        link AS (
          INSERT INTO identity_links (organization_id, entity_id, platform, origin, person_agreed_at, expires_at)
          SELECT ${organizationId}, me.entity_id, 'whatsapp', 'typed', now(), now() + make_interval(secs => ${claimSeconds})
          FROM me
          -- Counting makes the earlier claim end first: one typed claim a person is a unique index.
          WHERE NOT EXISTS (SELECT FROM proved) AND NOT EXISTS (SELECT FROM standing) AND (SELECT count(*) FROM closed) >= 0
          RETURNING id, organization_id, entity_id
        ),
        linked AS (
          INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier, link_id)
          SELECT link.organization_id, link.entity_id, w.namespace, w.identifier, link.id FROM link, wanted w
        )
        SELECT EXISTS (SELECT FROM me) AS known, EXISTS (SELECT FROM rival) AS taken,
          CASE
            WHEN EXISTS (SELECT FROM proved) THEN 'verified'
            WHEN EXISTS (SELECT FROM (SELECT me.entity_id, w.* FROM me, wanted w) AS i WHERE ${sql.literal(isRefused("i"))}) THEN 'declined'
            ELSE 'claimed'
          END AS state
      `
    })

    const findMine = SqlSchema.findAll({
      Request: Schema.Struct(Ids),
      Result: Schema.Struct({
        id: IdentityId,
        linkId: Schema.NullOr(Schema.String),
        platform: Platform,
        namespace: Namespace,
        identifier: Schema.String,
        state: IdentityState
      }),
      execute: (ids) => sql`
        SELECT i.id::text, i.link_id, i.platform, i.namespace, i.identifier,
          CASE
            WHEN i.state = 'claimed' AND i.sender_agreed_at IS NOT NULL THEN 'confirm_session'
            WHEN i.state = 'claimed' AND i.origin = 'typed' AND ${sql.literal(isRefused("i"))} THEN 'declined'
            ELSE i.state
          END AS state
        FROM (
          SELECT i.id, i.entity_id, i.link_id, n.platform, i.namespace, i.identifier, i.state, l.sender_agreed_at, l.origin
          FROM (${me(ids)}) AS me
          JOIN entity_identities i ON i.entity_id = me.entity_id AND i.deleted_at IS NULL
          JOIN identity_namespaces n ON n.namespace = i.namespace AND n.platform IS NOT NULL
          LEFT JOIN identity_links l ON l.id = i.link_id
          WHERE i.state <> 'claimed' OR l.expires_at > now()
          ORDER BY i.state = 'displaced', i.id DESC
          LIMIT ${mostIdentities * mostIdentifiers}
        ) AS i
        ORDER BY i.id
      `
    })

    const closeWith = SqlSchema.void({
      Request: Schema.Struct({ ids: Schema.Array(Schema.String), links: Schema.Array(Schema.String) }),
      execute: ({ ids, links }) =>
        sql.unsafe(
          `WITH closed AS (
            UPDATE identity_links SET closed_at = now() WHERE id = ANY ($2::text[]) AND closed_at IS NULL
          )
          UPDATE entity_identities SET deleted_at = now() WHERE id = ANY ($1::bigint[])`,
          [ids, links]
        )
    })

    const findMe = SqlSchema.findOne({
      Request: Schema.Struct(Ids),
      Result: Schema.Struct({ entityId: Schema.String, email: Schema.String }),
      execute: ({ organizationId, userId }) => sql`
        SELECT me.entity_id::text, u.email
        FROM (${me({ organizationId, userId })}) AS me
        JOIN "user" u ON u.id = ${userId}
      `
    })

    const Wanted = { entityId: Schema.String, identifiers: Identifiers }

    const countProved = SqlSchema.single({
      Request: Schema.Struct(Wanted),
      Result: Schema.Struct({ proved: Schema.Int }),
      execute: ({ entityId, identifiers }) =>
        sql.unsafe(
          `SELECT count(*)::integer AS proved
          FROM jsonb_to_recordset($2::jsonb) AS w (namespace text, identifier text)
          JOIN entity_identities i ON i.namespace = w.namespace AND i.identifier = w.identifier AND i.state = 'verified'
            AND i.deleted_at IS NULL AND i.entity_id = $1::bigint`,
          [entityId, JSON.stringify(identifiers)]
        )
    })

    const openLink = SqlSchema.single({
      Request: Schema.Struct({ ...Wanted, organizationId: OrganizationId, platform: Platform }),
      Result: Schema.Struct({ id: PendingId }),
      execute: ({ entityId, identifiers, organizationId, platform }) =>
        sql.unsafe(
          `WITH wanted AS (
            SELECT * FROM jsonb_to_recordset($3::jsonb) AS w (namespace text, identifier text, address text)
          ),
          earlier AS MATERIALIZED (
            SELECT DISTINCT l.id FROM wanted w
            JOIN entity_identities i ON i.namespace = w.namespace AND i.identifier = w.identifier AND i.state = 'claimed'
              AND i.deleted_at IS NULL AND i.entity_id = $2::bigint
            JOIN identity_links l ON l.id = i.link_id AND l.origin = 'code' AND l.closed_at IS NULL
          ),
          ${ending("earlier")},
          link AS (
            INSERT INTO identity_links (organization_id, entity_id, platform, origin, expires_at)
            VALUES ($1, $2::bigint, $4, 'code', now() + make_interval(secs => ${pendingSeconds}))
            RETURNING id
          ),
          linked AS (
            INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier, address, link_id)
            SELECT $1, $2::bigint, w.namespace, w.identifier, w.address, link.id FROM link, wanted w
          )
          SELECT id FROM link`,
          [organizationId, entityId, JSON.stringify(identifiers), platform]
        )
    })

    // Whatever changes a person's links waits here for its turn, and then reads them as they are: what it has read before
    // might be gone, or more by now.
    const takeTurn = SqlSchema.void({
      Request: Schema.Struct(Ids),
      execute: (ids) => sql`
        SELECT e.id FROM entities e JOIN (${me(ids)}) AS me ON me.entity_id = e.id FOR NO KEY UPDATE OF e
      `
    })
    const takeTurnOf = SqlSchema.void({
      Request: PendingId,
      execute: (id) => sql`
        SELECT e.id FROM identity_links l JOIN entities e ON e.id = l.entity_id WHERE l.id = ${id} FOR NO KEY UPDATE OF e
      `
    })

    // Two answers about one sender each end the other's question, so both take the links about that sender in one order.
    const lockAbout = SqlSchema.void({
      Request: Schema.Struct({ linkId: Schema.String, identifiers: Identifiers }),
      execute: ({ identifiers, linkId }) =>
        sql.unsafe(
          `WITH sender AS MATERIALIZED (
            SELECT namespace, identifier FROM jsonb_to_recordset($2::jsonb) AS w (namespace text, identifier text)
            UNION SELECT namespace, identifier FROM entity_identities WHERE link_id = $1
          )
          SELECT l.id FROM identity_links l
          WHERE l.id IN (
            SELECT $1::text
            UNION SELECT i.link_id FROM entity_identities i
            JOIN sender s ON s.namespace = i.namespace AND s.identifier = i.identifier
            WHERE i.state = 'claimed' AND i.deleted_at IS NULL
          )
          ORDER BY l.id FOR UPDATE`,
          [linkId, JSON.stringify(identifiers)]
        )
    })

    const findLink = SqlSchema.findOne({
      Request: Schema.String,
      Result: Schema.Struct({
        entityId: Schema.String,
        platform: Platform,
        open: Schema.Boolean,
        personAgreed: Schema.Boolean,
        senderAgreed: Schema.Boolean
      }),
      execute: (id) => sql`
        SELECT entity_id::text, platform, person_agreed_at IS NOT NULL AS person_agreed,
          sender_agreed_at IS NOT NULL AS sender_agreed,
          closed_at IS NULL AND expires_at > now() AS open
        FROM identity_links WHERE id = ${id}
      `
    })

    const findIdentifiers = SqlSchema.findAll({
      Request: Schema.String,
      Result: Schema.Struct({
        namespace: Schema.String,
        identifier: Schema.String,
        state: Schema.String,
        ended: Schema.Boolean
      }),
      execute: (linkId) => sql`
        SELECT namespace, identifier, state, deleted_at IS NOT NULL AS ended FROM entity_identities WHERE link_id = ${linkId}
      `
    })

    /**
     * Adds what the sender is known by to the link, and says whether the person knows one of it: typed or proved. What the
     * sender refused before is refused no more.
     */
    const meet = SqlSchema.single({
      Request: Schema.Struct({ linkId: Schema.String, identifiers: Identifiers }),
      Result: Schema.Struct({ agreed: Schema.Boolean }),
      execute: ({ identifiers, linkId }) =>
        sql.unsafe(
          `WITH wanted AS (
            SELECT * FROM jsonb_to_recordset($2::jsonb) AS w (namespace text, identifier text, address text)
          ),
          added AS (
            INSERT INTO entity_identities AS i (organization_id, entity_id, namespace, identifier, address, link_id)
            SELECT l.organization_id, l.entity_id, w.namespace, w.identifier, w.address, l.id
            FROM identity_links l, wanted w WHERE l.id = $1
            ON CONFLICT (link_id, namespace, identifier) WHERE link_id IS NOT NULL
            DO UPDATE SET address = coalesce(excluded.address, i.address)
          ),
          sender AS MATERIALIZED (
            SELECT namespace, identifier FROM wanted
            UNION SELECT namespace, identifier FROM entity_identities WHERE link_id = $1 AND deleted_at IS NULL
          ),
          forgotten AS (
            DELETE FROM identity_refusals r USING identity_links l, sender s
            WHERE l.id = $1 AND r.entity_id = l.entity_id AND r.namespace = s.namespace AND r.identifier = s.identifier
          ),
          agreed AS MATERIALIZED (
            SELECT EXISTS (
              SELECT FROM identity_links l
              JOIN entity_identities i ON i.entity_id = l.entity_id AND i.deleted_at IS NULL
              JOIN sender s ON s.namespace = i.namespace AND s.identifier = i.identifier
              LEFT JOIN identity_links other ON other.id = i.link_id
              WHERE l.id = $1
                AND (i.state = 'verified'
                  OR i.state = 'claimed' AND other.origin = 'typed' AND other.closed_at IS NULL AND other.expires_at > now())
            ) AS agreed
          )
          UPDATE identity_links l
          SET sender_agreed_at = coalesce(sender_agreed_at, now()),
            person_agreed_at = coalesce(person_agreed_at, CASE WHEN agreed.agreed THEN now() END)
          FROM agreed WHERE l.id = $1
          RETURNING l.person_agreed_at IS NOT NULL AS agreed`,
          [linkId, JSON.stringify(identifiers)]
        )
    })

    // Each of these sees what the one before it did, so that the unique index of verified identifiers is free for the last.
    const endQuestions = SqlSchema.void({
      Request: Schema.String,
      execute: (linkId) =>
        sql.unsafe(
          `WITH questions AS MATERIALIZED (
            SELECT DISTINCT l.id FROM entity_identities mine
            JOIN entity_identities i ON i.namespace = mine.namespace AND i.identifier = mine.identifier
              AND i.state = 'claimed' AND i.deleted_at IS NULL AND i.link_id <> mine.link_id
            JOIN identity_links l ON l.id = i.link_id AND l.closed_at IS NULL
            WHERE mine.link_id = $1 AND mine.deleted_at IS NULL
          ),
          ${ending("questions")}
          SELECT FROM questions`,
          [linkId]
        )
    })

    const displaceOthers = SqlSchema.void({
      Request: Schema.String,
      execute: (linkId) => sql`
        UPDATE entity_identities i SET state = 'displaced'
        FROM entity_identities mine
        WHERE mine.link_id = ${linkId} AND mine.deleted_at IS NULL
          AND i.namespace = mine.namespace AND i.identifier = mine.identifier AND i.state = 'verified'
          AND i.deleted_at IS NULL AND i.entity_id <> mine.entity_id
      `
    })

    const endOwn = SqlSchema.void({
      Request: Schema.String,
      execute: (linkId) => sql`
        WITH new AS MATERIALIZED (
          SELECT entity_id, namespace, identifier FROM entity_identities WHERE link_id = ${linkId} AND deleted_at IS NULL
        ),
        own AS MATERIALIZED (
          SELECT i.id, i.link_id, i.namespace, i.identifier, i.state
          FROM entity_identities i
          WHERE i.entity_id IN (SELECT entity_id FROM new) AND i.deleted_at IS NULL AND i.link_id IS DISTINCT FROM ${linkId}
        ),
        same AS MATERIALIZED (
          SELECT own.id, own.link_id, own.state FROM own
          JOIN new ON new.namespace = own.namespace AND (own.state = 'verified' OR new.identifier = own.identifier)
        ),
        closed AS (
          UPDATE identity_links SET closed_at = now() WHERE id IN (SELECT link_id FROM same) AND closed_at IS NULL
        )
        UPDATE entity_identities i SET deleted_at = now()
        FROM own
        WHERE i.id = own.id
          AND (own.id IN (SELECT id FROM same)
            OR own.state <> 'displaced' AND own.link_id IN (SELECT link_id FROM same WHERE state <> 'displaced'))
      `
    })

    const proveLink = SqlSchema.void({
      Request: Schema.String,
      execute: (linkId) => sql`
        WITH closed AS (UPDATE identity_links SET closed_at = now() WHERE id = ${linkId})
        UPDATE entity_identities SET state = 'verified' WHERE link_id = ${linkId} AND deleted_at IS NULL
      `
    })

    /** Ends all that the person claims of the sender, and keeps what that one is known by as refused. */
    const refuse = SqlSchema.void({
      Request: Schema.Struct(Wanted),
      execute: ({ entityId, identifiers }) =>
        sql.unsafe(
          `WITH sender AS MATERIALIZED (
            SELECT DISTINCT namespace, identifier
            FROM jsonb_to_recordset($2::jsonb) AS w (namespace text, identifier text)
          ),
          refused AS MATERIALIZED (
            SELECT DISTINCT l.id FROM identity_links l
            JOIN entity_identities i ON i.link_id = l.id AND i.deleted_at IS NULL
            JOIN sender s ON s.namespace = i.namespace AND s.identifier = i.identifier
            WHERE l.entity_id = $1::bigint AND l.closed_at IS NULL
          ),
          ${ending("refused")}
          INSERT INTO identity_refusals (organization_id, entity_id, namespace, identifier)
          SELECT e.organization_id, e.id, s.namespace, s.identifier FROM entities e, sender s WHERE e.id = $1::bigint
          ON CONFLICT (entity_id, namespace, identifier) DO NOTHING`,
          [entityId, JSON.stringify(identifiers)]
        )
    })

    const agreeAsPerson = SqlSchema.void({
      Request: Schema.String,
      execute: (linkId) =>
        sql`UPDATE identity_links SET person_agreed_at = coalesce(person_agreed_at, now()) WHERE id = ${linkId}`
    })

    /** Both have agreed: the link's identifiers are the person's, nobody else's, and nobody is asked about them any more. */
    const verify = Effect.fnUntraced(function* (linkId: string) {
      yield* endQuestions(linkId)
      yield* displaceOthers(linkId)
      yield* endOwn(linkId)
      yield* proveLink(linkId)
    })

    const Row = Schema.Struct({
      at: Schema.Int,
      state: Schema.Literal("claimed", "verified"),
      pendingId: Schema.NullOr(PendingId),
      userId: UserId,
      name: Schema.String,
      email: Schema.String,
      organizationId: OrganizationId,
      organizationSlug: Slug,
      entityId: Schema.String,
      agents: Schema.Array(Schema.Struct({ agentId: AgentId, templateAgentId: Schema.NullOr(AgentId) })),
      identityId: Schema.String,
      address: Schema.NullOr(Schema.String),
      otherAddress: Schema.NullOr(Schema.String),
      routed: Schema.Boolean
    })

    const findOwners = SqlSchema.findAll({
      Request: Schema.Struct({
        namespaces: Schema.Array(Schema.String),
        identifiers: Schema.Array(Schema.String),
        template: Schema.NullOr(Schema.String)
      }),
      Result: Row,
      execute: ({ identifiers, namespaces, template }) =>
        sql.unsafe(lookupStatement, [namespaces, identifiers, template, routeOnClaim])
    })

    const keepAddresses = SqlSchema.void({
      Request: Schema.parseJson(Schema.Array(Schema.Struct({ id: Schema.String, address: Schema.String }))),
      execute: (seen) =>
        sql.unsafe(
          `UPDATE entity_identities i SET address = s.address
          FROM (
            SELECT i.id, s.address FROM jsonb_to_recordset($1::jsonb) AS s (id bigint, address text)
            JOIN entity_identities i ON i.id = s.id
            ORDER BY i.id FOR NO KEY UPDATE OF i
          ) AS s
          WHERE i.id = s.id`,
          [seen]
        )
    })

    /** A step of several statements, run again where somebody else's proof of the same sender came between. */
    const step = <A, E>(effect: Effect.Effect<A, E>) =>
      sql.withTransaction(effect).pipe(retryTransient(violates("entity_identities_verified")))

    const group = Effect.fnUntraced(function* ({ id, organizationId, userId }: Own) {
      const rows = yield* findMine({ organizationId, userId })
      const standing = standingWith(rows, id)
      return standing.length === 0 ? yield* new IdentityNotFound() : standing
    })

    const confirm = Effect.fnUntraced(function* (own: Own) {
      yield* takeTurn(own)
      const [first] = yield* group(own)
      const linkId = first?.linkId ?? null
      if (first !== undefined && linkId !== null && isUnproved(first.state)) {
        yield* lockAbout({ linkId, identifiers: [] })
        const link = yield* findLink(linkId)
        if (Option.isSome(link) && link.value.open) {
          yield* agreeAsPerson(linkId)
          if (link.value.senderAgreed) yield* verify(linkId)
        }
      }
      return ownIdentity(yield* group(own))
    })

    const unlink = Effect.fnUntraced(function* (own: Own) {
      yield* takeTurn(own)
      const linkId = (yield* group(own))[0]?.linkId ?? null
      if (linkId !== null) yield* lockAbout({ linkId, identifiers: [] })
      const rows = yield* group(own)
      const links = rows.flatMap(({ linkId, state }) => (linkId !== null && isUnproved(state) ? [linkId] : []))
      yield* closeWith({ ids: rows.map(({ id }) => id), links })
    })

    const openQuestion = Effect.fnUntraced(function* ({ organizationId, sender, userId }: CodeClaim) {
      yield* takeTurn({ organizationId, userId })
      const found = yield* findMe({ organizationId, userId })
      if (Option.isNone(found)) return yield* new NoMember({ organizationId })
      const { email, entityId } = found.value
      const { identifiers, platform } = sender
      const { proved } = yield* countProved({ entityId, identifiers })
      if (proved === identifiers.length) return "already_linked_here" as const
      const { id } = yield* openLink({ entityId, organizationId, identifiers, platform })
      return { pendingId: id, email }
    })

    const take = Effect.fnUntraced(function* (
      pendingId: PendingId,
      identifiers: typeof Identifiers.Type,
      platform: Platform,
      yes: boolean
    ) {
      yield* takeTurnOf(pendingId)
      yield* lockAbout({ linkId: pendingId, identifiers })
      const link = yield* findLink(pendingId)
      const known = yield* findIdentifiers(pendingId)
      if (Option.isNone(link) || link.value.platform !== platform || !isSameSender(known, identifiers)) {
        return yield* new PendingNotFound()
      }
      const { entityId, open } = link.value
      if (!yes) {
        // A no counts also where the question it answers was taken back meanwhile, or has expired.
        const sender = [...known, ...identifiers]
        if (!open && (yield* countProved({ entityId, identifiers: sender })).proved > 0) {
          return yield* new PendingNotFound()
        }
        yield* refuse({ entityId, identifiers: sender })
        return "declined" as const
      }
      if (!open) {
        return known.some(({ ended, state }) => state === "verified" && !ended)
          ? ("verified" as const)
          : yield* new PendingNotFound()
      }
      const { agreed } = yield* meet({ linkId: pendingId, identifiers })
      if (!agreed) return "confirm_session" as const
      yield* verify(pendingId)
      return "verified" as const
    })

    const foundOf = (row: typeof Row.Type, shown: string | undefined): Found => {
      const route = {
        person: { userId: row.userId, name: row.name },
        organization: { id: row.organizationId, slug: row.organizationSlug },
        memberEntityId: row.entityId,
        agents: row.agents,
        answerTo: shown ?? row.address ?? row.otherAddress
      }
      if (row.state === "verified") return { verified: true, ...route }
      if (row.pendingId === null) return null
      const prompt = promptOf(row.email, row.pendingId)
      return row.routed ? { verified: false, ...route, prompt } : { verified: false, prompt }
    }

    return IdentityLinker.of({
      claimPhone: Effect.fn("IdentityLinker.claimPhone")(function* ({ country, phone: typed, ...person }) {
        const phone = yield* readPhone(typed, country ?? defaultCountry)
        const waJid = jidOf(phone)
        const { known, state, taken } = yield* Effect.orDie(
          step(Effect.zipRight(takeTurn(person), claim({ ...person, phone, waJid })))
        )
        if (!known) return yield* new NoMember({ organizationId: person.organizationId })
        if (taken) return yield* new IdentityTaken()
        return { phone, waJid, verified: state === "verified", state }
      }),
      mine: Effect.fn("IdentityLinker.mine")(function* (ids) {
        return ownIdentities(yield* findMine(ids).pipe(Effect.orDie))
      }),
      confirm: Effect.fn("IdentityLinker.confirm")((own: Own) =>
        step(confirm(own)).pipe(Effect.catchTag("SqlError", "ParseError", Effect.die))
      ),
      unlink: Effect.fn("IdentityLinker.unlink")((own: Own) =>
        step(unlink(own)).pipe(Effect.catchTag("SqlError", "ParseError", Effect.die))
      ),
      open: Effect.fn("IdentityLinker.open")((claim: CodeClaim) =>
        step(openQuestion(claim)).pipe(Effect.catchTag("SqlError", "ParseError", "NoSuchElementException", Effect.die))
      ),
      answer: Effect.fn("IdentityLinker.answer")(({ pendingId, sender, yes }) =>
        step(take(pendingId, sender.identifiers, sender.platform, yes)).pipe(
          Effect.catchTag("SqlError", "ParseError", "NoSuchElementException", Effect.die)
        )
      ),
      lookup: Effect.fn("IdentityLinker.lookup")(function* ({ identities, template }: LookupRequest) {
        const wanted = identities.map(({ identifier, namespace }) => canonical(namespace, identifier))
        const asked = wanted.flatMap((one, at) => (one === undefined ? [] : [{ ...one, at }]))
        const rows =
          asked.length === 0
            ? []
            : yield* findOwners({
                namespaces: asked.map(({ namespace }) => namespace),
                identifiers: asked.map(({ identifier }) => identifier),
                template: template ?? null
              })
        const answers: Array<Found> = identities.map(() => null)
        const moved: Array<{ readonly id: string; readonly address: string }> = []
        for (const row of rows) {
          const one = asked[row.at - 1]
          if (one === undefined) continue
          const shown = one.namespace === "phone" ? undefined : one.address
          answers[one.at] = foundOf(row, shown)
          if (row.state === "verified" && shown !== undefined && shown !== row.address) {
            moved.push({ id: row.identityId, address: shown })
          }
        }
        if (moved.length > 0) yield* keepAddresses(moved).pipe(retryTransient())
        return answers
      }, Effect.orDie)
    })
  })

/** Identities in Postgres. */
export const IdentityLinkerLive = (options: IdentityLinkerOptions) => Layer.effect(IdentityLinker, make(options))
