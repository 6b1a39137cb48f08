import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Schedule, Schema } from "effect"
import { EventsGone } from "../../domain/Errors.ts"
import { Event, isContinued } from "../../domain/events/Event.ts"
import { Events } from "../../services/events/Events.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { retryTransient } from "../postgres/Database.ts"
import { numberStatement, readStatement, turnStatement, unnumberedStatement } from "./EventStatements.ts"

/** Gives numbers to what has landed; where somebody else is at it, waits for them or leaves it to them. */
const makeNumbering = (waits: boolean) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const look = SqlSchema.single({
      Request: Schema.Void,
      Result: Schema.Struct({ some: Schema.Boolean }),
      execute: () => sql.unsafe(unnumberedStatement)
    })
    // In a statement of its own: the next one sees what the one before has numbered.
    const number = Effect.flatMap(sql.unsafe(turnStatement(waits)), (turn) =>
      turn.length === 0 ? Effect.void : Effect.asVoid(sql.unsafe(numberStatement))
    ).pipe(sql.withTransaction, retryTransient())
    return Effect.flatMap(look(), ({ some }) => (some ? number : Effect.void))
  })

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const number = yield* makeNumbering(true)
  const find = SqlSchema.single({
    Request: Schema.Struct({ after: Schema.NullOr(Schema.Int), limit: Schema.Int }),
    Result: Schema.Struct({ first: Schema.Int, last: Schema.Int, events: Schema.Array(Event) }),
    execute: ({ after, limit }) => sql.unsafe(readStatement, [after, limit])
  })
  return Events.of({
    read: traced("Events.read")(function* ({ after, limit }) {
      yield* Effect.orDie(number)
      const { events, ...kept } = yield* Effect.orDie(find({ after: after ?? null, limit }))
      if (after !== undefined && !isContinued(kept, after)) return yield* new EventsGone({ ...kept, after })
      return { events, last: events.at(-1)?.number ?? after ?? kept.last }
    })
  })
})

/** Events in Postgres. */
export const EventsLive = Layer.effect(Events, make)

/** Numbers events as they land, so that those who listen to Postgres or read the table see them without asking here. */
export const EventNumbersLive = Layer.scopedDiscard(
  Effect.flatMap(makeNumbering(false), (number) =>
    number.pipe(
      Effect.withTracerEnabled(false),
      Effect.catchAllCause((cause) => Effect.logDebug("Events were not numbered; the next moment tries again", cause)),
      Effect.repeat(Schedule.spaced("500 millis")),
      Effect.forkScoped
    )
  )
)
