import { FileSystem, Path } from "@effect/platform"
import { Console, Effect, Option, Stream } from "effect"
import { stringify } from "yaml"
import type { TemplateDocuments } from "../domain/catalog/Template.ts"
import { readTemplate } from "../layers/catalog/TemplateFiles.ts"
import { type AsJson, CommandFailed, print } from "./Output.ts"
import { pullFrom } from "./OverHttp.ts"

/* What is done with a template's folder by itself: begin one, check one, fetch one. */

const cantWrite = (folder: string) => (error: { readonly message: string }) =>
  new CommandFailed({ message: `${folder} can't be written: ${error.message}` })

/** Writes the files of a template into a folder that is not there, or empty. Answers with their names. */
const writeFolder = (folder: string, files: ReadonlyArray<readonly [name: string, text: string]>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const inside = yield* Effect.option(fs.readDirectory(folder))
    if (Option.exists(inside, (names) => names.length > 0)) {
      return yield* new CommandFailed({ message: `${folder} is not empty. Name a folder that is not there yet.` })
    }
    yield* fs.makeDirectory(path.join(folder, "models"), { recursive: true })
    yield* Effect.forEach(files, ([name, text]) => fs.writeFileString(path.join(folder, name), text), {
      concurrency: 16,
      discard: true
    })
  }).pipe(Effect.catchTags({ BadArgument: cantWrite(folder), SystemError: cantWrite(folder) }))

const yamlOf = (value: unknown) => stringify(value, { lineWidth: 120 })

/** The files that say it. */
const filesOf = ({ definitions, template }: TemplateDocuments): ReadonlyArray<readonly [string, string]> => [
  ["template.yaml", yamlOf(template)],
  ...definitions.map((one) => [`models/${one.type}-${one.slug}.yaml`, yamlOf(one)] as const)
]

const begun = (slug: string): TemplateDocuments => ({
  template: {
    version: 1,
    slug,
    name: "What people read it as",
    description: "What it does for those who install it.",
    notes: "What is new in this revision."
  },
  definitions: [
    {
      version: 1,
      type: "entity",
      slug: "invoice",
      name: "Invoice",
      description: "A request for payment",
      metadata_schema: { type: "object", properties: { due: { type: "string", format: "date" } } }
    },
    { version: 1, type: "relationship", slug: "paid-by", name: "Paid by", description: "Who paid an invoice" },
    {
      version: 1,
      type: "watcher",
      slug: "due-invoices",
      name: "Due invoices",
      description: "Looks each morning for invoices that are due",
      schedule: "0 7 * * *",
      prompt: "Find the invoices that are due this week.",
      extraction_schema: { type: "object", properties: { invoices: { type: "array", items: { type: "string" } } } }
    },
    {
      version: 1,
      type: "classifier",
      slug: "urgency",
      name: "Urgency",
      description: "How soon something has to be done",
      attribute_key: "urgency",
      attribute_values: ["today", "this week", "later"],
      watcher: "due-invoices",
      fallback_value: "later"
    }
  ]
})

interface Folder extends AsJson {
  readonly folder: string
}

interface Init extends Folder {
  /** The service whose schemas the files name. */
  readonly url: string
}

/** Begins a template: a folder with one definition of each type, each file with the schema by which an editor knows what it may say. */
export const init = Effect.fnUntraced(function* ({ folder, json, url }: Init) {
  const path = yield* Path.Path
  const slug =
    path
      .basename(path.resolve(folder))
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replaceAll(/^-|-$/g, "")
      .slice(0, 63) || "my-template"
  const files = filesOf(begun(slug)).map(([name, text]) => {
    const [, type = "template"] = /^models\/([a-z]+)-/.exec(name) ?? []
    const schema = `${url.replace(/\/+$/, "")}/schemas/${type}.json`
    return [name, `# yaml-language-server: $schema=${schema}\n${text}`] as const
  })
  yield* writeFolder(folder, files)
  yield* print(
    json,
    { folder, slug, files: files.map(([name]) => name) },
    [
      `Began the template ${slug} in ${folder}: template.yaml, and a definition of each type below models.`,
      `Change them, then: agent-install template validate ${folder}`
    ].join("\n")
  )
})

interface Validate extends Folder {
  readonly watch: boolean
}

/** Checks a folder, without a service or a database. */
const check = ({ folder, json }: Folder) =>
  Effect.flatMap(readTemplate(folder), ({ template: { definitions, slug } }) =>
    print(
      json,
      { slug, definitions: definitions.length, issues: [] },
      `${slug} is right: ${definitions.length} definitions.`
    )
  )

/** Checks a folder, and again whenever something in it changes, until interrupted. */
export const validate = Effect.fnUntraced(function* (given: Validate) {
  if (!given.watch) return yield* check(given)
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const checked = Effect.catchTag(check(given), "PublishRefused", (error) =>
    given.json ? print(true, { issues: error.issues }, "") : Console.error(error.message)
  )
  const changes = Stream.merge(fs.watch(given.folder), fs.watch(path.join(given.folder, "models")))
  yield* checked
  yield* changes.pipe(
    // An editor writes a file in several steps.
    Stream.debounce("200 millis"),
    Stream.runForEach(() => checked),
    Effect.catchTags({
      BadArgument: ({ message }) => new CommandFailed({ message }),
      SystemError: ({ message }) => new CommandFailed({ message: `${given.folder} can't be watched: ${message}` })
    })
  )
})

interface Pull extends AsJson {
  readonly url: string
  readonly name: string
  readonly folder: Option.Option<string>
  readonly revision: Option.Option<number>
}

/** Fetches a published template into a folder, which publishes as the same. */
export const pull = Effect.fnUntraced(function* ({ folder, json, name, revision, url }: Pull) {
  const [first = "", second] = name.split("/")
  const template = second ?? first
  const into = Option.getOrElse(folder, () => template)
  const wanted = Option.match(revision, { onNone: () => "newest", onSome: String })
  const documents = yield* pullFrom(url, first, template, wanted)
  const files = filesOf(documents)
  yield* writeFolder(into, files)
  yield* print(
    json,
    { folder: into, slug: template, revision: documents.revision, definitions: documents.definitions.length },
    `Wrote ${template}, revision ${documents.revision}, into ${into}: ${documents.definitions.length} definitions.`
  )
})
