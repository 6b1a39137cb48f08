import { Context, type Effect, Option } from "effect"
import type { Mail } from "../../domain/account/Mail.ts"

/** Sends mail. */
export interface MailSender {
  /** Takes a mail over, to be sent in a moment: again where the mail server is away. Whether it arrived nobody is told. */
  readonly send: (mail: Mail) => Effect.Effect<void>
}

/** What sends the mails of accounts; none, unless a program provides one: then nothing that needs mail is offered. */
export class Mailer extends Context.Reference<Mailer>()("agent-install/Mailer", {
  defaultValue: (): Option.Option<MailSender> => Option.none()
}) {}
