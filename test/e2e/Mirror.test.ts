import { cp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Random, Redacted, Schedule } from "effect"
import pg from "pg"
import { ownFolder } from "../machine.ts"
import { ownDatabase } from "../pg.ts"
import { execute, secret, serve, signedIn } from "./processes.ts"

const bundled = fileURLToPath(new URL("../../templates/personal-finance", import.meta.url))
const kinds = ["entity_types", "entity_relationship_types", "watchers", "event_classifiers"]

/** What is changed by its person. */
const changed = ["bank-account", "weekly-deadline-radar"]

/** What must be so of every organization whenever nothing is under way: each of these finds nothing. */
const broken = [
  // An agent without every row of its revision, as the revision has it or as its person changed it: a copy, or referred to.
  ...kinds.map(
    (kind) => `
    SELECT a.id FROM agents a
    JOIN template_revision_rows r ON r.template_agent_id = a.template_agent_id AND r.revision = a.revision AND r.kind = '${kind}'
    WHERE NOT EXISTS (
      SELECT FROM vocabulary.${kind} t
      WHERE t.organization_id = a.organization_id AND t.slug = r.slug AND t.deleted_at IS NULL AND t.retired_at IS NULL
        AND t.managed_by_template_agent_id = a.template_agent_id
        AND (t.name = 'Mine' OR t.name = r.content ->> 'name' AND t.description = r.content ->> 'description')
        AND CASE WHEN t.origin = 'referenced' THEN a.mode = 'reference' AND t.id = a.first_id + r.ordinal ELSE EXISTS (
          SELECT FROM mirror_ledger l
          WHERE l.organization_id = a.organization_id AND l.template_agent_id = a.template_agent_id AND l.kind = r.kind
            AND l.source_id = r.source_id AND l.copy_id = t.id AND l.applied_hash = r.hash AND l.slug = r.slug
        ) END
    )`
  ),
  // A mirrored row or an entry of the ledger without an agent, or an anchor without an installation: nothing here is kept by anything
  // but what its person changed.
  ...kinds.flatMap((kind) => [
    `
    SELECT t.id FROM ${kind} t WHERE t.inherits IS NOT NULL AND NOT EXISTS (
      SELECT FROM agents a WHERE a.organization_id = t.organization_id AND a.first_id = t.id & ~4095::bigint AND a.mode = 'reference'
    )`,
    `
    SELECT t.id FROM ${kind} t
    WHERE t.managed_by_template_agent_id IS NOT NULL AND t.inherits IS NULL AND t.name <> 'Mine' AND NOT EXISTS (
      SELECT FROM agents a JOIN mirror_ledger l ON l.organization_id = a.organization_id AND l.template_agent_id = a.template_agent_id
      WHERE a.organization_id = t.organization_id AND l.kind = '${kind}' AND l.copy_id = t.id
    )`
  ]),
  // Half of a change of a watcher: its row, or its version.
  `SELECT w.id FROM watchers w LEFT JOIN watcher_versions v ON v.id = w.current_version_id
   WHERE w.inherits IS NULL AND (w.name = 'Mine') IS DISTINCT FROM (v.prompt = 'Mine')`,
  // A revision without all of its rows in the tables that are referred to.
  ...kinds.map(
    (kind) => `
    SELECT r.source_id FROM template_revision_rows r WHERE r.kind = '${kind}' AND NOT EXISTS (
      SELECT FROM published_${kind} p WHERE p.template_agent_id = r.template_agent_id AND p.revision = r.revision
        AND p.ordinal = r.ordinal AND p.hash = r.hash
    )`
  ),
  `SELECT l.copy_id FROM mirror_ledger l WHERE l.slug NOT IN ('${changed.join("', '")}') AND NOT EXISTS (
    SELECT FROM agents a WHERE a.organization_id = l.organization_id AND a.template_agent_id = l.template_agent_id)`,
  // A watcher of no agent, or of one that is not there.
  `SELECT w.id FROM watchers w JOIN agents a ON a.organization_id = w.organization_id AND a.template_agent_id = w.managed_by_template_agent_id
   WHERE w.agent_id IS DISTINCT FROM a.id`,
  // A template whose newest revision lacks a row, or has one that the publisher does not.
  `SELECT r.source_id FROM agents t JOIN template_revision_rows r ON r.template_agent_id = t.id AND r.revision = t.revision
   WHERE r.kind = 'entity_types' AND NOT EXISTS (
     SELECT FROM entity_types e WHERE e.id = r.source_id AND e.slug = r.slug AND e.deleted_at IS NULL)`
]

