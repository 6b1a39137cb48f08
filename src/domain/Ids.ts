import { Schema } from "effect"
import { BoundedText } from "./Text.ts"

const id = BoundedText(1, 200)

/** A user of better-auth. */
export const UserId = id.pipe(Schema.brand("UserId"))
export type UserId = typeof UserId.Type

/** `org_…` */
export const OrganizationId = id.pipe(Schema.brand("OrganizationId"))
export type OrganizationId = typeof OrganizationId.Type

/** `agent_…`: a template agent, an installed one or a hand-made one. */
export const AgentId = id.pipe(Schema.brand("AgentId"))
export type AgentId = typeof AgentId.Type

/** Ids as they may come, for the examples of documentation. */
export const exampleIds = {
  userId: UserId.make("Jx3VqA4mR0zW"),
  organizationId: OrganizationId.make("org_f0588612b60a49f6af20c461948e2920"),
  agentId: AgentId.make("agent_a6672434b8364bfda00ef65341e202cc"),
  templateAgentId: AgentId.make("agent_0b2f64a1c1b84f0e9d5e2f7f6a1d3c55")
}

const slugSchema = (form: RegExp, separators: string) =>
  Schema.String.pipe(
    Schema.filter(
      (slug) =>
        (form.test(slug) && slug.length <= 63) ||
        `must be lower-case letters, digits and single ${separators}, 63 characters at most`,
      { jsonSchema: { pattern: form.source, maxLength: 63 } }
    )
  )

/**
 * A slug of a definition: lower-case letters and digits, with single hyphens and underscores between them, 63 at most. `a-b` and
 * `a_b` are two.
 */
export const DefinitionSlug = slugSchema(/^[a-z0-9]+([-_][a-z0-9]+)*$/, "hyphens or underscores").pipe(
  Schema.brand("DefinitionSlug")
)
export type DefinitionSlug = typeof DefinitionSlug.Type

/**
 * The lower-case name in URLs of an organization or a template: letters, digits and single hyphens, 63 at most. A definition
 * could have it too.
 */
export const Slug = slugSchema(/^[a-z0-9]+(-[a-z0-9]+)*$/, "hyphens").pipe(
  Schema.brand("DefinitionSlug"),
  Schema.brand("Slug")
)
export type Slug = typeof Slug.Type
