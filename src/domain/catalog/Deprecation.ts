import { Schema } from "effect"
import { Slug } from "../Ids.ts"
import { BoundedProse } from "../Text.ts"

/** What a publisher says of something that others are not to take any more. */
const Reason = BoundedProse(1, 2_000)

/** Why nobody is to begin with a template, and what to take instead. Who has it keeps it, and gets its revisions. */
export const Deprecation = Schema.Struct({
  reason: Schema.String.annotations({ description: "Why the publisher advises against it." }),
  successor: Schema.NullOr(Slug).annotations({
    description: "The slug of the template to take instead, as long as that is offered."
  })
}).annotations({
  identifier: "Deprecation",
  description: "Why a template is not installed anew, and what to take instead."
})
export type Deprecation = typeof Deprecation.Type

/** The body of `PUT …/templates/:template/deprecation`. */
export const DeprecationRequest = Schema.Struct({
  reason: Reason.annotations({ description: "Why, for those who would install it and those who have." }),
  successor: Schema.optionalWith(Slug, { exact: true }).annotations({
    description: "The slug of a public template to take instead; absent: none."
  })
}).annotations({
  identifier: "DeprecationRequest",
  description: "Why nobody is to begin with the template any more.",
  examples: [{ reason: "Replaced by one that also keeps receipts.", successor: Slug.make("money") }]
})
export type DeprecationRequest = typeof DeprecationRequest.Type

/** The body of `PUT …/revisions/:revision/broken`. */
export const BrokenRequest = Schema.Struct({
  reason: Reason.annotations({ description: "What is wrong with it, for those who have it." })
}).annotations({
  identifier: "BrokenRequest",
  description: "Why nobody is to be brought to the revision any more.",
  examples: [{ reason: "Its watcher reads every message twice." }]
})
export type BrokenRequest = typeof BrokenRequest.Type
