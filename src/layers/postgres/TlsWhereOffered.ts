import { isIP, Socket } from "node:net"
import { Duplex } from "node:stream"
import { type ConnectionOptions, connect as encrypt } from "node:tls"

/** A way to talk to a server. */
export type Way = "tls" | "plain"

// https://www.postgresql.org/docs/current/protocol-message-formats.html: SSLRequest, and the first byte of an ErrorResponse.
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const accepted = "S".charCodeAt(0)
const errorResponse = "E".charCodeAt(0)

/**
 * A stream to a Postgres server by the first of some ways that it takes, as libpq's `prefer` and `allow`: the next is tried, on
 * a connection of its own, where the server has no TLS, where the handshake fails, or where its first word is a refusal. To
 * the driver it is a plain socket.
 */
export class TlsWhereOffered extends Duplex {
  readonly #ways: Array<Way>
  readonly #tls: ConnectionOptions
  #port = 0
  #host = ""
  #inner: Socket | undefined
  #keepAlive: { readonly on: boolean; readonly delay: number } | undefined
  /** What the driver began with, to be said again where another way is tried. */
  #begun: Array<Buffer> = []
  #answered = false
  /** What the server said to the way before this one. */
  #refusal: Array<Buffer> = []

  constructor(ways: ReadonlyArray<Way>, tls: ConnectionOptions) {
    super({ allowHalfOpen: false })
    this.#ways = [...ways]
    this.#tls = tls
  }

  connect(port: number, host: string): this {
    this.#port = port
    this.#host = host
    this.#tryNext()
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(on = false, delay = 0): this {
    this.#keepAlive = { on, delay }
    this.#inner?.setKeepAlive(on, delay)
    return this
  }

  ref(): this {
    this.#inner?.ref()
    return this
  }

  unref(): this {
    this.#inner?.unref()
    return this
  }

  #tryNext(failure?: Error) {
    this.#inner
      ?.removeAllListeners()
      .on("error", () => {})
      .destroy()
    const way = this.#ways.shift()
    if (way === undefined || this.destroyed) {
      if (this.#refusal.length === 0) this.destroy(failure)
      else this.#conclude()
      return
    }
    const socket = new Socket()
    this.#inner = socket
    socket.setNoDelay(true)
    if (this.#keepAlive !== undefined) socket.setKeepAlive(this.#keepAlive.on, this.#keepAlive.delay)
    socket.once("error", (error) => this.destroy(error))
    socket.once("close", () => this.destroy())
    socket.connect(this.#port, this.#host)
    socket.once("connect", () => {
      if (way === "plain") return this.#use(socket)
      socket.write(sslRequest)
      socket.once("data", (answer) => {
        socket.removeAllListeners()
        // More than the one byte would be somebody's between, who speaks before there is any encryption (CVE-2021-23222).
        if (answer.length !== 1 || answer[0] !== accepted) {
          return this.#tryNext(new Error("The server does not support SSL connections"))
        }
        const secured = encrypt({
          socket,
          host: this.#host,
          ...(isIP(this.#host) === 0 ? { servername: this.#host } : {}),
          ...this.#tls
        })
        this.#inner = secured
        secured.once("error", (error) => this.#tryNext(error))
        secured.once("close", () => this.#tryNext(new Error("The server ended the handshake")))
        secured.once("secureConnect", () => {
          secured.removeAllListeners("error").removeAllListeners("close")
          this.#use(secured)
        })
      })
    })
  }

  #use(inner: Socket) {
    this.#inner = inner
    inner.removeAllListeners("error").removeAllListeners("close")
    inner.on("error", (error) => this.destroy(error))
    // The stream ends itself once what it holds is read.
    inner.once("end", () => this.push(null))
    inner.once("close", () => this.push(null))
    inner.on("data", (chunk: Buffer) => {
      if (!this.#answered && chunk[0] === errorResponse && this.#ways.length > 0) {
        // All of it, which the server ends the connection after; it is passed on where no other way is any better.
        this.#refusal = [chunk]
        inner.removeAllListeners()
        inner.on("data", (more: Buffer) => this.#refusal.push(more))
        inner.on("error", () => {})
        inner.once("close", () => this.#tryNext())
        return
      }
      this.#answered = true
      this.#begun = []
      this.#refusal = []
      if (!this.push(chunk)) inner.pause()
    })
    if (this.#begun.length > 0) inner.write(Buffer.concat(this.#begun))
    else this.emit("connect")
  }

  #conclude() {
    for (const chunk of this.#refusal) this.push(chunk)
    this.push(null)
  }

  override _read() {
    this.#inner?.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void) {
    if (!this.#answered) this.#begun.push(chunk)
    if (this.#inner === undefined) done(new Error("Not connected"))
    else this.#inner.write(chunk, done)
  }

  override _writev(
    chunks: Array<{ readonly chunk: Buffer; readonly encoding: BufferEncoding }>,
    done: (error?: Error | null) => void
  ) {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "binary", done)
  }

  override _final(done: () => void) {
    this.#inner?.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void) {
    this.#inner?.on("error", () => {}).destroy()
    done(error)
  }
}
