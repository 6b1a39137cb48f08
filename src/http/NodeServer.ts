import { randomUUID } from "node:crypto"
import { createServer, maxHeaderSize, type ServerOptions, type ServerResponse, STATUS_CODES } from "node:http"
import type { ListenOptions } from "node:net"
import type { Duplex } from "node:stream"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Runtime } from "effect"
import { HeaderTooLarge, TooSlow } from "../domain/Errors.ts"
import { invalidRequest } from "./Body.ts"
import { currentRequestId, problemMediaType, problemOf } from "./Problem.ts"
import { securityHeaders } from "./SecurityHeaders.ts"

const patienceMillis = 10_000

const limits: ServerOptions = {
  headersTimeout: 20_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
  // A request without one is refused where requests are.
  requireHostHeader: false
}

/** How long the answer to what is no request may take to be read before its connection is cut. */
const lingerMillis = 1_000

const refusalOf = ({ code }: NodeJS.ErrnoException) => {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new HeaderTooLarge({ limitBytes: maxHeaderSize })
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new TooSlow()
    default:
      return invalidRequest([{ path: [], message: "this is not HTTP/1.1 (RFC 9112)" }])
  }
}

const endWith = (socket: Duplex, text: string) => {
  socket.end(text)
  setTimeout(() => socket.destroy(), lingerMillis).unref()
}

/** Answers what never became a request, or ceased to be one, as any other refusal, and closes the connection. */
const refuse = (socket: Duplex, error: NodeJS.ErrnoException) =>
  Effect.gen(function* () {
    const requestId = randomUUID()
    const problem = yield* Effect.locally(problemOf(refusalOf(error)), currentRequestId, requestId)
    const body = JSON.stringify(problem)
    const head = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      `content-type: ${problemMediaType}`,
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${requestId}`,
      "cache-control: no-store",
      ...Object.entries(securityHeaders).map(([name, value]) => `${name}: ${value}`),
      "connection: close"
    ]
    yield* Effect.sync(() => endWith(socket, `${head.join("\r\n")}\r\n\r\n${body}`))
    yield* Effect.logInfo("Answered what is no request").pipe(
      Effect.annotateLogs({ requestId, "http.response.status_code": problem.status, code: error.code })
    )
  })

const makeNodeServer = (runtime: Runtime.Runtime<never>, options: ServerOptions) => {
  const server = Object.assign(createServer({ ...limits, ...options }), { httpAllowHalfOpen: true })
  // Whoever listens for upgrades takes the request, and its body, from those who listen for requests.
  server.on = new Proxy(server.on, {
    apply: (on, self, args: Array<unknown>) => (args[0] === "upgrade" ? server : Reflect.apply(on, self, args))
  })
  // An expectation that is none of ours may be passed over (RFC 9110, 10.1.1).
  server.on("checkExpectation", (request, response) => server.emit("request", request, response))
  const answers = new WeakMap<Duplex, ServerResponse>()
  const refused = new WeakSet<Duplex>()
  server.on("request", (request, response) => answers.set(request.socket, response))
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const answer = answers.get(socket)
    // What was refused may go on sending, and be no HTTP all along.
    if (socket.writableEnded || refused.has(socket)) return
    refused.add(socket)
    const isUnderWay = answer !== undefined && !answer.writableFinished
    const refuseIt = () => Runtime.runFork(runtime)(refuse(socket, error))
    if (!socket.writable || error.code === "ECONNRESET") socket.destroy()
    // The one before came whole, and is answered first (RFC 9112, 9.3.2).
    else if (isUnderWay && answer.req.complete) answer.once("finish", refuseIt)
    else if (isUnderWay && answer.headersSent) socket.destroy()
    else refuseIt()
  })
  const close = server.close.bind(server)
  server.close = (done) => {
    setTimeout(() => server.closeAllConnections(), patienceMillis).unref()
    return close(done)
  }
  return server
}

/**
 * The server of node that the service runs on. It speaks plain HTTP/1.1: who asks for another protocol (`Upgrade: h2c`, as
 * curl's `--http2` does) is answered in this one, as RFC 9110, 7.8 lets it; who ends their side once all is sent is answered
 * too; what is no HTTP, or comes too slowly, is refused like everything else; and once it is closing, connections that are
 * still open after ten seconds are cut.
 */
export const NodeServerLive = (listen: ListenOptions, options: ServerOptions = {}) =>
  Layer.unwrapEffect(
    Effect.map(Effect.runtime<never>(), (runtime) =>
      NodeHttpServer.layer(() => makeNodeServer(runtime, options), listen)
    )
  )
