import { Order, Predicate, Schema } from "effect"
import { AgentId, DefinitionSlug, exampleIds, Slug } from "../Ids.ts"
import { E164 } from "../identity/Phone.ts"
import { didYouMean } from "../Nearest.ts"
import { reservedSlugs } from "../Slug.ts"
import { BoundedProse, Name, Prose } from "../Text.ts"
import { Deprecation } from "./Deprecation.ts"
import { byKind, Kind, type KindDescription, kindDescriptions } from "./Kind.ts"
import { Modes } from "./Mode.ts"
import { scheduleProblem } from "./Schedule.ts"
import { TemplateIssue } from "./TemplateIssue.ts"
import { inBytes, isTooDeep, jsonBytes, templateLimits } from "./TemplateLimits.ts"

/**
 * One definition of a template, of any kind. `content` holds the columns of its kind by name (including those of its
 * version), `references` the slug of the row it refers to, by column.
 */
export const Definition = Schema.Struct({
  kind: Kind,
  slug: DefinitionSlug,
  name: Name,
  description: Prose,
  was: Schema.Array(DefinitionSlug),
  content: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  references: Schema.Record({ key: Schema.String, value: DefinitionSlug }),
  extensions: Schema.Record({ key: Schema.String, value: Schema.Unknown })
})
export type Definition = typeof Definition.Type

/** What is new in a revision, for those who have the template installed. */
export const Notes = BoundedProse(0, 20_000)

/** A template as its publisher wrote it: the input of a publication. Its notes are the revision's, and no content of it. */
export const Template = Schema.Struct({
  slug: Slug,
  name: Name,
  description: Prose,
  publisher: Slug,
  botPhone: Schema.NullOr(E164),
  /** How it may be installed; by copy only, where this is absent. */
  modes: Schema.optionalWith(Modes, { exact: true }),
  extensions: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  definitions: Schema.Array(Definition),
  notes: Schema.optionalWith(Notes, { exact: true })
})
export type Template = typeof Template.Type

const Document = Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({
  jsonSchema: { type: "object", additionalProperties: true }
})

/** A template as its files say it: what template.yaml says, and each of the files below models. */
export const TemplateDocuments = Schema.Struct({ template: Document, definitions: Schema.Array(Document) })
export type TemplateDocuments = typeof TemplateDocuments.Type

/** A row that differs between a revision and the previous one; `fields` are those that changed. */
export const PublishedChange = Schema.Struct({
  kind: Kind,
  slug: Schema.String,
  change: Schema.Literal("added", "changed", "renamed", "withdrawn"),
  was: Schema.NullOr(Schema.String).annotations({ description: "Where the row is renamed: its slug before." }),
  fields: Schema.Array(Schema.String)
})
export type PublishedChange = typeof PublishedChange.Type

/**
 * The result of a publication: the template's id, its newest revision, whether that is new, the previous revision (0 if
 * there was none) and what changed since then.
 */
export const Published = Schema.Struct({
  templateAgentId: AgentId,
  revision: Schema.Int,
  changed: Schema.Boolean,
  since: Schema.Int,
  changes: Schema.Array(PublishedChange)
})
export type Published = typeof Published.Type

const bySlug = Order.mapInput(Order.string, ({ slug }: { readonly slug: string }) => slug)

/** Sorts changes by kind and slug. */
export const sortChanges = (
  changes: ReadonlyArray<PublishedChange>,
  kinds: ReadonlyArray<KindDescription> = kindDescriptions
): ReadonlyArray<PublishedChange> => {
  const position = ({ kind }: PublishedChange) => kinds.findIndex((one) => one.kind === kind)
  return changes.toSorted(Order.combine(Order.mapInput(Order.number, position), bySlug))
}

/** A row of a revision as it is kept: its content by column, what it refers to by the number of the row. */
export interface PublishedRow {
  readonly kind: Kind
  readonly slug: string
  readonly sourceId: string
  readonly was: ReadonlyArray<string>
  readonly content: Readonly<Record<string, unknown>>
}

