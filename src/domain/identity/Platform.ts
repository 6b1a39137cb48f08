import { Either, Schema } from "effect"
import type { E164 } from "./Phone.ts"
import { type Identifier, type NoSender, readWaId, withoutNine } from "./WaId.ts"

/** What a chat platform is: how its senders are named, and how a person is led to it. */
export interface PlatformDescription {
  /** The namespaces of its senders' identifiers, the one that best names a sender to a person first. */
  readonly namespaces: readonly [string, ...ReadonlyArray<string>]
  /** Reads an id by which a gateway names a sender. */
  readonly read: (id: string) => Either.Either<ReadonlyArray<Identifier>, NoSender>
  /** An identifier of one of the namespaces, in its canonical form; undefined where it names nobody. */
  readonly canonical: (namespace: string, identifier: string) => Identifier | undefined
  /** The address that opens a chat with the bot of that phone, with the text already written. */
  readonly link: (botPhone: E164, text: string) => string
}

/**
 * The chat platforms there are. Another one is another row: here, and with its namespaces in `identity_platforms` and
 * `identity_namespaces` of the schema; a test compares the two.
 */
export const platforms = {
  whatsapp: {
    namespaces: ["phone", "wa_lid", "wa_bsuid", "wa_jid"],
    read: readWaId,
    canonical: (namespace, identifier) => {
      const read = Either.getOrElse(readWaId(identifier), () => [])
      if (namespace === "phone") return identifier.startsWith("+") ? read[0] : undefined
      // What else it is, its suffix says, not the field it came in.
      return read.find((one) => one.namespace === "wa_jid") ?? read[0]
    },
    link: (botPhone, text) => `https://wa.me/${botPhone.slice(1)}?text=${encodeURIComponent(text)}`
  }
} as const satisfies Record<string, PlatformDescription>

const names = Object.keys(platforms) as ReadonlyArray<keyof typeof platforms>

const namespaces = names.flatMap((name) => platforms[name].namespaces)

const oneOf = (words: ReadonlyArray<string>) => ({
  message: () => ({ message: `must be one of ${words.join(", ")}`, override: true })
})

/** The name of a chat platform. */
export const Platform = Schema.Literal(...names).annotations(oneOf(names))
export type Platform = typeof Platform.Type

/** A namespace of the identifiers by which senders are known. */
export const Namespace = Schema.Literal(...namespaces).annotations(oneOf(namespaces))
export type Namespace = typeof Namespace.Type

const owners = new Map<string, Platform>(
  names.flatMap((name) => platforms[name].namespaces.map((namespace) => [namespace, name] as const))
)

/** The platform whose senders a namespace names; undefined for those of no platform, as `email`. */
export const platformOf = (namespace: string): Platform | undefined => owners.get(namespace)

/** An identifier in its canonical form; undefined where it names nobody. */
export const canonical = (namespace: Namespace, identifier: string): Identifier | undefined => {
  const platform = platformOf(namespace)
  return platform === undefined ? undefined : platforms[platform].canonical(namespace, identifier)
}

/** How well a namespace names a sender to a person: the lower, the better. */
export const rankOf = (namespace: string): number => {
  const platform = platformOf(namespace)
  const namespaces: ReadonlyArray<string> = platform === undefined ? [] : platforms[platform].namespaces
  return namespaces.indexOf(namespace)
}

/**
 * The name under which a sender's tries are counted: that of the identifier which names them best (a phone before a LID,
 * either before a user id), whatever else is shown of them, in whatever order and form. So more ids are no more tries.
 */
export const senderKey = (platform: Platform, identifiers: ReadonlyArray<Identifier>): string => {
  const [best] = identifiers.toSorted((a, b) => rankOf(a.namespace) - rankOf(b.namespace))
  return `${platform}:${withoutNine(best?.identifier ?? "")}`
}
