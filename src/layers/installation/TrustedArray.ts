import { Schema } from "effect"

/** An array that this program made or read itself: its elements are not checked again. */
export const trustedArray = <A>() =>
  Schema.declare((values: unknown): values is ReadonlyArray<A> => Array.isArray(values))
