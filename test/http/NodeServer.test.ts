import { connect } from "node:net"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { assert, describe, it, layer } from "@effect/vitest"
import { Chunk, Context, Duration, Effect, Exit, HashMap, Layer, Logger, Option, Scope, Stream } from "effect"
import { NodeServerLive } from "../../src/http/NodeServer.ts"
import { asking, isProblem, Running, TestServer } from "./server.ts"

/** What was answered, as a client reads it. */
const read = (text: string) => {
  const [head = "", body = ""] = text.split("\r\n\r\n")
  const [line = "", ...fields] = head.split("\r\n")
  const headers = Object.fromEntries(
    fields.map((field) => field.replace(/^.*?:/, (name) => name.toLowerCase()).split(": "))
  )
  const json = headers["content-type"]?.includes("json") === true
  return { status: Number(line.split(" ")[1]), headers, text: body, body: json ? JSON.parse(body) : undefined }
}

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("what is no request", (it) => {
  const refused: ReadonlyArray<readonly [what: string, said: string, status: number, code: string]> = [
    ["no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400, "invalid_request"],
    ["no method", "/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "invalid_request"],
    ["no version", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400, "invalid_request"],
    ["no host", "GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "invalid_request"],
    [
      "two hosts",
      "GET /health/live HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n",
      400,
      "invalid_request"
    ],
    ["no such host", "GET /health/live HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n", 400, "invalid_request"],
    ["a broken header field", "GET / HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n", 400, "invalid_request"],
    ["an end too early", "GET / HTTP/1.1\r\nHo", 400, "invalid_request"],
    ["a tunnel", "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n", 400, "invalid_request"],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      400,
      "invalid_request"
    ],
    [
      "a length and chunks",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      400,
      "invalid_request"
    ],
    [
      "a broken chunk",
      "POST /api/auth/sign-in/email HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n",
      400,
      "invalid_request"
    ],
    [
      "a header too large",
      `GET / HTTP/1.1\r\nHost: x\r\nCookie: ${"c".repeat(60_000)}\r\n\r\n`,
      431,
      "header_too_large"
    ]
  ]
  for (const [what, said, status, code] of refused) {
    it.effect(`is refused as a problem, and the connection closed: ${what}`, () =>
      Effect.gen(function* () {
        const { say } = yield* Running
        const answer = read(yield* say(said))
        isProblem(answer, status, code)
        assert.strictEqual(answer.headers.connection, "close")
        assert.strictEqual(Buffer.byteLength(answer.text), Number(answer.headers["content-length"]))
      })
    )
  }

  it.effect("takes nothing from a request before it on the same connection", () =>
    Effect.gen(function* () {
      const { say } = yield* Running
      const account = JSON.stringify({ name: "Piped", email: "piped@example.org", password: "a long enough password" })
      for (const first of [
        "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n",
        `POST /api/auth/sign-up/email HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${account.length}\r\n\r\n${account}`
      ]) {
        const both = yield* say(`${first}nonsense\r\n\r\n`)
        // Who has ended their side by then may be told of the second by the end of the connection alone.
        assert.match((both.match(/(?<=HTTP\/1\.1 )\d{3}/g) ?? []).join(), /^200(,400)?$/, both)
      }
    })
  )

  it.effect("is not what asks for another protocol, nor what follows on it", () =>
    Effect.gen(function* () {
      const { say } = yield* Running
      const account = (name: string) =>
        JSON.stringify({ name, email: `${name}@example.org`, password: "a long enough password" })
      const upgrading = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__"
      const signUp = (name: string) =>
        `POST /api/auth/sign-up/email HTTP/1.1\r\nHost: x\r\n${upgrading}\r\nContent-Type: application/json\r\nContent-Length: ${account(name).length}\r\n\r\n${account(name)}`
      const inChunks = (name: string) =>
        `POST /api/auth/sign-up/email HTTP/1.1\r\nHost: x\r\n${upgrading}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${account(name).length.toString(16)}\r\n${account(name)}\r\n0\r\n\r\n`
      const plain = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
      const without = `GET /health/live HTTP/1.1\r\nHost: x\r\n${upgrading}\r\n\r\n`
      const last = "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
      const cases: ReadonlyArray<readonly [said: ReadonlyArray<string>, statuses: ReadonlyArray<number>]> = [
        [
          [signUp("upgraded"), last],
          [200, 404]
        ],
        [
          [inChunks("chunked"), plain, last],
          [200, 200, 404]
        ],
        [
          [without, last],
          [200, 404]
        ],
        [
          [plain, signUp("second"), signUp("second"), without, plain, last],
          [200, 200, 422, 200, 200, 404]
        ],
        [
          [...Array.from({ length: 30 }, () => without), last],
          [...Array.from({ length: 30 }, () => 200), 404]
        ]
      ]
      for (const [said, statuses] of cases) {
        const heard = yield* say(said.join(""))
        assert.deepStrictEqual((heard.match(/(?<=HTTP\/1\.1 )\d{3}/g) ?? []).map(Number), statuses, heard)
      }
    })
  )

  it.effect("is not what says no host in HTTP/1.0, or expects what we do not know", () =>
    Effect.gen(function* () {
      const { say } = yield* Running
      assert.match(yield* say("GET /health/live HTTP/1.0\r\n\r\n"), /^HTTP\/1.1 200 /)
      assert.match(
        yield* say("GET /health/live HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\nConnection: close\r\n\r\n"),
        /^HTTP\/1.1 200 /
      )
    })
  )
})

describe("a server that waits", () => {
  const lines: Array<{ readonly message: string; readonly status: unknown; readonly requestId: unknown }> = []
  const Listening = Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ annotations, message }) => {
      lines.push({
        message: String(message),
        status: Option.getOrUndefined(HashMap.get(annotations, "http.response.status_code")),
        requestId: Option.getOrUndefined(HashMap.get(annotations, "requestId"))
      })
    })
  )
  const Impatient = HttpServer.serve(
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ stream }) =>
      Effect.map(Stream.runCollect(stream), (chunks) => HttpServerResponse.text(String(Chunk.size(chunks))))
    )
  ).pipe(
    Layer.provideMerge(
      NodeServerLive(
        { port: 0, host: "127.0.0.1" },
        { headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 100 }
      )
    ),
    Layer.provide(Listening)
  )

  /** What comes back to somebody who says a little at a time. */
  const trickle = (parts: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const { address } = yield* HttpServer.HttpServer
      return yield* Effect.async<string>((resume) => {
        const socket = connect(address._tag === "TcpAddress" ? address.port : 0)
        let heard = ""
        let at = 0
        const dripping = setInterval(() => socket.write(parts[Math.min(at++, parts.length - 1)] ?? ""), 50)
        socket.on("data", (chunk) => {
          heard += chunk
        })
        socket.on("error", () => {})
        socket.on("close", () => {
          clearInterval(dripping)
          resume(Effect.succeed(heard))
        })
      })
    })

  it.live("refuses a header, or a body, that does not come to an end, and logs it with the id of the answer", () =>
    Effect.gen(function* () {
      const header = read(yield* trickle(["GET / HTTP/1.1\r\nHost: x\r\n", "a: b\r\n"]))
      isProblem(header, 408, "request_timeout")
      const body = read(yield* trickle(["POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", "b"]))
      isProblem(body, 408, "request_timeout")
      for (const { headers } of [header, body]) {
        assert.deepInclude(lines, {
          message: "Answered what is no request",
          status: 408,
          requestId: headers["x-request-id"]
        })
      }
    }).pipe(Effect.provide(Impatient))
  )
})

