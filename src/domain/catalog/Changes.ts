import { Record } from "effect"
import { contentText } from "./Content.ts"
import { type Kind, type KindDescription, kindDescriptions } from "./Kind.ts"
import { type Definition, type Published, sortChanges } from "./Template.ts"

/** A row of a revision, as it is compared: which row it is whatever its slug, and a text for each of its fields. */
export interface ComparedRow {
  readonly kind: Kind
  readonly slug: string
  readonly identity: string | number
  readonly fields: Readonly<Record<string, string>>
}

type Changes = Published["changes"]

const nameOf = (kind: Kind, name: string | number) => `${kind} ${name}`

/** What differs between two revisions, row by row. */
export const changesBetween = (
  earlier: ReadonlyArray<ComparedRow>,
  later: ReadonlyArray<ComparedRow>,
  kinds: ReadonlyArray<KindDescription> = kindDescriptions
): Changes => {
  const before = new Map(earlier.map((row) => [nameOf(row.kind, row.identity), row]))
  const left = new Set(later.map(({ identity, kind }) => nameOf(kind, identity)))
  return sortChanges(
    [
      ...later.flatMap(({ fields, identity, kind, slug }): Changes => {
        const old = before.get(nameOf(kind, identity))
        if (old === undefined) return [{ kind, slug, change: "added", was: null, fields: [] }]
        const differing = Object.keys(fields).filter((field) => old.fields[field] !== fields[field])
        if (differing.length === 0) return []
        const renamed = old.slug !== slug
        const was = renamed ? old.slug : null
        return [{ kind, slug, change: renamed ? "renamed" : "changed", was, fields: differing.sort() }]
      }),
      ...earlier.flatMap(
        ({ identity, kind, slug }): Changes =>
          left.has(nameOf(kind, identity)) ? [] : [{ kind, slug, change: "withdrawn", was: null, fields: [] }]
      )
    ],
    kinds
  )
}

/**
 * Which row each name is of, once all the steps are done: a row is called by the slug that it had in the first revision, or by the step
 * that added it. What comes back is the row that had its slug last, unless that goes on under another (`resolveSources`).
 */
const followed = (first: ReadonlyArray<Definition>, steps: ReadonlyArray<Changes>): ReadonlyMap<string, string> => {
  let names = new Map(first.map(({ kind, slug }) => [nameOf(kind, slug), nameOf(kind, slug)]))
  let last = names
  for (const [at, changes] of steps.entries()) {
    const next = new Map(names)
    for (const { change, kind, slug, was } of changes) {
      if (change === "withdrawn") next.delete(nameOf(kind, slug))
      if (was !== null) next.delete(nameOf(kind, was))
    }
    for (const { kind, slug, was } of changes) {
      const row = was === null ? undefined : names.get(nameOf(kind, was))
      if (row !== undefined) next.set(nameOf(kind, slug), row)
    }
    const continued = new Set(next.values())
    for (const { change, kind, slug } of changes) {
      const name = nameOf(kind, slug)
      const row = last.get(name)
      if (change === "added") next.set(name, row === undefined || continued.has(row) ? `${name} of ${at}` : row)
    }
    names = next
    last = new Map([...last, ...names])
  }
  return names
}

/**
 * What differs between two revisions that are known by what was published. The steps are what changed in each revision
 * after the first, up to the last and in order: they say which definition continues which under another slug.
 */
export const changesOver = (
  first: ReadonlyArray<Definition>,
  last: ReadonlyArray<Definition>,
  steps: ReadonlyArray<Changes>,
  kinds: ReadonlyArray<KindDescription> = kindDescriptions
): { readonly forward: Changes; readonly back: Changes } => {
  const names = followed(first, steps)
  const compared = (definitions: ReadonlyArray<Definition>, identityOf: (name: string) => string) =>
    definitions.map(({ content, description, extensions, kind, name, references, slug }): ComparedRow => {
      const targets = kinds.find((one) => one.kind === kind)?.references ?? {}
      return {
        kind,
        slug,
        identity: identityOf(nameOf(kind, slug)),
        fields: Record.map(
          {
            ...content,
            ...Record.map(targets, (target, column) => {
              const referred = references[column]
              return referred === undefined ? null : identityOf(nameOf(target, referred))
            }),
            slug,
            name,
            description,
            extensions
          },
          contentText
        )
      }
    })
  const earlier = compared(first, (name) => name)
  const later = compared(last, (name) => names.get(name) ?? name)
  return { forward: changesBetween(earlier, later, kinds), back: changesBetween(later, earlier, kinds) }
}
