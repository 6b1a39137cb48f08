import { Effect } from "effect"
import { type PageKey, pageOf } from "../domain/Page.ts"

/** A page of a list, whose parameters are read once it is known that the caller may see it. */
export const paged =
  <A>(keyOf: (item: A) => PageKey) =>
  <E, R, E2, R2>(
    list: Effect.Effect<ReadonlyArray<A>, E, R>,
    query: Effect.Effect<{ readonly after?: PageKey; readonly limit: number }, E2, R2>
  ) =>
    Effect.flatMap(list, (items) => Effect.map(query, (asked) => pageOf(items, keyOf, asked)))