describe("a server that nobody serves on yet", () => {
  it.live("says so, and when to come back", () =>
    Effect.gen(function* () {
      const { address } = yield* HttpServer.HttpServer
      const ask = asking(address._tag === "TcpAddress" ? address.port : 0)
      const answer = yield* ask("/health/live")
      isProblem(answer, 503, "unavailable")
      assert.deepInclude(answer.headers, { "retry-after": "2", connection: "close" })
      yield* Effect.scoped(
        Effect.zipRight(
          HttpServer.serveEffect(Effect.succeed(HttpServerResponse.text("here"))),
          Effect.map(ask("/health/live"), ({ status }) => assert.strictEqual(status, 200))
        )
      )
      isProblem(yield* ask("/health/live"), 503, "unavailable")
    }).pipe(Effect.provide(NodeServerLive({ port: 0, host: "127.0.0.1" })))
  )
})

describe("a server that is closed", () => {
  /**
   * What came back on one connection to a server that is closed while so many of its requests run, and in how many milliseconds it
   * was closed. They are answered once it is being closed, where any run then.
   */
  const closing = (said: ReadonlyArray<string>, running: number) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const gate = yield* Effect.makeLatch(running === 0)
      let asked = 0
      const Slow = HttpServer.serve(
        Effect.suspend(() => {
          asked += 1
          return Effect.as(gate.await, HttpServerResponse.text("done"))
        })
      ).pipe(Layer.provideMerge(NodeServerLive({ port: 0, host: "127.0.0.1" }, { keepAliveTimeout: 60_000 })))
      const { address } = Context.get(yield* Layer.buildWithScope(Slow, scope), HttpServer.HttpServer)
      const socket = connect(address._tag === "TcpAddress" ? address.port : 0)
      const connected = new Promise((resolve) => socket.on("connect", resolve))
      let heard = ""
      const ended = new Promise((resolve) => socket.on("close", resolve))
      socket.on("error", () => {})
      socket.on("data", (chunk) => {
        heard += chunk
      })
      for (const one of said) socket.write(one)
      yield* Effect.promise(() => connected)
      const answered = () => heard.split("done").length - 1
      while (asked < said.length || answered() < said.length - running) yield* Effect.sleep("10 millis")
      // Until the server knows of a connection on which nothing is said, and until it is being closed.
      yield* Effect.sleep("100 millis")
      yield* Effect.forkDaemon(Effect.delay(gate.open, "100 millis"))
      const [taken] = yield* Effect.timed(Scope.close(scope, Exit.void))
      yield* Effect.promise(() => ended)
      return { taken: Duration.toMillis(taken), heard }
    })

  const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

  it.live("does not wait for a connection that is idle, nor for one on which nothing was said", () =>
    Effect.gen(function* () {
      const idle = yield* closing([request], 0)
      assert.match(idle.heard, /^HTTP\/1\.1 200 OK\r\n[\s\S]*Keep-Alive: timeout=60\r\n[\s\S]*done$/)
      const silent = yield* closing([], 0)
      for (const { taken } of [idle, silent]) assert.isBelow(taken, 5_000)
    })
  )

  it.live("answers what it was asked, and ends the connection with that", () =>
    Effect.gen(function* () {
      const busy = yield* closing([request, request], 2)
      assert.deepStrictEqual(busy.heard.match(/200 OK|connection: \S+|done/gi), [
        ...["200 OK", "Connection: keep-alive", "done"],
        ...["200 OK", "connection: close", "done"]
      ])
      assert.isBelow(busy.taken, 5_000)
    })
  )
})
