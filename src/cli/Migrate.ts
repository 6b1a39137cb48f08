import { Effect, Layer } from "effect"
import { migrations } from "../../migrations/index.ts"
import { migrate as bringUpToDate } from "../layers/postgres/Database.ts"
import { settings } from "../layers/runtime/Settings.ts"
import { DatabaseUrlFrom, FitDatabaseFrom } from "./Database.ts"
import { type AsJson, print } from "./Output.ts"

/** Brings the schema up to date, and lists the migrations that were applied. */
export const migrate = Effect.fnUntraced(function* ({ json }: AsJson) {
  const given = yield* settings
  const database = FitDatabaseFrom(given).pipe(Layer.provide(DatabaseUrlFrom(given)))
  const done = yield* Effect.provide(bringUpToDate, database)
  const applied = done.map(([id, name]) => `${String(id).padStart(4, "0")}_${name}`)
  const schema = Object.keys(migrations).at(-1) ?? ""
  yield* print(
    json,
    { applied, schema },
    applied.length === 0
      ? `Nothing to do: the schema is at ${schema}.`
      : `Applied ${applied.join(", ")}. The schema is at ${schema}.`
  )
})
