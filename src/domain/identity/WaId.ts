import { Either } from "effect"
import { boundedMap } from "../BoundedMap.ts"
import { type E164, jidOf, readPhone } from "./Phone.ts"

/**
 * One identifier of a sender. `address` is the form in which a gateway sent it, to which replies go; absent if the
 * identifier was derived and no gateway has sent it.
 */
export interface Identifier {
  readonly namespace: string
  readonly identifier: string
  readonly address?: string | undefined
}

/** Why an id can't belong to a person. */
export type NoSender = "not_an_id" | "not_a_person" | "unknown_server" | "not_a_phone"

const longest = 200

// user[.agent][:device]@server: whatsmeow writes user.agent:device, Baileys user_agent:device (types/jid.go, jid-utils.ts).
const jid = /^([0-9]{1,20})(?:[._][0-9]{1,3})?(?::[0-9]{1,5})?@([a-z.]{1,30})$/

// Meta's business-scoped user id: a country, `ENT` if it belongs to a parent portfolio, and up to 128 letters and
// digits.
const bsuid = /^[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}$/

const phoneServers = new Set(["s.whatsapp.net", "c.us", "hosted"])
const lidServers = new Set(["lid", "hosted.lid", "lid.whatsapp.net"])
const otherServers = new Set(["g.us", "broadcast", "newsletter", "bot", "msgr", "interop", "call", "call.us"])

const ofPhone = (phone: E164, address?: string): ReadonlyArray<Identifier> => [
  { namespace: "phone", identifier: phone },
  { namespace: "wa_jid", identifier: jidOf(phone), address }
]

// The same senders write again and again, and parsing a number takes longer than the rest of a look-up in this process.
const known = boundedMap<string, Either.Either<E164, NoSender>>(4_096)

// Numbers with a plus need no country, but the parser requires one.
const internationally = (digits: string): Either.Either<E164, NoSender> => {
  const before = known.get(digits)
  if (before !== undefined) return before
  const read = Either.mapLeft(
    readPhone(`+${digits}`, "GB"),
    ({ reason }): NoSender => (reason === "not_a_person" ? reason : "not_a_phone")
  )
  known.set(digits, read)
  return read
}

/**
 * Reads any id with which a WhatsApp gateway may name a sender: a JID with or without agent and device, of a phone (all
 * forms of one phone give the same identifiers) or of a LID, whose digits are not a phone number; a business-scoped
 * user id; a phone with its plus, such as the Cloud API's `wa_id` with one in front. Groups, lists, channels, bots
 * (also those with a phone number) and the system's own ids are refused.
 */
export const readWaId = (text: string): Either.Either<ReadonlyArray<Identifier>, NoSender> => {
  if (text.length > longest) return Either.left("not_an_id")
  const id = text.trim()
  if (bsuid.test(id)) return Either.right([{ namespace: "wa_bsuid", identifier: id, address: id }])
  if (/^\+[0-9]{5,17}$/.test(id)) {
    return Either.map(internationally(id.slice(1)), (phone) => ofPhone(phone, id))
  }
  const at = id.lastIndexOf("@")
  if (at < 0) return Either.left("not_an_id")
  const server = id.slice(at + 1).toLowerCase()
  if (otherServers.has(server)) return Either.left("not_a_person")
  const isPhone = phoneServers.has(server)
  if (!isPhone && !lidServers.has(server)) return Either.left("unknown_server")
  const user = jid.exec(`${id.slice(0, at)}@${server}`)?.[1]
  if (user === undefined) return Either.left("not_an_id")
  if (!isPhone) {
    const lid = `${user}@lid`
    return Either.right([{ namespace: "wa_lid", identifier: lid, address: lid }])
  }
  // 0@s.whatsapp.net is WhatsApp itself.
  if (user === "0") return Either.left("not_a_person")
  return Either.map(internationally(user), (phone) => ofPhone(phone, `${user}@s.whatsapp.net`))
}

/**
 * An Argentine mobile number without its 9, any other as it is. 54 and ten digits may be that mobile or another
 * subscriber's fixed line: only a gateway that sends both forms for one sender shows which.
 */
export const withoutNine = (mobile: string): string => mobile.replace(/^\+549(?=\d{10}$)/, "+54")

/**
 * The identifiers of one sender, from all the ids that a gateway sent for them; refused if two of them name different
 * phones, LIDs or users.
 */
export const oneSender = (
  ids: ReadonlyArray<ReadonlyArray<Identifier>>
): Either.Either<ReadonlyArray<Identifier>, "two_senders"> => {
  const all = ids.flat()
  const mobiles = all.flatMap(({ identifier }) =>
    withoutNine(identifier) !== identifier ? [withoutNine(identifier)] : []
  )
  const known = new Map<string, Identifier>()
  const aliases = new Map<string, Identifier>()
  const aliased = new Set(mobiles.flatMap((short) => [short, jidOf(short as E164) as string]))
  for (const one of all) {
    if (aliased.has(one.identifier)) {
      aliases.set(one.namespace, one)
      continue
    }
    const before = known.get(one.namespace)
    if (before !== undefined && before.identifier !== one.identifier) return Either.left("two_senders")
    known.set(one.namespace, before?.address === undefined ? one : before)
  }
  return Either.right([...known.values(), ...aliases.values()])
}

/** The identifiers of a phone that was typed. */
export const identifiersOf = (phone: E164): ReadonlyArray<Identifier> => ofPhone(phone)
