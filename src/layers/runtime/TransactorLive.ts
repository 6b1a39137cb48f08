import { SqlClient } from "@effect/sql"
import { Effect, Layer } from "effect"
import { Transactor } from "../../services/runtime/Transactor.ts"

/** One database transaction; a step within a step is a savepoint. */
export const TransactorLive = Layer.effect(
  Transactor,
  Effect.map(SqlClient.SqlClient, (sql) =>
    Transactor.of({
      atomically: <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        // Wrapped, so that only the transaction's own failure becomes a defect, not an SqlError of the effect.
        sql
          .withTransaction(
            Effect.exit(effect).pipe(Effect.flatMap((exit) => Effect.mapError(exit, (error) => ({ error }))))
          )
          .pipe(Effect.catchAll((failure) => ("error" in failure ? Effect.fail(failure.error) : Effect.die(failure))))
    })
  )
)
