import { Args, Command, Options, Prompt } from "@effect/cli"
import { Console, Effect, Layer } from "effect"
import { PublishRefused, type Template, typeOf } from "../domain/catalog/Template.ts"
import type { Impact } from "../domain/installation/Impact.ts"
import { readTemplate } from "../layers/catalog/TemplateFiles.ts"
import { settings } from "../layers/runtime/Settings.ts"
import {
  diffTemplate,
  type Publication,
  publishTemplate,
  type WithdrawalNotAgreed
} from "../services/catalog/PublishTemplate.ts"
import { TemplateCatalog } from "../services/catalog/TemplateCatalog.ts"
import { DatabaseUrlFrom, ServicesFrom } from "./Application.ts"
import { json, print, table } from "./Output.ts"

const folder = Args.directory({ name: "DIR", exists: "yes" }).pipe(
  Args.withDescription("The template's folder: template.yaml, and models/*.yaml with one definition a file.")
)

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
        `${total.creates} rows new, ${total.updates} updated, ${total.customized} kept as their owners changed them, ` +
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

/** What a publication changes and does, for people to read, below a line that says whether it was done. */
const describe = (line: string, { impact, published: { changes } }: Publication): string =>
  [
    line,
    "",
    changes.length === 0
      ? "No row changes, only what the template says of itself."
      : table(
          changes.map(({ change, fields, kind, slug, was }) => ({
            change,
            kind: typeOf(kind),
            slug,
            was,
            fields: fields.join(", ")
          }))
        ),
    "",
    ...describeImpact(impact)
  ].join("\n")

/** Runs what is to be done with a folder's template; what is refused of it is told with its place in the files. */
const withTemplate =
  (folder: string) =>
  <A, E, R>(use: (template: Template) => Effect.Effect<A, E | PublishRefused, R>) =>
    Effect.gen(function* () {
      // Read first: a folder that is wrong needs no database to say so.
      const { locate, template } = yield* readTemplate(folder)
      const done = yield* use(template).pipe(
        Effect.mapError((error) => (error instanceof PublishRefused ? locate(error) : error))
      )
      return [template, done] as const
    })

const rehearse = ({ folder, json }: { readonly folder: string; readonly json: boolean }) =>
  Effect.gen(function* () {
    const [{ slug }, publication] = yield* withTemplate(folder)((template) =>
      Effect.provide(diffTemplate(template), Services)
    )
    const { changed, changes, revision, since } = publication.published
    yield* print(
      json,
      { slug, changed, revision, since, changes, impact: publication.impact },
      changed
        ? describe(`Publishing ${slug} would make revision ${revision}:`, publication)
        : `Publishing ${slug} would change nothing: it is revision ${revision} already.`
    )
  })

/** Whether somebody at a terminal agrees to what a publication withdraws, after reading all that it would do. */
const agrees = ({ message, publication }: WithdrawalNotAgreed, slug: string) =>
  Console.log(describe(`Publishing ${slug} would make revision ${publication.published.revision}:`, publication)).pipe(
    Effect.zipRight(Prompt.confirm({ message: `${message} Publish it?`, initial: false })),
    Effect.catchTag("QuitException", () => Effect.succeed(false))
  )

const publish = Command.make(
  "publish",
  {
    folder,
    json,
    dryRun: Options.boolean("dry-run").pipe(
      Options.withDescription("Change nothing, and say what publishing would change and do, as template diff does.")
    ),
    yes: Options.boolean("yes").pipe(
      Options.withAlias("y"),
      Options.withDescription(
        "Publish also what withdraws rows that installations have, or more than half of the rows. Without it a terminal is asked, and elsewhere nothing is published."
      )
    )
  },
  ({ dryRun, folder, json, yes }) => {
    if (dryRun) return rehearse({ folder, json })
    const asks = !json && process.stdin.isTTY && process.stdout.isTTY
    return Effect.gen(function* () {
      const [{ definitions, slug }, publication] = yield* withTemplate(folder)((template) =>
        publishTemplate(template, yes).pipe(
          Effect.catchIf(
            (error) => error._tag === "WithdrawalNotAgreed" && asks,
            (error) =>
              error._tag === "WithdrawalNotAgreed"
                ? Effect.flatMap(agrees(error, template.slug), (agreed) =>
                    agreed ? publishTemplate(template, true) : error
                  )
                : error
          ),
          Effect.provide(Services)
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
  }
).pipe(
  Command.withDescription(
    "Publish a template, or a new revision of it where something changed. Everything is checked before anything is written. Example: agent-install template publish templates/personal-finance"
  )
)

const diff = Command.make("diff", { folder, json }, rehearse).pipe(
  Command.withDescription(
    "Say what publishing a folder would change, row by row, and what it would do to everybody who has the template installed; changes nothing. Example: agent-install template diff templates/personal-finance"
  )
)

const list = Command.make("list", { json }, ({ json }) =>
  Effect.gen(function* () {
    const templates = yield* TemplateCatalog.pipe(
      Effect.flatMap((catalog) => catalog.list),
      Effect.provide(Services)
    )
    yield* print(json, templates, table(templates))
  })
).pipe(Command.withDescription("List the templates that are published, and how often each is installed."))

/** What publishers do. */
export const template = Command.make("template").pipe(
  Command.withDescription(
    "What publishers do: publish a template, see beforehand what that would do, list what is there."
  ),
  Command.withSubcommands([publish, diff, list])
)
