import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Schema } from "effect"
import { IdentityTaken, NoMember } from "../domain/Errors.ts"
import { OrganizationId, UserId } from "../domain/Ids.ts"
import { E164, jidOf, readPhone, WaJid } from "../domain/Phone.ts"
import { IdentityLinker, type IdentityLinkerOptions } from "../services/IdentityLinker.ts"
import { isPassing, retryWhile } from "./Database.ts"

const make = ({ defaultCountry }: IdentityLinkerOptions) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    const claim = SqlSchema.single({
      Request: Schema.Struct({ organizationId: OrganizationId, userId: UserId, phone: E164, waJid: WaJid }),
      Result: Schema.Struct({ known: Schema.Boolean, taken: Schema.Boolean, verified: Schema.Boolean }),
      execute: ({ organizationId, phone, userId, waJid }) => sql`
        WITH me AS MATERIALIZED (
          SELECT i.entity_id
          FROM entity_identities i
          JOIN entities e ON e.id = i.entity_id AND e.deleted_at IS NULL
          WHERE i.namespace = 'auth_user_id' AND i.identifier = ${userId} AND i.organization_id = ${organizationId}
            AND i.deleted_at IS NULL
        ),
        wanted (namespace, identifier) AS (VALUES ('phone', ${phone}::text), ('wa_jid', ${waJid}::text)),
        rival AS MATERIALIZED (
          SELECT FROM entity_identities i
          JOIN wanted w ON w.namespace = i.namespace AND w.identifier = i.identifier
          WHERE i.state = 'verified' AND i.deleted_at IS NULL AND i.organization_id <> ${organizationId}
        ),
        ended AS (
          UPDATE entity_identities i SET deleted_at = now()
          FROM me
          WHERE i.entity_id = me.entity_id AND i.namespace IN ('phone', 'wa_jid') AND i.state = 'claimed'
            AND i.deleted_at IS NULL AND i.identifier NOT IN (SELECT identifier FROM wanted)
            AND NOT EXISTS (SELECT FROM rival)
          RETURNING i.id
        ),
        linked AS (
          INSERT INTO entity_identities (organization_id, entity_id, namespace, identifier)
          SELECT ${organizationId}, me.entity_id, w.namespace, w.identifier
          FROM me, wanted w
          -- Counting makes the earlier claims end first: one live claim of each kind is a unique index.
          WHERE NOT EXISTS (SELECT FROM rival) AND (SELECT count(*) FROM ended) >= 0
          ON CONFLICT (namespace, identifier, entity_id) WHERE deleted_at IS NULL
          DO UPDATE SET identifier = excluded.identifier
          RETURNING namespace, state
        )
        SELECT EXISTS (SELECT FROM me) AS known, EXISTS (SELECT FROM rival) AS taken,
          EXISTS (SELECT FROM linked WHERE namespace = 'phone' AND state = 'verified') AS verified
      `
    })

    return IdentityLinker.of({
      claimPhone: Effect.fn("IdentityLinker.claimPhone")(function* ({ country, organizationId, phone: typed, userId }) {
        const phone = yield* readPhone(typed, country ?? defaultCountry)
        const waJid = jidOf(phone)
        const { known, taken, verified } = yield* claim({ organizationId, userId, phone, waJid }).pipe(
          retryWhile(isPassing),
          Effect.orDie
        )
        if (!known) return yield* new NoMember({ organizationId })
        if (taken) return yield* new IdentityTaken()
        return { phone, waJid, verified }
      })
    })
  })

/** Identities in Postgres. */
export const IdentityLinkerLive = (options: IdentityLinkerOptions) => Layer.effect(IdentityLinker, make(options))
