import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck, Schema } from "effect"
import { Country, countries, E164, jidOf, readPhone, WaJid } from "../../../src/domain/identity/Phone.ts"
import { readWaId } from "../../../src/domain/identity/WaId.ts"

const read = (text: string, country = "GB") =>
  Either.match(readPhone(text, country), { onLeft: ({ reason }) => reason, onRight: (phone) => phone as string })

describe("a country", () => {
  it("is named by the two letters by which numbers are read", () => {
    assert.deepStrictEqual(["GB", "US", "gb", "ZZ", ""].filter(Schema.is(Country)), ["GB", "US"])
    assert.deepInclude(countries, { code: "GB", calling: "44" })
    assert.throws(() => Schema.decodeSync(Country)("ZZ"), "must be a country code like GB")
  })
})

describe("a number and its address", () => {
  it("have 5 to 15 digits, the first of them not 0, and nothing around them", () => {
    const [isPhone, isJid] = [Schema.is(E164), Schema.is(WaJid)]
    const digits = ["12345", "123456789012345", "1234", "1234567890123456", "012345"]
    const [phones, jids] = [digits.map((one) => `+${one}`), digits.map((one) => `${one}@s.whatsapp.net`)]
    const [phone = "", jid = ""] = [phones[0], jids[0]]
    const taken = [true, true, false, false, false]
    assert.deepStrictEqual(
      [...phones, digits[0], ` ${phone}`, `${phone} `].map((one) => isPhone(one)),
      [...taken, false, false, false]
    )
    assert.deepStrictEqual(
      [...jids, `+${jid}`, `${jid} `].map((one) => isJid(one)),
      [...taken, false, false]
    )
  })
})

