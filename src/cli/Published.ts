import { DateTime, Effect, Layer, type Option } from "effect"
import { kindDescriptions } from "../domain/catalog/Kind.ts"
import { type Manifest, typeOf } from "../domain/catalog/Template.ts"
import { UnknownTemplateSlug } from "../domain/Errors.ts"
import type { RevisionList } from "../domain/publishing/Revision.ts"
import { settings } from "../layers/runtime/Settings.ts"
import { TemplateCatalog } from "../services/catalog/TemplateCatalog.ts"
import { PublishedTemplates } from "../services/publishing/PublishedTemplates.ts"
import { Publishers } from "../services/publishing/Publishers.ts"
import { ServicesFrom } from "./Application.ts"
import { DatabaseUrlFrom } from "./Database.ts"
import { type AsJson, CommandFailed, print, table } from "./Output.ts"
import { clientOf, failedAt, visitorOf } from "./OverHttp.ts"

/* What is published, in the database of the settings or over HTTP. */

const Services = Layer.unwrapEffect(
  Effect.map(settings, (given) => ServicesFrom(given).pipe(Layer.provide(DatabaseUrlFrom(given))))
)

interface OfTemplate extends AsJson {
  /** The template's slug, or the publisher's and the template's with a slash between. */
  readonly name: string
  readonly url: Option.Option<string>
}

const slugsOf = (name: string) => {
  const [first = "", second] = name.split("/")
  return { publisher: first, template: second ?? first }
}

const describe = ({ description, name, revision, rows, slug }: Manifest): string =>
  [
    `${name} (${slug}), revision ${revision}`,
    ...(description === "" ? [] : [description]),
    "",
    table(
      kindDescriptions.flatMap(({ kind }) =>
        rows[kind].map((row) => ({ type: typeOf(kind), slug: row.slug, name: row.name }))
      )
    )
  ].join("\n")

/** Says what an install of a template brings. */
export const show = ({ json, name, url }: OfTemplate) =>
  Effect.gen(function* () {
    const { template } = slugsOf(name)
    const manifest = yield* url._tag === "Some"
      ? Effect.flatMap(visitorOf(url.value), ({ install }) => install.manifest({ path: { slug: template } })).pipe(
          Effect.mapError(failedAt(url.value)),
          Effect.filterOrFail(
            (answer) => answer !== undefined,
            () => new CommandFailed({ message: "The service answered with nothing." })
          )
        )
      : Effect.flatMap(TemplateCatalog, (catalog) => catalog.manifest(template)).pipe(Effect.provide(Services))
    yield* print(json, manifest, describe(manifest))
  })

/** The newest revisions of a template in the database, whoever publishes it. */
const historyInDatabase = (slug: string) =>
  Effect.gen(function* () {
    const listed = yield* Effect.flatMap(TemplateCatalog, (catalog) => catalog.list)
    const template = listed.find((one) => one.slug === slug)
    if (template === undefined) return yield* new UnknownTemplateSlug({ slug })
    const { publisher } = yield* Effect.flatMap(Publishers, (publishers) => publishers.facts(template.publisher, null))
    if (publisher === null) return yield* new UnknownTemplateSlug({ slug })
    return yield* Effect.flatMap(PublishedTemplates, (templates) => templates.revisions(publisher.id, slug))
  })

const describeHistory = ({ next, revisions }: RevisionList): string =>
  [
    ...revisions.flatMap(({ changes, notes, publishedAt, revision }) => [
      `Revision ${revision}, ${DateTime.formatIso(publishedAt)}`,
      ...(notes === "" ? [] : notes.split("\n").map((line) => `  ${line}`)),
      ...changes.map(
        ({ change, fields, kind, slug, was }) =>
          `  ${change} ${typeOf(kind)} ${slug}${was === null ? "" : ` (was ${was})`}${
            fields.length === 0 ? "" : `: ${fields.join(", ")}`
          }`
      ),
      ""
    ]),
    ...(next === null ? [] : [`Older ones than ${next} are left out.`])
  ]
    .join("\n")
    .trimEnd()

/** Lists the newest revisions of a template, and what changed in each. */
export const history = ({ json, name, url }: OfTemplate) =>
  Effect.gen(function* () {
    const { publisher, template } = slugsOf(name)
    const found = yield* url._tag === "Some"
      ? Effect.flatMap(clientOf(url.value), ({ revisions }) =>
          revisions.list({ path: { slug: publisher, template }, urlParams: {} })
        ).pipe(Effect.mapError(failedAt(url.value)))
      : Effect.provide(historyInDatabase(template), Services)
    yield* print(json, found, describeHistory(found))
  })
