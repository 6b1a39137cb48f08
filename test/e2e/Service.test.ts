import { readdirSync } from "node:fs"
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Redacted, Schedule } from "effect"
import pg from "pg"
import { migrations } from "../../migrations/index.ts"
import { ownFolder } from "../machine.ts"
import { ownDatabase } from "../pg.ts"
import {
  bundled,
  embeddedUrl,
  execute,
  forgedToken,
  postmasterPid,
  proxyTo,
  run,
  secret,
  serve,
  signedIn
} from "./processes.ts"

const minutes = { timeout: 300_000 }

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
    "keeps better-auth's routes from pages of other sites, counts by network, and says that it stops",
    () =>
      Effect.gen(function* () {
        const url = yield* ownDatabase()
        const { ask, child, exited, log, origin, ready } = yield* serve({
          DATABASE_URL: Redacted.value(url),
          AUTH_SECRET: secret,
          TRUSTED_PROXIES: "127.0.0.1"
        })
        yield* ready
        const left = (address: string) =>
          Effect.map(
            ask("/api/auth/sign-in/email", { body: {}, headers: { "x-forwarded-for": address } }),
            ({ headers }) => Number(/r=(\d+)/.exec(String(headers.ratelimit))?.[1])
          )
        const first = yield* left("2001:db8:1:2::1")
        assert.strictEqual(yield* left("2001:db8:1:2:ffff::2"), first - 1)
        assert.strictEqual(yield* left("2001:db8:1:3::1"), first)
        const up = yield* ask("/api/auth/sign-up/email", {
          body: { name: "Ada", email: "ada@example.org", password: "a long password" }
        })
        const cookie = String(up.headers["set-cookie"]).split(";")[0] ?? ""
        const signOut = (from: string) =>
          ask("/api/auth/sign-out", { method: "POST", headers: { cookie, origin: from } })
        assert.strictEqual((yield* signOut("https://evil.example")).status, 403)
        const own = origin.replace("127.0.0.1", "localhost")
        assert.strictEqual((yield* signOut(own)).status, 200)
        child.kill("SIGTERM")
        assert.strictEqual(yield* exited, 0)
        assert.match(log(), /Stopping.*Stopped/s)
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
        const line = yield* proxyTo(yield* ownDatabase())
        const { ask, log, ready } = yield* serve({ DATABASE_URL: line.url, AUTH_SECRET: secret })
        yield* ready
        // Twice in the middle of much: connections break that the libraries are using, and the service outlives it.
        for (const _ of [1, 2]) {
          const storm = yield* Effect.fork(
            Effect.forEach(
              Array.from({ length: 120 }, (_, at) => at),
              (at) =>
                at % 3 === 0
                  ? ask("/api/auth/sign-in/email", {
                      body: { email: `ada-${at}@example.org`, password: "a long password" }
                    })
                  : at % 3 === 1
                    ? ask("/api/install", { headers: { authorization: forgedToken() }, body: {} })
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
          ["/api/install", { headers: { authorization: forgedToken() }, body: {} }],
          ["/api/auth/sign-in/email", { body: { email: "ada@example.org", password: "a long password" } }],
          ["/api/auth/get-session", { headers: { authorization: forgedToken() } }],
          ["/api/auth/sign-out", { method: "POST", headers: { authorization: forgedToken() } }]
        ]
        const statuses: Array<number> = []
        for (const request of requests) {
          const answer = yield* ask(...request)
          statuses.push(answer.status)
          if (answer.status === 503) {
            assert.deepStrictEqual([answer.body.error, answer.headers["retry-after"]], ["unavailable", "2"])
          }
        }
        assert.deepStrictEqual(statuses, [503, 503, 401, 503, 503, 503, 503])
        assert.strictEqual((yield* ask("/health/live")).status, 200)
        yield* line.mend
        yield* ready
        assert.strictEqual((yield* ask("/api/install/manifest/personal-finance")).status, 404)
        const known = yield* ask("/api/install", { headers: { authorization: forgedToken() }, body: {} })
        assert.strictEqual(known.status, 401)
        assert.notInclude(log(), '"logLevel":"ERROR"')
      }),
    minutes
  )
})

