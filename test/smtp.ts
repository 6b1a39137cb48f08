import { createServer } from "node:net"
import { Context, Effect, Layer, Schedule } from "effect"
import { SMTPServer } from "smtp-server"
import { freePort } from "./machine.ts"

/** A mail as it arrived, its text without the line breaks of its encoding. */
export interface ReceivedMail {
  readonly from: string
  readonly to: ReadonlyArray<string>
  readonly headers: string
  readonly text: string
}

const unquoted = (text: string) =>
  Buffer.from(
    text
      .replace(/=\r\n/g, "")
      .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1"
  ).toString("utf8")

/** A real mail server of the test's own. */
export class Smtp extends Context.Tag("test/Smtp")<
  Smtp,
  {
    readonly url: string
    /** Has the server answer each mail with that status; 250 takes it. */
    readonly answer: (status: number) => Effect.Effect<void>
    /** How many mails were handed over, taken or not. */
    readonly handed: Effect.Effect<number>
    readonly arrived: Effect.Effect<ReadonlyArray<ReceivedMail>>
    /** The newest mail to an address, once there are so many. */
    readonly newest: (to: string, count?: number) => Effect.Effect<ReceivedMail>
    /** Ends the server, and has something in its place that takes connections and never says a word. */
    readonly fallSilent: Effect.Effect<void>
    readonly stop: Effect.Effect<void>
    readonly start: Effect.Effect<void>
  }
>() {}

export const SmtpLive = Layer.scoped(
  Smtp,
  Effect.gen(function* () {
    const port = yield* freePort
    const arrived: Array<ReceivedMail> = []
    let [status, handed] = [250, 0]
    const make = () => {
      const server = new SMTPServer({
        authOptional: true,
        disabledCommands: ["STARTTLS"],
        onData: (stream, { envelope }, done) => {
          const chunks: Array<Buffer> = []
          stream.on("data", (chunk: Buffer) => chunks.push(chunk))
          stream.on("end", () => {
            handed++
            if (status !== 250) return done(Object.assign(new Error("Not now"), { responseCode: status }))
            const [headers = "", ...text] = Buffer.concat(chunks).toString("latin1").split("\r\n\r\n")
            const body = text.join("\r\n\r\n")
            arrived.push({
              from: envelope.mailFrom === false ? "" : envelope.mailFrom.address,
              to: envelope.rcptTo.map(({ address }) => address),
              headers,
              text: /quoted-printable/i.test(headers) ? unquoted(body) : body
            })
            return done()
          })
        }
      })
      server.on("error", () => {})
      return server
    }
    let server = make()
    const start = Effect.async<void>((resume) => {
      server = make()
      server.listen(port, "127.0.0.1", () => resume(Effect.void))
    })
    const stop = Effect.async<void>((resume) => {
      server.close(() => resume(Effect.void))
    })
    yield* Effect.acquireRelease(start, () => stop)
    const silent = createServer(() => {})
    yield* Effect.addFinalizer(() => Effect.sync(() => silent.close()))
    return Smtp.of({
      url: `smtp://127.0.0.1:${port}`,
      answer: (next) =>
        Effect.sync(() => {
          status = next
        }),
      handed: Effect.sync(() => handed),
      arrived: Effect.sync(() => [...arrived]),
      newest: (to, count = 1) =>
        Effect.suspend(() => {
          const own = arrived.filter((one) => one.to.includes(to))
          const last = own.at(-1)
          return last !== undefined && own.length >= count ? Effect.succeed(last) : Effect.fail("not yet")
        }).pipe(
          Effect.retry(Schedule.spaced("20 millis")),
          Effect.timeoutFail({ duration: "15 seconds", onTimeout: () => `no mail came to ${to}` }),
          Effect.orDie
        ),
      fallSilent: Effect.zipRight(
        stop,
        Effect.async<void>((resume) => {
          silent.listen(port, "127.0.0.1", () => resume(Effect.void))
        })
      ),
      stop,
      start
    })
  })
)

/** The token of the link in a mail. */
export const tokenIn = ({ text }: ReceivedMail): string =>
  decodeURIComponent(/\?token=([^\s]+)/.exec(text)?.[1] ?? "no token")
