import type { DefinitionSlug } from "../Ids.ts"
import { didYouMean } from "../Nearest.ts"
import type { Kind } from "./Kind.ts"
import { type Definition, definitionIssue, typeOf } from "./Template.ts"
import type { TemplateIssue } from "./TemplateIssue.ts"

/** A row of the publisher's that a definition may be published as. */
export interface KnownSource {
  readonly kind: Kind
  readonly slug: string
  readonly sourceId: string
  /** The former slugs it was published with. */
  readonly was: ReadonlyArray<string>
  /**
   * In the template's newest revision, in an earlier one, or elsewhere: a row of the publisher's but not of this
   * template.
   */
  readonly foundIn: "newest" | "earlier" | "elsewhere"
}

/** A slug that a definition of the publisher's templates had in some revision, or was declared to have had (`was`). */
export interface FormerSlug {
  readonly kind: Kind
  readonly slug: string
}

/** Indexes definitions and known sources, so that each look-up takes one step. */
const reading = (definitions: ReadonlyArray<Definition>, known: ReadonlyArray<KnownSource>) => {
  const sources = new Map<string, KnownSource>()
  for (const source of known) {
    const key = `${source.foundIn} ${source.kind} ${source.slug}`
    if (!sources.has(key)) sources.set(key, source)
  }
  const find = (kind: Kind, slug: string, foundIn: KnownSource["foundIn"]) => sources.get(`${foundIn} ${kind} ${slug}`)

  /** The slugs of the newest revision that a definition newly declares as its former ones. */
  const renames = ({ kind, slug, was }: Definition): Definition["was"] => {
    const before = new Set<string>(find(kind, slug, "newest")?.was)
    return was.filter((former) => former !== slug && !before.has(former) && find(kind, former, "newest") !== undefined)
  }
  const left = new Set(definitions.flatMap((one) => renames(one).map((former) => `${one.kind} ${former}`)))

  return {
    find,
    renames,
    /** Whether another definition continues, under a new slug, the row that has this slug now. */
    isLeft: ({ kind, slug }: Definition) => left.has(`${kind} ${slug}`)
  }
}

/**
 * The renames that can't be followed. One row can't continue two, so a definition can't replace two others, nor take
 * the slug of a published one that nothing continues under a new slug. Nor can it have had a slug that was never
 * published: a typo in a former slug would turn a rename into a withdrawal and an addition. Only the first revision of
 * a template may declare any former slug, since its history may be in another database.
 */
export const renameIssues = (
  definitions: ReadonlyArray<Definition>,
  known: ReadonlyArray<KnownSource>,
  former: ReadonlyArray<FormerSlug>
): ReadonlyArray<TemplateIssue> => {
  const { find, isLeft, renames } = reading(definitions, known)
  const isFirst = known.every(({ foundIn }) => foundIn === "elsewhere")
  const before = [...known, ...known.flatMap(({ kind, was }) => was.map((slug) => ({ kind, slug }))), ...former]
  const existed = new Set(before.map(({ kind, slug }) => `${kind} ${slug}`))
  const slugsOf = (wanted: Kind) => before.filter(({ kind }) => kind === wanted).map(({ slug }) => slug)
  return definitions.flatMap((definition, at) => {
    const { kind, slug, was } = definition
    const place = (old: DefinitionSlug | undefined) => ["was", ...(old === undefined ? [] : [was.indexOf(old)])]
    const unheardOf = was.filter((old) => !isFirst && old !== slug && !existed.has(`${kind} ${old}`))
    if (unheardOf.length > 0) {
      return unheardOf.map((old) =>
        definitionIssue(
          definitions,
          at,
          place(old),
          `no revision ever had the ${typeOf(kind)} "${old}"${didYouMean(old, slugsOf(kind)) || "; leave it out where this one is new"}`
        )
      )
    }
    const [old, ...others] = renames(definition)
    if (old === undefined) return []
    if (others.length > 0) {
      const message = `${[old, ...others].join(", ")} are published as ${others.length + 1} definitions, and this can continue only one; name that one`
      return [definitionIssue(definitions, at, place(undefined), message)]
    }
    return find(kind, slug, "newest") === undefined || isLeft(definition)
      ? []
      : [
          definitionIssue(
            definitions,
            at,
            place(old),
            `"${old}" can't become "${slug}", which is published as another definition; say was: [${slug}] in the one that continues that, or publish once without it first`
          )
        ]
  })
}

/**
 * Decides for every definition which row it continues, or null if it begins a new one.
 *
 * A definition that newly declares `was:` a slug of the newest revision continues that row, so that swaps and cycles of
 * slugs follow the rows (`renameIssues` says what can't be followed). A `was:` that was published before has no more
 * effect. Otherwise a definition continues the row with its own slug: in the newest revision, else in the latest
 * earlier one (a definition that comes back), else the publisher's live row with that slug (a sibling template's).
 */
export const resolveSources = (
  definitions: ReadonlyArray<Definition>,
  known: ReadonlyArray<KnownSource>
): ReadonlyMap<Definition, string | null> => {
  const { find, isLeft, renames } = reading(definitions, known)

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
    if (renamed !== undefined && (find(kind, slug, "newest") === undefined || isLeft(definition))) {
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

/** How much a revision withdraws, compared with the previous one. */
export interface Withdrawal {
  /** How many rows are withdrawn, of how many. */
  readonly rows: number
  readonly of: number
  /** How many copies of these rows exist in organizations that have the template installed. */
  readonly installed: number
}

/**
 * The part of a publication that needs the publisher's agreement: it withdraws rows that installations have, or more
 * than half of all rows. Undefined if there is none. `definitions` is how many the template has now; the counts are
 * those of its impact.
 */
export const withdrawalToAgreeTo = (
  definitions: number,
  changes: ReadonlyArray<{ readonly change: string }>,
  { removals, retirements }: { readonly removals: number; readonly retirements: number }
): Withdrawal | undefined => {
  const count = (wanted: string) => changes.filter(({ change }) => change === wanted).length
  const rows = count("withdrawn")
  const of = definitions - count("added") + rows
  const installed = removals + retirements
  return rows > 0 && (installed > 0 || rows * 2 > of) ? { rows, of, installed } : undefined
}
