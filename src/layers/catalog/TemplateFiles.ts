import { FileSystem, Path, type Error as PlatformError } from "@effect/platform"
import { Effect, Either, Option, ParseResult, Predicate, Schema } from "effect"
import { schemaFields } from "../../domain/catalog/Fields.ts"
import {
  type Definition,
  definitionTypes,
  PublishRefused,
  referenceField,
  type Template,
  type TemplateDocuments,
  templateIssues,
  typeOf
} from "../../domain/catalog/Template.ts"
import { definitionFiles, TemplateFile } from "../../domain/catalog/TemplateFile.ts"
import type { TemplateIssue } from "../../domain/catalog/TemplateIssue.ts"
import { inBytes, templateLimits } from "../../domain/catalog/TemplateLimits.ts"
import { didYouMean } from "../../domain/Nearest.ts"
import { jsonSchemaCheck, type SchemaProblem } from "./JsonSchemas.ts"
import { readYaml, type YamlFile } from "./Yaml.ts"

/*
 * A template as a folder: `template.yaml`, and `models/*.yaml` (or `.yml`) with one definition each. All files are read
 * and checked before any is used; every problem is reported with file, line and column.
 */

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
  shapeOf: (content: unknown) => Shape<A>,
  of: Pick<TemplateIssue, "definition"> = {}
): Effect.Effect<Read<A>, PublishRefused> => {
  const entries = Object.entries(content)
  const extensions = Object.fromEntries(entries.filter(([key]) => key.startsWith("x-")))
  // By $schema editors know what the file may say.
  const rest = Object.fromEntries(entries.filter(([key]) => !key.startsWith("x-") && key !== "$schema"))
  const { keys, schema } = shapeOf(rest)
  const issueOf = ({ _tag, message, path }: ParseResult.ArrayFormatterIssue): TemplateIssue => {
    const unknown = _tag === "Unexpected"
    const key = String(path.at(-1))
    return {
      ...of,
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
  check: (schema: Readonly<Record<string, unknown>>) => ReadonlyArray<SchemaProblem>,
  definition: number
): ReadonlyArray<TemplateIssue> =>
  schemaFields.flatMap((field) => {
    const schema = value[field]
    return Predicate.isRecord(schema)
      ? check(schema).map(({ message, path }) => ({
          definition,
          where: place([field, ...path], "key"),
          path: [field, ...path],
          message
        }))
      : []
  })

/** The problems of fields that hold a JSON Schema, each at its path. */
export const schemaProblems = (fields: Readonly<Record<string, unknown>>): ReadonlyArray<TemplateIssue> =>
  schemaIssues(member(fields, []), jsonSchemaCheck(), 0).map(({ message, path }) => ({ where: "", message, path }))

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
    return yield* assemble(problems, read(headFile), modelFiles.map(read))
  })

/** A template out of its parts, as they are read: what it says of itself, and its definitions. `problems` are known already. */
const assemble = <R>(
  problems: ReadonlyArray<PublishRefused>,
  readHead: Effect.Effect<YamlFile, PublishRefused, R>,
  readModels: ReadonlyArray<Effect.Effect<YamlFile, PublishRefused, R>>
): Effect.Effect<TemplateFolder, PublishRefused, R> =>
  Effect.gen(function* () {
    const [headProblems, [head]] = yield* Effect.partition([readHead], (read) =>
      Effect.flatMap(read, (yaml) => readFile(yaml, templateFile))
    )
    const check = jsonSchemaCheck()
    const [modelProblems, definitions] = yield* Effect.partition(
      readModels,
      (read, at) =>
        Effect.flatMap(read, (yaml) => {
          const wrong = schemaIssues(yaml, check, at)
          return readFile(yaml, definitionFile, { definition: at }).pipe(
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

    const { bot_phone: botPhone, description, install, name, notes, publisher, slug } = head.value
    const template: Template = {
      slug,
      name,
      description,
      publisher: publisher ?? slug,
      botPhone,
      ...(install !== undefined && { modes: typeof install === "string" ? ([install] as const) : install }),
      extensions: head.extensions,
      definitions: definitions.map(toDefinition),
      ...(notes === undefined ? {} : { notes })
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

/** A part of a template that came without a file: its place is a path. */
const member = (value: Readonly<Record<string, unknown>>, at: ReadonlyArray<PropertyKey>): YamlFile => ({
  value,
  place: (path) => [...at, ...path].map(String).join(".")
})

/** Reads a template that came as what its files would say. Fails with every problem found in it. */
export const readDocuments = ({
  definitions,
  template
}: TemplateDocuments): Effect.Effect<TemplateFolder, PublishRefused> =>
  assemble(
    [],
    Effect.succeed(member(template, ["template"])),
    definitions.map((definition, at) => Effect.succeed(member(definition, ["definitions", at])))
  )

/** What a file says by not saying it. */
export const unsaid: Readonly<Record<string, unknown>> = {
  description: "",
  was: [],
  icon: null,
  color: null,
  metadata_schema: {},
  event_kinds: [],
  is_symmetric: false,
  sources: [],
  reactions_guidance: null,
  min_similarity: null,
  fallback_value: null,
  bot_phone: null
}

const withoutDefaults = (document: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(document).filter(
      ([key, value]) => !(key in unsaid && JSON.stringify(value) === JSON.stringify(unsaid[key]))
    )
  )

/** What the files of a template say, as `readDocuments` reads it. */
export const toDocuments = ({
  botPhone,
  definitions,
  description,
  extensions,
  modes,
  name,
  notes,
  publisher,
  slug
}: Template): TemplateDocuments => ({
  template: withoutDefaults({
    version: 1,
    slug,
    name,
    description,
    publisher,
    ...(notes === undefined ? {} : { notes }),
    bot_phone: botPhone,
    ...(modes !== undefined && { install: modes.length === 1 ? modes[0] : modes }),
    ...extensions
  }),
  definitions: definitions.map((definition) =>
    withoutDefaults({
      version: 1,
      type: typeOf(definition.kind),
      slug: definition.slug,
      name: definition.name,
      description: definition.description,
      was: definition.was,
      ...definition.content,
      ...Object.fromEntries(
        Object.entries(definition.references).map(([column, slug]) => [referenceField(column), slug])
      ),
      ...definition.extensions
    })
  )
})
