import type { SqlClient } from "@effect/sql"
import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import type { Identifier, Statement } from "@effect/sql/Statement"
import { Effect, FiberRef } from "effect"

/** What a statement is made of, beside its text: the connection of the transaction or the pool, and the names of columns. */
interface Made {
  readonly acquirer: Effect.Effect<Connection, SqlError>
  readonly transformRows: Parameters<Connection["execute"]>[2]
  /** What running it is. */
  commit(): Effect.Effect<ReadonlyArray<unknown>, SqlError>
}

const unspanned = <A>(statement: Statement<A>): Statement<A> => {
  const made = statement as unknown as Made
  const spanned = made.commit.bind(made)
  const commit: Made["commit"] = () =>
    Effect.withFiberRuntime((fiber) =>
      fiber.getFiberRef(FiberRef.currentTracerEnabled)
        ? spanned()
        : Effect.flatMap(made.acquirer, (connection) => {
            const [text, values] = statement.compile()
            return connection.execute(text, values, made.transformRows)
          })
    )
  return Object.assign(statement, { commit })
}

/**
 * The client, whose statements make a span only while a tracer is enabled. Without one they make a span that nobody
 * collects and a scope that nothing is in, which is two thirds of what a statement costs in Effect.
 */
export const unspannedClient = <Client extends SqlClient.SqlClient>(client: Client): Client => {
  const { unsafe } = client
  const call = client as unknown as (...given: ReadonlyArray<unknown>) => Statement<unknown> | Identifier
  const make = (...given: ReadonlyArray<unknown>) => {
    const made = call(...given)
    return Effect.isEffect(made) ? unspanned(made) : made
  }
  return Object.assign(make, client, {
    unsafe: (...given: Parameters<typeof unsafe>) => unspanned(unsafe(...given))
  }) as unknown as Client
}
