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

/**
 * Says for every definition which row it continues, or null where it begins a new one.
 *
 * A definition that newly says `was:` a slug of the newest revision continues that row, so that swaps and cycles of names
 * follow the rows; a `was:` that was published before has done its work. Otherwise a definition continues the row of its
 * own slug: in the newest revision, else in the latest earlier one (a definition that comes back), else the publisher's
 * live row of that slug (a sibling template's).
 */
export const resolveSources = (
  definitions: ReadonlyArray<Definition>,
  known: ReadonlyArray<KnownSource>
): ReadonlyMap<Definition, string | null> => {
  const find = (kind: Kind, slug: string, standing: KnownSource["standing"]) =>
    known.find((source) => source.kind === kind && source.slug === slug && source.standing === standing)
  const renamesOf = ({ kind, slug, was }: Definition) => {
    const before = find(kind, slug, "newest")?.was ?? []
    return was.filter((former) => !before.includes(former) && find(kind, former, "newest") !== undefined)
  }
  const claimed = (definition: Definition) =>
    definitions.some(
      (other) => other !== definition && other.kind === definition.kind && renamesOf(other).includes(definition.slug)
    )

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
    const renamed = renamesOf(definition)[0]
    if (renamed !== undefined && (find(kind, slug, "newest") === undefined || claimed(definition))) {
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
