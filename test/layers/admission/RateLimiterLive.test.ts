import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { AppLive } from "../../../src/layers/AppLive.ts"
import { RateLimiter } from "../../../src/services/admission/RateLimiter.ts"
import { PgTest } from "../../pg.ts"
import { appOptions } from "../../worlds.ts"

const Live = AppLive(appOptions).pipe(Layer.provideMerge(PgTest), Layer.orDie)

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("the limiter on Postgres", (it) => {
  it.effect("does not wait for the disk, and lets nothing else go without", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const limiter = yield* RateLimiter
      // Servers of tests do not wait for the disk anyway, so who says so is looked at too.
      const setting = "SELECT setting, source FROM pg_settings WHERE name = 'synchronous_commit'"
      yield* sql`CREATE TABLE commits (setting text, source text)`
      yield* sql.unsafe(`CREATE FUNCTION note_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO commits ${setting};
        RETURN NULL;
      END $$`)
      yield* sql`
        CREATE TRIGGER commits AFTER INSERT OR UPDATE ON rate_limits FOR EACH STATEMENT EXECUTE FUNCTION note_commit()
      `
      const usual = yield* sql.unsafe(setting)
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* limiter.take("install", "ada")
          yield* limiter.take("install", "ada")
          yield* limiter.giveBack("install", "ada")
          assert.deepStrictEqual(yield* sql.unsafe(setting), usual)
        })
      )
      assert.deepStrictEqual(yield* sql`SELECT DISTINCT * FROM commits`, [{ setting: "off", source: "session" }])
      const connections = yield* Effect.replicateEffect(sql.unsafe(setting), 20, { concurrency: "unbounded" })
      for (const connection of connections) assert.deepStrictEqual(connection, usual)
    })
  )
})
