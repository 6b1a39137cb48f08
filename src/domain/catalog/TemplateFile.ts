import { JSONSchema, Schema } from "effect"
import { DefinitionSlug, Slug } from "../Ids.ts"
import { E164 } from "../identity/Phone.ts"
import { Name, Prose } from "../Text.ts"
import { definitionFields } from "./Fields.ts"
import { Mode } from "./Mode.ts"
import { Notes } from "./Template.ts"

/* What the files of a template may say. */

const optional = <A, I>(schema: Schema.Schema<A, I>, otherwise: () => A) =>
  Schema.optionalWith(schema, { exact: true, default: otherwise })

const Version = Schema.Literal(1).annotations({ message: () => "expected version: 1" })

const common = {
  version: Version,
  slug: DefinitionSlug,
  name: Name,
  description: optional(Prose, () => ""),
  was: optional(Schema.Array(DefinitionSlug), () => [])
}

const { classifier, entity, relationship, watcher } = definitionFields

/** A file below `models`, by the type that it names. */
export const definitionFiles = {
  entity: Schema.Struct({
    ...common,
    type: Schema.Literal("entity"),
    icon: optional(entity.icon, () => null),
    color: optional(entity.color, () => null),
    metadata_schema: optional(entity.metadata_schema, () => ({})),
    event_kinds: optional(entity.event_kinds, () => [])
  }),
  relationship: Schema.Struct({
    ...common,
    type: Schema.Literal("relationship"),
    metadata_schema: optional(relationship.metadata_schema, () => ({})),
    is_symmetric: optional(relationship.is_symmetric, () => false)
  }),
  watcher: Schema.Struct({
    ...common,
    ...watcher,
    type: Schema.Literal("watcher"),
    sources: optional(watcher.sources, () => []),
    reactions_guidance: optional(watcher.reactions_guidance, () => null)
  }),
  classifier: Schema.Struct({
    ...common,
    ...classifier,
    type: Schema.Literal("classifier"),
    watcher: Schema.optionalWith(DefinitionSlug, { exact: true }),
    min_similarity: optional(classifier.min_similarity, () => null),
    fallback_value: optional(classifier.fallback_value, () => null)
  })
}

/** How the template may be installed: one mode, or several of which the first is taken where none is asked for. */
const Install = Schema.Union(Mode, Schema.NonEmptyArray(Mode)).annotations({
  message: () => ({ message: "expected copy, reference, or a list of both", override: true })
})

/** `template.yaml`. */
export const TemplateFile = Schema.Struct({
  version: Version,
  slug: Slug,
  name: Name,
  description: optional(Prose, () => ""),
  publisher: Schema.optionalWith(Slug, { exact: true }),
  notes: Schema.optionalWith(Notes, { exact: true }),
  bot_phone: optional(Schema.NullOr(E164), () => null),
  install: Schema.optionalWith(Install, { exact: true })
})

/** What each file may say, by what it is: the template's own, or a definition of a type. */
export const fileSchemas = { template: TemplateFile, ...definitionFiles }

/** The JSON Schema of a file, for editors: with the keys of its writer's own, and the key by which a file may name its schema. */
const jsonSchemaOf = (title: string, schema: Schema.Schema.Any) => {
  const { properties = {}, ...made } = JSONSchema.make(schema) as JSONSchema.JsonSchema7Root & {
    readonly properties?: Readonly<Record<string, unknown>>
  }
  return {
    ...made,
    title,
    properties: { ...properties, $schema: { type: "string" } },
    patternProperties: { "^x-": {} }
  }
}

/** The JSON Schema of each file of a template, by the name under which it is served. */
export const fileJsonSchemas: Readonly<Record<string, Readonly<Record<string, unknown>>>> = Object.fromEntries(
  Object.entries(fileSchemas).map(([name, schema]) => [
    name,
    jsonSchemaOf(name === "template" ? "template.yaml" : `A definition of the type ${name}`, schema)
  ])
)
