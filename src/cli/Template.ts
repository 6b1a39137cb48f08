import { Prompt } from "@effect/cli"
import { Console, Effect, Layer, Option } from "effect"
import { PublishRefused, type Template } from "../domain/catalog/Template.ts"
import type { Impact } from "../domain/installation/Impact.ts"
import { readTemplate } from "../layers/catalog/TemplateFiles.ts"
import { settings } from "../layers/runtime/Settings.ts"
import {
  diffTemplate,
  type Publication,
  publishTemplate,
  type WithdrawalNotAgreed
} from "../services/catalog/PublishTemplate.ts"
import { ServicesFrom } from "./Application.ts"
import { DatabaseUrlFrom } from "./Database.ts"
import { type AsJson, print, table } from "./Output.ts"
import { publisherAt } from "./OverHttp.ts"
import { changesTable } from "./Published.ts"

const Services = Layer.unwrapEffect(
  Effect.map(settings, (given) => ServicesFrom(given).pipe(Layer.provide(DatabaseUrlFrom(given))))
)

const describeImpact = ({ affected, installations, mostAffected, pinned, total }: Impact): ReadonlyArray<string> =>
  installations === 0
    ? ["Nobody has it installed."]
    : [
        `${affected} of ${installations} installations are affected once they are brought up to it${
          pinned === 0 ? "" : ` (${pinned} are pinned)`
        }:`,
        `${total.creates} rows new, ${total.updates} updated, ${total.customized} kept as their owners changed them,`,
        `${total.collisions} slugs taken, ${total.removals} removed, ${total.retirements} hidden since they are changed or in use.`,
        ...(mostAffected.length === 0
          ? []
          : [
              "",
              "The most affected:",
              table(
                mostAffected.map((one) => ({
                  organization: one.organizationSlug,
                  new: one.creates,
                  updated: one.updates,
                  kept: one.customized,
                  taken: one.collisions,
                  removed: one.removals,
                  hidden: one.retirements,
                  pinned: one.pinned ? "yes" : ""
                }))
              )
            ])
      ]

/** What a publication changes and does, for people, below a line that says whether it was done. */
const describe = (line: string, { impact, published: { changes } }: Publication): string =>
  [
    line,
    "",
    changes.length === 0 ? "No row changes, only what the template says of itself." : changesTable(changes),
    "",
    ...describeImpact(impact)
  ].join("\n")

/** Does something with the template of a folder; refusals name the place in its files. */
const withTemplate =
  (folder: string) =>
  <A, E, R>(use: (template: Template) => Effect.Effect<A, E | PublishRefused, R>) =>
    Effect.gen(function* () {
      // Read first: the problems of a folder can be reported without a database.
      const { locate, template } = yield* readTemplate(folder)
      const done = yield* use(template).pipe(
        Effect.mapError((error) => (error instanceof PublishRefused ? locate(error) : error))
      )
      return [template, done] as const
    })

interface Folder extends AsJson {
  readonly folder: string
  /** The address of a service to publish by; absent: the database of the settings. */
  readonly url: Option.Option<string>
}

/** Where a folder is published: by a service, else into the database. */
const publisherOf = (url: Option.Option<string>) => {
  const service = publisherAt(Option.getOrElse(url, () => ""))
  const either = <A, E1, R1, E2, R2>(there: Effect.Effect<A, E1, R1>, here: Effect.Effect<A, E2, R2>) =>
    Effect.if(Option.isSome(url), { onTrue: () => there, onFalse: () => here })
  return {
    diff: (template: Template) => either(service.diff(template), Effect.provide(diffTemplate(template), Services)),
    publish: (template: Template, withdraw: boolean) =>
      either(service.publish(template, withdraw), Effect.provide(publishTemplate(template, withdraw), Services))
  }
}

/** Prints what publishing a folder would change and do. */
export const diff = ({ folder, json, url }: Folder) =>
  Effect.gen(function* () {
    const [{ slug }, publication] = yield* withTemplate(folder)(publisherOf(url).diff)
    const { changed, changes, revision, since } = publication.published
    yield* print(
      json,
      { slug, changed, revision, since, changes, impact: publication.impact },
      changed
        ? describe(`Publishing ${slug} would make revision ${revision}:`, publication)
        : `Publishing ${slug} would change nothing: it is revision ${revision} already.`
    )
  })

/** Asks a person at a terminal to agree to what a publication withdraws, after showing everything it would do. */
const agrees = ({ message, publication }: WithdrawalNotAgreed, slug: string) =>
  Console.log(describe(`Publishing ${slug} would make revision ${publication.published.revision}:`, publication)).pipe(
    Effect.zipRight(Prompt.confirm({ message: `${message} Publish it?`, initial: false })),
    // The prompt catches Ctrl-C itself.
    Effect.catchTag("QuitException", () => Effect.interrupt)
  )

interface Publish extends Folder {
  readonly dryRun: boolean
  readonly yes: boolean
}

/** Publishes a folder or, for a dry run, prints what that would do. */
export const publish = Effect.fnUntraced(function* ({ dryRun, folder, json, url, yes }: Publish) {
  if (dryRun) return yield* diff({ folder, json, url })
  const publisher = publisherOf(url)
  const asks = !json && process.stdin.isTTY && process.stdout.isTTY
  const [{ definitions, slug }, publication] = yield* withTemplate(folder)((template) =>
    publisher
      .publish(template, yes)
      .pipe(
        Effect.catchTag("WithdrawalNotAgreed", (refusal) =>
          asks
            ? Effect.flatMap(agrees(refusal, template.slug), (agreed) =>
                agreed ? publisher.publish(template, true) : refusal
              )
            : refusal
        )
      )
  )
  const { changed, revision, templateAgentId } = publication.published
  yield* print(
    json,
    { slug, ...publication.published, impact: publication.impact },
    changed
      ? describe(
          `Published ${slug}, revision ${revision}: ${definitions.length} definitions (template agent ${templateAgentId}).`,
          publication
        )
      : `Nothing changed: ${slug} stays at revision ${revision} (template agent ${templateAgentId}).`
  )
})
