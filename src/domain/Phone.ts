import { Either, Schema } from "effect"
import { isSupportedCountry, parsePhoneNumberWithError } from "libphonenumber-js/max"
import { InvalidPhone } from "./Errors.ts"

/** A phone number as ITU-T E.164 writes it: `+` and up to 15 digits. */
export const E164 = Schema.String.pipe(Schema.pattern(/^\+[1-9][0-9]{4,14}$/), Schema.brand("E164"))
export type E164 = typeof E164.Type

/** The WhatsApp address of a phone: its E.164 digits `@s.whatsapp.net`. */
export const WaJid = Schema.String.pipe(Schema.pattern(/^[1-9][0-9]{4,14}@s\.whatsapp\.net$/), Schema.brand("WaJid"))
export type WaJid = typeof WaJid.Type

/** A two-letter country code of ISO 3166-1 for which phone numbers can be read. */
export const Country = Schema.String.pipe(
  Schema.filter((code) => isSupportedCountry(code) || "must be a country code like GB")
)

type Reason = InvalidPhone["reason"]

// Made once: an error's stack costs as much as reading a number, and says nothing of a text.
const refusal = (reason: Reason) => Either.left(new InvalidPhone({ reason }))
const refusals: Readonly<Record<Reason, Either.Either<never, InvalidPhone>>> = {
  too_short: refusal("too_short"),
  too_long: refusal("too_long"),
  not_a_number: refusal("not_a_number"),
  has_extension: refusal("has_extension"),
  unknown_country: refusal("unknown_country")
}

const isE164 = Schema.is(E164)

const reasons: Readonly<Record<string, Reason>> = {
  TOO_SHORT: "too_short",
  TOO_LONG: "too_long",
  NOT_A_NUMBER: "not_a_number",
  INVALID_LENGTH: "not_a_number",
  INVALID_COUNTRY: "unknown_country"
}

const longest = 64

// What address books and chats put around a number they copy, to write it from left to right: U+200E, U+202A, U+2066 and others.
const invisible = /\p{Cf}/gu

// Mexico dropped the mobile prefix 1 in 2019, Brazil gave mobile numbers a ninth digit by 2016; both live on in
// address books and in WhatsApp ids, and name the same phone (Anatel resolution 553/2010, IFT numbering plan 2019).
const current = (number: string): string =>
  /^\+521\d{10}$/.test(number)
    ? `+52${number.slice(4)}`
    : /^\+55[1-9]\d[6-9]\d{7}$/.test(number)
      ? `${number.slice(0, 5)}9${number.slice(5)}`
      : number

/**
 * Reads what a person typed as a phone number. National forms need `country` (two letters). The whole text must be the
 * number: no words around it, no extension, no letters for digits.
 */
export const readPhone = (text: string, country: string): Either.Either<E164, InvalidPhone> => {
  const refuse = (reason: Reason) => refusals[reason]
  const typed = text.replace(invisible, "").trim()
  if (typed.length > longest) return refuse("too_long")
  const upper = country.toUpperCase()
  if (!isSupportedCountry(upper)) return refuse("unknown_country")
  const compact = typed.replace(/[\s().-]/g, "")
  const mexican = /^\+521\d{10}$/.test(compact)
  try {
    const parsed = parsePhoneNumberWithError(mexican ? current(compact) : typed, {
      defaultCountry: upper,
      extract: false
    })
    if (parsed.ext !== undefined) return refuse("has_extension")
    const number = current(parsed.number)
    if (number === parsed.number && !parsed.isPossible()) {
      return refuse(parsed.nationalNumber.length > 10 ? "too_long" : "too_short")
    }
    return isE164(number) ? Either.right(number) : refuse("not_a_number")
  } catch (error) {
    return refuse(reasons[error instanceof Error ? error.message : ""] ?? "not_a_number")
  }
}

/** The canonical WhatsApp address of a phone. */
export const jidOf = (phone: E164): WaJid => WaJid.make(`${phone.slice(1)}@s.whatsapp.net`)
