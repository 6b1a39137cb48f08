import { FileSystem, Path, type Error as PlatformError } from "@effect/platform"
import { Effect, Either, Option, ParseResult, Predicate, Schema } from "effect"
import { scheduleProblem } from "../../domain/catalog/Schedule.ts"
import {
  type Definition,
  definitionTypes,
  PublishRefused,
  type Template,
  type TemplateIssue,
  templateIssues
} from "../../domain/catalog/Template.ts"
import { inBytes, templateLimits } from "../../domain/catalog/TemplateLimits.ts"
import { DefinitionSlug, Slug } from "../../domain/Ids.ts"
import { E164 } from "../../domain/identity/Phone.ts"
import { didYouMean } from "../../domain/Nearest.ts"
import { BoundedProse, CleanText, Line, Name, Prose } from "../../domain/Text.ts"
import { jsonSchemaCheck, type SchemaProblem } from "./JsonSchemas.ts"
import { readYaml, type YamlFile } from "./Yaml.ts"

/*
 * A template as a folder: `template.yaml`, and `models/*.yaml` (or `.yml`) with one definition each. All files are read
 * and checked before any is used; every problem is reported with file, line and column.
 */

const optional = <A, I>(schema: Schema.Schema<A, I>, otherwise: () => A) =>
  Schema.optionalWith(schema, { exact: true, default: otherwise })

const optionalLine = optional(Schema.NullOr(Line), () => null)

const Version = Schema.Literal(1).annotations({ message: () => ({ message: "expected version: 1", override: true }) })

const JsonObject = Schema.Record({ key: Schema.String, value: Schema.Unknown })
const JsonList = Schema.Union(Schema.Array(Schema.Unknown), JsonObject).annotations({
  message: () => ({ message: "expected a list or a mapping", override: true })
})

const CronExpression = CleanText.pipe(Schema.filter((expression) => scheduleProblem(expression) ?? true))

const common = {
  version: Version,
  slug: DefinitionSlug,
  name: Name,
  description: optional(Prose, () => ""),
  was: optional(Schema.Array(DefinitionSlug), () => [])
}

const definitionFiles = {
  entity: Schema.Struct({
    ...common,
    type: Schema.Literal("entity"),
    icon: optionalLine,
    color: optionalLine,
    metadata_schema: optional(JsonObject, () => ({})),
    event_kinds: optional(JsonList, () => [])
  }),
  relationship: Schema.Struct({
    ...common,
    type: Schema.Literal("relationship"),
    metadata_schema: optional(JsonObject, () => ({})),
    is_symmetric: optional(Schema.Boolean, () => false)
  }),
  watcher: Schema.Struct({
    ...common,
    type: Schema.Literal("watcher"),
    schedule: CronExpression,
    prompt: BoundedProse(1, 100_000),
    extraction_schema: JsonObject,
    sources: optional(JsonList, () => []),
    reactions_guidance: optional(Schema.NullOr(Prose), () => null)
  }),
  classifier: Schema.Struct({
    ...common,
    type: Schema.Literal("classifier"),
    attribute_key: Name,
    attribute_values: JsonList,
    watcher: Schema.optionalWith(DefinitionSlug, { exact: true }),
    min_similarity: optional(Schema.NullOr(Schema.Number.pipe(Schema.between(0, 1))), () => null),
    fallback_value: optionalLine
  })
}

type DefinitionFile = Schema.Schema.Type<(typeof definitionFiles)[keyof typeof definitionFiles]>

const types = Object.keys(definitionTypes)

const AnyDefinition = Schema.Struct(
  {
    type: Schema.Literal("entity", "relationship", "watcher", "classifier").annotations({
      message: ({ actual }) => ({
        message: `expected entity, relationship, watcher or classifier${typeof actual === "string" ? didYouMean(actual, types) : ""}`,
        override: true
      })
    })
  },
  { key: Schema.String, value: Schema.Unknown }
)

/** The schema of a file, and the keys it may have. */
interface Shape<A> {
  readonly schema: Schema.Schema<A, never>
  readonly keys: ReadonlyArray<string>
}

/**
 * The shape of a definition of the type that its file names, so that the problems are about what that type requires.
 */
const definitionFile = (content: unknown): Shape<DefinitionFile> => {
  const said = Schema.decodeUnknownOption(AnyDefinition)(content)
  const schema = Option.isSome(said) ? definitionFiles[said.value.type] : AnyDefinition
  return { schema: schema as unknown as Schema.Schema<DefinitionFile, never>, keys: Object.keys(schema.fields) }
}

