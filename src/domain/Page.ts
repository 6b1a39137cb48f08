import { Schema } from "effect"

/** How many items of a list are answered at once, at most. */
const maxItems = 100

/** The parameters of a page of such items: how many at most, and the `next` of the page before. */
export const pageQuery = (items: string, cursor: RegExp, usual: number) => ({
  before: Schema.optionalWith(
    Schema.String.pipe(Schema.pattern(cursor, { message: () => "Expected the next of a page" })).annotations({
      description: `The next of the page before: ${items} older than that.`
    }),
    { exact: true }
  ),
  limit: Schema.optionalWith(
    Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, maxItems, { title: `1 to ${maxItems}` })).annotations({
      message: () => ({ message: `Expected a number from 1 to ${maxItems}`, override: true }),
      jsonSchema: { type: "integer", minimum: 1, maximum: maxItems, default: usual }
    }),
    { default: () => usual }
  ).annotations({
    description: `How many ${items}, 1 to ${maxItems}; ${usual} if absent. A page may hold fewer, and still have a next.`
  })
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
  const sums = measures.map(() => 0)
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
