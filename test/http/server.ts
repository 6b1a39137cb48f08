import { request as nodeRequest } from "node:http"
import { BlockList, connect } from "node:net"
import { HttpServer } from "@effect/platform"
import { afterAll, assert } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import { Context, Duration, Effect, Layer, Logger, Option, Redacted } from "effect"
import { openApi } from "../../src/http/Api.ts"
import { NodeServerLive } from "../../src/http/NodeServer.ts"
import { HttpLive } from "../../src/http/Server.ts"
import { ServerConfig } from "../../src/http/ServerConfig.ts"
import { AppLive } from "../../src/layers/AppLive.ts"
import type { MailerOptions } from "../../src/layers/account/MailerLive.ts"
import { TemplateCatalog } from "../../src/services/catalog/TemplateCatalog.ts"
import { oneOfEach, template } from "../fixtures/templates.ts"
import { PgTest } from "../pg.ts"

export const ownOrigin = "http://127.0.0.1:3000"

const proxies = new BlockList()
proxies.addAddress("10.9.8.7", "ipv4")

const limits = {
  change: { limit: 40, window: Duration.hours(1) },
  install: { limit: 20, window: Duration.hours(1) },
  read: { limit: 100, window: Duration.minutes(1) },
  auth: { limit: 1_000, window: Duration.minutes(1) },
  password: { limit: 4, window: Duration.minutes(15) },
  account: { limit: 10, window: Duration.hours(1) },
  sender: { limit: 8, window: Duration.hours(1) },
  mail: { limit: 3, window: Duration.hours(1) }
}

export const gatewayToken = "the-token-of-the-gateway-of-the-tests"

/** An answer, whole. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: what a test reads out of an answer is what it asserts.
  readonly body: any
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Text or bytes as they are, anything else as JSON. */
  readonly body?: unknown
}

/** A server on Postgres with a template, and a client that says just what it is told to. */
export class Running extends Context.Tag("test/Running")<
  Running,
  {
    /** Asks, and holds the answer to what the OpenAPI document promises. */
    readonly ask: (path: string, ask?: Ask) => Effect.Effect<Answer>
    /** Sends text as it is over a connection of its own, ends its side of it, and answers with all that comes back. */
    readonly say: (text: string) => Effect.Effect<string>
    /** Signs up and answers with the bearer token and the cookie. */
    readonly signUp: (name: string) => Effect.Effect<{ readonly bearer: string; readonly cookie: string }>
  }
>() {}

/** Asks without a library that would mend the request on its way. */
export const asking =
  (port: number) =>
  (
    path: string,
    { body, headers = {}, method = body === undefined ? "GET" : "POST" }: Ask = {}
  ): Effect.Effect<Answer> =>
    Effect.async((resume) => {
      const raw = typeof body === "string" || body instanceof Uint8Array
      const request = nodeRequest(
        {
          port,
          host: "127.0.0.1",
          path,
          method,
          // A connection a request: one that is kept may be closed by the server just when it is used again.
          agent: false,
          headers: { ...(body === undefined || raw ? {} : { "content-type": "application/json" }), ...headers }
        },
        (response) => {
          const chunks: Array<Buffer> = []
          response.on("data", (chunk) => chunks.push(chunk))
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString()
            const json = /json/.test(response.headers["content-type"] ?? "")
            resume(
              Effect.succeed({
                status: response.statusCode ?? 0,
                headers: response.headers,
                text,
                body: json && text !== "" ? JSON.parse(text) : undefined
              })
            )
          })
        }
      )
      request.on("error", (error) => resume(Effect.die(error)))
      if (body !== undefined) request.write(raw ? body : JSON.stringify(body))
      request.end()
    })

/** A refusal is a problem of RFC 9457 with our members, whatever it refuses. */
export const isProblem = ({ body, headers, status, text }: Answer, expected: number, code: string) => {
  assert.deepStrictEqual([status, body?.error], [expected, code], text)
  assert.strictEqual(headers["content-type"], "application/problem+json")
  assert.strictEqual(body.type, `/docs/errors#${code}`)
  assert.strictEqual(body.status, expected)
  assert.strictEqual(body.instance, `urn:uuid:${headers["x-request-id"]}`)
  assert.strictEqual(body.message, body.detail)
  assert.isString(body.title)
  assert.isString(body._tag)
}

/** The documented operation of a request, and what it promises. */
const documented = (method: string, path: string) => {
  const [pathname = ""] = path.split("?")
  for (const [pattern, operations] of Object.entries(openApi.paths)) {
    const operation = new RegExp(`^${pattern.replace(/\{[^}]+\}/g, "[^/%]+")}$`).test(pathname)
      ? operations[method.toLowerCase() as "get" | "post"]
      : undefined
    if (operation !== undefined) return { name: `${method} ${pattern}`, responses: operation.responses as Promised }
  }
  return undefined
}
type Promised = Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> } | undefined>>

