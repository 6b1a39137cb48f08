import type { Platform } from "./Platform.ts"
import type { Identifier } from "./WaId.ts"

/** The sender of a message: at least one identifier, and no two that name different senders. */
export interface Sender {
  readonly platform: Platform
  readonly identifiers: ReadonlyArray<Identifier>
}

/** Whether an identifier is one of these. */
export const isOneOf = (identifiers: ReadonlyArray<Identifier>) => {
  const keys = new Set(identifiers.map(({ identifier, namespace }) => `${namespace} ${identifier}`))
  return ({ identifier, namespace }: Identifier): boolean => keys.has(`${namespace} ${identifier}`)
}

/** Whether identifiers belong to a known sender: they share one, and differ in no namespace. */
export const isSameSender = (known: ReadonlyArray<Identifier>, shown: ReadonlyArray<Identifier>): boolean => {
  const isShown = isOneOf(shown)
  const shared = new Set(known.filter(isShown).map(({ namespace }) => namespace))
  const namespaces = new Set(shown.map(({ namespace }) => namespace))
  return shared.size > 0 && known.every(({ namespace }) => shared.has(namespace) || !namespaces.has(namespace))
}