/** Two folders of one template: as it is bundled, and with definitions that are new, changed, renamed and withdrawn. */
const twoVersions = Effect.gen(function* () {
  const one = yield* ownFolder
  const other = yield* ownFolder
  yield* Effect.promise(async () => {
    await cp(bundled, one, { recursive: true })
    const head = join(one, "template.yaml")
    await writeFile(head, `${(await readFile(head, "utf8")).replace(/^install:.*\n/m, "")}install: [copy, reference]\n`)
    await cp(one, other, { recursive: true })
    const models = join(other, "models")
    const definition = (slug: string, rest = "") =>
      writeFile(join(models, `${slug}.yaml`), `version: 1\ntype: entity\nslug: ${slug}\nname: ${slug}\n${rest}`)
    await definition("novelty")
    await rm(join(models, "entity-allowable-expense.yaml"))
    await definition("spending-plan", "description: Changed\n")
  })
  return [one, other] as const
})

const prepared = Effect.gen(function* () {
  const url = yield* ownDatabase()
  const given = {
    DATABASE_URL: Redacted.value(url),
    AUTH_SECRET: secret,
    INSTALLS_PER_HOUR: "10000",
    CHANGES_PER_HOUR: "10000"
  }
  const client = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const client = new pg.Client({ connectionString: Redacted.value(url) })
      await client.connect()
      return client
    }),
    (client) => Effect.promise(() => client.end())
  )
  const query = (text: string) =>
    Effect.map(
      Effect.promise(() => client.query(text)),
      ({ rows }) => rows
    )
  const [one, other] = yield* twoVersions
  const publish = (folder: string) => execute(["template", "publish", "--yes", folder], given)
  const first = yield* publish(one)
  assert.strictEqual(first.code, 0, first.err)

  /** People of one organization: all may do everything in it. */
  const people = (organization: string, count: number) =>
    Effect.gen(function* () {
      yield* query(
        `INSERT INTO organization (id, name, slug, metadata) VALUES ('org_${organization}', 'X', '${organization}',
           jsonb_build_object('personal_org_for_user_id', '${organization}-0'))`
      )
      return yield* Effect.forEach(
        Array.from({ length: count }, (_, at) => `${organization}-${at}`),
        (id) =>
          Effect.gen(function* () {
            yield* query(
              `INSERT INTO "user" (id, name, email, "emailVerified") VALUES ('${id}', 'X', '${id}@example.org', false)`
            )
            yield* query(
              `INSERT INTO member (organization_id, user_id, role) VALUES ('org_${organization}', '${id}', 'owner')`
            )
            return { authorization: yield* signedIn(client, id) }
          })
      )
    })
  const holds = Effect.forEach(broken, (text) =>
    Effect.map(query(text), (rows) => assert.deepStrictEqual(rows.slice(0, 3), [], text))
  )
  return { given, holds, one, other, people, publish, query }
})

