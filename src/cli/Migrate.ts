import { Command } from "@effect/cli"
import { Effect, Layer } from "effect"
import { migrations } from "../../migrations/index.ts"
import { migrate as bringUpToDate } from "../layers/postgres/Database.ts"
import { settings } from "../layers/runtime/Settings.ts"
import { DatabaseUrlFrom, FitDatabaseFrom } from "./Application.ts"
import { json, print } from "./Output.ts"

export const migrate = Command.make("migrate", { json }, ({ json }) =>
  Effect.gen(function* () {
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
).pipe(
  Command.withDescription(
    "Bring the database's schema up to date, all or nothing. serve does the same at its start; run this first where a deployment wants it apart. Example: DATABASE_URL=postgres://… AUTH_SECRET=… agent-install migrate"
  )
)
