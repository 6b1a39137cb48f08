import { createHmac, hkdfSync, randomBytes } from "node:crypto"
import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Option, Redacted, Schema } from "effect"
import { AgentId, UserId } from "../../domain/Ids.ts"
import { codeBytes, codeLifetimeSeconds, codeOf } from "../../domain/identity/InstallCode.ts"
import { E164 } from "../../domain/identity/Phone.ts"
import { type CodeOwner, InstallCodes } from "../../services/identity/InstallCodes.ts"
import { traced } from "../../services/runtime/Traced.ts"

const make = (secret: Redacted.Redacted<string>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    // A key of its own, derived from the secret (RFC 5869), since the secret also signs sessions.
    const key = Buffer.from(hkdfSync("sha256", Redacted.value(secret), "", "agent-install install codes", 32))
    const digestOf = (code: Redacted.Redacted<string>) =>
      createHmac("sha256", key).update(Redacted.value(code)).digest("hex")

    const put = SqlSchema.single({
      Request: Schema.Struct({ userId: UserId, templateAgentId: AgentId, digest: Schema.String }),
      Result: Schema.Struct({ botPhone: Schema.NullOr(E164) }),
      execute: ({ digest, templateAgentId, userId }) => sql`
        INSERT INTO install_tokens AS t (user_id, template_agent_id, digest, expires_at)
        VALUES (${userId}, ${templateAgentId}, decode(${digest}, 'hex'), now() + make_interval(secs => ${codeLifetimeSeconds}))
        ON CONFLICT (user_id, template_agent_id)
        DO UPDATE SET digest = excluded.digest, created_at = now(), expires_at = excluded.expires_at, used_at = NULL
        RETURNING (SELECT a.bot_phone FROM agents a WHERE a.id = t.template_agent_id)
      `
    })

    // A second request waits for the row and then finds it used, although the rest of the statement still sees it
    // unused.
    const use = SqlSchema.findOne({
      Request: Schema.String,
      Result: Schema.Struct({
        status: Schema.Literal("consumed", "token_used", "token_expired"),
        userId: UserId,
        templateAgentId: AgentId,
        installed: Schema.Boolean
      }),
      execute: (digest) => sql`
        WITH consumed AS (
          UPDATE install_tokens SET used_at = now()
          WHERE digest = decode(${digest}, 'hex') AND used_at IS NULL AND expires_at > now()
          RETURNING digest
        )
        SELECT
          CASE
            WHEN EXISTS (SELECT FROM consumed) THEN 'consumed'
            WHEN t.used_at IS NOT NULL OR t.expires_at > now() THEN 'token_used'
            ELSE 'token_expired'
          END AS status,
          t.user_id, t.template_agent_id,
          EXISTS (
            SELECT FROM organization o
            JOIN agents a ON a.organization_id = o.id AND a.template_agent_id = t.template_agent_id
            WHERE o.metadata ->> 'personal_org_for_user_id' = t.user_id AND o.visibility = 'private'
          ) AS installed
        FROM install_tokens t
        WHERE t.digest = decode(${digest}, 'hex')
      `
    })

    return InstallCodes.of({
      mint: traced("InstallCodes.mint")(function* ({ templateAgentId, userId }: CodeOwner) {
        const code = Redacted.make(codeOf(randomBytes(codeBytes)))
        const { botPhone } = yield* put({ userId, templateAgentId, digest: digestOf(code) }).pipe(Effect.orDie)
        return { code, botPhone }
      }),
      consume: traced("InstallCodes.consume")(function* (code) {
        const found = yield* use(digestOf(code)).pipe(Effect.orDie)
        if (Option.isNone(found)) return { status: "token_invalid" } as const
        const { status, ...consumed } = found.value
        return status === "consumed" ? { status, ...consumed } : { status }
      })
    })
  })

/** Codes in Postgres, as HMACs under a key derived from the secret: somebody who can read the table can't use them. */
export const InstallCodesLive = (secret: Redacted.Redacted<string>) => Layer.effect(InstallCodes, make(secret))
