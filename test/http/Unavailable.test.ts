import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { isProblem, Running, TestServer } from "./server.ts"

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("while the database can't", (it) => {
  it.effect(
    "do what is asked, a request is told to come back, and only a write that failed makes the service unready",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const { ask, signUp } = yield* Running
        const { bearer } = yield* signUp("Somebody Patient")
        yield* sql`
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = TG_ARGV[0]; END
        $$
      `
        const install = ask("/api/install", { body: { slug: "helper" }, headers: { authorization: bearer } })
        const refusing = (table: string, code: string) =>
          Effect.acquireRelease(
            sql.unsafe(
              `CREATE TRIGGER refuses BEFORE INSERT ON "${table}" FOR EACH ROW EXECUTE FUNCTION refuse('${code}')`
            ),
            () => Effect.orDie(sql.unsafe(`DROP TRIGGER refuses ON "${table}"`))
          )
        const signIn = ask("/api/auth/sign-in/email", {
          body: { email: "Somebody.Patient@example.org", password: "a long password" }
        })
        for (const code of ["57014", "55P03", "53300", "53400", "25P03"]) {
          const [installed, signedIn] = yield* Effect.scoped(
            Effect.zipRight(
              Effect.zip(refusing("agents", code), refusing("session", code)),
              Effect.all([install, signIn])
            )
          )
          isProblem(installed, 503, "unavailable")
          isProblem(signedIn, 503, "unavailable")
          assert.strictEqual(installed.headers["retry-after"], "2")
          assert.strictEqual((yield* ask("/health/ready")).status, 200)
        }
        for (const code of ["53100"]) {
          isProblem(yield* Effect.scoped(Effect.zipRight(refusing("agents", code), install)), 503, "unavailable")
          isProblem(yield* ask("/health/ready"), 503, "unavailable")
        }
        assert.strictEqual((yield* install).status, 200)
      })
  )
})
