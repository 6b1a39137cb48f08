import { Redacted } from "effect"
import type { Kind } from "../domain/catalog/Kind.ts"
import type { Definition, Template } from "../domain/catalog/Template.ts"
import { DefinitionSlug, Slug, UserId } from "../domain/Ids.ts"
import { E164 } from "../domain/identity/Phone.ts"
import type { AuthoredRow, Person } from "../layers/AppMemory.ts"
import type { Credential } from "../services/account/Auth.ts"

/* What a world begins with, in the words that the files of a template use. Whatever is left out is something that fits. */

/** A JSON Schema. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** What every definition may say. */
export interface DefinitionFields {
  readonly name?: string
  readonly description?: string
  /** Slugs that the definition had before. */
  readonly was?: ReadonlyArray<string>
  readonly extensions?: Readonly<Record<`x-${string}`, unknown>>
}

/** What the definition of an entity type may say. */
export interface EntityFields extends DefinitionFields {
  readonly icon?: string | null
  readonly color?: string | null
  readonly metadata_schema?: JsonSchema
  readonly event_kinds?: ReadonlyArray<unknown>
}

/** What the definition of a relationship type may say. */
export interface RelationshipFields extends DefinitionFields {
  readonly metadata_schema?: JsonSchema
  readonly is_symmetric?: boolean
}

/** What the definition of a watcher may say; it runs each Monday at seven where it says nothing. */
export interface WatcherFields extends DefinitionFields {
  readonly schedule?: string
  readonly prompt?: string
  readonly sources?: ReadonlyArray<unknown>
  readonly extraction_schema?: JsonSchema
  readonly reactions_guidance?: string | null
}

/** What the definition of a classifier may say; `watcher` is the slug of the one whose findings it labels. */
export interface ClassifierFields extends DefinitionFields {
  readonly watcher?: string
  readonly attribute_key?: string
  readonly attribute_values?: ReadonlyArray<unknown>
  readonly min_similarity?: number | null
  readonly fallback_value?: string | null
}

const definition = (
  kind: Kind,
  slug: string,
  { description = "", extensions = {}, name = slug, was = [] }: DefinitionFields,
  content: Definition["content"],
  references: Definition["references"] = {}
): Definition => ({
  kind,
  slug: DefinitionSlug.make(slug),
  name,
  description,
  extensions,
  was: was.map((former) => DefinitionSlug.make(former)),
  content,
  references
})

/** A type of entity. */
export const entity = (slug: string, fields: EntityFields = {}): Definition => {
  const { color = null, event_kinds = [], icon = null, metadata_schema = {} } = fields
  return definition("entity_types", slug, fields, { icon, color, metadata_schema, event_kinds })
}

/** A type of relationship. */
export const relationship = (slug: string, fields: RelationshipFields = {}): Definition => {
  const { is_symmetric = false, metadata_schema = {} } = fields
  return definition("entity_relationship_types", slug, fields, { metadata_schema, is_symmetric })
}

/** A watcher. */
export const watcher = (slug: string, fields: WatcherFields = {}): Definition => {
  const { extraction_schema = { type: "object" }, prompt = "Look", reactions_guidance = null } = fields
  const { schedule = "0 7 * * 1", sources = [] } = fields
  return definition("watchers", slug, fields, { schedule, sources, prompt, extraction_schema, reactions_guidance })
}

/** A classifier. */
export const classifier = (slug: string, fields: ClassifierFields = {}): Definition => {
  const {
    attribute_key = slug,
    attribute_values = ["yes", "no"],
    fallback_value = null,
    min_similarity = null
  } = fields
  return definition(
    "event_classifiers",
    slug,
    fields,
    { attribute_key, attribute_values, min_similarity, fallback_value },
    fields.watcher === undefined ? {} : { watcher_id: DefinitionSlug.make(fields.watcher) }
  )
}

/** What a template says of itself; its publisher has the slug of the template and `-publisher` where none is named. */
export interface TemplateFields {
  readonly name?: string
  readonly description?: string
  readonly publisher?: string
  /** In E.164, as `+447911123456`. */
  readonly bot_phone?: string
}

/** A template with its definitions. */
export const template = (
  slug: string,
  definitions: ReadonlyArray<Definition> = [],
  { bot_phone, description = "", name = slug, publisher = `${slug}-publisher` }: TemplateFields = {}
): Template => ({
  slug: Slug.make(slug),
  name,
  description,
  publisher: Slug.make(publisher),
  botPhone: bot_phone === undefined ? null : E164.make(bot_phone),
  extensions: {},
  definitions
})

/** Somebody who has signed up: `person("Ada")` is `ada`, ada@example.org, signed in with `ada-session`. */
export const person = (name: string, rest: Partial<Omit<Person, "name">> = {}): Person => {
  const id = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")
  return { id: UserId.make(id), name, email: `${id}@example.org`, session: `${id}-session`, ...rest }
}

/** What a person shows to say who they are. */
export const signedInAs = ({ session }: Pick<Person, "session">): Credential => ({
  authorization: Redacted.make(`Bearer ${session}`)
})

/** A definition that the person made by hand, in the organization of their own. */
export const rowOf = ({ id }: Pick<Person, "id">, made: Definition): AuthoredRow => ({ owner: id, definition: made })
