import { randomUUID } from "node:crypto"
import {
  createServer,
  type IncomingMessage,
  maxHeaderSize,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES
} from "node:http"
import type { ListenOptions, Socket } from "node:net"
import type { Duplex } from "node:stream"
import { HttpServer, HttpServerError } from "@effect/platform"
// Imported by its module: the package's index loads the cluster servers.
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, identity, Layer, Runtime } from "effect"
import { type AnyRefusal, HeaderTooLarge, TooSlow, Unavailable } from "../domain/Errors.ts"
import { invalidRequest } from "./Body.ts"
import { problemMediaType, problemOf } from "./Problem.ts"
import { securityHeaders } from "./SecurityHeaders.ts"

const patienceMillis = 10_000

const limits: ServerOptions = {
  headersTimeout: 20_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
  // `Refusals` checks the header itself.
  requireHostHeader: false
}

/** How long a client may take to read the answer to an invalid request before its connection is cut. */
const lingerMillis = 1_000

/** The error for a request that asks for a tunnel: node hands over its connection, or closes it without an answer. */
const isConnect = Object.assign(new Error("CONNECT"), { code: "ERR_CONNECT" })

const refusalOf = ({ code }: NodeJS.ErrnoException) => {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new HeaderTooLarge({ limitBytes: maxHeaderSize })
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new TooSlow()
    case isConnect.code:
      return invalidRequest([
        { path: [], message: "CONNECT asks for a tunnel, and this is no proxy (RFC 9110, 9.3.6)" }
      ])
    default:
      return invalidRequest([{ path: [], message: "this is not HTTP/1.1 (RFC 9112)" }])
  }
}

const endWith = (socket: Duplex, text: string) => {
  socket.end(text)
  setTimeout(() => socket.destroy(), lingerMillis).unref()
}

/** A refusal as the last bytes of a connection, and its line in the log. */
const lastWord = (refusal: AnyRefusal, said: string, code?: string) =>
  Effect.gen(function* () {
    const requestId = randomUUID()
    const problem = yield* Effect.annotateLogs(problemOf(refusal), { requestId })
    yield* Effect.logInfo(said).pipe(
      Effect.annotateLogs({
        requestId,
        "http.response.status_code": problem.status,
        ...(code === undefined ? {} : { code })
      })
    )
    const body = JSON.stringify(problem)
    const headers = {
      "content-type": problemMediaType,
      "content-length": String(Buffer.byteLength(body)),
      "x-request-id": requestId,
      "cache-control": "no-store",
      ...securityHeaders,
      connection: "close"
    }
    return { status: problem.status, headers, body }
  })

/** Answers what is not a complete request, like any other refusal, and closes the connection. */
const refuse = (socket: Duplex, error: NodeJS.ErrnoException) =>
  Effect.map(lastWord(refusalOf(error), "Answered what is no request", error.code), ({ body, headers, status }) => {
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    endWith(socket, `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join("")}\r\n${body}`)
  })

/** The head of a request as it came, without the fields that ask for another protocol. */
const headOf = ({ httpVersion, method, rawHeaders, url }: IncomingMessage) => {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ""
    if (name.toLowerCase() !== "upgrade") lines.push(`${name}: ${rawHeaders[at + 1]}`)
  }
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1")
}

/**
 * Answers requests that ask for another protocol in this one. Without an `upgrade` listener the parser drops everything
 * that came in one piece after such a request. With a listener, node hands over the connection: it is given back to the
 * server, with the request put in front of the remaining bytes.
 */
const passOverUpgrades = (server: Server, answers: WeakMap<Duplex, ServerResponse>) => {
  server.on("upgrade", (request: IncomingMessage, socket: Socket, rest: Buffer) => {
    socket.unshift(Buffer.concat([headOf(request), rest]))
    const readOn = () => {
      server.emit("connection", socket.setTimeout(0))
    }
    const answer = answers.get(socket)
    if (answer === undefined) return readOn()
    // The previous request is answered first, and its answer may close the connection. Until then nothing else listens.
    const destroy = () => socket.destroy()
    socket.on("error", destroy)
    answer.once("finish", () =>
      setImmediate(() => {
        socket.off("error", destroy)
        if (socket.writable) readOn()
      })
    )
  })
}

/**
 * Closes a server without waiting for idle clients. Idle connections are closed at once, as are those that have sent
 * nothing yet; busy ones are closed when their answer is sent. Connections that are still open after ten seconds are
 * cut.
 */