const TemplateFile = Schema.Struct({
  version: Version,
  slug: Slug,
  name: Name,
  description: optional(Prose, () => ""),
  publisher: Schema.optionalWith(Slug, { exact: true }),
  bot_phone: optional(Schema.NullOr(E164), () => null)
})

const templateFile = (): Shape<typeof TemplateFile.Type> => ({
  schema: TemplateFile as unknown as Schema.Schema<typeof TemplateFile.Type, never>,
  keys: Object.keys(TemplateFile.fields)
})

/** The content of a file: its value, its own `x-` keys unchanged, and the places of its parts. */
interface Read<A> {
  readonly value: A
  readonly extensions: Record<string, unknown>
  readonly place: YamlFile["place"]
}

/** Reads a YAML file and checks it against its shape. */
const readFile = <A>(
  { place, value: content }: YamlFile,
  shapeOf: (content: unknown) => Shape<A>
): Effect.Effect<Read<A>, PublishRefused> => {
  const entries = Object.entries(content)
  const extensions = Object.fromEntries(entries.filter(([key]) => key.startsWith("x-")))
  const rest = Object.fromEntries(entries.filter(([key]) => !key.startsWith("x-")))
  const { keys, schema } = shapeOf(rest)
  const issueOf = ({ _tag, message, path }: ParseResult.ArrayFormatterIssue): TemplateIssue => {
    const unknown = _tag === "Unexpected"
    const key = String(path.at(-1))
    return {
      where: place(path, unknown ? "key" : "value"),
      path: path.map(String),
      message: unknown ? `unknown key${didYouMean(key, keys) || "; one of your own begins with x-"}` : message
    }
  }
  return Schema.decodeUnknown(schema, { errors: "all", onExcessProperty: "error" })(rest).pipe(
    Effect.mapBoth({
      onFailure: (error) =>
        new PublishRefused({ issues: ParseResult.ArrayFormatter.formatErrorSync(error).map(issueOf) }),
      onSuccess: (value) => ({ value, extensions, place })
    })
  )
}

/** The problems of a definition's JSON Schemas, each at the wrong keyword. */
const schemaIssues = (
  { place, value }: YamlFile,
  check: (schema: Readonly<Record<string, unknown>>) => ReadonlyArray<SchemaProblem>
): ReadonlyArray<TemplateIssue> =>
  ["extraction_schema", "metadata_schema"].flatMap((field) => {
    const schema = value[field]
    return Predicate.isRecord(schema)
      ? check(schema).map(({ message, path }) => ({
          where: place([field, ...path], "key"),
          path: [field, ...path],
          message
        }))
      : []
  })

const toDefinition = ({ extensions, value }: Read<DefinitionFile>): Definition => {
  const { description, name, slug, type, version: _, was, ...rest } = value
  const { watcher, ...content } = { watcher: undefined, ...rest }
  return {
    kind: definitionTypes[type],
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

const refused = (where: string, message: string) => new PublishRefused({ issues: [{ where, path: [], message }] })

/** Why a file or folder can't be read, for the person who named it. */
const unreadable = (where: string) => (error: PlatformError.PlatformError) => {
  const reason = error._tag === "SystemError" ? error.reason : undefined
  return refused(
    where,
    reason === "NotFound"
      ? "is not there"
      : reason === "PermissionDenied"
        ? "can't be read: permission is denied"
        : `can't be read${reason === undefined ? "" : ` (${reason})`}`
  )
}

/** The size of a file. Only regular files may be read, since others (a pipe, a device) may never end. */
const sizeOf = (file: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const { size, type } = yield* Effect.mapError(fs.stat(file), unreadable(file))
    if (type !== "File") return yield* refused(file, "expected a regular file")
    if (size > templateLimits.fileBytes) {
      return yield* refused(file, `is larger than ${inBytes(templateLimits.fileBytes)}, the most that a file may have`)
    }
    return Number(size)
  })

const readText = (file: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const bytes = yield* Effect.mapError(fs.readFile(file), unreadable(file))
    return yield* Effect.try({ try: () => utf8.decode(bytes), catch: () => refused(file, "expected text in UTF-8") })
  })

/** The number of files that are open at once. */
const filesAtOnce = 16

const isYaml = (name: string) => /\.ya?ml$/.test(name)

/** A template that was read, and a function that finds the places in its files of problems found later. */
export interface TemplateFolder {
  readonly template: Template
  readonly locate: (refusal: PublishRefused) => PublishRefused
}

