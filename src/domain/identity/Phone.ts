import { Either, Schema } from "effect"
import {
  type CountryCode,
  getCountries,
  getCountryCallingCode,
  isSupportedCountry,
  isValidPhoneNumber,
  parsePhoneNumberWithError,
  validatePhoneNumberLength
} from "libphonenumber-js/max"
import { InvalidPhone } from "../Errors.ts"

const e164 = /^\+[1-9][0-9]{4,14}$/

/** A phone number as ITU-T E.164 writes it: `+` and up to 15 digits. */
export const E164 = Schema.String.pipe(Schema.pattern(e164), Schema.brand("E164"))
export type E164 = typeof E164.Type

/** The WhatsApp address of a phone: its E.164 digits `@s.whatsapp.net`. */
export const WaJid = Schema.String.pipe(Schema.pattern(/^[1-9][0-9]{4,14}@s\.whatsapp\.net$/), Schema.brand("WaJid"))
export type WaJid = typeof WaJid.Type

/** A phone number as it was linked, and the WhatsApp address derived from it. */
export const LinkedPhone = Schema.Struct({ phone: E164, waJid: WaJid, verified: Schema.Boolean }).annotations({
  identifier: "LinkedPhone",
  description: "A phone that is tied to the person's account."
})
export type LinkedPhone = typeof LinkedPhone.Type

/** A two-letter country code of ISO 3166-1 for which phone numbers can be read. */
export const Country = Schema.String.pipe(
  Schema.filter((code) => isSupportedCountry(code) || "must be a country code like GB")
)

/** Every such country, with its calling code. */
export const countries: ReadonlyArray<{ readonly code: string; readonly calling: string }> = getCountries().map(
  (code) => ({ code, calling: getCountryCallingCode(code) })
)

type Reason = InvalidPhone["reason"]

// Made once: an error's stack takes as long as parsing a number, and says nothing about the text.
const refusal = (reason: Reason) => Either.left(new InvalidPhone({ reason }))
const refusals: Readonly<Record<Reason, Either.Either<never, InvalidPhone>>> = {
  too_short: refusal("too_short"),
  too_long: refusal("too_long"),
  not_a_number: refusal("not_a_number"),
  has_extension: refusal("has_extension"),
  unknown_country: refusal("unknown_country"),
  not_a_person: refusal("not_a_person")
}

const isE164 = (text: string): text is E164 => e164.test(text)

const reasons: Readonly<Record<string, Reason>> = {
  TOO_SHORT: "too_short",
  TOO_LONG: "too_long",
  NOT_A_NUMBER: "not_a_number",
  INVALID_LENGTH: "not_a_number",
  INVALID_COUNTRY: "unknown_country"
}

const longest = 64

// Invisible characters that address books and chats put around a copied number to force left-to-right text: U+200E,
// U+202A, U+2066 and others.
const invisible = /\p{Cf}/gu

// In Côte d'Ivoire old mobile numbers got a prefix for the operator (01 Moov, 05 MTN, 07 Orange), which follows from
// the second digit; 2 and 3 were fixed lines.
const ivorian = ["01", "01", "01", "01", "05", "05", "05", "07", "07", "07"]

// Most numbers are of other countries, and one look costs less than four.
const hasOlderForms = /^\+(?:52|55|225|229)/

/**
 * A number in its country's present plan. Older forms live on in address books and in WhatsApp ids, and name the same phone;
 * none of them can be another's. Mexico has had no prefix for mobile numbers (1, 044, 045) nor for long distance (01) since
 * 3 August 2019 (IFT); Brazil's mobile numbers have a ninth digit (Anatel, resolution 553/2010); Côte d'Ivoire's have ten
 * digits since 31 January 2021 (ARTCI), Benin's begin with 01 since 30 November 2024 (ARCEP).
 */
const current = (number: string): string =>
  hasOlderForms.test(number)
    ? number
        .replace(/^\+52(?:1|01|044|045)(?=\d{10}$)/, "+52")
        .replace(/^\+55[1-9]\d(?=[6-9]\d{7}$)/, "$&9")
        .replace(/^\+225(?=[04-9](\d)\d{6}$)/, (_, second: string) => `+225${ivorian[Number(second)]}`)
        .replace(/^\+229(?=[2-9]\d{7}$)/, "+22901")
    : number

// The numbers of WhatsApp's own bots, in ranges that belong to nobody: +1 313 555 0000 to 9999 and +1 316 555 0000 to
// 0099 (Baileys, WABinary/jid-utils.ts: isJidBot; whatsmeow, types/jid.go: IsBot).
const bot = /^\+1(?:313555\d{4}|31655500\d{2})$/

const refuse = (reason: Reason) => refusals[reason]

const separators = /[\s().-]/g

const reasonOf = (problem = ""): Reason => reasons[problem] ?? "not_a_number"

const read = (text: string, country: CountryCode): Either.Either<E164, InvalidPhone> => {
  try {
    const parsed = parsePhoneNumberWithError(text, { defaultCountry: country, extract: false })
    if (parsed.ext !== undefined) return refuse("has_extension")
    const number = current(parsed.number)
    // Where all digits of the text are in the number, it would be read as that again. So would a valid number be; one that
    // nobody can have may still begin with the 0 that is dialled in its country.
    const isWhole = text.replace(separators, "") === number
    const isValid = !isWhole && parsed.isValid()
    if (number === parsed.number && !isValid && !parsed.isPossible())
      return refuse(reasonOf(validatePhoneNumberLength(number)))
    if (bot.test(number)) return refuse("not_a_person")
    // Of some countries (Germany, Japan) numbers with more digits than E.164 allows are possible.
    if (!isE164(number)) return refuse("too_long")
    return isWhole || isValid ? Either.right(number) : read(number, country)
  } catch (error) {
    return refuse(reasonOf(error instanceof Error ? error.message : undefined))
  }
}

// Most countries dial 00 to call abroad, and no country's numbers begin with it. So 00 counts as a plus even in a
// country with another prefix, unless the text is a valid number there (0011 44… in Australia).
const dialled = /^00(?=[\s().-]*[1-9])/

/**
 * Reads a phone number that a person typed. National forms need `country` (two letters). The whole text must be the
 * number: no words around it, no extension, no letters for digits. An older form of a number is converted to the
 * present one. The numbers of WhatsApp's own bots are refused.
 */
export const readPhone = (text: string, country: string): Either.Either<E164, InvalidPhone> => {
  const typed = text.replace(invisible, "").trim()
  if (typed.length > longest) return refuse("too_long")
  // A part of telephone URIs (RFC 3966), which libphonenumber-js reads otherwise the second time (it keeps `lastIndex`).
  if (typed.includes(";phone-context")) return refuse("not_a_number")
  const upper = country.toUpperCase()
  if (!isSupportedCountry(upper)) return refuse("unknown_country")
  const number = read(typed, upper)
  if (!dialled.test(typed) || (Either.isRight(number) && isValidPhoneNumber(number.right))) return number
  const abroad = read(typed.replace(dialled, "+"), upper)
  return Either.isRight(number) ? Either.orElse(abroad, () => number) : abroad
}

/** The canonical WhatsApp address of a phone. */
export const jidOf = (phone: E164): WaJid => WaJid.make(`${phone.slice(1)}@s.whatsapp.net`)
