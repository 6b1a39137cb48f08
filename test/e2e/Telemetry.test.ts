import { createServer } from "node:http"
import { setTimeout } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import pg from "pg"
import { openApi } from "../../src/http/Api.ts"
import type { Document } from "../../src/http/documents/Document.ts"
import { ownFolder } from "../machine.ts"
import { ownDatabase } from "../pg.ts"
import { bundled, embeddedUrl, forgedToken, postmasterPid, run, secret, serve } from "./processes.ts"

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}
interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly attributes: ReadonlyArray<Attribute>
}
interface LogRecord {
  readonly body: { readonly stringValue?: string }
  readonly traceId?: string
  readonly attributes: ReadonlyArray<Attribute>
}

interface Measured {
  readonly name: string
  readonly sum?: {
    readonly dataPoints: ReadonlyArray<{
      readonly asDouble?: number
      readonly asInt?: number | string
      readonly attributes: ReadonlyArray<Attribute>
    }>
  }
}

/** What an OTLP receiver gets, by signal; it answers once it has looked around. */
const receiver = Effect.fnUntraced(function* (look: (path: string) => Promise<void> = async () => {}) {
  const received: Array<{ readonly path: string; readonly text: string }> = []
  const server = createServer((request, response) => {
    let text = ""
    request.on("data", (chunk) => {
      text += chunk
    })
    request.on("end", () => {
      const path = request.url ?? ""
      received.push({ path, text })
      look(path).then(() => response.end("{}"))
    })
  })
  const port = yield* Effect.acquireRelease(
    Effect.async<number>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
    }),
    () => Effect.sync(() => server.closeAllConnections())
  )
  yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
  const of = (signal: string) =>
    received.filter(({ path }) => path === `/v1/${signal}`).map(({ text }) => JSON.parse(text))
  return {
    endpoint: `http://127.0.0.1:${port}/`,
    text: () => received.map(({ text }) => text).join("\n"),
    spans: (): ReadonlyArray<Span> =>
      of("traces").flatMap(({ resourceSpans }) => resourceSpans[0].scopeSpans[0].spans as ReadonlyArray<Span>),
    logs: (): ReadonlyArray<LogRecord> =>
      of("logs").flatMap(({ resourceLogs }) => resourceLogs[0].scopeLogs[0].logRecords as ReadonlyArray<LogRecord>),
    metrics: (): ReadonlyArray<Measured> =>
      of("metrics").flatMap(({ resourceMetrics }) => resourceMetrics[0].scopeMetrics[0].metrics)
  }
})

const minutes = { timeout: 300_000 }

const gatewayToken = "the-token-of-the-gateway-of-this-test"

const attribute = (attributes: ReadonlyArray<Attribute>, wanted: string) =>
  Object.values(attributes.find(({ key }) => key === wanted)?.value ?? {})[0]