/** The definitions that were published as these rows, by kind and slug. */
export const definitionsOf = (
  rows: ReadonlyArray<PublishedRow>,
  kinds: ReadonlyArray<KindDescription> = kindDescriptions
): ReadonlyArray<Definition> => {
  const slugs = new Map(rows.map(({ kind, slug, sourceId }) => [`${kind} ${sourceId}`, slug]))
  return kinds.flatMap(({ columns, kind, references = {}, versions }) =>
    rows
      .filter((row) => row.kind === kind)
      .toSorted(bySlug)
      .map(({ content, slug, was }) => {
        const said = (names: Readonly<Record<string, unknown>>) =>
          Object.fromEntries(Object.keys(names).map((name) => [name, content[name] ?? null]))
        return Definition.make({
          kind,
          slug: DefinitionSlug.make(slug),
          name: String(content.name),
          description: String(content.description),
          was: was.map((old) => DefinitionSlug.make(old)),
          content: said({ ...columns, ...versions?.columns }),
          references: Object.fromEntries(
            Object.entries(references).flatMap(([column, target]) => {
              const referred = slugs.get(`${target} ${content[column]}`)
              return referred === undefined ? [] : [[column, DefinitionSlug.make(referred)]]
            })
          ),
          extensions: Predicate.isRecord(content.extensions) ? content.extensions : {}
        })
      })
  )
}

/** A published template, as the operator of the service sees it. */
export const ListedTemplate = Schema.Struct({
  slug: Schema.String,
  name: Schema.String,
  publisher: Schema.String,
  visibility: Schema.Literal("public", "private"),
  revision: Schema.Int,
  definitions: Schema.Int,
  installs: Schema.Int
})
export type ListedTemplate = typeof ListedTemplate.Type

/** A row that an install brings, as the manifest lists it. */
export const ManifestRow = Schema.Struct({ slug: Schema.String, name: Schema.String, description: Schema.String })
export type ManifestRow = typeof ManifestRow.Type

/** Everything that anybody may know about a template before installing it. */
export const Manifest = Schema.Struct({
  slug: Schema.String,
  name: Schema.String,
  description: Schema.String,
  botPhone: Schema.NullOr(Schema.String).annotations({ description: "Digits as https://wa.me/ takes them." }),
  templateAgentId: AgentId,
  revision: Schema.Int.annotations({ description: "What an install brings: the newest that is not broken." }),
  deprecated: Schema.NullOr(Deprecation),
  rows: Schema.Struct(byKind(() => Schema.Array(ManifestRow)))
}).annotations({
  identifier: "Manifest",
  description:
    "What an install of a template brings: its agent, and each definition by kind, by name and by description.",
  examples: [
    {
      slug: "personal-finance",
      name: "Personal finance",
      description: "Keeps track of money and tax",
      botPhone: "447911123456",
      templateAgentId: exampleIds.templateAgentId,
      revision: 2,
      deprecated: null,
      rows: {
        entity_types: [{ slug: "bank-account", name: "Bank account", description: "Where money is kept" }],
        entity_relationship_types: [
          { slug: "holds-account", name: "Holds account", description: "Whose account it is" }
        ],
        watchers: [{ slug: "weekly-deadline-radar", name: "Deadlines", description: "Looks ahead each Monday" }],
        event_classifiers: []
      }
    }
  ]
})
export type Manifest = typeof Manifest.Type

/** Groups rows by kind, and sorts them by slug. */
export const rowsByKind = (rows: ReadonlyArray<ManifestRow & { readonly kind: Kind }>): Manifest["rows"] =>
  byKind((kind) =>
    rows
      .filter((row) => row.kind === kind)
      .toSorted(bySlug)
      .map(({ description, name, slug }) => ({ slug, name, description }))
  )

/** The names of the kinds in a template's files (`type:`). */
export const definitionTypes = {
  entity: "entity_types",
  relationship: "entity_relationship_types",
  watcher: "watchers",
  classifier: "event_classifiers"
} as const satisfies Readonly<Record<string, Kind>>

