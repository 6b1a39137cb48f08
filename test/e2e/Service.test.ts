import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import pg from "pg"
import { ownDatabase } from "../pg.ts"
import { embeddedUrl, forged, ownFolder, postmasterPid, run, secret, serve, severable, signedIn } from "./processes.ts"

const bundled = fileURLToPath(new URL("../../templates/personal-finance", import.meta.url))
const minutes = { timeout: 120_000 }

const connected = (connectionString: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const client = new pg.Client({ connectionString })
      client.on("error", () => {})
      await client.connect()
      return client
    }),
    (client) => Effect.promise(() => client.end().catch(() => {}))
  )

const query = (client: pg.Client, text: string) =>
  Effect.map(
    Effect.promise(() => client.query(text)),
    ({ rows }) => rows
  )

describe("the service", () => {
  it.scopedLive(
    "serves from nothing, keeps what there was over a restart, and stops cleanly",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* ownFolder
        const first = yield* serve({ DATA_DIR: dataDir })
        yield* first.ready
        const up = yield* first.ask("/api/auth/sign-up/email", {
          body: { name: "Ada Lovelace", email: "ada@example.org", password: "a long password" }
        })
        const headers = { authorization: `Bearer ${up.headers["set-auth-token"]}` }
        const installed = yield* first.ask("/api/install", { headers, body: { slug: "personal-finance" } })
        assert.strictEqual(installed.status, 200, installed.text)
        assert.isTrue(installed.body.created)
        assert.isAtLeast(installed.body.mirrored.entity_types, 18)

        first.child.kill("SIGTERM")
        assert.strictEqual(yield* first.exited, 0)
        const second = yield* serve({ DATA_DIR: dataDir })
        yield* second.ready
        const again = yield* second.ask("/api/install", { headers, body: { slug: "personal-finance" } })
        assert.deepStrictEqual(again.body, { ...installed.body, created: false })

        const client = yield* connected(embeddedUrl(dataDir))
        const [late] = yield* query(
          client,
          `SELECT count(*)::integer AS watchers, count(*) FILTER (WHERE next_run_at > now())::integer AS due
           FROM watchers WHERE agent_id = '${installed.body.agentId}'`
        )
        assert.deepStrictEqual(late, { watchers: 2, due: 2 })
      }),
    minutes
  )

  it.scopedLive(
    "knows the gateway by a token it keeps, or is given; and puts no code, phone or token into its log",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* ownFolder
        const service = yield* serve({ DATA_DIR: dataDir })
        yield* service.ready
        const kept = (yield* Effect.promise(() => readFile(join(dataDir, "gateway-token"), "utf8"))).trim()
        assert.isAtLeast(kept.length, 32)
        const up = yield* service.ask("/api/auth/sign-up/email", {
          body: { name: "Ada Lovelace", email: "ada@example.org", password: "a long password" }
        })
        const headers = { authorization: `Bearer ${up.headers["set-auth-token"]}` }
        const gateway = { authorization: `Bearer ${kept}` }
        yield* service.ask("/api/identities/phone", { headers, body: { phone: "+447911123456" } })
        const made = yield* service.ask("/api/install/token", { headers, body: { slug: "personal-finance" } })
        const sender = { platform: "whatsapp", platformUserId: "447911123456@s.whatsapp.net" }
        const claimed = yield* service.ask("/api/install/claim", {
          headers: gateway,
          body: { ...sender, message: made.body.token }
        })
        const answered = yield* service.ask(`/api/identities/pending/${claimed.body.pendingId}/answer`, {
          headers: gateway,
          body: { ...sender, yes: true }
        })
        assert.strictEqual(answered.body.status, "verified", answered.text)
        const identities = [{ namespace: "phone", identifier: "+447911123456" }]
        const found = yield* service.ask("/api/identities/lookup", { headers: gateway, body: { identities } })
        assert.strictEqual(found.body.identities[0].agents.length, 1)
        for (const secretText of [kept, made.body.token, "447911123456"]) assert.notInclude(service.log(), secretText)

        const given = { DATABASE_URL: Redacted.value(yield* ownDatabase()), AUTH_SECRET: secret }
        const lookUp = (ask: typeof service.ask, token: string) =>
          ask("/api/identities/lookup", { headers: { authorization: `Bearer ${token}` }, body: { identities } })
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { ask, ready } = yield* serve(given)
            yield* ready
            assert.strictEqual((yield* lookUp(ask, kept)).status, 401)
            assert.strictEqual((yield* lookUp(ask, "")).status, 401)
          })
        )
        const token = secret.replaceAll(" ", "-")
        const { ask, ready } = yield* serve({ ...given, GATEWAY_TOKEN: token, ROUTE_ON_CLAIM: "true" })
        yield* ready
        assert.strictEqual((yield* lookUp(ask, kept)).status, 401)
        const eve = yield* ask("/api/auth/sign-up/email", {
          body: { name: "Eve", email: "eve@example.org", password: "a long password" }
        })
        yield* ask("/api/identities/phone", {
          headers: { authorization: `Bearer ${eve.headers["set-auth-token"]}` },
          body: { phone: "07911 123456" }
        })
        const [claimant] = (yield* lookUp(ask, token)).body.identities
        assert.deepStrictEqual([claimant.verified, claimant.person.name], [false, "Eve"])
      }),
    minutes
  )

  it.scopedLive(
    "keeps better-auth's routes from pages of other sites",
    () =>
      Effect.gen(function* () {
        const url = yield* ownDatabase()
        const { ask, origin, ready } = yield* serve({ DATABASE_URL: Redacted.value(url), AUTH_SECRET: secret })
        yield* ready
        const up = yield* ask("/api/auth/sign-up/email", {
          body: { name: "Ada", email: "ada@example.org", password: "a long password" }
        })
        const cookie = String(up.headers["set-cookie"]).split(";")[0] ?? ""
        const signOut = (from: string) =>
          ask("/api/auth/sign-out", { method: "POST", headers: { cookie, origin: from } })
        assert.strictEqual((yield* signOut("https://evil.example")).status, 403)
        const own = origin.replace("127.0.0.1", "localhost")
        assert.strictEqual((yield* signOut(own)).status, 200)
      }),
    minutes
  )

  it.scopedLive(
    "comes up four times at once on an empty database, and limits a person across all four",
    () =>
      Effect.gen(function* () {
        const url = yield* ownDatabase("template0")
        const given = { DATABASE_URL: Redacted.value(url), AUTH_SECRET: secret }
        const servers = yield* Effect.all(
          Array.from({ length: 4 }, () => serve(given)),
          { concurrency: "unbounded" }
        )
        yield* Effect.forEach(servers, ({ ready }) => ready, { concurrency: "unbounded" })
        const client = yield* connected(Redacted.value(url))
        yield* query(
          client,
          `INSERT INTO "user" (id, name, email, "emailVerified") VALUES ('u', 'U', 'u@example.org', false)`
        )
        const authorization = yield* signedIn(client, "u")
        const answers = yield* Effect.forEach(
          Array.from({ length: 40 }, (_, at) => servers[at % 4]),
          (server) =>
            server?.ask("/api/install", { headers: { authorization }, body: {} }) ?? Effect.dieMessage("none"),
          { concurrency: 16 }
        )
        assert.strictEqual(answers.filter(({ status }) => status === 400).length, 20)
        assert.strictEqual(answers.filter(({ status }) => status === 429).length, 20)
      }),
    minutes
  )

  it.scopedLive(
    "leaves nothing half-done when it and its database are killed during installs, and serves again",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* ownFolder
        const given = { DATA_DIR: dataDir, AUTH_SECRET: secret }
        const first = yield* serve(given)
        yield* first.ready
        const client = yield* connected(embeddedUrl(dataDir))
        yield* query(
          client,
          `WITH people AS (
             INSERT INTO "user" (id, name, email, "emailVerified")
             SELECT 'user-' || n, 'Person ' || n, n || '@example.org', false FROM generate_series(1, 200) n RETURNING id
           ), organizations AS (
             INSERT INTO organization (name, slug, metadata)
             SELECT id, id, jsonb_build_object('personal_org_for_user_id', id) FROM people RETURNING id, slug
           )
           INSERT INTO member (organization_id, user_id, role) SELECT id, slug, 'owner' FROM organizations`
        )
        const tokens = yield* Effect.forEach(
          Array.from({ length: 200 }, (_, at) => at + 1),
          (n) => signedIn(client, `user-${n}`)
        )
        let landed = 0
        const install = (authorization: string, ask: typeof first.ask) =>
          ask("/api/install", { headers: { authorization }, body: { slug: "personal-finance" } })
        const storm = Effect.forEach(
          tokens,
          (token) =>
            install(token, first.ask).pipe(
              Effect.tap(({ status }) => {
                if (status === 200) landed += 1
              }),
              Effect.catchAllDefect(() => Effect.void)
            ),
          { concurrency: 200, discard: true }
        )
        const pid = yield* postmasterPid(dataDir)
        const killed = Effect.gen(function* () {
          while (landed < 20) yield* Effect.sleep("1 millis")
          process.kill(first.child.pid ?? 0, "SIGKILL")
          process.kill(pid, "SIGKILL")
        })
        yield* Effect.all([storm, killed], { concurrency: "unbounded" })
        assert.isBelow(landed, 200)

        const second = yield* serve(given)
        yield* second.ready
        const later = yield* connected(embeddedUrl(dataDir))
        const outcome = `
          SELECT count(*)::integer AS agents, count(*) FILTER (WHERE mine.rows = wanted.rows)::integer AS whole,
            (SELECT count(*) FROM mirror_ledger l WHERE NOT EXISTS (
              SELECT FROM agents i WHERE i.organization_id = l.organization_id AND i.template_agent_id = l.template_agent_id
            ))::integer AS orphans
          FROM agents a
          CROSS JOIN LATERAL (SELECT count(*) AS rows FROM template_revision_rows) wanted
          CROSS JOIN LATERAL (
            SELECT (SELECT count(*) FROM entity_types WHERE organization_id = a.organization_id AND slug NOT LIKE '$%')
              + (SELECT count(*) FROM entity_relationship_types WHERE organization_id = a.organization_id)
              + (SELECT count(*) FROM watchers w JOIN watcher_versions v ON v.id = w.current_version_id WHERE agent_id = a.id)
              + (SELECT count(*) FROM event_classifiers c JOIN event_classifier_versions v ON v.classifier_id = c.id AND v.is_current
                 WHERE organization_id = a.organization_id) AS rows
          ) mine
          WHERE a.template_agent_id IS NOT NULL`
        const [crashed] = yield* query(later, outcome)
        assert.isAtLeast(crashed.agents, landed)
        assert.deepStrictEqual(crashed, { agents: crashed.agents, whole: crashed.agents, orphans: 0 })
        const answers = yield* Effect.forEach(tokens, (token) => install(token, second.ask), { concurrency: 20 })
        assert.deepStrictEqual([...new Set(answers.map(({ status }) => status))], [200])
        const [mended] = yield* query(later, outcome)
        assert.deepStrictEqual(mended, { agents: 200, whole: 200, orphans: 0 })
      }),
    minutes
  )

  it.scopedLive(
    "answers 503 while its database is away, and serves again once it is back",
    () =>
      Effect.gen(function* () {
        const line = yield* severable(yield* ownDatabase())
        const { ask, ready } = yield* serve({ DATABASE_URL: line.url, AUTH_SECRET: secret })
        yield* ready
        // Twice in the middle of much: connections break that the libraries are using, and the service outlives it.
        for (const _ of [1, 2]) {
          const storm = yield* Effect.fork(
            Effect.forEach(
              Array.from({ length: 120 }, (_, at) => at),
              (at) =>
                at % 3 === 0
                  ? ask("/api/auth/sign-in/email", { body: { email: "ada@example.org", password: "a long password" } })
                  : at % 3 === 1
                    ? ask("/api/install", { headers: { authorization: forged() }, body: {} })
                    : ask("/api/install/manifest/personal-finance"),
              { concurrency: 60 }
            )
          )
          yield* Effect.sleep("150 millis")
          yield* line.cut
          const answers = yield* Fiber.join(storm)
          for (const { status } of answers) assert.include([200, 401, 404, 503], status)
          yield* line.mend
          yield* ready
        }
        yield* line.cut
        const requests: ReadonlyArray<Parameters<typeof ask>> = [
          ["/api/install/manifest/personal-finance"],
          ["/health/ready"],
          ["/api/install", { headers: { authorization: "Bearer a.b" }, body: {} }],
          ["/api/install", { headers: { authorization: forged() }, body: {} }],
          ["/api/auth/sign-in/email", { body: { email: "ada@example.org", password: "a long password" } }],
          ["/api/auth/get-session", { headers: { authorization: forged() } }]
        ]
        const statuses: Array<number> = []
        for (const request of requests) {
          const answer = yield* ask(...request)
          statuses.push(answer.status)
          if (answer.status === 503) {
            assert.deepStrictEqual([answer.body.error, answer.headers["retry-after"]], ["unavailable", "2"])
          }
        }
        assert.deepStrictEqual(statuses, [503, 503, 401, 503, 503, 503])
        assert.strictEqual((yield* ask("/health/live")).status, 200)
        yield* line.mend
        yield* ready
        assert.strictEqual((yield* ask("/api/install/manifest/personal-finance")).status, 404)
        const known = yield* ask("/api/install", { headers: { authorization: forged() }, body: {} })
        assert.strictEqual(known.status, 401)
      }),
    minutes
  )
})