const ajv = new Ajv2020({ strict: false, logger: false })
ajv.addSchema({ ...openApi, $id: "document" })

/** The body of a better-auth route is as the document says: of all others the handler's own type says so. */
const assertAsPromised = (operation: string, { body, status }: Answer) => {
  const [method = "", path = ""] = operation.split(" ")
  if (!path.startsWith("/api/auth/")) return
  const media = `paths/${path.replaceAll("/", "~1")}/${method.toLowerCase()}/responses/${status}/content/application~1json`
  const isJson = body?.error === undefined
  const isValid = !isJson || ajv.validate({ $ref: `document#/${media}/schema` }, body)
  assert.isTrue(isValid, `${operation} ${status}: ${JSON.stringify(body)}: ${ajv.errorsText()}`)
}

const seen = new Map<string, Set<number>>()

/**
 * Once all tests of a suite have passed: looks at the statuses with which each documented operation has answered in it. Where a test was
 * left out there is nothing to say of them.
 */
export const afterAllAnswers = (check: (statuses: (operation: string) => ReadonlyArray<number>) => void) => {
  seen.clear()
  afterAll(({ tasks }) => {
    if (!tasks.every(({ result }) => result?.state === "pass")) return
    check((operation) => [...(seen.get(operation) ?? [])].sort())
  })
}

const RunningLive = Layer.effect(
  Running,
  Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    const catalog = yield* TemplateCatalog
    yield* catalog.publish(template("helper", oneOfEach))
    const asked = asking(address._tag === "TcpAddress" ? address.port : 0)
    const ask: typeof asked = (path, given) =>
      Effect.tap(asked(path, given), (answer) =>
        Effect.sync(() => {
          const method = given?.method ?? (given?.body === undefined ? "GET" : "POST")
          const operation = documented(method, path)
          // The document promises what programs get.
          const isShownAsPage = given?.headers?.accept?.includes("text/html") === true && !path.startsWith("/api/")
          if (operation === undefined || isShownAsPage) return
          const statuses = seen.get(operation.name) ?? new Set()
          seen.set(operation.name, statuses.add(answer.status))
          const promised = operation.responses[String(answer.status)]
          assert.isDefined(promised, `${operation.name} answered ${answer.status}, which the document does not promise`)
          const media = Object.keys(promised?.content ?? {})
          const mediaType = answer.headers["content-type"]
          if (mediaType === undefined) assert.deepStrictEqual(media, [], operation.name)
          else assert.include(media, mediaType, operation.name)
          assertAsPromised(operation.name, answer)
        })
      )
    return Running.of({
      ask,
      say: (text) =>
        Effect.async((resume) => {
          const socket = connect({ port: address._tag === "TcpAddress" ? address.port : 0, allowHalfOpen: true })
          let heard = ""
          socket.on("data", (chunk) => {
            heard += chunk
          })
          socket.on("end", () => resume(Effect.succeed(heard)))
          socket.on("error", (error) => resume(Effect.die(error)))
          socket.end(text)
        }),
      signUp: (name) =>
        Effect.map(
          ask("/api/auth/sign-up/email", {
            body: { name, email: `${name.replaceAll(" ", ".")}@example.org`, password: "a long password" }
          }),
          ({ headers }) => ({
            bearer: `Bearer ${headers["set-auth-token"]}`,
            cookie: String(headers["set-cookie"]).split(";")[0] ?? ""
          })
        )
    })
  })
)

/** The whole service on a database of the suite's own, on a free port; with a mail server, where one is named. */
export const testServer = (mail: Option.Option<MailerOptions>) =>
  RunningLive.pipe(
    Layer.provideMerge(HttpLive),
    Layer.provideMerge(NodeServerLive({ port: 0, host: "127.0.0.1" })),
    Layer.provideMerge(
      AppLive({
        baseUrl: ownOrigin,
        ownOrigins: [ownOrigin],
        secret: Redacted.make("a secret of at least thirty-two characters"),
        limits,
        defaultCountry: "GB",
        gatewayToken: Option.some(Redacted.make(gatewayToken)),
        mail
      })
    ),
    Layer.provide(Layer.succeed(ServerConfig, { ownOrigins: [ownOrigin], trustedProxies: proxies })),
    Layer.provideMerge(PgTest),
    Layer.provide(Logger.remove(Logger.defaultLogger)),
    Layer.orDie
  )

/** The same, where no mail is sent. */
export const TestServer = testServer(Option.none())