describe("telemetry", () => {
  it.scopedLive(
    "sends traces down to SQL, metrics and logs by OTLP, and nothing secret or personal in any of them",
    () =>
      Effect.gen(function* () {
        const otlp = yield* receiver()
        const database = Redacted.value(yield* ownDatabase())
        const given = { DATABASE_URL: database, AUTH_SECRET: secret }
        assert.strictEqual((yield* run(["template", "publish", bundled], given)).code, 0)
        const service = yield* serve({
          ...given,
          OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint,
          LOG_LEVEL: "trace",
          GATEWAY_TOKEN: gatewayToken,
          AUTH_ATTEMPTS_PER_MINUTE: "6"
        })
        const { ask, child, exited, ready } = service
        yield* ready
        const { templateAgentId } = (yield* ask("/api/install/manifest/personal-finance")).body

        const email = "grep.me.not@mail.example.org"
        const password = "a long password to grep"
        const account = { name: "Grepme Notatall", email, password }
        const up = yield* ask("/api/auth/sign-up/email", { body: account })
        assert.strictEqual(up.status, 200)
        const token = String(up.headers["set-auth-token"])
        const cookie = String(up.headers["set-cookie"]).split(";")[0] ?? ""
        const unknown = forgedToken().slice("Bearer ".length)
        const signedIn = { authorization: `Bearer ${token}` }
        const phone = "07911 123456"

        // First by a code, then by the person.
        const gateway = { authorization: `Bearer ${gatewayToken}` }
        const code = String(
          (yield* ask("/api/install/token", { headers: signedIn, body: { slug: "personal-finance" } })).body.token
        )
        const sender = { platform: "whatsapp", platformUserId: "447911123456@s.whatsapp.net" }
        const claimed = yield* ask("/api/install/claim", { headers: gateway, body: { ...sender, message: code } })
        assert.strictEqual(claimed.body.status, "confirm_sender", claimed.text)
        const answered = yield* ask(`/api/identities/pending/${claimed.body.pendingId}/answer`, {
          headers: gateway,
          body: { ...sender, yes: true }
        })
        assert.strictEqual(answered.body.status, "confirm_session", answered.text)
        const installed = yield* ask("/api/install", {
          headers: signedIn,
          body: { slug: "personal-finance", whatsapp_phone: phone, name: "Grepme's agent" }
        })
        assert.strictEqual(installed.status, 200, installed.text)
        // Every documented operation, as somebody and as nobody, with what is personal wherever there is room for it.
        // Those that sign up, in and out come after these: the session is needed here.
        const patterns = Object.entries((openApi as unknown as Document).paths)
        for (const [pattern, methods] of patterns.filter(([path]) => !path.startsWith("/api/auth/"))) {
          for (const [method, operation] of Object.entries(methods)) {
            const path = pattern.replace(/\{[^}]+\}/g, encodeURIComponent(email))
            const example = Object.values(operation.requestBody?.content ?? {})[0]?.example
            const body = example === undefined ? {} : { body: { ...example, whatsapp_phone: phone, email } }
            for (const headers of [signedIn, { cookie }, gateway, { authorization: `Bearer ${unknown}` }, {}]) {
              yield* ask(`${path}?token=${token}&phone=%2B447911123456`, {
                method: method.toUpperCase(),
                ...body,
                headers: { ...headers, referer: `http://x/?t=${token}`, "x-whatsapp": "447911123456@s.whatsapp.net" }
              })
            }
          }
        }
        const more: ReadonlyArray<Parameters<typeof ask>> = [
          ["/api/install", { headers: signedIn, body: { slug: email, whatsapp_phone: [phone] } }],
          ["/api/install", { headers: signedIn, body: { slug: email } }],
          [`/api/install/manifest/${encodeURIComponent(email)}`],
          [`/nowhere/${encodeURIComponent(email)}/+447911123456`],
          ["/api/auth/sign-up/email", { body: account }],
          ["/api/auth/sign-up/email", { body: { ...account, email: [email], password: { a: password } } }],
          ["/api/auth/sign-up/email", { body: { ...account, callbackURL: `https://evil.example/${email}` } }],
          ["/api/auth/sign-in/email", { body: { email, password: `${password} wrong` } }],
          [`/api/auth/verify-email?token=${token}`],
          [`/api/auth/reset-password/${token}?callbackURL=/`],
          ["/api/auth/get-session", { headers: { cookie } }],
          ["/api/auth/sign-out", { method: "POST", headers: { cookie, origin: "https://evil.example" } }],
          ["/api/auth/sign-out", { method: "POST", headers: { cookie } }],
          ["/api/auth/sign-in/email", { body: account }],
          ["/api/auth/sign-in/email", { body: account }],
          ["/api/auth/sign-in/email", { body: account }]
        ]
        const statuses = new Set<number>()
        for (const request of more) statuses.add((yield* ask(...request)).status)
        for (const status of [200, 400, 401, 403, 404, 422, 429]) assert.include([...statuses], status)

        child.kill("SIGTERM")
        assert.strictEqual(yield* exited, 0)

        const requestId = String(installed.headers["x-request-id"])
        const spans = otlp.spans()
        const root = spans.find(({ attributes }) => attribute(attributes, "requestId") === requestId)
        assert.strictEqual(root?.name, "POST /api/install")
        assert.strictEqual(String(attribute(root?.attributes ?? [], "http.response.status_code")), "200")
        const trace = spans.filter(({ traceId }) => traceId === root?.traceId)
        const depthOf = (span: Span): number => {
          const parent = trace.find(({ spanId }) => spanId === span.parentSpanId)
          return parent === undefined ? 0 : 1 + depthOf(parent)
        }
        const depths = new Map(trace.map((span) => [span.name, depthOf(span)]))
        assert.deepStrictEqual(
          ["install", "TemplateMirror.apply"].map((name) => depths.get(name)),
          [1, 2]
        )
        assert.isAtLeast(depths.get("sql.execute") ?? 0, 3)

        const logs = otlp.logs().filter(({ attributes }) => attribute(attributes, "requestId") === requestId)
        assert.isNotEmpty(logs.filter(({ traceId }) => traceId === root?.traceId))
        const lines = service
          .log()
          .split("\n")
          .filter((line) => line.includes(requestId))
        assert.isNotEmpty(lines.filter((line) => JSON.parse(line).annotations["http.route"] === "/api/install"))

        const measured = new Set(otlp.metrics().map(({ name }) => name))
        for (const name of [
          "agent_install.installs",
          "agent_install.install.duration",
          "agent_install.limiter.refusals",
          "agent_install.pool.in_use",
          "agent_install.rows.mirrored",
          "http.server.request.duration"
        ]) {
          assert.isTrue(measured.has(name), name)
        }

        // The last value of a counter, with these labels.
        const counted = (name: string, labels: Readonly<Record<string, string>>) => {
          const points = otlp
            .metrics()
            .filter((metric) => metric.name === name)
            .flatMap(({ sum }) => sum?.dataPoints ?? [])
            .filter(({ attributes }) =>
              Object.entries(labels).every(([key, value]) => attribute(attributes, key) === value)
            )
          const last = points.at(-1)
          return Number(last?.asDouble ?? last?.asInt ?? 0)
        }
        assert.strictEqual(counted("agent_install.installs", { outcome: "created", template: templateAgentId }), 1)
        assert.isAtLeast(counted("agent_install.installs", { outcome: "unauthenticated", template: "none" }), 1)
        assert.strictEqual(counted("agent_install.rows.mirrored", { verdict: "create", kind: "entity_types" }), 43)
        assert.isAtLeast(counted("agent_install.rows.mirrored", { verdict: "unchanged", kind: "watchers" }), 2)
        assert.isAtLeast(counted("agent_install.limiter.refusals", { policy: "auth" }), 1)

        const said = `${service.log()}\n${otlp.text()}`
        const personal = [
          "grep.me.not",
          "mail.example.org",
          "Grepme",
          "grepme",
          password,
          "7911123456",
          "7911 123456",
          secret,
          code,
          gatewayToken,
          unknown,
          unknown.split(".")[0] ?? "",
          token,
          decodeURIComponent(token),
          token.split(".")[0] ?? "",
          cookie.split("=")[1] ?? ""
        ]
        for (const text of personal) {
          const at = said.indexOf(text)
          assert.strictEqual(at, -1, `${text}: ${said.slice(Math.max(0, at - 300), at + 100)}`)
        }
      }),
    minutes
  )

  it.scopedLive(
    "is closed when the pool is, and before the embedded database",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* ownFolder
        const pool = new pg.Pool({ connectionString: embeddedUrl(dataDir) })
        pool.on("error", () => {})
        yield* Effect.addFinalizer(() => Effect.promise(() => pool.end()))
        const count = `SELECT count(*)::integer AS others FROM pg_stat_activity WHERE application_name = 'agent-install'`
        // What a receiver finds at the database a moment after it was sent the last of each signal.
        const found = new Map<string, unknown>()
        const otlp = yield* receiver(async (path) => {
          await setTimeout(200)
          const [row] = await pool.query(count).then(
            ({ rows }) => rows,
            () => []
          )
          found.set(path, row)
        })
        const service = yield* serve({ DATA_DIR: dataDir, OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint })
        const { ask, child, exited, ready } = service
        yield* ready
        const postgres = yield* postmasterPid(dataDir)
        // Everything is sent every five seconds. Just after that, what a request leaves behind is sent last when all is closed.
        found.clear()
        yield* ask("/health/ready")
        yield* Effect.repeat(Effect.sleep("50 millis"), { until: () => found.has("/v1/traces") })
        found.clear()
        yield* ask("/health/ready")
        child.kill("SIGTERM")
        assert.strictEqual(yield* exited, 0)
        for (const signal of ["traces", "metrics", "logs"]) {
          assert.deepStrictEqual(found.get(`/v1/${signal}`), { others: 0 }, signal)
        }
        assert.include(
          otlp.logs().map(({ body }) => body.stringValue),
          "Stopped"
        )
        assert.throws(() => process.kill(postgres, 0), /ESRCH/)
      }),
    minutes
  )
})