describe("the mirror in several processes", () => {
  it.scopedLive(
    "installs, resyncs, uninstalls and publishes all at once as if one after the other",
    () =>
      Effect.gen(function* () {
        const { given, holds, one, other, people, publish, query } = yield* prepared
        const servers = [yield* serve(given), yield* serve(given)]
        yield* Effect.forEach(servers, ({ ready }) => ready)
        const everybody = [...(yield* people("ada", 2)), ...(yield* people("ben", 2))]
        const statuses = new Map<string, number>()
        const act = (headers: { readonly authorization: string }) =>
          Effect.gen(function* () {
            const server = yield* Effect.orDie(Random.choice(servers))
            const list = yield* server.ask("/api/agents", { headers })
            assert.strictEqual(list.status, 200, list.text)
            const agentId = list.body.agents[0]?.agentId
            const what =
              agentId === undefined
                ? "install"
                : yield* Effect.orDie(Random.choice(["install", "resync", "resync", "mode", "uninstall"]))
            const mode = yield* Effect.orDie(Random.choice(["copy", "reference"]))
            const answer =
              what === "install"
                ? yield* server.ask("/api/install", { headers, body: { slug: "personal-finance", mode } })
                : what === "uninstall"
                  ? yield* server.ask(`/api/agents/${agentId}`, { headers, method: "DELETE" })
                  : yield* server.ask(`/api/agents/${agentId}/${what}`, {
                      headers,
                      body: what === "mode" ? { mode } : {}
                    })
            const said = `${what} ${answer.status} ${answer.body?.error ?? ""}`
            statuses.set(said, (statuses.get(said) ?? 0) + 1)
          })
        const publishing = (folders: ReadonlyArray<string>) =>
          Effect.forEach(folders, (folder) =>
            Effect.map(publish(folder), ({ code, err }) => assert.strictEqual(code, 0, err))
          )
        yield* Effect.all(
          [
            ...[...everybody, ...everybody].map((headers) => Effect.asVoid(Effect.replicateEffect(act(headers), 12))),
            Effect.asVoid(publishing([other, one])),
            Effect.asVoid(publishing([one, other]))
          ],
          { concurrency: "unbounded", discard: true }
        )
        // Who shares the organization without its being their own has nothing to install into.
        const expected =
          /^(install|resync|mode|uninstall) 200 $|^(resync|mode|uninstall) 404 agent_not_found$|^install 409 no_personal_org$/
        assert.deepStrictEqual(
          [...statuses.keys()].filter((said) => !expected.test(said)),
          [],
          JSON.stringify([...statuses])
        )
        for (const what of ["install 200 ", "resync 200 ", "mode 200 ", "uninstall 200 "])
          assert.isAbove(statuses.get(what) ?? 0, 0, what)
        // Each installed agent is whole at the revision it was brought to last.
        yield* holds
        const [deadlocks] = yield* query(
          "SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()"
        )
        assert.deepStrictEqual(deadlocks, { deadlocks: 0 })
      }),
    300_000
  )

  it.scopedLive(
    "leaves the old state or the new one where it is killed in the middle",
    () =>
      Effect.gen(function* () {
        const { given, holds, one, other, people, query } = yield* prepared
        const [headers] = yield* people("ada", 1)
        assert(headers !== undefined)
        for (const [round, mode] of [
          [1, "copy"],
          [2, "reference"]
        ] as const) {
          const server = yield* serve(given)
          yield* server.ready
          const loop = Effect.gen(function* () {
            const installed = yield* server.ask("/api/install", { headers, body: { slug: "personal-finance", mode } })
            if (installed.status !== 200) return
            const agent = `/api/agents/${installed.body.agentId}`
            const [type, watcher] = changed
            const other = mode === "copy" ? "reference" : "copy"
            yield* server.ask(`${agent}/rows/entity_types/${type}/customize`, { headers, body: { name: "Mine" } })
            const content = { prompt: "Mine" }
            yield* server.ask(`${agent}/rows/watchers/${watcher}/customize`, {
              headers,
              body: { name: "Mine", content }
            })
            yield* server.ask(`${agent}/mode`, { headers, body: { mode: other } })
            const revert = [
              { kind: "entity_types", slug: type },
              { kind: "watchers", slug: watcher }
            ]
            const resynced = yield* server.ask(`${agent}/resync`, { headers, body: { revert } })
            if (resynced.status !== 200) yield* server.ask(`${agent}/resync`, { headers, body: {} })
            yield* server.ask(agent, { headers, method: "DELETE" })
          }).pipe(Effect.catchAllDefect(() => Effect.void))
          const publisher = yield* Effect.fork(
            execute(["template", "publish", "--yes", round % 2 === 0 ? one : other], given)
          )
          const acting = yield* Effect.fork(Effect.replicateEffect(loop, 200))
          // All that it does it has done once, and is at it again.
          yield* Effect.repeat(query("SELECT FROM mirror_history WHERE action = 'uninstall'"), {
            until: (rows) => rows.length >= round,
            schedule: Schedule.spaced("50 millis")
          })
          yield* Effect.sleep(300 + round * 211)
          server.child.kill("SIGKILL")
          yield* server.exited
          yield* acting.await
          yield* Fiber.interrupt(publisher)
          // What the killed process had open is rolled back once the database notices.
          yield* query("SELECT 1").pipe(
            Effect.zipRight(
              query("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
            ),
            Effect.repeat({ until: (rows) => rows.length === 0 })
          )
          yield* holds
        }
      }),
    300_000
  )
})