/** The publisher's name of a kind: its type in the files, or its own name if no file can contain it. */
export const typeOf = (kind: Kind): string =>
  Object.entries(definitionTypes).find(([, known]) => known === kind)?.[0] ?? kind

/** The name of a reference in the files: `watcher` for the column `watcher_id`. */
export const referenceField = (column: string): string => column.replace(/_id$/, "")

/** A publication that is refused; `message` says what is wrong and what to do. */
export class PublishRefused extends Schema.TaggedError<PublishRefused>()("PublishRefused", {
  issues: Schema.Array(TemplateIssue)
}) {
  /** Each problem on a line. */
  get lines(): ReadonlyArray<string> {
    return this.issues.map(({ message, path, where }) =>
      [where, path.join("."), message].filter((part) => part !== "").join(": ")
    )
  }
  override get message() {
    return this.lines.join("\n")
  }
}

/** A problem of the template itself. */
export const headIssue = (path: TemplateIssue["path"], message: string): TemplateIssue => ({ where: "", path, message })

/** A problem of one of the definitions. */
export const definitionIssue = (
  definitions: ReadonlyArray<Definition>,
  definition: number,
  path: TemplateIssue["path"],
  message: string
): TemplateIssue => {
  const named = definitions[definition]
  const where = named === undefined ? "" : `${typeOf(named.kind)} "${named.slug}"`
  return { where, path, message, definition }
}

/** The position of each (kind, slug) among the definitions. */
export const positions = (definitions: ReadonlyArray<Definition>): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  for (const [at, { kind, slug }] of definitions.entries()) {
    if (!found.has(`${kind} ${slug}`)) found.set(`${kind} ${slug}`, at)
  }
  return found
}

/** A row by its kind and slug, and what is wrong with the definition that is to have that slug. */
type Named = Pick<Definition, "kind"> & { readonly slug: string }

/** The problems of definitions whose slug another live row has. */
export const takenSlugIssues = (
  definitions: ReadonlyArray<Definition>,
  held: ReadonlyArray<Named>
): ReadonlyArray<TemplateIssue> => {
  const at = positions(definitions)
  return held.map(({ kind, slug }) =>
    definitionIssue(
      definitions,
      at.get(`${kind} ${slug}`) ?? -1,
      ["slug"],
      `"${slug}" is another ${typeOf(kind)} of the publisher's, which this definition does not continue; leave out its was:, or choose another slug`
    )
  )
}

/** The problems of definitions that differ from what a sibling template published under the same slug. */
export const differingSiblingIssues = (
  definitions: ReadonlyArray<Definition>,
  differing: ReadonlyArray<Named & { readonly template: string }>
): ReadonlyArray<TemplateIssue> => {
  const at = positions(definitions)
  return differing.map(({ kind, slug, template }) =>
    definitionIssue(
      definitions,
      at.get(`${kind} ${slug}`) ?? -1,
      [],
      `differs from the ${typeOf(kind)} "${slug}" that the publisher's template "${template}" published; make the two the same, or give this one another slug`
    )
  )
}

/** The problem of a template whose publisher is a personal organization. */
export const privatePublisherIssue = ({ publisher }: Pick<Template, "publisher">): TemplateIssue =>
  headIssue(["publisher"], `organization "${publisher}" is private; templates are published from a public one`)

/** The problem of a template whose slug belongs to another publisher. */
export const foreignSlugIssue = ({ slug }: Pick<Template, "slug">): TemplateIssue =>
  headIssue(["slug"], `"${slug}" is a template of another publisher; choose another slug, or name that publisher`)

/** The problem of a template that was withdrawn for good. */
export const withdrawnIssue = ({ slug }: Pick<Template, "slug">): TemplateIssue =>
  headIssue(["slug"], `"${slug}" was withdrawn for good; choose another slug`)

