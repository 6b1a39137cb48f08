import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Option, Redacted, Schema } from "effect"
import { ApiKey, KeyScope, mostKeys } from "../../domain/account/ApiKey.ts"
import { KeyNotFound, LimitReached, Unauthenticated } from "../../domain/Errors.ts"
import { OrganizationId } from "../../domain/Ids.ts"
import { isCleanText } from "../../domain/Text.ts"
import { ApiKeys } from "../../services/account/ApiKeys.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { BetterAuth, callBetterAuth } from "./BetterAuthLive.ts"

/** The scope of a key, as better-auth stores it. */
const Permissions = Schema.Struct({ publisher: Schema.Array(KeyScope) })

const make = Effect.gen(function* () {
  const auth = yield* BetterAuth
  const sql = yield* SqlClient.SqlClient

  const findAll = SqlSchema.findAll({
    Request: OrganizationId,
    Result: Schema.Struct({
      ...ApiKey.fields,
      permissions: Schema.parseJson(Permissions),
      scopes: Schema.optional(Schema.Never),
      createdAt: Schema.DateTimeUtcFromDate,
      lastUsedAt: Schema.NullOr(Schema.DateTimeUtcFromDate)
    }),
    execute: (organizationId) => sql`
      SELECT id, name, start, permissions, "createdAt" AS created_at, "lastRequest" AS last_used_at
      FROM apikey WHERE "referenceId" = ${organizationId} ORDER BY "createdAt" DESC, id
    `
  })

  const count = SqlSchema.single({
    Request: OrganizationId,
    Result: Schema.Struct({ keys: Schema.Int }),
    execute: (organizationId) =>
      sql`SELECT count(*)::integer AS keys FROM apikey WHERE "referenceId" = ${organizationId}`
  })

  const remove = SqlSchema.findOne({
    Request: Schema.Struct({ organizationId: OrganizationId, id: Schema.String }),
    Result: Schema.Struct({ id: Schema.String }),
    execute: ({ id, organizationId }) => sql`
      DELETE FROM apikey WHERE id = ${id} AND "referenceId" = ${organizationId} RETURNING id
    `
  })

  return ApiKeys.of({
    verify: traced("ApiKeys.verify")(function* (key) {
      const { key: found, valid } = yield* callBetterAuth(() =>
        auth.api.verifyApiKey({ body: { key: Redacted.value(key) } })
      )
      const permissions = Schema.decodeUnknownOption(Permissions)(found?.permissions)
      if (!valid || found === null || Option.isNone(permissions)) return yield* new Unauthenticated()
      return {
        id: found.id,
        organizationId: OrganizationId.make(found.referenceId),
        scopes: permissions.value.publisher
      }
    }),
    create: traced("ApiKeys.create")(function* (organizationId, { name, scopes }) {
      const { keys } = yield* Effect.orDie(count(organizationId))
      if (keys >= mostKeys) return yield* new LimitReached({ what: "keys", limit: mostKeys })
      // The plugin calls the owner of a key a user unless its own organizations are set up.
      const { id, key } = yield* callBetterAuth(() =>
        auth.api.createApiKey({ body: { name, userId: organizationId, permissions: { publisher: [...scopes] } } })
      )
      return { id, key: Redacted.make(key) }
    }),
    list: traced("ApiKeys.list")((organizationId) =>
      findAll(organizationId).pipe(
        Effect.map((keys) => keys.map(({ permissions, ...key }) => ({ ...key, scopes: permissions.publisher }))),
        Effect.orDie
      )
    ),
    delete: traced("ApiKeys.delete")(function* (organizationId, id) {
      const found = isCleanText(id) ? yield* Effect.orDie(remove({ organizationId, id })) : Option.none()
      if (Option.isNone(found)) return yield* new KeyNotFound()
    })
  })
})

/** Keys in Postgres, made and verified by better-auth's plugin, which stores their hashes. */
export const ApiKeysLive = Layer.effect(ApiKeys, make)
