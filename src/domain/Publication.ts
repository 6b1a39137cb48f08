import type { Kind } from "./Kind.ts"
import type { Definition } from "./Template.ts"

/** A row of the publisher's that a definition may be published as. */
export interface KnownSource {
  readonly kind: Kind
  readonly slug: string
  readonly sourceId: string
  /** The old slugs it was published with. */
  readonly was: ReadonlyArray<string>
  /** In the template's newest revision; in an earlier one; or the publisher's without being this template's. */
  readonly standing: "newest" | "earlier" | "elsewhere"
}

const finder = (known: ReadonlyArray<KnownSource>) => (kind: Kind, slug: string, standing: KnownSource["standing"]) =>
  known.find((source) => source.kind === kind && source.slug === slug && source.standing === standing)

/** The slugs of the newest revision that a definition newly says it was. */
const renamesOf =
  (known: ReadonlyArray<KnownSource>) =>
  ({ kind, slug, was }: Definition): ReadonlyArray<string> => {
    const find = finder(known)
    const before = find(kind, slug, "newest")?.was ?? []
    return was.filter(
      (former) => former !== slug && !before.includes(former) && find(kind, former, "newest") !== undefined
    )
  }

/** Whether another definition takes the row that has this one's slug so far. */
const isLeft = (
  definition: Definition,
  definitions: ReadonlyArray<Definition>,
  renames: (other: Definition) => ReadonlyArray<string>
) =>
  definitions.some(
    (other) => other !== definition && other.kind === definition.kind && renames(other).includes(definition.slug)
  )

/**
 * What can't be followed of the renames: one row can't continue two, so a definition can't become what two were, nor take the
 * slug of another that is published and that nothing continues under a new one.
 */
export const renameIssues = (
  definitions: ReadonlyArray<Definition>,
  known: ReadonlyArray<KnownSource>
): ReadonlyArray<string> => {
  const renames = renamesOf(known)
  const find = finder(known)
  return definitions.flatMap((definition) => {
    const { kind, slug } = definition
    const [former, ...others] = renames(definition)
    if (former === undefined) return []
    if (others.length > 0) {
      const all = [former, ...others].join(", ")
      return [`${kind} "${slug}" says was: ${all}, which are published as ${others.length + 1} definitions; name one`]
    }
    return find(kind, slug, "newest") === undefined || isLeft(definition, definitions, renames)
      ? []
      : [
          `${kind} "${slug}" says was: ${former}, but "${slug}" is published as another definition; say was: ${slug} in the one that continues it, or publish once without it first`
        ]
  })
}

/**
 * Says for every definition which row it continues, or null where it begins a new one.
 *
 * A definition that newly says `was:` a slug of the newest revision continues that row, so that swaps and cycles of names
 * follow the rows (`renameIssues` says what can't be followed); a `was:` that was published before has done its work.
 * Otherwise a definition continues the row of its own slug: in the newest revision, else in the latest earlier one (a
 * definition that comes back), else the publisher's live row of that slug (a sibling template's).
 */
export const resolveSources = (
  definitions: ReadonlyArray<Definition>,
  known: ReadonlyArray<KnownSource>
): ReadonlyMap<Definition, string | null> => {
  const find = finder(known)
  const renames = renamesOf(known)

  const taken = new Set<string>()
  const resolved = new Map<Definition, string | null>()
  const take = (definition: Definition, source: KnownSource | undefined) => {
    if (source === undefined || taken.has(`${source.kind} ${source.sourceId}`)) return false
    taken.add(`${source.kind} ${source.sourceId}`)
    resolved.set(definition, source.sourceId)
    return true
  }

  for (const definition of definitions) {
    const { kind, slug } = definition
    const [renamed] = renames(definition)
    if (
      renamed !== undefined &&
      (find(kind, slug, "newest") === undefined || isLeft(definition, definitions, renames))
    ) {
      take(definition, find(kind, renamed, "newest"))
    }
  }
  for (const definition of definitions) {
    if (resolved.has(definition)) continue
    const { kind, slug } = definition
    const found =
      take(definition, find(kind, slug, "newest")) ||
      take(definition, find(kind, slug, "earlier")) ||
      take(definition, find(kind, slug, "elsewhere"))
    if (!found) resolved.set(definition, null)
  }
  return resolved
}