/** What of a template is larger than is taken. */
const limitIssues = ({ definitions, notes: _, ...head }: Template): ReadonlyArray<TemplateIssue> => {
  if (definitions.length > templateLimits.rows) {
    return [
      headIssue(
        [],
        `has ${definitions.length} definitions; ${templateLimits.rows} are the most that a template may have`
      )
    ]
  }
  const issues: Array<TemplateIssue> = []
  let whole = 0
  const measure = (
    value: object,
    parts: Readonly<Record<string, unknown>>,
    issue: (path: string[], text: string) => TemplateIssue
  ) => {
    const deep = Object.entries(parts).find(([, part]) => isTooDeep(part))
    if (deep !== undefined) {
      issues.push(issue([deep[0]], `has lists and mappings more than ${templateLimits.depth} deep in each other`))
      return
    }
    const bytes = jsonBytes(value)
    whole += bytes
    if (bytes <= templateLimits.rowBytes) return
    const largest = Object.keys(parts).reduce((a, b) => (jsonBytes(parts[b]) > jsonBytes(parts[a]) ? b : a))
    issues.push(
      issue([largest], `makes this ${inBytes(bytes)} as JSON; at most ${inBytes(templateLimits.rowBytes)} are taken`)
    )
  }
  measure(head, { description: head.description, ...head.extensions }, headIssue)
  for (const [at, definition] of definitions.entries()) {
    const { content, description, extensions, was } = definition
    measure(definition, { description, was, ...content, ...extensions }, (path, text) =>
      definitionIssue(definitions, at, path, text)
    )
  }
  return issues.length === 0 && whole > templateLimits.templateBytes
    ? [
        headIssue(
          [],
          `takes ${inBytes(whole)} as JSON; a template may take at most ${inBytes(templateLimits.templateBytes)}`
        )
      ]
    : issues
}

/**
 * What is wrong within a template, regardless of what is published already: exceeded limits, duplicate slugs, missing
 * content, watchers that would never run, references to nothing, renames that conflict.
 */
export const templateIssues = (
  template: Template,
  kinds: ReadonlyArray<KindDescription> = kindDescriptions
): ReadonlyArray<TemplateIssue> => {
  const { definitions, publisher } = template
  const tooMuch = limitIssues(template)
  if (tooMuch.length > 0) return tooMuch
  const at = positions(definitions)
  const slugsOf = (kind: Kind | undefined) =>
    definitions.filter((definition) => definition.kind === kind).map(({ slug }) => slug)
  const continuing = new Map<string, number>()
  const described = new Map(kinds.map((kind) => [kind.kind, kind]))
  const issues: Array<TemplateIssue> = reservedSlugs.has(publisher)
    ? [headIssue(["publisher"], `"${publisher}" is reserved; choose another`)]
    : []
  for (const [number, { content, kind, references: named, slug, was }] of definitions.entries()) {
    const add = (path: TemplateIssue["path"], message: string, also?: number) => {
      const issue = definitionIssue(definitions, number, path, message)
      issues.push(also === undefined ? issue : { ...issue, also })
    }
    const { columns, references = {}, schedule, versions } = described.get(kind) ?? { columns: {} }
    const missing = Object.keys({ ...columns, ...versions?.columns }).filter((column) => content[column] === undefined)
    if (missing.length > 0) add([], `lacks ${missing.join(", ")}`)
    if (schedule !== undefined) {
      const never = scheduleProblem(String(content[schedule.cron]))
      if (never !== undefined) add([schedule.cron], never)
    }
    const first = at.get(`${kind} ${slug}`)
    if (first !== number) add(["slug"], `another ${typeOf(kind)} has the slug "${slug}" already`, first)
    for (const [index, former] of was.entries()) {
      const other = continuing.get(`${kind} ${former}`)
      if (other !== undefined && other !== number) {
        add(
          ["was", index],
          `"${former}" is what "${definitions[other]?.slug}" says it was too; only one can continue it`,
          other
        )
      }
      continuing.set(`${kind} ${former}`, number)
    }
    for (const [column, target] of Object.entries(named)) {
      const wanted = references[column]
      if (!at.has(`${wanted} ${target}`)) {
        const what = wanted === undefined ? column : typeOf(wanted)
        add(
          [referenceField(column)],
          `refers to the ${what} "${target}", which the template does not define${didYouMean(target, slugsOf(wanted))}`
        )
      }
    }
  }
  return issues
}