const closerOf = (server: Server, answers: WeakMap<Duplex, ServerResponse>) => {
  const sockets = new Set<Socket>()
  const underWay = new Set<ServerResponse>()
  server.on("connection", (socket) => {
    if (sockets.has(socket)) return
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
  })
  server.on("request", (_request, response) => {
    underWay.add(response)
    response.once("close", () => underWay.delete(response))
  })
  return Effect.async<void>((resume) => {
    if (!server.listening) return resume(Effect.void)
    const cut = () => {
      for (const socket of sockets) socket.destroy()
    }
    setTimeout(cut, patienceMillis).unref()
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
    for (const response of underWay) {
      if (response.headersSent) response.once("close", () => setImmediate(() => server.closeIdleConnections()))
      else if (answers.get(response.req.socket) === response) response.setHeader("connection", "close")
    }
    // Closes idle connections too (node 19 and later).
    server.close((fault) => resume(fault === undefined ? Effect.void : Effect.die(fault)))
  })
}

type Answering = (request: IncomingMessage, response: ServerResponse) => void

/** Refuses requests while there is no handler: just after the server starts to listen, and just before it is closed. */
const unserved =
  (runtime: Runtime.Runtime<never>): Answering =>
  (_request, response) => {
    const refusal = new Unavailable()
    const answer = Effect.map(lastWord(refusal, "Answered while nobody serves"), ({ body, headers, status }) =>
      response.writeHead(status, { ...headers, "retry-after": String(refusal.retryAfterSeconds) }).end(body)
    )
    Runtime.runFork(runtime)(answer)
  }

/** A node server that refuses invalid requests, and the function that closes it. */
const makeNodeServer = (runtime: Runtime.Runtime<never>, options: ServerOptions) => {
  const server = Object.assign(createServer({ ...limits, ...options }), { httpAllowHalfOpen: true })
  /** The last answer in progress on each connection. */
  const answers = new WeakMap<Duplex, ServerResponse>()
  const refused = new WeakSet<Duplex>()
  server.on("request", ({ socket }, response) => {
    answers.set(socket, response)
    response.once("finish", () => answers.get(socket) === response && answers.delete(socket))
  })
  passOverUpgrades(server, answers)
  // An unknown expectation may be ignored (RFC 9110, 10.1.1).
  server.on("checkExpectation", (request, response) => server.emit("request", request, response))
  server.on("connect", (_request, socket) =>
    server.emit(
      "clientError",
      isConnect,
      socket.on("error", () => {})
    )
  )
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const answer = answers.get(socket)
    // A client that was refused may go on sending, and may never have spoken HTTP.
    if (socket.writableEnded || refused.has(socket)) return
    refused.add(socket)
    const refuseIt = () => Runtime.runFork(runtime)(refuse(socket, error))
    if (!socket.writable || error.code === "ECONNRESET") socket.destroy()
    // The previous request was complete, so it is answered first (RFC 9112, 9.3.2).
    else if (answer?.req.complete === true) answer.once("finish", refuseIt)
    else if (answer?.headersSent === true) socket.destroy()
    else refuseIt()
  })
  return { server, close: closerOf(server, answers) }
}

const listening = (server: Server, listen: ListenOptions) =>
  Effect.async<HttpServer.Address, HttpServerError.ServeError>((resume) => {
    const fail = (cause: Error) => resume(Effect.fail(new HttpServerError.ServeError({ cause })))
    server.once("error", fail)
    server.listen(listen, () => {
      server.off("error", fail)
      const at = server.address()
      resume(
        Effect.succeed(
          typeof at === "object" && at !== null
            ? { _tag: "TcpAddress", hostname: at.address === "::" ? "0.0.0.0" : at.address, port: at.port }
            : { _tag: "UnixAddress", path: at ?? "" }
        )
      )
    })
  })

const make = (listen: ListenOptions, options: ServerOptions) =>
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime<never>()
    const { server } = yield* Effect.acquireRelease(
      Effect.sync(() => makeNodeServer(runtime, options)),
      ({ close }) => close
    )
    const nobody = unserved(runtime)
    let answering = nobody
    server.on("request", (request, response) => answering(request, response))
    const answerWith = (handler: Answering) =>
      Effect.sync(() => {
        answering = handler
      })
    return HttpServer.make({
      address: yield* listening(server, listen),
      serve: (app, middleware = identity) =>
        Effect.flatMap(NodeHttpServer.makeHandler(app, middleware), (handler) =>
          Effect.acquireRelease(answerWith(handler), () => answerWith(nobody))
        )
    })
  })

/**
 * The node server that the service runs on. It speaks plain HTTP/1.1. A client that asks for another protocol
 * (`Upgrade: h2c`, as curl's `--http2` does) is answered in this one, as RFC 9110, 7.8 allows. A client that closes its
 * side after sending is still answered. What is not HTTP, or arrives too slowly, gets a refusal. An idle connection is
 * kept for `keepAliveTimeout` milliseconds. When the server closes, idle connections are closed at once, and those that
 * are still open after ten seconds are cut.
 */
export const NodeServerLive = (listen: ListenOptions, options: ServerOptions = {}) =>
  Layer.merge(Layer.scoped(HttpServer.HttpServer, make(listen, options)), NodeHttpServer.layerContext)
