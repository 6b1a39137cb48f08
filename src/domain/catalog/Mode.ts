import { Schema } from "effect"

/**
 * How a template is installed. `copy`: each definition becomes a row of the organization's own. `reference`: the organization refers to
 * what was published, and has rows of its own only where something needs one.
 */
export const Mode = Schema.Literal("copy", "reference").annotations({
  identifier: "Mode",
  description:
    "copy: each definition becomes a row of the organization's own. reference: the organization refers to what was published, and only what needs a row gets one. Either way people and programs see the same."
})
export type Mode = typeof Mode.Type

/** The modes that a template allows; the first is taken where none is asked for. */
export type Modes = readonly [Mode, ...ReadonlyArray<Mode>]
export const Modes: Schema.Schema<Modes> = Schema.NonEmptyArray(Mode)

/** What a template allows that does not say. */
export const modesUnsaid: Modes = ["copy"]

/** The modes as a template says them: nothing where they are what it allows that does not say. */
export const saidModes = (modes: Modes): { readonly modes?: Modes } =>
  modes.length === 1 && modes[0] === "copy" ? {} : { modes }