/** Lists the files of a folder before any is read: the template's own file, and those of its definitions. */
const listFiles = (folder: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const inside = (yield* Effect.mapError(fs.readDirectory(folder), unreadable(folder))).filter(
      (name) => !name.startsWith(".")
    )
    const [head, second] = inside.filter((name) => /^template\.ya?ml$/.test(name)).sort()
    const models = path.join(folder, "models")
    const problems: Array<PublishRefused> = []
    if (head === undefined) {
      const hint = didYouMean("template.yaml", inside)
      problems.push(
        refused(path.join(folder, "template.yaml"), `is not there: it says what the template is called${hint}`)
      )
    }
    if (second !== undefined)
      problems.push(refused(path.join(folder, second), `${head} is there too; keep one of the two`))
    if (!inside.includes("models")) {
      const hint = didYouMean("models", inside)
      problems.push(refused(models, `is not there: it has the definitions, one a file${hint}`))
      return { head, names: [], problems }
    }
    const names = (yield* Effect.mapError(fs.readDirectory(models), unreadable(models))).filter(
      (name) => !name.startsWith(".")
    )
    if (names.length > templateLimits.rows) {
      const message = `has ${names.length} files; ${templateLimits.rows} definitions are the most that a template may have`
      return { head, names: [], problems: [...problems, refused(models, message)] }
    }
    return { head, names: names.sort().map((name) => path.join("models", name)), problems }
  })

/** Reads the folder of a template. Fails with every problem in any of its files. */
export const readTemplate = (
  folder: string
): Effect.Effect<TemplateFolder, PublishRefused, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const path = yield* Path.Path
    const { head: headName, names, problems } = yield* listFiles(folder)
    if (headName === undefined) return yield* new PublishRefused({ issues: problems.flatMap(({ issues }) => issues) })

    const headFile = path.join(folder, headName)
    const modelFiles = names.map((name) => path.join(folder, name))
    const sizes = new Map(
      yield* Effect.forEach(
        [headFile, ...modelFiles],
        (file) =>
          Effect.map(
            Effect.either(isYaml(file) ? sizeOf(file) : refused(file, "expected only files that end in .yaml or .yml")),
            (size) => [file, size] as const
          ),
        { concurrency: filesAtOnce }
      )
    )
    const total = [...sizes.values()].reduce((sum, size) => sum + Either.getOrElse(size, () => 0), 0)
    if (total > templateLimits.folderBytes) {
      return yield* refused(
        folder,
        `has more than ${inBytes(templateLimits.folderBytes)} of files, the most that a template may have`
      )
    }
    const read = (file: string) =>
      Effect.fromNullable(sizes.get(file)).pipe(
        Effect.orDie,
        Effect.flatten,
        Effect.zipRight(readText(file)),
        Effect.flatMap((text) => readYaml(file, text))
      )
    const [headProblems, [head]] = yield* Effect.partition([headFile], (file) =>
      Effect.flatMap(read(file), (yaml) => readFile(yaml, templateFile))
    )
    const check = jsonSchemaCheck()
    const [modelProblems, definitions] = yield* Effect.partition(
      modelFiles,
      (file) =>
        Effect.flatMap(read(file), (yaml) => {
          const wrong = schemaIssues(yaml, check)
          return readFile(yaml, definitionFile).pipe(
            Effect.mapError(({ issues }) => new PublishRefused({ issues: [...issues, ...wrong] })),
            Effect.filterOrFail(
              () => wrong.length === 0,
              () => new PublishRefused({ issues: wrong })
            )
          )
        }),
      { concurrency: filesAtOnce }
    )
    const issues = [...problems, ...headProblems, ...modelProblems].flatMap((problem) => problem.issues)
    if (head === undefined || issues.length > 0) return yield* new PublishRefused({ issues })

    const { bot_phone: botPhone, description, name, publisher, slug } = head.value
    const template: Template = {
      slug,
      name,
      description,
      publisher: publisher ?? slug,
      botPhone,
      extensions: head.extensions,
      definitions: definitions.map(toDefinition)
    }
    const locateIssue = ({ also, definition, message, path }: TemplateIssue): TemplateIssue => {
      const { place } = definition === undefined ? head : (definitions[definition] ?? head)
      const other = also === undefined ? undefined : definitions[also]?.place(["slug"])
      return {
        where: place(path.length === 0 && definition !== undefined ? ["slug"] : path),
        path,
        message: other === undefined ? message : `${message} (the other is at ${other})`
      }
    }
    const locate = ({ issues }: PublishRefused) => new PublishRefused({ issues: issues.map(locateIssue) })
    const inner = templateIssues(template)
    if (inner.length > 0) return yield* locate(new PublishRefused({ issues: inner }))
    return { template, locate }
  })
