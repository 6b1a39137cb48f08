import { SqlClient, SqlSchema } from "@effect/sql"
import { Clock, Duration, Effect, Layer, Ref, Schema } from "effect"
import { migrations } from "../../../migrations/index.ts"
import { Unavailable } from "../../domain/Errors.ts"
import { isUnwritable } from "../../domain/Faults.ts"
import { Health } from "../../services/runtime/Health.ts"

/** How long a failed write counts as a sign that writes fail. */
const unwritableFor = Duration.seconds(15)

/** The id of the newest migration. */
const newestMigration = Object.keys(migrations).length

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const unwritableUntil = yield* Ref.make(0)

  // Once the newest migration is recorded, what it creates exists.
  const ask = SqlSchema.single({
    Request: Schema.Int,
    Result: Schema.Struct({ ready: Schema.Boolean }),
    execute: (newest) => sql`
      SELECT NOT pg_is_in_recovery() AND EXISTS (
        SELECT FROM effect_sql_migrations WHERE migration_id = ${newest}
      ) AS ready
    `
  })

  return Health.of({
    ready: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (now < (yield* Ref.get(unwritableUntil))) return yield* new Unavailable()
      const { ready } = yield* Effect.mapError(ask(newestMigration), () => new Unavailable())
      if (!ready) return yield* new Unavailable()
    }),
    noteFault: (fault) =>
      isUnwritable(fault)
        ? Effect.flatMap(Clock.currentTimeMillis, (now) =>
            Ref.set(unwritableUntil, now + Duration.toMillis(unwritableFor))
          )
        : Effect.void
  })
})

/** Queries the database, and remembers what it last refused. */
export const HealthLive = Layer.effect(Health, make)