describe("the command line", () => {
  it.scopedLive(
    "publishes a folder, says so, and says where nothing changed",
    () =>
      Effect.gen(function* () {
        const url = yield* ownDatabase()
        const given = { DATABASE_URL: Redacted.value(url), AUTH_SECRET: secret }
        const first = yield* run(["template", "publish", bundled], given)
        assert.deepStrictEqual([first.code, first.err], [0, ""])
        assert.match(
          first.out,
          /^Published personal-finance, revision 1: 89 definitions \(template agent agent_\w+\)\.$/m
        )
        const again = yield* run(["template", "publish", bundled], given)
        assert.match(again.out, /^Nothing changed: personal-finance stays at revision 1/m)
      }),
    minutes
  )

  it.scopedLive(
    "tells what is wrong with a folder, and publishes none of it",
    () =>
      Effect.gen(function* () {
        const folder = yield* ownFolder
        yield* Effect.promise(async () => {
          await mkdir(join(folder, "models"))
          await writeFile(join(folder, "template.yaml"), "version: 1\nslug: broken\nname: Broken\n")
          await writeFile(join(folder, "models", "a.yaml"), "version: 1\ntype: entity\nslug: a\n")
        })
        const { code, err } = yield* run(["template", "publish", folder], { DATA_DIR: join(folder, "never-made") })
        assert.strictEqual(code, 1)
        assert.strictEqual(err, `${folder}/models/a.yaml:1:1: name: is missing\n`)
      }),
    minutes
  )

  it.scopedLive("stops with one line where a variable is wrong, or what it names can't be had", () =>
    Effect.gen(function* () {
      const wrong: ReadonlyArray<readonly [given: Record<string, string>, line: RegExp]> = [
        [{ PORT: "http" }, /^PORT must be a whole number from 1 to 65535\n$/],
        [{ DATABASE_URL: "postgres://127.0.0.1:1/x" }, /^AUTH_SECRET must be set together with DATABASE_URL.*\n$/],
        [
          { DATABASE_URL: "postgres://127.0.0.1:1/x", AUTH_SECRET: secret },
          /^The database of DATABASE_URL can't be reached: connect ECONNREFUSED 127.0.0.1:1\n$/
        ],
        [{ DATA_DIR: "/dev/null/state" }, /^Embedded Postgres cannot run: .*Set DATABASE_URL.*\n$/]
      ]
      for (const [given, line] of wrong) {
        const { code, err, out } = yield* run(["serve"], given)
        assert.deepStrictEqual([code, out], [1, ""])
        assert.match(err, line)
      }
    })
  )

  it.scopedLive("explains itself", () =>
    Effect.gen(function* () {
      const { code, out } = yield* run(["--help"])
      assert.strictEqual(code, 0)
      for (const word of ["serve", "template publish"]) assert.include(out, word)
    })
  )
})