// From here to the workers each waits rather than works, so they wait at once.
describe.concurrent("an idle connection", () => {
  it.scopedLive(
    "serves its next request after six seconds, longer where that is said, and keeps no stop waiting",
    () =>
      Effect.gen(function* () {
        const url = Redacted.value(yield* ownDatabase())
        /** Asks, and once that is answered and the pause over asks again over the same connection; how often it is answered. */
        const twice = (origin: string, pause: Duration.DurationInput) =>
          Effect.gen(function* () {
            const socket = yield* Effect.acquireRelease(
              Effect.sync(() => connect(Number(new URL(origin).port), "127.0.0.1")),
              (open) => Effect.sync(() => open.destroy())
            )
            let heard = ""
            socket.on("error", () => {})
            socket.on("data", (chunk) => {
              heard += chunk
            })
            const answers = () => heard.split("HTTP/1.1 200 OK").length - 1
            for (const nth of [1, 2]) {
              if (nth === 2) yield* Effect.sleep(pause)
              socket.write("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
              while (answers() < nth && !socket.closed) yield* Effect.sleep("20 millis")
            }
            return [answers(), /Keep-Alive: (.*)\r/.exec(heard)?.[1]]
          })
        const given = { DATABASE_URL: url, AUTH_SECRET: secret, LOG_LEVEL: "error" }
        const { child, exited, ready, origin } = yield* serve(given)
        const brief = yield* serve({ ...given, KEEP_ALIVE_SECONDS: "2" })
        yield* Effect.all([ready, brief.ready], { concurrency: "unbounded" })
        assert.deepStrictEqual(
          yield* Effect.all([twice(origin, "6 seconds"), twice(brief.origin, "4 seconds")], {
            concurrency: "unbounded"
          }),
          [
            [2, "timeout=75"],
            [1, "timeout=2"]
          ]
        )
        const [taken, code] = yield* Effect.timed(
          Effect.zipRight(
            Effect.sync(() => child.kill("SIGTERM")),
            exited
          )
        )
        assert.strictEqual(code, 0)
        assert.isBelow(Duration.toSeconds(taken), 9)
      }),
    minutes
  )
})

describe.concurrent("stopping", () => {
  it.scopedLive(
    "ends within ten seconds of SIGTERM, whoever is connected and silent",
    () =>
      Effect.gen(function* () {
        const url = yield* ownDatabase()
        const { child, exited, log, ready, origin } = yield* serve({
          DATABASE_URL: Redacted.value(url),
          AUTH_SECRET: secret,
          LOG_LEVEL: "error"
        })
        yield* ready
        const silent = (said: string) =>
          Effect.acquireRelease(
            Effect.async<Socket>((resume) => {
              const socket = connect(Number(new URL(origin).port), "127.0.0.1", () => {
                socket.write(said)
                resume(Effect.succeed(socket))
              })
              socket.on("error", () => {})
            }),
            (socket) => Effect.sync(() => socket.destroy())
          )
        yield* silent("")
        yield* silent("GET /health/live HTTP/1.1\r\nHost:")
        yield* silent("POST /api/auth/sign-up/email HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        yield* Effect.sleep("200 millis")
        const [taken, code] = yield* Effect.timed(
          Effect.zipRight(
            Effect.sync(() => child.kill("SIGTERM")),
            exited
          )
        )
        assert.strictEqual(code, 0)
        assert.isBelow(Duration.toSeconds(taken), 16)
        assert.strictEqual(log(), "")
      }),
    minutes
  )
})

describe.concurrent("stopping while requests run", () => {
  /** A service with a sign-in that waits for the database, which another connection keeps from it. */
  const waiting = Effect.gen(function* () {
    const url = Redacted.value(yield* ownDatabase())
    const service = yield* serve({ DATABASE_URL: url, AUTH_SECRET: secret })
    yield* service.ready
    const client = yield* connected(url)
    yield* query(client, `BEGIN; LOCK TABLE "user" IN ACCESS EXCLUSIVE MODE`)
    const asked = yield* Effect.fork(
      Effect.exit(
        service.ask("/api/auth/sign-in/email", { body: { email: "ada@example.org", password: "a long password" } })
      )
    )
    yield* query(
      client,
      "SELECT count(*)::integer AS waits FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    ).pipe(Effect.repeat({ until: ([row]) => row.waits > 0, schedule: Schedule.spaced("20 millis") }))
    service.child.kill("SIGTERM")
    while (!service.log().includes("Stopping")) yield* Effect.sleep("10 millis")
    return { ...service, client, asked }
  })

  it.scopedLive(
    "lets a running request end, takes no other, then closes the pool and ends with 0",
    () =>
      Effect.gen(function* () {
        const { ask, asked, client, exited } = yield* waiting
        // It says that it stops a moment before its port is closed.
        yield* Effect.repeat(Effect.exit(ask("/health/live")), {
          until: Exit.isFailure,
          schedule: Schedule.spaced("20 millis")
        })
        yield* query(client, "COMMIT")
        const answer = yield* Effect.flatten(Fiber.join(asked))
        assert.strictEqual(answer.status, 401)
        assert.strictEqual(yield* exited, 0)
        assert.deepStrictEqual(
          yield* query(
            client,
            `SELECT count(*)::integer AS left FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'agent-install'`
          ),
          [{ left: 0 }]
        )
      }),
    minutes
  )

  it.scopedLive(
    "cuts off a request that does not end, and what it waits for",
    () =>
      Effect.gen(function* () {
        const { asked, client, exited } = yield* waiting
        const [taken, code] = yield* Effect.timed(exited)
        assert.strictEqual(code, 0)
        assert.isAbove(Duration.toSeconds(taken), 9)
        assert.isBelow(Duration.toSeconds(taken), 16)
        assert.strictEqual((yield* Effect.flatten(Effect.exit(Fiber.join(asked))))._tag, "Failure")
        yield* query(client, "COMMIT")
      }),
    minutes
  )

  it.scopedLive(
    "ends at once at a second signal",
    () =>
      Effect.gen(function* () {
        const { child, exited } = yield* waiting
        const [taken, code] = yield* Effect.timed(
          Effect.zipRight(
            Effect.sync(() => child.kill("SIGTERM")),
            exited
          )
        )
        assert.strictEqual(code, "SIGTERM")
        assert.isBelow(Duration.toSeconds(taken), 9)
      }),
    minutes
  )
})

describe("several workers", () => {
  it.scopedLive(
    "share a port and the budgets, are replaced when they die, and stop with the first process and its database",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* ownFolder
        const { ask, child, exited, log, ready } = yield* serve({
          DATA_DIR: dataDir,
          AUTH_SECRET: secret,
          WORKERS: "4"
        })
        yield* ready
        const pids = () => [...log().matchAll(/"A worker starts".*?"pid":(\d+)/g)].map(([, pid]) => Number(pid))
        const listening = () => log().split("Listening on").length - 1
        while (listening() < 4) yield* Effect.sleep("50 millis")
        assert.strictEqual(new Set(pids()).size, 4)

        const client = yield* connected(embeddedUrl(dataDir))
        yield* query(
          client,
          `INSERT INTO "user" (id, name, email, "emailVerified") VALUES ('u', 'U', 'u@example.org', false)`
        )
        const authorization = yield* signedIn(client, "u")
        const tries = yield* Effect.forEach(
          Array.from({ length: 40 }),
          () => ask("/api/install", { headers: { authorization }, body: {} }),
          { concurrency: 16 }
        )
        assert.strictEqual(tries.filter(({ status }) => status === 400).length, 20)
        assert.strictEqual(tries.filter(({ status }) => status === 429).length, 20)

        const up = yield* Effect.forEach(
          Array.from({ length: 16 }, (_, at) => at),
          (at) =>
            ask("/api/auth/sign-up/email", {
              body: { name: "One Name", email: `many-${at}@example.org`, password: "a long password" }
            }),
          { concurrency: 16 }
        )
        assert.deepStrictEqual([...new Set(up.map(({ status }) => status))], [200])
        const [mine] = up
        const installs = yield* Effect.forEach(
          Array.from({ length: 12 }),
          () =>
            ask("/api/install", {
              headers: { authorization: `Bearer ${mine?.headers["set-auth-token"]}` },
              body: { slug: "personal-finance" }
            }),
          { concurrency: 12 }
        )
        assert.deepStrictEqual([...new Set(installs.map(({ status }) => status))], [200])
        assert.strictEqual(new Set(installs.map(({ body }) => body.agentId)).size, 1)
        assert.strictEqual(installs.filter(({ body }) => body.created).length, 1)

        const [one = 0] = pids()
        process.kill(one, "SIGKILL")
        while (pids().length < 5 || listening() < 5) yield* Effect.sleep("50 millis")
        for (let at = 0; at < 8; at++) assert.strictEqual((yield* ask("/health/ready")).status, 200)

        const postgres = yield* postmasterPid(dataDir)
        child.kill("SIGTERM")
        assert.strictEqual(yield* exited, 0)
        for (const pid of [...pids(), postgres]) assert.throws(() => process.kill(pid, 0), /ESRCH/, String(pid))
      }),
    minutes
  )

  it.scopedLive(
    "say why they can't start, and the whole ends with 1",
    () =>
      Effect.gen(function* () {
        const url = Redacted.value(yield* ownDatabase())
        const { child, exited, origin, ready } = yield* serve({ DATABASE_URL: url, AUTH_SECRET: secret })
        yield* ready
        const { code, err } = yield* execute(["serve"], {
          DATABASE_URL: url,
          AUTH_SECRET: secret,
          WORKERS: "2",
          PORT: new URL(origin).port
        })
        assert.strictEqual(code, 1)
        assert.match(err, /^Can't listen: .*EADDRINUSE/)
        child.kill("SIGTERM")
        yield* exited
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
        const tried = yield* run(["template", "diff", bundled], given)
        assert.deepStrictEqual([tried.code, tried.err], [0, ""])
        assert.match(tried.out, /^Publishing personal-finance would make revision 1:$/m)
        assert.match(tried.out, /^added +\| watcher +\| weekly-deadline-radar/m)
        assert.match(tried.out, /^Nobody has it installed\.$/m)
        const first = yield* run(["template", "publish", bundled], given)
        assert.deepStrictEqual([first.code, first.err], [0, ""])
        assert.match(
          first.out,
          /^Published personal-finance, revision 1: 89 definitions \(template agent agent_\w+\)\.$/m
        )
        const again = yield* run(["template", "publish", bundled], given)
        assert.match(again.out, /^Nothing changed: personal-finance stays at revision 1/m)
        const same = JSON.parse((yield* run(["template", "diff", bundled, "--json"], given)).out)
        assert.deepInclude(same, { slug: "personal-finance", changed: false, revision: 1, changes: [] })
      }),
    minutes
  )

  it.scopedLive(
    "publishes the folders it is told at the start, once a process group, where they are new or changed",
    () =>
      Effect.gen(function* () {
        const given = { DATABASE_URL: Redacted.value(yield* ownDatabase()), AUTH_SECRET: secret }
        const own = join(yield* ownFolder, "own")
        yield* Effect.promise(() => cp(bundled, own, { recursive: true }))
        const rename = (slug: string, name: string) =>
          Effect.promise(async () => {
            const file = join(own, "template.yaml")
            const text = await readFile(file, "utf8")
            await writeFile(file, text.replace(/^slug:.*$/m, `slug: ${slug}`).replace(/^name:.*$/m, `name: ${name}`))
          })
        yield* rename("own-finance", "Own Finance")
        /** What one start says of what it publishes, and what an install by a new person answers. */
        const started = (variables: Record<string, string>, person: string, slug: string) =>
          Effect.scoped(
            Effect.gen(function* () {
              const { ask, child, exited, log, ready } = yield* serve({ ...given, ...variables })
              yield* ready
              const up = yield* ask("/api/auth/sign-up/email", {
                body: { name: person, email: `${person}@example.org`, password: "a long password" }
              })
              const headers = { authorization: `Bearer ${up.headers["set-auth-token"]}` }
              const installed = yield* ask("/api/install", { headers, body: { slug } })
              child.kill("SIGTERM")
              yield* exited
              const said = [...log().matchAll(/"message":"([^"]*(?:ublished)[^"]*)"/g)].map(([, message]) => message)
              return { said, status: installed.status, revision: installed.body.revision }
            })
          )
        assert.deepStrictEqual(yield* started({}, "a", "personal-finance"), {
          said: [
            "No template is published, so there is nothing to install: set PUBLISH to a template's folder (templates/personal-finance is one), or run agent-install template publish DIR"
          ],
          status: 404,
          revision: undefined
        })
        const both = { PUBLISH: `${bundled}, ${own}`, WORKERS: "2" }
        assert.deepStrictEqual(yield* started(both, "b", "personal-finance"), {
          said: ["Published personal-finance, revision 1", "Published own-finance, revision 1"],
          status: 200,
          revision: 1
        })
        yield* rename("own-finance", "Own Finance, Renamed")
        assert.deepStrictEqual(yield* started(both, "c", "own-finance"), {
          said: ["personal-finance is published already, as revision 1", "Published own-finance, revision 2"],
          status: 200,
          revision: 2
        })
        assert.deepStrictEqual((yield* started({}, "d", "own-finance")).said, [])

        const wrong: ReadonlyArray<readonly [folders: string, line: string]> = [
          ["/no/where", "PUBLISH must name folders of templates: /no/where is none\n"],
          [`${own},${own}/`, `PUBLISH names the template own-finance twice: ${own} and ${own}\n`]
        ]
        for (const [PUBLISH, line] of wrong) {
          const { code, err, out } = yield* run(["serve"], { ...given, PUBLISH })
          assert.deepStrictEqual([code, err, out], [1, line, ""])
          const doctor = yield* run(["doctor", "--json"], { ...given, PUBLISH })
          assert.deepInclude(
            JSON.parse(doctor.out).findings.find(({ check }: { readonly check: string }) => check === "PUBLISH"),
            { ok: false, found: line.trimEnd() }
          )
        }
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
        const { code, err } = yield* execute(["template", "publish", folder], { DATA_DIR: join(folder, "never-made") })
        assert.strictEqual(code, 1)
        assert.strictEqual(err, `${folder}/models/a.yaml:1:1: name: is missing\n`)
      }),
    minutes
  )

  it.scopedLive(
    "publishes what takes much away only where that is agreed to",
    () =>
      Effect.gen(function* () {
        const url = yield* ownDatabase()
        const given = { DATABASE_URL: Redacted.value(url), AUTH_SECRET: secret }
        const folder = yield* ownFolder
        yield* Effect.promise(async () => {
          await mkdir(join(folder, "models"))
          await writeFile(join(folder, "template.yml"), "version: 1\nslug: walk\nname: Walk\n")
          for (const slug of ["works_at", "works-at"]) {
            const text = `version: 1\ntype: relationship\nslug: ${slug}\nname: Works at\n`
            await writeFile(join(folder, "models", `${slug}.yml`), text)
          }
        })
        assert.strictEqual((yield* run(["template", "publish", folder], given)).code, 0)
        yield* Effect.promise(() =>
          rm(join(folder, "models"), { recursive: true }).then(() => mkdir(join(folder, "models")))
        )
        const refused = yield* run(["template", "publish", folder], given)
        assert.deepStrictEqual(
          [refused.code, refused.err],
          [1, "Nothing was published. It withdraws 2 of 2 rows. See template diff, and say --yes to publish it.\n"]
        )
        const tried = yield* run(["template", "publish", "--dry-run", folder], given)
        assert.strictEqual(tried.out, (yield* run(["template", "diff", folder], given)).out)
        assert.match(tried.out, /^withdrawn +\| relationship +\| works_at/m)
        const done = yield* run(["template", "publish", "-y", folder], given)
        assert.match(done.out, /^Published walk, revision 2: 0 definitions/m)
      }),
    minutes
  )

  it.scopedLive(
    "stops with one line where a variable is wrong, or what it names can't be had",
    () =>
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
      }),
    minutes
  )

  it.scopedLive(
    "migrates, and lists what is published, for people and for programs",
    () =>
      Effect.gen(function* () {
        const url = yield* ownDatabase("template0")
        const given = { DATABASE_URL: Redacted.value(url), AUTH_SECRET: secret }
        const names = Object.keys(migrations)
        const first = yield* execute(["migrate", "--json"], given)
        assert.deepStrictEqual([first.code, JSON.parse(first.out)], [0, { applied: names, schema: names.at(-1) }])
        const again = yield* run(["migrate"], given)
        assert.deepStrictEqual([again.code, again.out], [0, `Nothing to do: the schema is at ${names.at(-1)}.\n`])
        assert.strictEqual((yield* run(["template", "list"], given)).out, "(none)\n")
        const published = yield* run(["template", "publish", bundled, "--json"], given)
        assert.deepInclude(JSON.parse(published.out), { slug: "personal-finance", revision: 1, changed: true })
        const listed = JSON.parse((yield* run(["template", "list", "--json"], given)).out)
        assert.deepInclude(listed[0], { slug: "personal-finance", visibility: "public", revision: 1, installs: 0 })
        assert.match(
          (yield* run(["template", "list"], given)).out,
          /^slug +\| name +\|[^\n]*\n-+[^\n]*\npersonal-finance \|/
        )
      }),
    minutes
  )

  it.scopedLive(
    "says what is wrong, and what to do about it, and changes nothing",
    () =>
      Effect.gen(function* () {
        const url = Redacted.value(yield* ownDatabase("template0"))
        const { ready, origin } = yield* serve({
          DATABASE_URL: Redacted.value(yield* ownDatabase()),
          AUTH_SECRET: secret
        })
        yield* ready
        const doctor = (given: Record<string, string>) =>
          Effect.map(run(["doctor", "--json"], { PORT: new URL(origin).port, ...given }), ({ code, out }) => ({
            code,
            findings: Object.fromEntries(
              JSON.parse(out).findings.map(({ check, found, ok }: Record<string, unknown>) => [check, [ok, found]])
            )
          }))
        const well = yield* doctor({ DATABASE_URL: url, AUTH_SECRET: secret })
        assert.strictEqual(well.code, 0, JSON.stringify(well.findings))
        assert.match(well.findings.migrations[1], /^\d+ to apply/)
        assert.match(well.findings.port[1], /^this service runs at/)
        assert.deepStrictEqual(well.findings.GATEWAY_TOKEN, [true, "unset: the chat gateway's routes answer 401"])
        const client = yield* connected(url)
        assert.deepStrictEqual(yield* query(client, "SELECT to_regclass('effect_sql_migrations') AS made"), [
          { made: null }
        ])
        yield* query(client, "CREATE TABLE effect_sql_migrations AS SELECT 999 AS migration_id")
        const later = yield* doctor({ DATABASE_URL: url, AUTH_SECRET: secret })
        assert.deepStrictEqual([later.code, later.findings.migrations[0]], [1, false])

        const folder = yield* ownFolder
        yield* Effect.promise(() => writeFile(join(folder, "auth-secret"), "x".repeat(40), { mode: 0o644 }))
        const ill = yield* doctor({ DATA_DIR: folder, PORT: new URL(url).port || "1", HOST: "0.0.0.0" })
        assert.deepStrictEqual([ill.code, ill.findings.AUTH_SECRET[0], ill.findings.BASE_URL[0]], [1, false, false])
        assert.deepStrictEqual(ill.findings.GATEWAY_TOKEN, [
          true,
          `made at the first start, in ${folder}/gateway-token`
        ])
        const poor = yield* doctor({ DATABASE_URL: url, AUTH_SECRET: secret, GATEWAY_TOKEN: "a".repeat(40) })
        assert.deepStrictEqual([poor.code, poor.findings.GATEWAY_TOKEN[0]], [1, false])
        const away = yield* doctor({ DATABASE_URL: "postgres://127.0.0.1:1/x", AUTH_SECRET: "a".repeat(40) })
        assert.deepStrictEqual([away.code, away.findings.database[0], away.findings.AUTH_SECRET[0]], [1, false, false])
        const { code, out } = yield* run(["doctor"], { PORT: "http" })
        assert.strictEqual(code, 1)
        assert.match(out, /WRONG \| configuration \| PORT must be a whole number/)
        assert.match(out, /^configuration: Set the variable as the line says/m)
      }),
    minutes
  )

  it.scopedLive(
    "shows what the service does, with one of its own or with one that runs, and leaves nothing of its own behind",
    () =>
      Effect.gen(function* () {
        const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith("agent-install-demo-"))
        const before = left()
        const own = yield* execute(["demo"], { DATABASE_URL: "postgres://127.0.0.1:1/x" })
        assert.strictEqual(own.code, 0, own.err)
        assert.match(own.out, /\n5\. The rows that stand now\n/)
        assert.match(own.out, /\nentity_types +\| unchanged \| +43\n/)
        assert.deepStrictEqual(left(), before)

        const given = { DATABASE_URL: Redacted.value(yield* ownDatabase()), AUTH_SECRET: secret }
        assert.strictEqual((yield* run(["template", "publish", bundled], given)).code, 0)
        const { origin, ready } = yield* serve(given)
        yield* ready
        const { code, out } = yield* run(["demo", "--json", "--url", origin])
        assert.strictEqual(code, 0)
        const { steps } = JSON.parse(out)
        assert.deepStrictEqual(
          [steps[2].result.created, steps[3].result.created, steps[4].result.length],
          [true, false, 89]
        )
        const seen = ({ milliseconds: _, ...rest }: Record<string, unknown>) => rest
        assert.deepStrictEqual(
          steps[5].result.map(seen),
          ["copy", "reference"].map((mode) => ({ mode, rows: 89, customized: 1, unchanged: 88 }))
        )
        const nobody = yield* run(["demo", "--url", "http://127.0.0.1:1"])
        assert.strictEqual(nobody.code, 1)
        assert.match(nobody.err, /^No service answers at http:\/\/127\.0\.0\.1:1: .*\n$/)
      }),
    minutes
  )

  it.scopedLive(
    "explains itself, and says by its exit code what went wrong",
    () =>
      Effect.gen(function* () {
        const { code, out } = yield* execute(["--help"])
        assert.strictEqual(code, 0)
        for (const word of [
          "serve",
          "migrate",
          "template publish",
          "template diff",
          "template list",
          "demo",
          "doctor",
          "Exit codes"
        ]) {
          assert.include(out, word)
        }
        assert.match((yield* run(["--completions", "bash"])).out, /complete -F _agent-install_bash_completions/)
        assert.strictEqual((yield* execute(["nonsense"])).code, 2)
        for (const args of [
          ["template", "publish"],
          ["template", "diff"],
          ["serve", "--nonsense"]
        ]) {
          assert.strictEqual((yield* run(args)).code, 2, args.join(" "))
        }
      }),
    minutes
  )
})
