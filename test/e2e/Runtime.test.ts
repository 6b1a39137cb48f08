import { type ChildProcess, spawn } from "node:child_process"
import { mkdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { SqlClient } from "@effect/sql"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Schedule, Schema } from "effect"
import { build } from "esbuild"
import { ConnectionLive } from "../../src/layers/postgres/Database.ts"
import { ownDatabase } from "../pg.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** The runner as a program of node, beside the packages that it loads. */
const runner = Effect.acquireRelease(
  Effect.promise(async () => {
    const outfile = join(root, "dist", `runner-${process.pid}`, "runner.mjs")
    await mkdir(join(outfile, ".."), { recursive: true })
    await build({
      entryPoints: [join(root, "test/e2e/programs/runner.ts")],
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "external",
      outfile,
      logLevel: "error",
      plugins: [
        {
          name: "the package as the sources have it",
          setup: ({ onResolve }) =>
            onResolve({ filter: /^agent-install\// }, ({ path }) => ({
              path: join(root, path.replace("agent-install", "src/exports").concat(".ts"))
            }))
        }
      ]
    })
    return outfile
  }),
  (file) => Effect.promise(() => rm(join(file, ".."), { recursive: true, force: true }))
)

const gone = (child: ChildProcess) =>
  Effect.async<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
  })

const started = (file: string, ...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, [file, ...args], { stdio: ["ignore", "ignore", "inherit"] })),
    (child) =>
      Effect.zipRight(
        Effect.sync(() => child.kill("SIGKILL")),
        gone(child)
      )
  )

const watchers = 15

const Work = Schema.Struct({
  watcherId: Schema.String,
  pid: Schema.Int,
  prompt: Schema.String,
  ended: Schema.Boolean,
  overlaps: Schema.Boolean
})

