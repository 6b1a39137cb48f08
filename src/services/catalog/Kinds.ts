import { Context } from "effect"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"

/**
 * The kinds of definition that are published and mirrored, each after the ones it may refer to; the four of the service,
 * unless a program provides its own.
 */
export class Kinds extends Context.Reference<Kinds>()("agent-install/Kinds", {
  defaultValue: (): ReadonlyArray<KindDescription> => kindDescriptions
}) {}
