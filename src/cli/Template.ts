import { Args, Command } from "@effect/cli"
import { Effect, Layer } from "effect"
import type { Impact } from "../domain/Impact.ts"
import { DatabaseLive, DatabaseUrlLive, ServicesLive } from "../layers/AppLive.ts"
import { settings } from "../layers/Settings.ts"
import { readTemplate } from "../layers/TemplateFiles.ts"
import { diffTemplate, type Publication, publishTemplate } from "../services/PublishTemplate.ts"
import { TemplateCatalog } from "../services/TemplateCatalog.ts"
import { json, print, table } from "./Output.ts"

const folder = Args.directory({ name: "DIR", exists: "yes" }).pipe(
  Args.withDescription("The template's folder: template.yaml, and models/*.yaml with one definition a file.")
)

const Services = Layer.unwrapEffect(
  Effect.map(settings, (given) =>
    ServicesLive(given).pipe(Layer.provide(DatabaseLive(given)), Layer.provide(DatabaseUrlLive(given)))
  )
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
            kind,
            slug,
            was,
            fields: fields.join(", ")
          }))
        ),
    "",
    ...describeImpact(impact)
  ].join("\n")

const publish = Command.make("publish", { folder, json }, ({ folder, json }) =>
  Effect.gen(function* () {
    // Read first: a folder that is wrong needs no database to say so.
    const { slug, ...rest } = yield* readTemplate(folder)
    const publication = yield* Effect.provide(publishTemplate({ slug, ...rest }), Services)
    const { changed, revision, templateAgentId } = publication.published
    yield* print(
      json,
      { slug, ...publication.published, impact: publication.impact },
      changed
        ? describe(
            `Published ${slug}, revision ${revision}: ${rest.definitions.length} definitions (template agent ${templateAgentId}).`,
            publication
          )
        : `Nothing changed: ${slug} stays at revision ${revision} (template agent ${templateAgentId}).`
    )
  })
).pipe(
  Command.withDescription(
    "Publish a template, or a new revision of it where something changed. Everything is checked before anything is written. Example: agent-install template publish templates/personal-finance"
  )
)

const diff = Command.make("diff", { folder, json }, ({ folder, json }) =>
  Effect.gen(function* () {
    const { slug, ...rest } = yield* readTemplate(folder)
    const publication = yield* Effect.provide(diffTemplate({ slug, ...rest }), Services)
    const { changed, changes, revision, since } = publication.published
    yield* print(
      json,
      { slug, changed, revision, since, changes, impact: publication.impact },
      changed
        ? describe(`Publishing ${slug} would make revision ${revision}:`, publication)
        : `Publishing ${slug} would change nothing: it is revision ${revision} already.`
    )
  })
).pipe(
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
