import { assert, it, layer } from "@effect/vitest"
import { Context, Effect, Layer, Option, Redacted } from "effect"
import { type Mail, resetMail, verificationMail } from "../../../src/domain/account/Mail.ts"
import { MailerLive } from "../../../src/layers/account/MailerLive.ts"
import { MailerMemory } from "../../../src/layers/account/MailerMemory.ts"
import { MemoryStore, MemoryStoreLive } from "../../../src/layers/memory/MemoryStore.ts"
import { Mailer } from "../../../src/services/account/Mailer.ts"
import { Smtp, SmtpLive } from "../../smtp.ts"

/** The newest mail that came to an address. */
class Inbox extends Context.Tag("test/Inbox")<Inbox, (to: string) => Effect.Effect<Mail>>() {}

const memory = Layer.merge(
  MailerMemory,
  Layer.effect(
    Inbox,
    Effect.map(
      MemoryStore,
      ({ read }) =>
        (to) =>
          read(({ mails }) => mails.findLast((mail) => mail.to === to) ?? { to, subject: "none", text: "" })
    )
  )
).pipe(Layer.provide(MemoryStoreLive))

const smtp = Layer.merge(
  Layer.unwrapEffect(
    Effect.map(Smtp, ({ url }) => MailerLive({ url: Redacted.make(url), from: "agents@example.org" }))
  ),
  Layer.effect(
    Inbox,
    Effect.map(
      Smtp,
      ({ newest }) =>
        (to) =>
          Effect.map(newest(to), ({ headers, text }) => ({
            to,
            subject: /^Subject: (.*)$/m.exec(headers)?.[1]?.trim() ?? "none",
            text: text.replaceAll("\r\n", "\n")
          }))
    )
  )
).pipe(Layer.provide(SmtpLive))

for (const [label, world] of [
  ["memory", memory],
  ["smtp", smtp]
] as const) {
  layer(world, { excludeTestServices: true, timeout: "30 seconds" })(`Mailer (${label})`, (it) => {
    it.effect("sends a mail as it is, to one address", () =>
      Effect.gen(function* () {
        const { send } = Option.getOrThrow(yield* Mailer)
        const inbox = yield* Inbox
        for (const mail of [
          verificationMail("https://install.example.org", "ada@example.org", "a.token-_"),
          resetMail("https://install.example.org", "bob@example.org", "another"),
          { to: "o'neil+tag@example.org", subject: "Plain", text: "A line, and a dot alone:\n.\nEnd\n" }
        ]) {
          yield* send(mail)
          assert.deepStrictEqual({ ...(yield* inbox(mail.to)) }, mail)
        }
      })
    )
  })
}

it.effect("is none where no program provides one", () =>
  Effect.map(Mailer, (mailer) => assert.deepStrictEqual(mailer, Option.none()))
)