describe("readPhone", () => {
  const numbers: ReadonlyArray<readonly [text: string, country: string, phone: string]> = [
    ["07911 123456", "GB", "+447911123456"],
    ["0044 7911 123456", "GB", "+447911123456"],
    ["+44 (0)7911 123456", "GB", "+447911123456"],
    ["+٤٤٧٩١١١٢٣٤٥٦", "GB", "+447911123456"],
    ["8 916 123-45-67", "RU", "+79161234567"],
    ["+39 06 1234 5678", "GB", "+390612345678"],
    ["+62 0812 3456 7890", "GB", "+6281234567890"],
    ["+972 50-123-4567", "GB", "+972501234567"],
    ["+52 1 55 1234 5678", "GB", "+525512345678"],
    ["55 1234 5678", "MX", "+525512345678"],
    ["+54 9 11 2345 6789", "GB", "+5491123456789"],
    ["011 15 2345 6789", "AR", "+5491123456789"],
    ["+54 11 15 2345 6789", "GB", "+5491123456789"],
    ["+54 11 2345 6789", "GB", "+541123456789"],
    ["+55 11 98765 4321", "GB", "+5511987654321"],
    ["+55 11 8765 4321", "GB", "+5511987654321"],
    ["+55 47 8921 1984", "GB", "+5547989211984"],
    ["(11) 3456-7890", "BR", "+551134567890"],
    ["0054 9 11 2345 6789", "GB", "+5491123456789"],
    ["0351 15 234 5678", "AR", "+5493512345678"],
    ["+54 0351 15 234 5678", "GB", "+5493512345678"],
    ["9 11 2345 6789", "AR", "+5491123456789"],
    ["011 8765 4321", "BR", "+5511987654321"],
    ["0 15 11 8765 4321", "BR", "+5511987654321"],
    ["0055 47 8921 1984", "GB", "+5547989211984"],
    ["044 55 1234 5678", "MX", "+525512345678"],
    ["045 55 1234 5678", "MX", "+525512345678"],
    ["01 55 1234 5678", "MX", "+525512345678"],
    ["1 55 1234 5678", "MX", "+525512345678"],
    ["+52 044 55 1234 5678", "GB", "+525512345678"],
    ["+52 (045) 55-1234-5678", "GB", "+525512345678"],
    ["+52 01 55 1234 5678", "GB", "+525512345678"],
    ["0052 1 55 1234 5678", "GB", "+525512345678"],
    ["+225 07 12 34 56", "GB", "+2250707123456"],
    ["07 12 34 56", "CI", "+2250707123456"],
    ["00225 45 12 34 56", "CI", "+2250545123456"],
    ["+225 01 12 34 56", "GB", "+2250101123456"],
    ["07 12 34 56 78", "CI", "+2250712345678"],
    ["+229 97 12 34 56", "GB", "+2290197123456"],
    ["97 12 34 56", "BJ", "+2290197123456"],
    ["0022997123456", "GB", "+2290197123456"],
    ["00229 97 12 34 56", "BJ", "+2290197123456"],
    ["0022997123456", "US", "+2290197123456"],
    ["011 229 97 12 34 56", "US", "+2290197123456"],
    ["0044 7911 123456", "RU", "+447911123456"],
    ["0044 7911 123456", "JP", "+447911123456"],
    [" 0044 7911 123456", "RU", "+447911123456"],
    ["0011 44 7911 123456", "AU", "+447911123456"],
    ["0011 972 50-123-4567", "AU", "+972501234567"],
    ["0011 64 21 123 456", "AU", "+6421123456"],
    ["00 52 1 55 1234 5678", "BR", "+525512345678"],
    ["01 97 12 34 56", "BJ", "+2290197123456"],
    ["+229 21 30 00 00", "GB", "+2290121300000"],
    ["+1 313 554 9999", "GB", "+13135549999"],
    ["+1 316 555 0100", "GB", "+13165550100"],
    ["\u202a+44\u00a07911\u00a0123456\u202c", "GB", "+447911123456"],
    ["\u200e07911 123456", "GB", "+447911123456"],
    [`+44${" ".repeat(51)}7911123456`, "GB", "+447911123456"]
  ]
  for (const [text, country, phone] of numbers) {
    it(`reads ${text} (${country})`, () => assert.strictEqual(read(text, country), phone))
  }

  const refusals: ReadonlyArray<readonly [text: string, country: string, reason: string]> = [
    ["", "GB", "not_a_number"],
    ["call +44 7911 123456", "GB", "not_a_number"],
    ["1-800-FLOWERS", "US", "not_a_number"],
    ["+1 415 555 2671 ext. 5", "GB", "has_extension"],
    ["044 55 1234 567", "MX", "too_long"],
    ["+225 07 12 34 5", "GB", "too_short"],
    ["+225 20 12 34 56", "GB", "too_short"],
    ["+229 01 97 12 34", "GB", "too_short"],
    ["+1 313 555 0002", "GB", "not_a_person"],
    ["(313) 555-9999", "US", "not_a_person"],
    ["001 316 555 0064", "GB", "not_a_person"],
    ["07911 123456", "ZZ", "unknown_country"],
    ["07911 123456", "", "unknown_country"],
    ["447911123456", "", "unknown_country"],
    ["0044 7911 123456", "", "unknown_country"],
    ["001 313 555 0002", "RU", "not_a_person"],
    ["00", "GB", "too_short"],
    ["1", "GB", "too_short"],
    ["12", "GB", "too_short"],
    ["+31 000", "GB", "too_short"],
    ["+229 97 12 34 567", "GB", "too_short"],
    ["+52 1 55 1234 56789", "GB", "too_long"],
    ["+47 123 45 678 90", "GB", "too_long"],
    ["+999 123456", "GB", "unknown_country"],
    [`+44${" ".repeat(52)}7911123456`, "GB", "too_long"],
    ["+44 7911 123456 7890", "GB", "too_long"],
    ["+62 11774624494439", "GB", "too_long"],
    ["9".repeat(100_000), "GB", "too_long"]
  ]
  for (const [text, country, reason] of refusals) {
    it(`refuses ${text.slice(0, 30)} (${country}): ${reason}`, () => assert.strictEqual(read(text, country), reason))
  }

  it("puts before an old number of Côte d'Ivoire its operator, which the second digit tells", () => {
    const operators = ["01", "01", "01", "01", "05", "05", "05", "07", "07", "07"]
    assert.deepStrictEqual(
      operators.map((_, second) => read(`+225 4${second} 12 34 56`)),
      operators.map((operator, second) => `+225${operator}4${second}123456`)
    )
  })

  it("reads no part of a telephone URI, however often it is asked", () => {
    const texts = [
      "688 0233121;phone-context=+44",
      "tel:7911123456;phone-context=+44",
      "7911123456;phone-context=example.org"
    ]
    for (const text of [...texts, ...texts]) assert.strictEqual(read(text, "GB"), "not_a_number")
  })

  it("reads again what it read, and never throws", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.oneof(
          FastCheck.string(),
          FastCheck.stringMatching(/^\+?[0-9 ()-]{0,18}$/),
          FastCheck.stringMatching(/^\+[1-9][0-9]0{0,4}[0-9]{0,10}$/)
        ),
        (text) => {
          const once = readPhone(text, "BR")
          if (Either.isRight(once)) assert.deepStrictEqual(readPhone(once.right, "GB"), once)
        }
      ),
      { numRuns: 2_000 }
    )
  })

  it("reads what is typed as it reads what a gateway shows", () => {
    const countries = FastCheck.constantFrom("52", "521", "5201", "52044", "54", "549", "55", "225", "229", "1313555")
    FastCheck.assert(
      FastCheck.property(countries, FastCheck.stringMatching(/^[0-9]{4,11}$/), (prefix, rest) => {
        const number = `+${prefix}${rest}`
        const shown = Either.getOrElse(readWaId(`${number.slice(1)}@s.whatsapp.net`), () => [])
        const typed = Either.getOrUndefined(readPhone(number, "GB"))
        assert.strictEqual(typed, shown.find(({ namespace }) => namespace === "phone")?.identifier as typeof typed)
        const dialled = readPhone(`00${number.slice(1)}`, "GB")
        if (typed !== undefined) assert.strictEqual(Either.getOrUndefined(dialled), typed)
      }),
      { numRuns: 1_000 }
    )
  })

  it("gives the address its digits", () => {
    assert.strictEqual(
      jidOf(Either.getOrThrow(readPhone("07911 123456", "GB"))),
      "447911123456@s.whatsapp.net" as never
    )
  })
})
