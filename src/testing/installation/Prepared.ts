import assert from "node:assert/strict"
import { type Duration, Effect } from "effect"
import type { Kind } from "../../domain/catalog/Kind.ts"
import type { Definition, Published, Template } from "../../domain/catalog/Template.ts"
import { type AgentId, type OrganizationId, Slug, type UserId } from "../../domain/Ids.ts"
import type { Organization } from "../../services/account/OrgResolver.ts"
import { TemplateMirror } from "../../services/installation/TemplateMirror.ts"
import { type Law, newName } from "../Law.ts"
import { classifier, entity, relationship, type TemplateFields, template, watcher } from "../Seeds.ts"

/** A definition as it is in an organization, with what it refers to by slug. */
export interface StoredRow {
  readonly kind: Kind
  readonly slug: string
  readonly name: string
  /** The template whose copy it is. */
  readonly managedBy: string | null
  readonly agentId: string | null
  /** When a scheduled row runs next. */
  readonly due: string | null
  readonly refersTo: string | null
  /** Whether it is hidden, since its publisher withdrew it. */
  readonly retired: boolean
  /** All that a publisher says of the row besides slug, name and references: the columns, `description` and `extensions`. */
  readonly content: unknown
}

/** A row that somebody changes by hand. */
export interface RowOfOrganization {
  readonly organizationId: OrganizationId
  readonly kind: Kind
  readonly slug: string
}

/** What people and programs do to the same data besides asking the mirror, and how the laws see it. */
export interface TemplateMirrorHands<R> {
  /** Somebody new, with an organization of their own. */
  readonly newPerson: Effect.Effect<{ readonly userId: UserId; readonly organization: Organization }, never, R>
  /** Publishes the template; its publisher is made public where it is not there yet. */
  readonly publish: (template: Template) => Effect.Effect<Pick<Published, "templateAgentId" | "revision">, never, R>
  /** The definitions of the organization that are not deleted. */
  readonly rows: (organizationId: OrganizationId) => Effect.Effect<ReadonlyArray<StoredRow>, never, R>
  /** The agents of the organization. */
  readonly agents: (organizationId: OrganizationId) => Effect.Effect<
    ReadonlyArray<{
      readonly id: AgentId
      readonly name: string
      readonly description: string
      readonly revision?: number | null | undefined
    }>,
    never,
    R
  >
  /** Makes a row of the organization's own, of that slug and name; a classifier of the watcher of that slug. */
  readonly author: (row: RowOfOrganization, watcher?: string) => Effect.Effect<void, never, R>
  readonly rename: (row: RowOfOrganization, name: string) => Effect.Effect<void, never, R>
  /** Gives the row another slug. */
  readonly move: (row: RowOfOrganization, slug: string) => Effect.Effect<void, never, R>
  /** Marks the row as deleted. */
  readonly remove: (row: RowOfOrganization) => Effect.Effect<void, never, R>
  /** Deletes the row for good. */
  readonly erase: (row: RowOfOrganization) => Effect.Effect<void, never, R>
  /** Makes something of another program refer to the row, as an entity does to its type. */
  readonly use: (row: RowOfOrganization) => Effect.Effect<void, never, R>
  /** Makes something of another program refer to the agent. */
  readonly useAgent: (agentId: AgentId) => Effect.Effect<void, never, R>
  readonly setRole: (
    organizationId: OrganizationId,
    userId: UserId,
    role: "owner" | "admin" | "member"
  ) => Effect.Effect<void, never, R>
  readonly setVisibility: (slug: string, visibility: "public" | "private") => Effect.Effect<void, never, R>
  /** Lets time pass, by the clock that watchers become due by. */
  readonly elapse: (time: Duration.Duration) => Effect.Effect<void, never, R>
}

/** A suite of laws over the hands. */
export type MirrorLaws = <R>(hands: TemplateMirrorHands<R>) => ReadonlyArray<Law<TemplateMirror | R>>

/** One of each kind, the classifier of the watcher. */
export const oneOfEach: ReadonlyArray<Definition> = [
  entity("invoice", { description: "A bill", icon: "box", color: "#336699", metadata_schema: { type: "object" } }),
  relationship("pays", { description: "What pays what" }),
  watcher("inbox", { description: "Looks into the inbox" }),
  classifier("topic", { description: "What it is about", watcher: "inbox", min_similarity: 0.5, fallback_value: "no" })
]

/** The same definitions, with a word added to the name of each. */
export const renamed = (definitions: ReadonlyArray<Definition>, word: string) =>
  definitions.map((one) => ({ ...one, name: `${one.name} ${word}` }))

/** The name of an entity type, as a wish has it. */
export const entityType = (slug: string) => ({ kind: "entity_types" as const, slug })

const sorted = (members: ReadonlyArray<unknown>) => [...members].sort((a, b) => (inOrder(a) < inOrder(b) ? -1 : 1))
const inOrder = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one
  )

/** The same members, in whatever order. */
export const assertSameMembers = (given: ReadonlyArray<unknown>, expected: ReadonlyArray<unknown>) =>
  assert.deepEqual(sorted(given), sorted(expected))

/** A slug of a template or a publisher that no other law has. */
export const newSlug = (what = "template") => Slug.make(newName(what))

/** A person and a template that is published, with what the laws do with them. */
export const preparing =
  <R>(hands: TemplateMirrorHands<R>) =>
  (definitions: ReadonlyArray<Definition>, fields: TemplateFields = {}) =>
    Effect.gen(function* () {
      const mirror = yield* TemplateMirror
      const person = yield* hands.newPerson
      const slug = newSlug()
      const publish = (given: ReadonlyArray<Definition>, changed: TemplateFields = {}) =>
        hands.publish(template(slug, given, { ...fields, ...changed }))
      const { templateAgentId } = yield* publish(definitions)
      const organizationId = person.organization.id
      const rows = hands.rows(organizationId)
      return {
        mirror,
        person,
        slug,
        publish,
        request: { userId: person.userId, organizationId, templateAgentId },
        row: (kind: Kind, slug: string) => ({ organizationId, kind, slug }),
        agents: hands.agents(organizationId),
        rows,
        /** Of each row its kind and name, in order. */
        names: Effect.map(rows, (all) => all.map(({ kind, name }) => `${kind} ${name}`).sort()),
        /** Of each row what says whose it is. */
        shown: Effect.map(rows, (all) =>
          all.map(({ managedBy, name, retired, slug }) => ({ slug, name, managed: managedBy !== null, retired }))
        )
      }
    })
