import { Order, Schema } from "effect"

/** How many items of a list are answered at once, at most. */
const maxItems = 100

/** The parameter that says how many of such items a page has at most. */
export const limitOf = (items: string, usual: number) =>
  Schema.optionalWith(
    Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, maxItems, { title: `1 to ${maxItems}` })).annotations({
      message: () => ({ message: `Expected a number from 1 to ${maxItems}`, override: true }),
      jsonSchema: { type: "integer", minimum: 1, maximum: maxItems, default: usual }
    }),
    { default: () => usual }
  ).annotations({
    description: `How many ${items}, 1 to ${maxItems}; ${usual} if absent. A page may hold fewer, and still have a next.`
  })

/** The parameters of a page of such items: how many at most, and the `next` of the page before. */
export const pageQuery = (items: string, cursor: RegExp, usual: number) => ({
  before: Schema.optionalWith(
    Schema.String.pipe(Schema.pattern(cursor, { message: () => "Expected the next of a page" })).annotations({
      description: `The next of the page before: ${items} older than that.`
    }),
    { exact: true }
  ),
  limit: limitOf(items, usual)
})

/** What the items of a page may come to together. */
export interface Measure<A> {
  readonly of: (item: A) => number
  readonly max: number
}

/**
 * The first items that go into one page: `limit` of them, or fewer where a measure would be passed; but one at least, so that
 * there is always a page that follows.
 */
export const firstThatFit = <A>(
  items: Iterable<A>,
  limit: number,
  measures: ReadonlyArray<Measure<A>>
): ReadonlyArray<A> => {
  const page: Array<A> = []
  const sums: Array<number> = []
  for (const item of items) {
    measures.forEach(({ of }, at) => {
      sums[at] = (sums[at] ?? 0) + of(item)
    })
    const fits = measures.every(({ max }, at) => (sums[at] ?? 0) <= max)
    if (page.length > 0 && !fits) break
    page.push(item)
    if (page.length === limit || !fits) break
  }
  return page
}

/** Where a page ends, by what its list is in the order of: as a client keeps it and sends it back, which is for nobody to read. */
const Cursor = Schema.StringFromBase64Url.pipe(
  Schema.compose(Schema.parseJson(Schema.Array(Schema.Union(Schema.String, Schema.Number))))
)
export type PageKey = typeof Cursor.Type

const compareParts: Order.Order<string | number> = (a, b) => (a < b ? -1 : a === b ? 0 : 1)
const compareKeys = Order.array(compareParts)

/** The parameters of a page of a list that is put in order by a key: the `next` of the page before, and how many at most. */
export const listQuery = (items: string) => ({
  after: Schema.optionalWith(
    Cursor.annotations({
      message: () => ({ message: "Expected the next of a page", override: true }),
      jsonSchema: { type: "string", description: `The next of the page before: the ${items} after that.` }
    }),
    { exact: true }
  ),
  limit: limitOf(items, maxItems)
})

/** What the page of such a list says beside its items. */
export const next = Schema.NullOr(Schema.String).annotations({
  description: "The after of the page that follows; null where there is none."
})

/** A page of what was found, one item of which may be beyond it: then another page follows, after the last item of this one. */
export const cutPage = <A>(
  found: ReadonlyArray<A>,
  limit: number,
  nextOf: (last: A) => string
): { readonly items: ReadonlyArray<A>; readonly next: string | null } => {
  const last = found.length > limit ? found[limit - 1] : undefined
  return { items: found.slice(0, limit), next: last === undefined ? null : nextOf(last) }
}

/**
 * A page of a list that has few items enough to be read whole, in the order of their keys, which are unique. What is added or removed
 * meanwhile makes no other item appear twice or be left out.
 */
export const pageOf = <A>(
  items: ReadonlyArray<A>,
  keyOf: (item: A) => PageKey,
  { after, limit }: { readonly after?: PageKey; readonly limit: number }
): { readonly items: ReadonlyArray<A>; readonly next: string | null } => {
  const rest = items
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => after === undefined || compareKeys(key, after) > 0)
    .toSorted((a, b) => compareKeys(a.key, b.key))
  const page = cutPage(rest, limit, ({ key }) => Schema.encodeSync(Cursor)(key))
  return { ...page, items: page.items.map(({ item }) => item) }
}
