import { Schema } from "effect"
import { BoundedProse, CleanText, Line, Name, Prose } from "../Text.ts"
import { scheduleProblem } from "./Schedule.ts"

/* What definitions say besides slug, name and description: in files of templates, and where a person changes one. */

const JsonObject = Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({
  jsonSchema: { type: "object", additionalProperties: true }
})

const JsonList = Schema.Union(Schema.Array(Schema.Unknown), JsonObject).annotations({
  message: () => ({ message: "expected a list or a mapping", override: true }),
  jsonSchema: {
    anyOf: [
      { type: "array", items: {} },
      { type: "object", additionalProperties: true }
    ]
  }
})

const CronExpression = CleanText.pipe(
  Schema.filter((expression) => scheduleProblem(expression) ?? true, { jsonSchema: {} })
)

const OptionalLine = Schema.NullOr(Line)

/** The fields of each type of definition, each with its schema. */
export const definitionFields = {
  entity: { icon: OptionalLine, color: OptionalLine, metadata_schema: JsonObject, event_kinds: JsonList },
  relationship: { metadata_schema: JsonObject, is_symmetric: Schema.Boolean },
  watcher: {
    schedule: CronExpression,
    prompt: BoundedProse(1, 100_000),
    extraction_schema: JsonObject,
    sources: JsonList,
    reactions_guidance: Schema.NullOr(Prose)
  },
  classifier: {
    attribute_key: Name,
    attribute_values: JsonList,
    min_similarity: Schema.NullOr(Schema.Number.pipe(Schema.between(0, 1))),
    fallback_value: OptionalLine
  }
}

/** The fields that hold a JSON Schema. */
export const schemaFields = ["extraction_schema", "metadata_schema"] as const
