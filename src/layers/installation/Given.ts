import { Schema } from "effect"

/** Any number of values that are known to be right, as they were read or made by this program: none of them is looked at again. */
export const given = <A>() => Schema.declare((values: unknown): values is ReadonlyArray<A> => Array.isArray(values))
