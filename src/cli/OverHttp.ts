import { FetchHttpClient } from "@effect/platform"
import { Config, Effect, Option, Predicate, Redacted, Schedule } from "effect"
import { PublishRefused, type Template } from "../domain/catalog/Template.ts"
import type { TemplateRefused, WithdrawalRefused } from "../domain/Errors.ts"
import type { RevisionAnswer } from "../domain/publishing/Revision.ts"
import { makeClient } from "../http/Client.ts"
import { readDocuments, toDocuments } from "../layers/catalog/TemplateFiles.ts"
import { type Publication, WithdrawalNotAgreed } from "../services/catalog/PublishTemplate.ts"
import { CommandFailed } from "./Output.ts"

/* The commands that ask a service over HTTP, with a key of a publisher's or the session of a person. */

/** The variables that have what a service is shown: a publisher's key, or the token of a session. */
const shown = {
  key: {
    variable: "AGENT_INSTALL_KEY",
    hint: "must be a key of the publisher: an owner or admin makes one with POST /api/publishers/<slug>/keys.",
    name: "key"
  },
  token: {
    variable: "AGENT_INSTALL_TOKEN",
    hint: "must be the token of a session: POST /api/auth/sign-in/email answers with it as set-auth-token.",
    name: "session"
  }
} as const

const isOneOf =
  (...tags: ReadonlyArray<string>) =>
  (error: unknown) =>
    tags.some((tag) => Predicate.isTagged(error, tag))

const isUnanswered = isOneOf("RequestError", "TimeoutException")
const isAway = isOneOf("RequestError", "TimeoutException", "ResponseError", "Unavailable")

/** Looks, and where nobody answers, or another in the service's place, again for two minutes, as while its processes are replaced. */
export const patiently = <A, E, R>(look: Effect.Effect<A, E, R>) =>
  look.pipe(
    Effect.timeout("30 seconds"),
    Effect.retry({ while: isAway, schedule: Schedule.spaced("1 second").pipe(Schedule.upTo("2 minutes")) })
  )

/** What an error of the client is to whoever typed the command. */
export const failedAt =
  (to: string, what: keyof typeof shown = "key") =>
  (error: unknown) => {
    if (error instanceof CommandFailed) return error
    if (Predicate.isTagged(error, "Unauthenticated")) {
      const { name, variable } = shown[what]
      return new CommandFailed({ message: `What ${variable} has is no ${name} at ${to}, or none any more.` })
    }
    const said = Predicate.hasProperty(error, "message") ? String(error.message) : String(error)
    return new CommandFailed({
      message: isUnanswered(error) ? `No service answers at ${to}: ${said}` : said
    })
  }

/** A client of the service at that address; it shows nothing. */
export const visitorOf = (to: string) =>
  makeClient({ baseUrl: to.replace(/\/+$/, "") }).pipe(Effect.provide(FetchHttpClient.layer))

/** A client of the service at that address, which shows what the environment has. */
export const clientOf = (to: string, what: keyof typeof shown = "key") =>
  Effect.gen(function* () {
    const { hint, variable } = shown[what]
    const token = yield* Config.option(Config.redacted(variable))
    if (!Option.exists(token, (given) => Redacted.value(given) !== "")) {
      return yield* new CommandFailed({ message: `${variable} ${hint}` })
    }
    return yield* makeClient({ baseUrl: to.replace(/\/+$/, ""), token: Option.getOrUndefined(token) })
  }).pipe(Effect.provide(FetchHttpClient.layer))

const publicationOf = ({ impact, slug: _, ...published }: RevisionAnswer): Publication => ({
  published,
  impact: { ...impact, mostAffected: [] }
})

const isRefusedTemplate = (error: unknown): error is TemplateRefused => Predicate.isTagged(error, "TemplateRefused")
const isWithdrawal = (error: unknown): error is WithdrawalRefused => Predicate.isTagged(error, "WithdrawalRefused")

/** Publishes by the service at that address, and says what it refuses as publishing to a database does. */
export const publisherAt = (to: string) => {
  const send = (template: Template, { dryRun, withdraw }: { readonly dryRun: boolean; readonly withdraw: boolean }) =>
    Effect.gen(function* () {
      const client = yield* clientOf(to)
      return yield* client.revisions.publish({
        path: { slug: template.publisher, template: template.slug },
        urlParams: { dryRun },
        payload: { ...toDocuments(template), withdraw }
      })
    }).pipe(
      Effect.map(publicationOf),
      Effect.mapError((error) =>
        isRefusedTemplate(error)
          ? new PublishRefused({ issues: error.issues })
          : isWithdrawal(error)
            ? error
            : failedAt(to)(error)
      )
    )
  const diff = (template: Template) =>
    Effect.catchTag(send(template, { dryRun: true, withdraw: false }), "WithdrawalRefused", (error) =>
      failedAt(to)(error)
    )
  return {
    diff,
    publish: (template: Template, withdraw: boolean) =>
      Effect.catchTag(send(template, { dryRun: false, withdraw }), "WithdrawalRefused", ({ installed, of, rows }) =>
        Effect.flatMap(
          diff(template),
          (publication) => new WithdrawalNotAgreed({ publication, withdrawal: { rows, of, installed } })
        )
      )
  }
}

/** A revision of a template as what its files say. */
export const pullFrom = (to: string, publisher: string, template: string, revision: string) =>
  Effect.gen(function* () {
    const client = yield* clientOf(to)
    const documents = yield* client.revisions.read({ path: { slug: publisher, template, revision } })
    // What a service sends becomes names of files: only what a template may say.
    yield* readDocuments(documents)
    return documents
  }).pipe(Effect.mapError(failedAt(to)))
