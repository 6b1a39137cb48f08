import { Either, Schema } from "effect"
import type { E164 } from "./Phone.ts"
import { type Identifier, type NoSender, readWaId, withoutNine } from "./WaId.ts"

/** A chat platform: the identifiers of its senders, and how to open a chat on it. */
export interface PlatformDescription {
  /** The namespaces of its senders' identifiers; the first is the one that people recognize best. */
  readonly namespaces: readonly [string, ...ReadonlyArray<string>]
  /** Reads an id with which a gateway names a sender. */
  readonly read: (id: string) => Either.Either<ReadonlyArray<Identifier>, NoSender>
  /** Puts an identifier of one of the namespaces into canonical form; undefined if it can't be a person's. */
  readonly canonical: (namespace: string, identifier: string) => Identifier | undefined
  /** The address that opens a chat with the bot's phone, with the text already typed. */
  readonly link: (botPhone: E164, text: string) => string
}

/**
 * The chat platforms. To add another, add it here and its namespaces to `identity_platforms` and `identity_namespaces`
 * in the schema; a test compares the two.
 */
export const platforms = {
  whatsapp: {
    namespaces: ["phone", "wa_lid", "wa_bsuid", "wa_jid"],
    read: readWaId,
    canonical: (namespace, identifier) => {
      const read = Either.getOrElse(readWaId(identifier), () => [])
      if (namespace === "phone") return identifier.startsWith("+") ? read[0] : undefined
      // The suffix decides which kind of id it is, not the field it was sent in.
      return read.find((one) => one.namespace === "wa_jid") ?? read[0]
    },
    link: (botPhone, text) => `https://wa.me/${botPhone.slice(1)}?text=${encodeURIComponent(text)}`
  }
} as const satisfies Record<string, PlatformDescription>

const names = Object.keys(platforms) as ReadonlyArray<keyof typeof platforms>

const namespaceNames = names.flatMap((name) => platforms[name].namespaces)
const namespaces: ReadonlyArray<string> = namespaceNames

const oneOf = (words: ReadonlyArray<string>) => ({
  message: () => ({ message: `must be one of ${words.join(", ")}`, override: true })
})

/** The name of a chat platform. */
export const Platform = Schema.Literal(...names).annotations(oneOf(names))
export type Platform = typeof Platform.Type

/** A namespace of the identifiers by which senders are known. */
export const Namespace = Schema.Literal(...namespaceNames).annotations(oneOf(namespaces))
export type Namespace = typeof Namespace.Type

const owners = new Map<string, Platform>(
  names.flatMap((name) => platforms[name].namespaces.map((namespace) => [namespace, name] as const))
)

/** The platform of a namespace; undefined for a namespace without one, as `email`. */
export function platformOf(namespace: Namespace): Platform
export function platformOf(namespace: string): Platform | undefined
export function platformOf(namespace: string): Platform | undefined {
  return owners.get(namespace)
}

/** Puts an identifier into canonical form; undefined if it can't be a person's. */
export const canonical = (namespace: Namespace, identifier: string): Identifier | undefined =>
  platforms[platformOf(namespace)].canonical(namespace, identifier)

/** How well people recognize the identifiers of a namespace: the lower, the better. */
export const rankOf = (namespace: string): number => namespaces.indexOf(namespace)

/**
 * The key of a sender's budgets: the identifier that names them best (a phone before a LID, either before a user id),
 * whatever else is sent, in whatever order and form. So more ids do not mean more tries.
 */
export const senderKey = (platform: Platform, identifiers: ReadonlyArray<Identifier>): string => {
  const [best] = identifiers.toSorted((a, b) => rankOf(a.namespace) - rankOf(b.namespace))
  return `${platform}:${withoutNine(best?.identifier ?? "")}`
}