it.scopedLive(
  "several processes run each watcher that is due once, and again what one of them was killed at",
  () =>
    Effect.gen(function* () {
      const url = yield* ownDatabase()
      const context = yield* Layer.build(ConnectionLive({ url, maxConnections: 2 }))
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE work (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, watcher_id bigint, prompt text,
          pid int, began_at timestamptz DEFAULT clock_timestamp(), ended_at timestamptz)`
        yield* sql`INSERT INTO organization (id, name, slug, visibility) VALUES ('org_due', 'Due', 'due', 'private')`
        yield* sql`WITH made AS (
            INSERT INTO watchers (organization_id, slug, name, schedule, next_run_at, paused_at, deleted_at)
            SELECT 'org_due', 'w-' || n, 'W', '0 7 * * 1', now() - make_interval(mins => n),
              CASE WHEN n = ${watchers + 1} THEN now() END, CASE WHEN n = ${watchers + 2} THEN now() END
            FROM generate_series(1, ${watchers + 2}) AS n RETURNING id
          ), versions AS (
            INSERT INTO watcher_versions (watcher_id, prompt) SELECT id, 'Look ' || id FROM made RETURNING id, watcher_id
          ) SELECT 1`
        // As many again that one organization only refers to: each with an anchor for its times.
        yield* sql`INSERT INTO organization (id, name, slug, visibility)
          VALUES ('org_tells', 'Tells', 'tells', 'public'), ('org_refers', 'Refers', 'refers', 'private')`
        yield* sql`INSERT INTO agents (id, organization_id, slug, name, revision) VALUES ('agent_told', 'org_tells', 'told', 'Told', 1)`
        yield* sql`INSERT INTO template_revisions (template_agent_id, revision, hash, name, description)
          VALUES ('agent_told', 1, 'hash', 'Told', '')`
        yield* sql`INSERT INTO agents (id, organization_id, name, template_agent_id, revision, mode, first_id)
          VALUES ('agent_refers', 'org_refers', 'Told', 'agent_told', 1, 'reference', new_first_id())`
        yield* sql`INSERT INTO published_watchers (template_agent_id, revision, ordinal, source_id, publisher_id, published_at, hash,
            slug, name, description, extensions, schedule, sources, prompt, extraction_schema)
          SELECT 'agent_told', 1, n, 1000 + n, 'org_tells', now(), 'h', 'r-' || n, 'R', '', '{}', '0 7 * * 1', '[]',
            'Look ' || a.first_id + n, '{}'
          FROM agents a, generate_series(1, ${watchers + 1}) AS n WHERE a.id = 'agent_refers'`
        yield* sql`SELECT anchor_watchers(ARRAY(
            SELECT a.first_id + n FROM agents a, generate_series(1, ${watchers + 1}) AS n WHERE a.id = 'agent_refers'
          ))`
        yield* sql`UPDATE watchers SET next_run_at = now() - interval '1 minute',
            paused_at = CASE WHEN id & 4095 = ${watchers + 1} THEN now() END
          WHERE inherits IS NOT NULL`
        yield* sql`UPDATE watchers w SET current_version_id = v.id FROM watcher_versions v WHERE v.watcher_id = w.id`

        const file = yield* runner
        const processes = yield* Effect.replicateEffect(started(file, Redacted.value(url), "8", "300"), 3)
        const [doomed] = processes
        const doomedPid = doomed?.pid ?? 0
        const until = (holds: Effect.Effect<boolean, unknown>) =>
          Effect.retry(
            Effect.flatMap(holds, (done) => (done ? Effect.void : Effect.fail("not yet"))),
            Schedule.intersect(Schedule.spaced("50 millis"), Schedule.recurs(1_200))
          )
        const count = (rows: ReadonlyArray<unknown>) => rows.length
        yield* until(
          Effect.map(sql`SELECT 1 FROM work WHERE pid = ${doomedPid} AND ended_at IS NULL`, (rows) => count(rows) > 0)
        )
        doomed?.kill("SIGKILL")
        yield* until(
          Effect.map(
            sql`SELECT DISTINCT watcher_id FROM work WHERE ended_at IS NOT NULL`,
            (rows) => count(rows) === 2 * watchers
          )
        )
        yield* until(
          Effect.map(
            sql`SELECT 1 FROM watchers WHERE next_run_at < now() + interval '9 seconds'
          AND paused_at IS NULL AND (deleted_at IS NULL OR inherits IS NOT NULL)`,
            (rows) => count(rows) === 0
          )
        )

        const rows = yield* Schema.decodeUnknown(Schema.Array(Work))(
          yield* sql`SELECT w.watcher_id::text AS "watcherId", w.pid, w.prompt, w.ended_at IS NOT NULL AS ended,
            EXISTS (SELECT FROM work o WHERE o.watcher_id = w.watcher_id AND o.id <> w.id AND o.ended_at IS NOT NULL
              AND w.ended_at IS NOT NULL AND o.began_at < w.ended_at AND w.began_at < o.ended_at) AS overlaps FROM work w`
        )
        const ended = rows.filter((row) => row.ended)
        const cut = rows.filter((row) => !row.ended)
        assert.strictEqual(ended.length, 2 * watchers, "each is run to its end once")
        assert.strictEqual(new Set(ended.map(({ watcherId }) => watcherId)).size, 2 * watchers)
        assert.deepStrictEqual([...new Set(cut.map(({ pid }) => pid))], [doomedPid])
        assert.isTrue(rows.every(({ overlaps, prompt, watcherId }) => !overlaps && prompt === `Look ${watcherId}`))
        assert.isAbove(new Set(ended.map(({ pid }) => pid)).size, 1, "more than one process had part in it")
        const next = yield* sql`SELECT DISTINCT extract(isodow FROM next_run_at AT TIME ZONE 'UTC')::int AS day,
          extract(hour FROM next_run_at AT TIME ZONE 'UTC')::int AS hour, next_run_at > now() AS future
          FROM vocabulary.used_watchers WHERE paused_at IS NULL AND deleted_at IS NULL`
        assert.deepStrictEqual(
          next.map((row) => ({ ...row })),
          [{ day: 1, hour: 7, future: true }]
        )
      }).pipe(Effect.provide(context))
    }),
  180_000
)
