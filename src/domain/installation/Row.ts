import { Schema } from "effect"
import { isSameContent } from "../catalog/Content.ts"
import { definitionFields } from "../catalog/Fields.ts"
import { Kind, type KindDescription } from "../catalog/Kind.ts"
import { inBytes, isTooDeep, jsonBytes, templateLimits } from "../catalog/TemplateLimits.ts"
import type { Issue } from "../Errors.ts"
import { Name, Prose } from "../Text.ts"

const all = {
  ...definitionFields.entity,
  ...definitionFields.relationship,
  ...definitionFields.watcher,
  ...definitionFields.classifier
}

const optional = <A, I>(schema: Schema.Schema<A, I>, description: string) =>
  Schema.optionalWith(schema, { exact: true }).annotations({ description })

/** What a person gives a row of their own: only what is to be other than it is. */
export const RowChanges = Schema.Struct({
  name: optional(Name, "What it is called from now on."),
  description: optional(Prose, "What is said of it from now on."),
  content: Schema.optionalWith(
    Schema.Struct({
      icon: optional(all.icon, "Entity types: an icon."),
      color: optional(all.color, "Entity types: a color."),
      metadata_schema: optional(
        all.metadata_schema,
        "Entity types and relationship types: the JSON Schema of what is noted."
      ),
      event_kinds: optional(all.event_kinds, "Entity types: the kinds of events."),
      is_symmetric: optional(all.is_symmetric, "Relationship types: whether they go both ways."),
      schedule: optional(all.schedule, "Watchers: a cron expression of five fields, in UTC."),
      sources: optional(all.sources, "Watchers: where to look."),
      prompt: optional(all.prompt, "Watchers: what to do."),
      extraction_schema: optional(all.extraction_schema, "Watchers: the JSON Schema of what is taken out."),
      reactions_guidance: optional(all.reactions_guidance, "Watchers: how to react."),
      attribute_key: optional(all.attribute_key, "Classifiers: the label."),
      attribute_values: optional(all.attribute_values, "Classifiers: the values it may have."),
      min_similarity: optional(all.min_similarity, "Classifiers: how sure it has to be, from 0 to 1."),
      fallback_value: optional(all.fallback_value, "Classifiers: the value if it is not sure.")
    }),
    { exact: true }
  ).annotations({ description: "The fields of its kind that are to be other than they are." })
}).annotations({
  identifier: "RowChanges",
  description: "What is to be other than it is; all else stays.",
  examples: [{ name: "My accounts", content: { color: "#336699" } }]
})
export type RowChanges = typeof RowChanges.Type

/** A row of an installed agent that is seen, with all that it says. */
export const AgentRow = Schema.Struct({
  kind: Kind,
  slug: Schema.String,
  customized: Schema.Boolean.annotations({
    description: "Whether its person changed it: then updates leave it as it is."
  }),
  name: Schema.String,
  description: Schema.String,
  content: Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({
    description: "The fields of its kind.",
    jsonSchema: { type: "object", additionalProperties: true }
  })
}).annotations({
  identifier: "AgentRow",
  description: "A row of an agent, with all that it says.",
  examples: [
    {
      kind: "entity_types",
      slug: "bank-account",
      customized: true,
      name: "My accounts",
      description: "Where money is kept",
      content: { icon: "bank", color: "#336699", metadata_schema: { type: "object" }, event_kinds: [] }
    }
  ]
})
export type AgentRow = typeof AgentRow.Type

/** The fields of a kind: the columns of its rows, and those of their versions. */
export const fieldsOf = ({ columns, versions }: KindDescription): ReadonlyArray<string> =>
  Object.keys({ ...columns, ...versions?.columns })

/** Whether all of this is as the row has it already. */
export const changesNothing = (
  row: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>
): boolean => Object.entries(wanted).every(([field, value]) => isSameContent(value, row[field] ?? null))

/** Why a row of the kind can't be given this; empty if it can. */
export const changeProblems = (kind: KindDescription, changes: RowChanges): ReadonlyArray<Issue> => {
  const known = fieldsOf(kind)
  const unknown = Object.keys(changes.content ?? {}).filter((field) => !known.includes(field))
  if (unknown.length > 0) {
    return unknown.map((field) => ({
      path: `content.${field}`,
      message: `${kind.kind} have no such field; known are ${known.join(", ")}`
    }))
  }
  const deep = Object.entries(changes.content ?? {}).filter(([, value]) => isTooDeep(value))
  if (deep.length > 0) {
    return deep.map(([field]) => ({
      path: `content.${field}`,
      message: `has lists and mappings more than ${templateLimits.depth} deep in each other`
    }))
  }
  const bytes = jsonBytes(changes)
  return bytes <= templateLimits.rowBytes
    ? []
    : [{ path: "", message: `takes ${inBytes(bytes)} as JSON; at most ${inBytes(templateLimits.rowBytes)} are taken` }]
}
