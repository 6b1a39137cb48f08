import { Context, type Effect, Option } from "effect"
import type { Mail } from "../../domain/account/Mail.ts"

/** Sends mail. */
export interface MailSender {
  /** Accepts a mail, which is then sent in the background, with retries while the mail server is unreachable. Says nothing of success. */
  readonly send: (mail: Mail) => Effect.Effect<void>
}

/** Sends the mails of accounts. Without a sender, which is the default, nothing that needs mail is offered. */
export class Mailer extends Context.Reference<Mailer>()("agent-install/Mailer", {
  defaultValue: (): Option.Option<MailSender> => Option.none()
}) {}
