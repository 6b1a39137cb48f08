import { JSONSchema, Predicate, Schema } from "effect"
import { fileSchemas } from "../../domain/catalog/TemplateFile.ts"
import { unsaid } from "./TemplateFiles.ts"

/* What a template's files may say, for the documents: each key with what it means and an example. */

/** What a key means, and a value for it. */
interface KeyGuide {
  readonly means: string
  readonly example: unknown
}

type Guide = {
  readonly [File in keyof typeof fileSchemas]: {
    readonly [Key in keyof (typeof fileSchemas)[File]["fields"]]: KeyGuide
  }
}

const version = { means: "the version of this format", example: 1 }
const was = {
  means: "the slugs that the definition had before, so that it continues them under its new one",
  example: ["bill"]
}
const metadataSchema = {
  means: "the JSON Schema of what a row of the type says",
  example: { type: "object", properties: { due: { type: "string", format: "date" } } }
}
const slugMeans = "its name in addresses and in other files; unique among those of its type"
const nameMeans = "what people read it as, on one line"

/** Every key of every file. */
export const templateGuide: Guide = {
  template: {
    version,
    slug: { means: "the template's name in addresses; unique everywhere", example: "household" },
    name: { means: nameMeans, example: "Household" },
    description: { means: "what it does for those who install it", example: "Keeps the bills of a home." },
    publisher: { means: "the slug of the publisher; absent: the template's slug", example: "acme" },
    notes: {
      means:
        "what is new in this revision, for those who have the template; no content: other notes alone make no revision",
      example: "Bills say when they are due."
    },
    bot_phone: { means: "the number of the chat bot that people send their code to", example: "+447911123456" },
    install: {
      means: "how it may be installed: one mode, or several of which the first is the default; absent: copy",
      example: ["copy", "reference"]
    }
  },
  entity: {
    version,
    type: { means: "what the file defines: a type of entity", example: "entity" },
    slug: { means: slugMeans, example: "invoice" },
    name: { means: nameMeans, example: "Invoice" },
    description: { means: "what it stands for", example: "A request for payment" },
    was,
    icon: { means: "a name or sign that programs may show", example: "receipt" },
    color: { means: "a colour that programs may show", example: "#336699" },
    metadata_schema: metadataSchema,
    event_kinds: { means: "the kinds of event that entities of this type have", example: ["received", "paid"] }
  },
  relationship: {
    version,
    type: { means: "what the file defines: a type of relationship", example: "relationship" },
    slug: { means: slugMeans, example: "paid-by" },
    name: { means: nameMeans, example: "Paid by" },
    description: { means: "how the two are related", example: "Who paid an invoice" },
    was: { ...was, example: ["settled-by"] },
    metadata_schema: {
      ...metadataSchema,
      example: { type: "object", properties: { on: { type: "string", format: "date" } } }
    },
    is_symmetric: { means: "whether it reads the same in both directions", example: false }
  },
  watcher: {
    version,
    type: { means: "what the file defines: a watcher", example: "watcher" },
    slug: { means: slugMeans, example: "due-invoices" },
    name: { means: nameMeans, example: "Due invoices" },
    description: { means: "what it looks for", example: "Looks each morning for invoices that are due" },
    was: { ...was, example: ["due-bills"] },
    schedule: {
      means: "when it runs, in UTC: minute, hour, day of the month, month, day of the week",
      example: "0 7 * * *"
    },
    prompt: { means: "what is asked each time", example: "Find the invoices that are due this week." },
    extraction_schema: {
      means: "the JSON Schema of the answer",
      example: { type: "object", properties: { invoices: { type: "array", items: { type: "string" } } } }
    },
    sources: { means: "where it looks, as the runtime reads it", example: [{ type: "mailbox" }] },
    reactions_guidance: { means: "what is to be done with what it finds", example: "Remind the person once." }
  },
  classifier: {
    version,
    type: { means: "what the file defines: a classifier", example: "classifier" },
    slug: { means: slugMeans, example: "urgency" },
    name: { means: nameMeans, example: "Urgency" },
    description: { means: "what it tells apart", example: "How soon something has to be done" },
    was: { ...was, example: ["priority"] },
    attribute_key: { means: "the attribute that it sets", example: "urgency" },
    attribute_values: { means: "the values that it chooses from", example: ["today", "this week", "later"] },
    watcher: { means: "the slug of the watcher whose findings it labels", example: "due-invoices" },
    min_similarity: { means: "how sure it must be", example: 0.8 },
    fallback_value: { means: "the value where it is not sure", example: "later" }
  }
}

type Described = Readonly<Record<string, unknown>>

const slugs = new Map([
  ["^[a-z0-9]+(-[a-z0-9]+)*$", "slug without `_`"],
  ["^[a-z0-9]+([-_][a-z0-9]+)*$", "slug"],
  ["^\\+[1-9][0-9]{4,14}$", "phone number, `+` and 5 to 15 digits"]
])

const count = (value: unknown) => Number(value).toLocaleString("en-GB")

/** A type and its limits in words, out of a JSON Schema. */
const wordsOf = (schema: Described, definitions: Described): string => {
  if (typeof schema.$ref === "string") {
    const named = definitions[schema.$ref.replace("#/$defs/", "")]
    return Predicate.isRecord(named) ? wordsOf(named, definitions) : ""
  }
  if (Array.isArray(schema.anyOf)) return schema.anyOf.map((one) => wordsOf(one, definitions)).join(", or ")
  if (Array.isArray(schema.enum)) return schema.enum.map((one) => `\`${one}\``).join(" or ")
  switch (schema.type) {
    case "string": {
      const named = slugs.get(String(schema.pattern)) ?? "text"
      if (schema.maxLength === undefined) return named
      const least = schema.minLength === 1 ? "1 to " : "at most "
      return `${named}, ${least}${count(schema.maxLength)} characters`
    }
    case "number":
      return `number, ${schema.minimum} to ${schema.maximum}`
    case "boolean":
      return "`true` or `false`"
    case "object":
      return "mapping"
    case "array": {
      const items = Predicate.isRecord(schema.items) ? wordsOf(schema.items, definitions) : ""
      return items === "" ? "list" : `list, each ${items}`
    }
    case "null":
      return "`null`"
    default:
      return ""
  }
}

/** A key as the documents list it. */
export interface DescribedKey extends KeyGuide {
  readonly key: string
  readonly type: string
  /** What counts where it is absent; undefined: it must be there. */
  readonly absent: string | undefined
}

/** The keys of a file, in order. */
export const describeKeys = (file: keyof typeof fileSchemas): ReadonlyArray<DescribedKey> => {
  const schema = JSONSchema.make(Schema.asSchema(fileSchemas[file] as unknown as Schema.Schema<unknown>))
  const {
    $defs = {},
    properties,
    required
  } = schema as unknown as {
    readonly $defs?: Described
    readonly properties: Readonly<Record<string, Described>>
    readonly required: ReadonlyArray<string>
  }
  const guide: Readonly<Record<string, KeyGuide>> = templateGuide[file]
  return Object.entries(guide).map(([key, { example, means }]) => {
    const absent = key in unsaid ? JSON.stringify(unsaid[key]) : "nothing"
    return {
      key,
      example,
      means,
      type: wordsOf(properties[key] ?? {}, $defs),
      absent: required.includes(key) ? undefined : absent
    }
  })
}
