import { Duration, Effect } from "effect"
import { getCountries, getExampleNumber, parsePhoneNumberFromString } from "libphonenumber-js/max"
import examples from "libphonenumber-js/mobile/examples"
import { readPhone } from "../src/domain/identity/Phone.ts"
import { compare } from "./report.ts"

type Country = ReturnType<typeof getCountries>[number]

/** What people type: numbers that are one phone in several forms, and texts that are no number. */
const vectors: ReadonlyArray<readonly [text: string, country: Country]> = [
  ["+52 1 55 1234 5678", "GB"],
  ["55 1234 5678", "MX"],
  ["044 55 1234 5678", "MX"],
  ["+54 9 11 2345 6789", "GB"],
  ["011 15 2345 6789", "AR"],
  ["+54 11 15 2345 6789", "GB"],
  ["+54 11 2345 6789", "GB"],
  ["+55 11 98765 4321", "GB"],
  ["+55 11 8765 4321", "GB"],
  ["+55 47 8921 1984", "GB"],
  ["(11) 3456-7890", "BR"],
  ["07911 123456", "GB"],
  ["0044 7911 123456", "GB"],
  ["+44 (0)7911 123456", "GB"],
  ["+٤٤٧٩١١١٢٣٤٥٦", "GB"],
  ["8 916 123-45-67", "RU"],
  ["+39 06 1234 5678", "GB"],
  ["+62 0812 3456 7890", "GB"],
  ["+972 50-123-4567", "GB"],
  ["+1 415 555 2671 ext. 5", "GB"],
  ["1-800-FLOWERS", "US"],
  ["call +44 7911 123456", "GB"],
  ["+225 07 12 34 56", "GB"]
]

/** A mobile number of every country, in the three forms in which it is typed at home and abroad. */
const generated = getCountries().flatMap((country): typeof vectors => {
  const number = getExampleNumber(country, examples)
  return number === undefined
    ? []
    : [
        [number.number, "GB"],
        [number.formatInternational(), "GB"],
        [number.formatNational(), country]
      ]
})

const texts = [...vectors, ...generated]
const rounds = 10

const reading = (read: (text: string, country: Country) => unknown) =>
  Effect.sync(() => {
    for (let round = 0; round < rounds; round++) for (const [text, country] of texts) read(text, country)
  }).pipe(
    Effect.timed,
    Effect.map(([took]) => (rounds * texts.length) / Duration.toSeconds(took))
  )

/** Normalizing phones against the library's own parse of the same texts with the same metadata. */
export const benchPhones = compare(
  { name: "phones", unit: "texts/s", turns: 21, target: 0.7 },
  reading(readPhone),
  reading((text, defaultCountry) => parsePhoneNumberFromString(text, { defaultCountry, extract: false })?.number)
)
