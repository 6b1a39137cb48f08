import { SqlClient } from "@effect/sql"
import { Effect, Layer } from "effect"
import { migrations } from "../../migrations/index.ts"
import { Unavailable } from "../domain/Errors.ts"
import { Health } from "../services/Health.ts"

/** Asks the database, which has what the newest migration made once it is recorded. */
export const HealthLive = Layer.effect(
  Health,
  Effect.map(SqlClient.SqlClient, (sql) =>
    Health.of({
      ready: sql`SELECT FROM effect_sql_migrations WHERE migration_id = ${Object.keys(migrations).length}`.pipe(
        Effect.mapError(() => new Unavailable()),
        Effect.filterOrFail(
          (rows) => rows.length === 1,
          () => new Unavailable()
        ),
        Effect.asVoid
      )
    })
  )
)
