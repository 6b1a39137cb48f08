import { createContext, runInContext } from "node:vm"
import { Ajv, type ErrorObject, type Options } from "ajv"
import { Ajv2020 } from "ajv/dist/2020.js"
import { Predicate } from "effect"
import { isTooDeep, templateLimits } from "../../domain/catalog/TemplateLimits.ts"
import { didYouMean } from "../../domain/Nearest.ts"

/*
 * Checks whether a JSON Schema compiles. Of ajv's strict rules, those are on that by default make ajv refuse to
 * compile: unknown keywords and formats, and keywords that have no effect where they are (`strictSchema`,
 * `validateFormats`). Those that ajv only logs or leaves off by default are off, since they reject correct schemas:
 * `strictTypes` rejects `properties` without `type` (usual under `if` and `allOf`) and lists of types, `strictTuples`
 * rejects tuples of any length, `strictRequired` rejects `required` beside `anyOf`.
 */

/** A problem of a schema: the path of the wrong part, and the reason. */
export interface SchemaProblem {
  readonly path: ReadonlyArray<string>
  readonly message: string
}

type JsonObject = Readonly<Record<string, unknown>>

/**
 * How many nested schemas are compiled, and how many milliseconds that may take, for one schema and for all of a
 * template: the time grows faster than the text. Time is limited only for larger schemas (`watched`), since the limit
 * itself costs more than compiling a few. `reported` is the maximum number of problems reported for one schema.
 */
const limits = { schemas: 2_000, watched: 50, milliseconds: 10_000, millisecondsInAll: 60_000, reported: 20 }

