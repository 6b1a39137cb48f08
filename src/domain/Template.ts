import { DateTime, Option, Schema } from "effect"
import { AgentId, Slug } from "./Ids.ts"
import { byKind, Kind, type KindDescription, kindDescriptions } from "./Kind.ts"
import { E164 } from "./Phone.ts"
import { nextDue } from "./Schedule.ts"
import { reservedSlugs } from "./Slug.ts"
import { CleanText, Name } from "./Text.ts"

/**
 * One definition of a template, of any kind. `content` holds the columns of its kind by name (a version's columns among
 * them), `references` the slug of what it refers to, by column.
 */
export const Definition = Schema.Struct({
  kind: Kind,
  slug: Slug,
  name: Name,
  description: CleanText,
  was: Schema.Array(Slug),
  content: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  references: Schema.Record({ key: Schema.String, value: Slug }),
  extensions: Schema.Record({ key: Schema.String, value: Schema.Unknown })
})
export type Definition = typeof Definition.Type

/** A template as its publisher wrote it: everything a publication says. */
export const Template = Schema.Struct({
  slug: Slug,
  name: Name,
  description: CleanText,
  publisher: Slug,
  botPhone: Schema.NullOr(E164),
  extensions: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  definitions: Schema.Array(Definition)
})
export type Template = typeof Template.Type

/** A row in which a revision differs from the one before; `fields` are those that changed. */
export const PublishedChange = Schema.Struct({
  kind: Kind,
  slug: Schema.String,
  change: Schema.Literal("added", "changed", "renamed", "withdrawn"),
  was: Schema.NullOr(Schema.String).annotations({ description: "Where the row is renamed: its slug before." }),
  fields: Schema.Array(Schema.String)
})
export type PublishedChange = typeof PublishedChange.Type

/**
 * What a publication did: the template's id, its newest revision, whether that is new, the revision before it (0 where there
 * was none) and what changed since then.
 */
export const Published = Schema.Struct({
  templateAgentId: AgentId,
  revision: Schema.Int,
  changed: Schema.Boolean,
  since: Schema.Int,
  changes: Schema.Array(PublishedChange)
})
export type Published = typeof Published.Type

/** Changes in the order of kinds and slugs. */
export const sortChanges = (
  changes: ReadonlyArray<PublishedChange>,
  kinds: ReadonlyArray<KindDescription> = kindDescriptions
): ReadonlyArray<PublishedChange> => {
  const position = (kind: Kind) => kinds.findIndex((one) => one.kind === kind)
  return changes.toSorted((a, b) => position(a.kind) - position(b.kind) || (a.slug < b.slug ? -1 : 1))
}

/** A published template, as whoever runs the service sees it. */
export const Listed = Schema.Struct({
  slug: Schema.String,
  name: Schema.String,
  publisher: Schema.String,
  visibility: Schema.Literal("public", "private"),
  revision: Schema.Int,
  definitions: Schema.Int,
  installs: Schema.Int
})
export type Listed = typeof Listed.Type

/** A row an install brings, as the manifest names it. */
export const ManifestRow = Schema.Struct({ slug: Schema.String, name: Schema.String, description: Schema.String })
export type ManifestRow = typeof ManifestRow.Type

/** What anybody may know of a template before installing it. */
export const Manifest = Schema.Struct({
  slug: Schema.String,
  name: Schema.String,
  description: Schema.String,
  botPhone: Schema.NullOr(Schema.String).annotations({ description: "Digits as https://wa.me/ takes them." }),
  templateAgentId: AgentId,
  revision: Schema.Int,
  rows: Schema.Struct(byKind(() => Schema.Array(ManifestRow)))
}).annotations({ identifier: "Manifest" })
export type Manifest = typeof Manifest.Type

/** Groups rows under their kinds, by slug. */
export const rowsByKind = (rows: ReadonlyArray<ManifestRow & { readonly kind: Kind }>): Manifest["rows"] =>
  byKind((kind) =>
    rows
      .filter((row) => row.kind === kind)
      .sort((a, b) => (a.slug < b.slug ? -1 : 1))
      .map(({ description, name, slug }) => ({ slug, name, description }))
  )

/** A publication that can't be taken; `message` says what is wrong and what to do. */
export class PublishRefused extends Schema.TaggedError<PublishRefused>()("PublishRefused", {
  issues: Schema.Array(Schema.String)
}) {
  override get message() {
    return this.issues.join("\n")
  }
}

/** Why a definition that continues one row can't have the slug of another live one. */
export const slugIsHeld = (kind: Kind, slug: string): string =>
  `${kind} "${slug}" is another row of the publisher's, which this definition does not continue; leave out its was:, or choose another slug`

const anyDay = DateTime.toDateUtc(DateTime.unsafeMake("2024-01-01"))

/**
 * What is wrong within a template, whatever is published already: slugs twice, content that is missing, watchers that would never run, references to
 * nothing, renames that clash.
 */
export const templateIssues = (
  template: Template,
  kinds: ReadonlyArray<KindDescription> = kindDescriptions
): ReadonlyArray<string> => [
  ...(reservedSlugs.has(template.publisher) ? [`publisher: "${template.publisher}" is reserved; choose another`] : []),
  ...kinds.flatMap(({ columns, kind, references = {}, schedule, versions }) => {
    const issues: Array<string> = []
    const definitions = template.definitions.filter((definition) => definition.kind === kind)
    const slugs = new Set<string>()
    const formers = new Map<string, string>()
    for (const { content, references: named, slug, was } of definitions) {
      const missing = Object.keys({ ...columns, ...versions?.columns }).filter(
        (column) => content[column] === undefined
      )
      if (missing.length > 0) issues.push(`${kind} "${slug}" lacks ${missing.join(", ")}`)
      if (schedule !== undefined && Option.isNone(nextDue(String(content[schedule.cron]), anyDay))) {
        issues.push(`${kind} "${slug}": ${schedule.cron} is no cron expression that comes due`)
      }
      if (slugs.has(slug)) issues.push(`${kind} "${slug}" is defined more than once`)
      slugs.add(slug)
      for (const former of was) {
        const other = formers.get(former)
        if (other !== undefined) issues.push(`${kind} "${slug}" and "${other}" both say was: ${former}`)
        formers.set(former, slug)
      }
      for (const [column, target] of Object.entries(named)) {
        const known = template.definitions.some((other) => other.kind === references[column] && other.slug === target)
        if (!known)
          issues.push(
            `${kind} "${slug}" refers to ${references[column]} "${target}", which the template does not define`
          )
      }
    }
    return issues
  })
]
