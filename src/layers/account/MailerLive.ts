import { Data, type Duration, Effect, Layer, Option, Predicate, Redacted, Schedule } from "effect"
import { createTransport } from "nodemailer"
import type { Mail } from "../../domain/account/Mail.ts"
import { Mailer } from "../../services/account/Mailer.ts"

export interface MailerOptions {
  /** The mail server: `smtp://user:password@host:587`, or `smtps://…`. */
  readonly url: Redacted.Redacted<string>
  /** The address that mails come from. */
  readonly from: string
  /** The delay before the first retry; it doubles with each further one. */
  readonly retryAfter?: Duration.DurationInput | undefined
}

/** The maximum number of waiting mails, so that a long outage of the mail server does not fill the memory. */
const maxWaiting = 1_000

/** The maximum number of connections to the mail server. */
const maxConnections = 4

/** How often a mail is tried: for about two hours, starting with a delay of two seconds. */
const tries = 13

/**
 * The code of a mail server's or connection's error. Its message is left out, since it may quote the address or the
 * text.
 */
class NotTaken extends Data.TaggedError("NotTaken")<{
  readonly code: string
  readonly status?: number | undefined
}> {
  /** Whether the refusal is permanent (RFC 5321, 4.2.1): an invalid address, a sender that is not allowed. */
  get isFinal() {
    return this.status !== undefined && this.status >= 500
  }
}

const saidOf = (error: unknown) => ({
  code: Predicate.hasProperty(error, "code") ? String(error.code) : "unknown",
  status: Predicate.hasProperty(error, "responseCode") ? Number(error.responseCode) : undefined
})

const make = ({ from, retryAfter = "2 seconds", url }: MailerOptions) =>
  Effect.gen(function* () {
    const transport = yield* Effect.acquireRelease(
      Effect.sync(() =>
        createTransport({
          url: Redacted.value(url),
          connectionTimeout: 10_000,
          greetingTimeout: 10_000,
          socketTimeout: 30_000,
          disableFileAccess: true,
          disableUrlAccess: true
        })
      ),
      (transport) => Effect.sync(() => transport.close())
    )

    const connections = yield* Effect.makeSemaphore(maxConnections)
    const hand = ({ subject, text, to }: Mail) =>
      connections.withPermits(1)(
        Effect.tryPromise({
          try: () => transport.sendMail({ from, to: { name: "", address: to }, subject, text }),
          catch: (cause) => new NotTaken(saidOf(cause))
        })
      )

    const deliver = (mail: Mail) =>
      hand(mail).pipe(
        Effect.tapError(({ code, isFinal, status }) =>
          isFinal
            ? Effect.void
            : Effect.logWarning("The mail server did not take a mail; it is tried again").pipe(
                Effect.annotateLogs({ code, status })
              )
        ),
        Effect.retry({
          schedule: Schedule.intersect(Schedule.exponential(retryAfter), Schedule.recurs(tries - 1)),
          until: ({ isFinal }) => isFinal
        }),
        Effect.catchAll(({ code, status }) =>
          Effect.logError("A mail was not sent, and is not tried again").pipe(Effect.annotateLogs({ code, status }))
        )
      )

    const scope = yield* Effect.scope
    let waiting = 0
    return Option.some({
      send: (mail: Mail) =>
        Effect.suspend(() => {
          if (waiting >= maxWaiting) {
            return Effect.logError("Too many mails wait for the mail server; one was not taken")
          }
          waiting++
          const done = Effect.sync(() => {
            waiting--
          })
          return deliver(mail).pipe(Effect.ensuring(done), Effect.forkIn(scope), Effect.asVoid)
        })
    })
  })

/**
 * Sends mail by SMTP, in the background. Mails that still wait when the process ends are lost; the person can ask
 * again.
 */
export const MailerLive = (options: MailerOptions) => Layer.scoped(Mailer, make(options))
