import { FileSystem, Path } from "@effect/platform"
import { Ajv } from "ajv"
import { Ajv2020 } from "ajv/dist/2020.js"
import { DateTime, Effect, Option, ParseResult, Predicate, Schema } from "effect"
import { isNode, LineCounter, parseDocument, visit } from "yaml"
import { Slug } from "../domain/Ids.ts"
import { E164 } from "../domain/Phone.ts"
import { nextDue } from "../domain/Schedule.ts"
import { type Definition, PublishRefused, type Template, templateIssues } from "../domain/Template.ts"
import { BoundedText, CleanText, findUncleanText, Name } from "../domain/Text.ts"

/*
 * A template as a folder: `template.yaml`, and `models/*.yaml` with one definition a file. All of it is read and checked
 * before any is used; every problem is told with its file, line and column.
 */

const optional = <A, I>(schema: Schema.Schema<A, I>, otherwise: () => A) =>
  Schema.optionalWith(schema, { exact: true, default: otherwise })

const optionalText = optional(Schema.NullOr(CleanText), () => null)

const Version = Schema.Literal(1).annotations({ message: () => ({ message: "expected version: 1", override: true }) })

const drafts = [
  { uri: /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/, ajv: new Ajv2020({ strict: false, logger: false }) },
  { uri: /^http:\/\/json-schema\.org\/draft-07\/schema#?$/, ajv: new Ajv({ strict: false, logger: false }) }
]

const jsonSchemaProblem = (schema: { readonly [key: string]: unknown }): string | undefined => {
  const { $schema: uri = "https://json-schema.org/draft/2020-12/schema" } = schema
  const draft = drafts.find((known) => typeof uri === "string" && known.uri.test(uri))
  if (draft === undefined) return "expected $schema to be that of JSON Schema 2020-12 or draft-07"
  return draft.ajv.validateSchema(schema) === true ? undefined : `expected a JSON Schema: ${draft.ajv.errorsText()}`
}

const JsonObject = Schema.Record({ key: Schema.String, value: Schema.Unknown })
const JsonSchema = JsonObject.pipe(Schema.filter((schema) => jsonSchemaProblem(schema) ?? true))
const JsonList = Schema.Union(Schema.Array(Schema.Unknown), JsonObject).annotations({
  message: () => ({ message: "expected a list or a mapping", override: true })
})

const CronExpression = CleanText.pipe(
  Schema.filter(
    (expression) =>
      (expression.trim().split(/\s+/).length === 5 &&
        Option.isSome(nextDue(expression, DateTime.toDateUtc(DateTime.unsafeMake("2024-01-01"))))) ||
      "expected a cron expression of five fields that comes due, like 0 7 * * 1"
  )
)

const common = {
  version: Version,
  slug: Slug,
  name: Name,
  description: optional(CleanText, () => ""),
  was: optional(Schema.Array(Slug), () => [])
}

const definitionFiles = {
  entity: Schema.Struct({
    ...common,
    type: Schema.Literal("entity"),
    icon: optionalText,
    color: optionalText,
    metadata_schema: optional(JsonSchema, () => ({})),
    event_kinds: optional(JsonList, () => [])
  }),
  relationship: Schema.Struct({
    ...common,
    type: Schema.Literal("relationship"),
    metadata_schema: optional(JsonSchema, () => ({})),
    is_symmetric: optional(Schema.Boolean, () => false)
  }),
  watcher: Schema.Struct({
    ...common,
    type: Schema.Literal("watcher"),
    schedule: CronExpression,
    prompt: BoundedText(1, 100_000),
    extraction_schema: JsonSchema,
    sources: optional(JsonList, () => []),
    reactions_guidance: optionalText
  }),
  classifier: Schema.Struct({
    ...common,
    type: Schema.Literal("classifier"),
    attribute_key: BoundedText(1, 200),
    attribute_values: JsonList,
    watcher: Schema.optionalWith(Slug, { exact: true }),
    min_similarity: optional(Schema.NullOr(Schema.Number.pipe(Schema.between(0, 1))), () => null),
    fallback_value: optionalText
  })
}

type DefinitionFile = Schema.Schema.Type<(typeof definitionFiles)[keyof typeof definitionFiles]>

const AnyDefinition = Schema.Struct(
  {
    type: Schema.Literal("entity", "relationship", "watcher", "classifier").annotations({
      message: () => ({ message: "expected entity, relationship, watcher or classifier", override: true })
    })
  },
  { key: Schema.String, value: Schema.Unknown }
)

/** The schema of a definition of the type that the file says it is, so that it is told what that type lacks. */
const definitionFile = (content: unknown): Schema.Schema<DefinitionFile, never> => {
  const said = Schema.decodeUnknownOption(AnyDefinition)(content)
  const schema = Option.isSome(said) ? definitionFiles[said.value.type] : AnyDefinition
  return schema as unknown as Schema.Schema<DefinitionFile, never>
}

const kindOf = {
  entity: "entity_types",
  relationship: "entity_relationship_types",
  watcher: "watchers",
  classifier: "event_classifiers"
} as const

const TemplateFile = Schema.Struct({
  version: Version,
  slug: Slug,
  name: Name,
  description: optional(CleanText, () => ""),
  publisher: Schema.optionalWith(Slug, { exact: true }),
  bot_phone: optional(Schema.NullOr(E164), () => null)
})

interface Read<A> {
  readonly value: A
  readonly extensions: Record<string, unknown>
}

const placed = (file: string, line: number, column: number, message: string) => `${file}:${line}:${column}: ${message}`

/** One YAML file against its schema; keys that begin with `x-` are taken aside as they are. */
const readYaml = <A, I>(file: string, text: string, schemaOf: (content: unknown) => Schema.Schema<A, I>) =>
  Effect.gen(function* () {
    const lineCounter = new LineCounter()
    const document = parseDocument(text, { lineCounter, prettyErrors: false })
    const at = (offset: number, message: string) => {
      const { col, line } = lineCounter.linePos(offset)
      return placed(file, line, col, message)
    }
    // The place of the deepest part of the path that is there: a missing key is told where it is missing.
    const atPath = (path: ReadonlyArray<PropertyKey>, message: string): string => {
      const node = path.length === 0 ? document.contents : document.getIn(path, true)
      const named = path.length > 0 && isNode(node) ? `${path.map(String).join(".")}: ${message}` : message
      if (isNode(node) && node.range) return at(node.range[0], named)
      if (path.length === 0) return at(0, message)
      return atPath(path.slice(0, -1), `${String(path.at(-1))}: ${message}`)
    }
    if (document.errors.length > 0) {
      return yield* new PublishRefused({ issues: document.errors.map((error) => at(error.pos[0], error.message)) })
    }
    const strange: Array<string> = []
    visit(document, {
      // An alias can make a small file endless: one that holds itself, or a dozen that each hold the one before ten times.
      Alias: (_key, { range, source }) => {
        strange.push(at(range?.[0] ?? 0, `expected the value itself, not the alias *${source}`))
      },
      Scalar: (_key, { range, value }) => {
        if (typeof value === "number" && !Number.isFinite(value)) {
          strange.push(at(range?.[0] ?? 0, "expected a number that JSON can hold"))
        }
      }
    })
    if (strange.length > 0) return yield* new PublishRefused({ issues: strange })
    const content = yield* Effect.try({
      try: (): unknown => document.toJS(),
      catch: (error) => new PublishRefused({ issues: [at(0, String(error))] })
    })
    if (!Predicate.isRecord(content)) {
      return yield* new PublishRefused({ issues: [at(0, "expected a mapping of keys to values")] })
    }
    const unclean = findUncleanText(content)
    if (unclean !== undefined) {
      return yield* new PublishRefused({
        issues: [atPath(unclean, "expected text without NUL characters and lone surrogates")]
      })
    }
    const entries = Object.entries(content)
    const extensions = Object.fromEntries(entries.filter(([key]) => key.startsWith("x-")))
    const rest = Object.fromEntries(entries.filter(([key]) => !key.startsWith("x-")))
    const value = yield* Schema.decodeUnknown(schemaOf(rest), { errors: "all", onExcessProperty: "error" })(rest).pipe(
      Effect.mapError(
        (error) =>
          new PublishRefused({
            issues: ParseResult.ArrayFormatter.formatErrorSync(error).map(({ message, path }) => atPath(path, message))
          })
      )
    )
    return { value, extensions }
  })

const toDefinition = ({ extensions, value }: Read<DefinitionFile>): Definition => {
  const { description, name, slug, type, version: _, was, ...rest } = value
  const { watcher, ...content } = { watcher: undefined, ...rest }
  return {
    kind: kindOf[type],
    slug,
    name,
    description,
    was,
    content,
    references: watcher === undefined ? {} : { watcher_id: watcher },
    extensions
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** The text of a file: a regular one, since another (a pipe, a device) may never end, and UTF-8 throughout. */
const readText = (file: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const refuse = (message: string) => new PublishRefused({ issues: [`${file}: ${message}`] })
    const unreadable = (error: { readonly message: string }) => refuse(`can't be read: ${error.message}`)
    const { type } = yield* Effect.mapError(fs.stat(file), unreadable)
    if (type !== "File") return yield* refuse("expected a regular file")
    const bytes = yield* Effect.mapError(fs.readFile(file), unreadable)
    return yield* Effect.try({ try: () => utf8.decode(bytes), catch: () => refuse("expected text in UTF-8") })
  })

/** Reads a template's folder. Fails with every problem found in any of its files. */
export const readTemplate = (
  folder: string
): Effect.Effect<Template, PublishRefused, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const read = <A, I>(file: string, schemaOf: (content: unknown) => Schema.Schema<A, I>) =>
      Effect.flatMap(readText(file), (text) => readYaml(file, text, schemaOf))

    const models = path.join(folder, "models")
    const unreadable = (error: { readonly message: string }) =>
      new PublishRefused({ issues: [`${models}: can't be read: ${error.message}`] })
    const names = (yield* Effect.mapError(fs.readDirectory(models), unreadable)).filter((name) => !name.startsWith("."))
    const [templateProblems, templateFiles] = yield* Effect.partition(["template.yaml"], (name) =>
      read(path.join(folder, name), () => TemplateFile)
    )
    const [problems, files] = yield* Effect.partition(names.sort(), (name) =>
      name.endsWith(".yaml")
        ? read(path.join(models, name), definitionFile)
        : new PublishRefused({ issues: [`${path.join(models, name)}: expected only files that end in .yaml`] })
    )
    const issues = [...templateProblems, ...problems].flatMap((problem) => problem.issues)
    const [head] = templateFiles
    if (head === undefined || issues.length > 0) return yield* new PublishRefused({ issues })

    const { bot_phone: botPhone, description, name, publisher, slug } = head.value
    const template: Template = {
      slug,
      name,
      description,
      publisher: publisher ?? slug,
      botPhone,
      extensions: head.extensions,
      definitions: files.map(toDefinition)
    }
    const inner = templateIssues(template)
    if (inner.length > 0) return yield* new PublishRefused({ issues: inner.map((issue) => `${folder}: ${issue}`) })
    return template
  })