// JSON Schema 2020-12, "Validation" §7.3, and the registry of formats of OpenAPI 3.
const formats = [
  ...["date-time", "date", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6"],
  ...["uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid", "json-pointer", "relative-json-pointer"],
  ...["regex", "int32", "int64", "float", "double", "password", "byte", "binary", "url", "iso-time", "iso-date-time"]
]

const ofSchemas: Options = { strict: false, logger: false, allErrors: true, verbose: true }

// With inlined references or optimized code, a small schema could take forever to compile.
const strict: Options = {
  logger: false,
  validateSchema: false,
  strictSchema: true,
  validateFormats: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  inlineRefs: false,
  code: { optimize: false },
  formats: Object.fromEntries(formats.map((name) => [name, true]))
}

const drafts = [
  {
    uri: /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/,
    schemas: new Ajv2020(ofSchemas),
    // ajv supports $anchor, but does not count it among its keywords.
    compiler: () => new Ajv2020({ ...strict, keywords: ["$anchor"] })
  },
  {
    uri: /^http:\/\/json-schema\.org\/draft-07\/schema#?$/,
    schemas: new Ajv(ofSchemas),
    compiler: () => new Ajv(strict)
  }
]

const ownKeyword = /^x-[a-z0-9_$:-]*$/i

const one = [
  ...["additionalItems", "items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else"],
  ...["unevaluatedItems", "unevaluatedProperties", "contentSchema"]
]
const list = ["allOf", "anyOf", "oneOf", "prefixItems", "items"]
const named = ["$defs", "definitions", "properties", "patternProperties", "dependentSchemas", "dependencies"]

interface Inner {
  readonly path: ReadonlyArray<string>
  readonly schema: JsonObject
}

/** The invalid regular expressions of a schema (without nested ones); parsed as ajv does, with the flag `u`. */
const regExpProblems = ({ path, schema: { pattern, patternProperties } }: Inner): ReadonlyArray<SchemaProblem> => {
  const patterns = [
    ...(typeof pattern === "string" ? [{ path: ["pattern"], text: pattern }] : []),
    ...(Predicate.isRecord(patternProperties)
      ? Object.keys(patternProperties).map((text) => ({ path: ["patternProperties", text], text }))
      : [])
  ]
  return patterns.flatMap(({ path: more, text }) => {
    try {
      new RegExp(text, "u")
      return []
    } catch (error) {
      const reason = (error instanceof Error ? error.message : String(error)).split(": ").at(-1)
      return [{ path: [...path, ...more], message: `is no regular expression (${reason})` }]
    }
  })
}

/** The schema and those nested in it, each after its parent. */
const schemasWithin = (schema: JsonObject): ReadonlyArray<Inner> => {
  const found: Array<Inner> = [{ path: [], schema }]
  for (const { path, schema } of found) {
    const add = (more: ReadonlyArray<string>, inner: unknown) => {
      if (Predicate.isRecord(inner)) found.push({ path: [...path, ...more], schema: inner })
    }
    for (const keyword of one) add([keyword], schema[keyword])
    for (const keyword of list) {
      const inner = schema[keyword]
      if (Array.isArray(inner)) for (const [at, item] of inner.entries()) add([keyword, String(at)], item)
    }
    for (const keyword of named) {
      const inner = schema[keyword]
      if (Predicate.isRecord(inner)) for (const [name, item] of Object.entries(inner)) add([keyword, name], item)
    }
  }
  return found
}

const pointer = (path: ReadonlyArray<string>, encode = (part: string) => part) =>
  `#${path.map((part) => `/${encode(part.replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("")}`

const fromPointer = (text: string) =>
  text
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))

/** The violations of the meta-schema, one for each place. */
const describeErrors = (errors: ReadonlyArray<ErrorObject>): ReadonlyArray<SchemaProblem> => {
  const byPlace = new Map<string, { readonly path: ReadonlyArray<string>; readonly said: Set<string> }>()
  for (const { data, instancePath, keyword, message = "is wrong", params, propertyName } of errors) {
    // These only repeat that a nested part is wrong, which has an error of its own.
    if (["anyOf", "allOf", "oneOf", "$ref", "if", "propertyNames"].includes(keyword)) continue
    const path = [...fromPointer(instancePath), ...(propertyName === undefined ? [] : [propertyName])]
    const place = pointer(path)
    const { said } = byPlace.get(place) ?? { said: new Set<string>() }
    const allowed: unknown = params.allowedValues
    said.add(
      Array.isArray(allowed)
        ? `must be one of ${allowed.join(", ")}${typeof data === "string" ? didYouMean(data, allowed) : ""}`
        : message
    )
    byPlace.set(place, { path, said })
  }
  return [...byPlace.values()].map(({ path, said }) => ({
    path,
    message: `expected a JSON Schema: ${[...said].join(", or ")}`
  }))
}

/** The deepest schema that does not compile by itself: that is where the mistake is. */
const culprit = (schemas: ReadonlyArray<Inner>, compile: (path: ReadonlyArray<string>) => void): Inner | undefined =>
  schemas.toReversed().find(({ path }) => {
    try {
      compile(path)
      return false
    } catch {
      return true
    }
  })

/**
 * A check of JSON Schemas (draft 2020-12, unless a schema declares draft-07): the problems that prevent it from
 * compiling, each with its place; empty if there are none. It keeps what it has compiled in memory, so make one for
 * each template.
 */
export const jsonSchemaCheck = (): ((schema: JsonObject) => ReadonlyArray<SchemaProblem>) => {
  const sandbox: { run: () => void } = { run: () => undefined }
  const context = createContext(sandbox)
  let spent = 0
  const inTime = (schemas: number, run: () => void) => {
    if (schemas < limits.watched) return run()
    sandbox.run = run
    const started = performance.now()
    // Stops code that runs too long, including generated code.
    const timeout = Math.max(1, Math.ceil(Math.min(limits.milliseconds, limits.millisecondsInAll - spent)))
    try {
      runInContext("run()", context, { timeout })
    } finally {
      spent += performance.now() - started
    }
  }
  const compilers = drafts.map(({ compiler }) => compiler())
  const checked = new Map<string, ReadonlyArray<SchemaProblem>>()

  const check = (schema: JsonObject): ReadonlyArray<SchemaProblem> => {
    const { $schema: uri = "https://json-schema.org/draft/2020-12/schema" } = schema
    const at = drafts.findIndex((known) => typeof uri === "string" && known.uri.test(uri))
    const [draft, shared] = [drafts[at], compilers[at]]
    if (draft === undefined || shared === undefined) {
      return [{ path: ["$schema"], message: "expected $schema to be that of JSON Schema 2020-12 or draft-07" }]
    }
    const schemas = schemasWithin(schema)
    if (schemas.length > limits.schemas) {
      return [{ path: [], message: `holds ${schemas.length} schemas; ${limits.schemas} are the most that one may` }]
    }
    if (draft.schemas.validateSchema(schema) !== true) return describeErrors(draft.schemas.errors ?? [])

    const own = new Set(schemas.flatMap((inner) => Object.keys(inner.schema).filter((key) => ownKeyword.test(key))))
    // Ids and anchors within a schema stay registered in the instance that compiled it.
    const lasting = schemas.some(
      ({ path, schema: inner }) => path.length > 0 && ["$id", "$anchor", "$dynamicAnchor"].some((key) => key in inner)
    )
    const compiler = lasting ? draft.compiler() : shared
    for (const keyword of own) if (compiler.RULES.keywords[keyword] === undefined) compiler.addKeyword(keyword)
    const strange = schemas.flatMap(({ path, schema: inner }) => [
      ...regExpProblems({ path, schema: inner }),
      ...Object.keys(inner)
        .filter((key) => !Object.hasOwn(compiler.RULES.keywords, key))
        .map((key) => {
          const meant = didYouMean(key, Object.keys(compiler.RULES.keywords))
          return {
            path: [...path, key],
            message: `"${key}" is no keyword of JSON Schema${meant || "; one of your own begins with x-, and has letters, digits and hyphens"}`
          }
        }),
      ...(typeof inner.format === "string" && !formats.includes(inner.format)
        ? [
            {
              path: [...path, "format"],
              message: `"${inner.format}" is no format of JSON Schema${didYouMean(inner.format, formats) || "; say it by pattern, or under a key of your own that begins with x-"}`
            }
          ]
        : [])
    ])
    if (strange.length > 0) return strange

    const root: JsonObject & { readonly $id: string } = {
      ...schema,
      $id: typeof schema.$id === "string" ? schema.$id : "schema:"
    }
    const compileAt = (path: ReadonlyArray<string>) =>
      compiler.getSchema(root.$id.replace(/#$/, "") + pointer(path, encodeURIComponent))
    try {
      inTime(schemas.length, () => {
        compiler.addSchema(root)
        // Includes schemas that only others refer to, or nothing does.
        for (const { path } of schemas)
          if (path.length === 0 || path.at(-2)?.match(/^(\$defs|definitions)$/)) compileAt(path)
      })
      return []
    } catch (error) {
      if (Predicate.hasProperty(error, "missingRef")) {
        const missing = String(error.missingRef)
        const targets = schemas.map(({ path }) => pointer(path))
        for (const { path, schema: inner } of schemas) {
          const { $ref: ref } = inner
          if (typeof ref !== "string" || !missing.endsWith(ref)) continue
          const hint = ref.startsWith("#")
            ? didYouMean(ref, targets)
            : "; nothing is fetched from elsewhere, so put it under $defs"
          return [{ path: [...path, "$ref"], message: `"${ref}" leads to nothing${hint}` }]
        }
      }
      const message = error instanceof Error ? error.message : String(error)
      if (error instanceof RangeError || Predicate.hasProperty(error, "code")) {
        return [{ path: [], message: "is too large or too entangled to be compiled" }]
      }
      const wrong = culprit(schemas, compileAt)
      const keyword = [...message.matchAll(/"([^"]+)"/g)]
        .map(([, quoted = ""]) => quoted)
        .find((key) => wrong && key in wrong.schema)
      return [
        {
          path: [...(wrong?.path ?? []), ...(keyword === undefined ? [] : [keyword])],
          message: `can't be compiled: ${message.replace(/^strict mode: /, "")}`
        }
      ]
    } finally {
      compiler.removeSchema(root)
    }
  }

  return (schema) => {
    if (isTooDeep(schema)) {
      return [{ path: [], message: `has lists and mappings more than ${templateLimits.depth} deep in each other` }]
    }
    const text = JSON.stringify(schema)
    const known = checked.get(text)
    if (known !== undefined) return known
    const found = check(schema)
    const rest = found.length - limits.reported
    const reported =
      rest > 0 ? [...found.slice(0, limits.reported), { path: [], message: `and ${rest} problems more` }] : found
    checked.set(text, reported)
    return reported
  }
}
