import { SqlClient } from "@effect/sql"
import { ConnectionLive } from "agent-install/layers"
import { Effect, Redacted } from "effect"
import { runWatchers } from "../../../examples/runtime.ts"

/* A process that runs watchers until it is killed, and keeps a row of each piece of work: when it began, and when it ended. */

const [, , url = "", leaseSeconds = "", workMillis = ""] = process.argv

const program = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const work = ({ id, prompt }: { readonly id: string; readonly prompt: string }) =>
    Effect.gen(function* () {
      const [row] =
        yield* sql`INSERT INTO work (watcher_id, prompt, pid) VALUES (${id}::bigint, ${prompt}, ${process.pid})
        RETURNING id::text`
      yield* Effect.sleep(Number(workMillis))
      yield* sql`UPDATE work SET ended_at = clock_timestamp() WHERE id = ${row?.id}::bigint`
    })
  return yield* runWatchers(work, { leaseSeconds: Number(leaseSeconds), atOnce: 3, pause: "100 millis" })
})

Effect.runPromise(Effect.provide(program, ConnectionLive({ url: Redacted.make(url), maxConnections: 4 })))
