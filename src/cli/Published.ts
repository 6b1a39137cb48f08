import { Chunk, DateTime, Effect, Layer, Option, Stream } from "effect"
import { changesOver } from "../domain/catalog/Changes.ts"
import { kindDescriptions } from "../domain/catalog/Kind.ts"
import { type Manifest, type Published, type Template, typeOf } from "../domain/catalog/Template.ts"
import { type NoSuchRevision, UnknownTemplateSlug } from "../domain/Errors.ts"
import type { RevisionList } from "../domain/publishing/Revision.ts"
import { readDocuments } from "../layers/catalog/TemplateFiles.ts"
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

/** Changes of rows as a table. */
export const changesTable = (changes: Published["changes"]): string =>
  table(
    changes.map(({ change, fields, kind, slug, was }) => ({
      change,
      kind: typeOf(kind),
      slug,
      was,
      fields: fields.join(", ")
    }))
  )

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

/** The revisions of a template, wherever they are asked for. */
interface Revisions<E> {
  /** A page of them, the newest first: those before one, else the newest. */
  readonly list: (before?: number) => Effect.Effect<RevisionList, E>
  /** What a revision has published: one by its number, else the newest. */
  readonly read: (revision?: number) => Effect.Effect<{ readonly revision: number; readonly template: Template }, E>
}

/** Those of a template in the database, whoever publishes it. */
const inDatabase = (slug: string) =>
  Effect.gen(function* () {
    const listed = yield* Effect.flatMap(TemplateCatalog, (catalog) => catalog.list)
    const template = listed.find((one) => one.slug === slug)
    if (template === undefined) return yield* new UnknownTemplateSlug({ slug })
    const { publisher } = yield* Effect.flatMap(Publishers, (publishers) => publishers.facts(template.publisher, null))
    if (publisher === null) return yield* new UnknownTemplateSlug({ slug })
    const templates = yield* PublishedTemplates
    return {
      list: (before) => templates.revisions(publisher.id, slug, before),
      read: (revision) => templates.revision(publisher.id, slug, revision)
    } satisfies Revisions<UnknownTemplateSlug | NoSuchRevision>
  })

/** Those of a publisher's template over HTTP. */
const atService = (url: string, slugs: ReturnType<typeof slugsOf>) =>
  Effect.map(clientOf(url), ({ revisions }): Revisions<CommandFailed> => {
    const path = { slug: slugs.publisher, template: slugs.template }
    return {
      list: (before) =>
        revisions
          .list({ path, urlParams: before === undefined ? {} : { before } })
          .pipe(Effect.mapError(failedAt(url))),
      read: (revision) =>
        revisions.read({ path: { ...path, revision: revision === undefined ? "newest" : String(revision) } }).pipe(
          Effect.flatMap(({ revision, ...documents }) =>
            Effect.map(readDocuments(documents), ({ template }) => ({ revision, template }))
          ),
          Effect.mapError(failedAt(url))
        )
    }
  })

/** Asks for the revisions of a template where the command says. */
const withRevisions = <A, E, R>(
  { name, url }: OfTemplate,
  use: (revisions: Revisions<CommandFailed | UnknownTemplateSlug | NoSuchRevision>) => Effect.Effect<A, E, R>
) => {
  const slugs = slugsOf(name)
  return Effect.if(Option.isSome(url), {
    onTrue: () =>
      Effect.flatMap(
        atService(
          Option.getOrElse(url, () => ""),
          slugs
        ),
        use
      ),
    onFalse: () => Effect.flatMap(inDatabase(slugs.template), use).pipe(Effect.provide(Services))
  })
}

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
export const history = (given: OfTemplate) =>
  withRevisions(given, (revisions) =>
    Effect.flatMap(revisions.list(), (found) => print(given.json, found, describeHistory(found)))
  )

interface Compare extends OfTemplate {
  /** Absent: the newest, as `to`. */
  readonly from: Option.Option<number>
  readonly to: Option.Option<number>
}

/** What changed in each revision after one, up to another. */
const stepsBetween = <E>({ list }: Revisions<E>, after: number, last: number) =>
  Stream.paginateChunkEffect(last + 1, (before) =>
    Effect.map(list(before), ({ next, revisions }) => [
      Chunk.fromIterable(revisions),
      next === null || next <= after + 1 ? Option.none() : Option.some(next)
    ])
  ).pipe(
    Stream.filter(({ revision }) => revision > after),
    Stream.runCollect,
    Effect.map((found) => Chunk.toReadonlyArray(found).toReversed())
  )

/** Says what differs between two revisions of a template, whichever is the earlier. */
export const compare = (given: Compare) =>
  withRevisions(given, (revisions) =>
    Effect.gen(function* () {
      const from = yield* revisions.read(Option.getOrUndefined(given.from))
      const to = yield* revisions.read(Option.getOrUndefined(given.to))
      const [first, last] = from.revision <= to.revision ? [from, to] : [to, from]
      const steps = yield* stepsBetween(revisions, first.revision, last.revision)
      const { back, forward } = changesOver(
        first.template.definitions,
        last.template.definitions,
        steps.map(({ changes }) => changes)
      )
      const changes = first === from ? forward : back
      const { slug } = to.template
      yield* print(
        given.json,
        { slug, since: from.revision, revision: to.revision, changes },
        changes.length === 0
          ? `No row of ${slug} differs between revisions ${from.revision} and ${to.revision}.`
          : [`From revision ${from.revision} of ${slug} to ${to.revision}:`, "", changesTable(changes)].join("\n")
      )
    })
  )

interface Listed extends AsJson {
  readonly url: Option.Option<string>
}

const offersPage = 100

/** What anybody can install of a service. */
const offeredAt = (url: string) =>
  Effect.flatMap(visitorOf(url), ({ templates }) =>
    Stream.runCollect(
      Stream.paginateChunkEffect("", (after) =>
        Effect.map(templates.list({ urlParams: { q: "", after, limit: offersPage } }), ({ next, templates }) => [
          Chunk.fromIterable(templates),
          Option.fromNullable(next)
        ])
      )
    )
  ).pipe(Effect.mapBoth({ onFailure: failedAt(url), onSuccess: Chunk.toReadonlyArray }))

const listOffered = (json: boolean, url: string) =>
  Effect.flatMap(offeredAt(url), (templates) =>
    print(
      json,
      templates,
      table(
        templates.map(({ definitions, deprecated, name, publisher, slug }) => ({
          slug,
          name,
          publisher: publisher.slug,
          definitions,
          deprecated: deprecated === null ? "" : "yes"
        }))
      )
    )
  )

const listInDatabase = (json: boolean) =>
  Effect.flatMap(TemplateCatalog, (catalog) => catalog.list).pipe(
    Effect.provide(Services),
    Effect.flatMap((templates) => print(json, templates, table(templates)))
  )

/** Lists what is published: in the database everything, over HTTP what anybody can install. */
export const list = ({ json, url }: Listed) =>
  Effect.if(Option.isSome(url), {
    onTrue: () =>
      listOffered(
        json,
        Option.getOrElse(url, () => "")
      ),
    onFalse: () => listInDatabase(json)
  })
