import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck, Schema } from "effect"
import { jidOf, readPhone } from "../../../src/domain/identity/Phone.ts"
import { canonical, Namespace, Platform, senderKey } from "../../../src/domain/identity/Platform.ts"
import { isSameSender } from "../../../src/domain/identity/Sender.ts"
import { type Identifier, identifiersOf, oneSender, readWaId } from "../../../src/domain/identity/WaId.ts"
import { mutating, workOf } from "../../machine.ts"

const written = (read: Either.Either<ReadonlyArray<Identifier>, string>) =>
  Either.match(read, {
    onLeft: (reason): unknown => reason,
    onRight: (ids) => ids.map(({ address, identifier }) => (address === undefined ? identifier : [identifier, address]))
  })
const jid = "447911123456@s.whatsapp.net"

describe("readWaId", () => {
  const vectors: ReadonlyArray<readonly [id: string, read: unknown]> = [
    ["447911123456@s.whatsapp.net", ["+447911123456", [jid, jid]]],
    ["447911123456:12@s.whatsapp.net", ["+447911123456", [jid, jid]]],
    ["447911123456.0:12@s.whatsapp.net", ["+447911123456", [jid, jid]]],
    ["447911123456_1:3@s.whatsapp.net", ["+447911123456", [jid, jid]]],
    ["447911123456@c.us", ["+447911123456", [jid, jid]]],
    ["447911123456:99@hosted", ["+447911123456", [jid, jid]]],
    [" 447911123456@S.WhatsApp.net ", ["+447911123456", [jid, jid]]],
    ["+447911123456", ["+447911123456", [jid, "+447911123456"]]],
    [`${jid}${" ".repeat(200 - jid.length)}`, ["+447911123456", [jid, jid]]],
    [
      "5215512345678@s.whatsapp.net",
      ["+525512345678", ["525512345678@s.whatsapp.net", "5215512345678@s.whatsapp.net"]]
    ],
    ["525512345678@s.whatsapp.net", ["+525512345678", ["525512345678@s.whatsapp.net", "525512345678@s.whatsapp.net"]]],
    [
      "554789211984@s.whatsapp.net",
      ["+5547989211984", ["5547989211984@s.whatsapp.net", "554789211984@s.whatsapp.net"]]
    ],
    ["551134567890@s.whatsapp.net", ["+551134567890", ["551134567890@s.whatsapp.net", "551134567890@s.whatsapp.net"]]],
    [
      "5491123456789@s.whatsapp.net",
      ["+5491123456789", ["5491123456789@s.whatsapp.net", "5491123456789@s.whatsapp.net"]]
    ],
    ["541123456789@s.whatsapp.net", ["+541123456789", ["541123456789@s.whatsapp.net", "541123456789@s.whatsapp.net"]]],
    ["22507123456@s.whatsapp.net", ["+2250707123456", ["2250707123456@s.whatsapp.net", "22507123456@s.whatsapp.net"]]],
    ["22997000000@s.whatsapp.net", ["+2290197000000", ["2290197000000@s.whatsapp.net", "22997000000@s.whatsapp.net"]]],
    ["185031603552434@lid", [["185031603552434@lid", "185031603552434@lid"]]],
    ["185031603552434:7@lid", [["185031603552434@lid", "185031603552434@lid"]]],
    ["185031603552434@lid.whatsapp.net", [["185031603552434@lid", "185031603552434@lid"]]],
    ["185031603552434:99@hosted.lid", [["185031603552434@lid", "185031603552434@lid"]]],
    ["BR.1502576394655843", [["BR.1502576394655843", "BR.1502576394655843"]]],
    ["US.ENT.11815799212886844830", [["US.ENT.11815799212886844830", "US.ENT.11815799212886844830"]]],
    ["120363021234567890@g.us", "not_a_person"],
    ["@g.us", "not_a_person"],
    ["447911123456-1587000000@g.us", "not_a_person"],
    ["status@broadcast", "not_a_person"],
    ["120363021234567890@newsletter", "not_a_person"],
    ["867051314767696@bot", "not_a_person"],
    ["867051314767696@msgr", "not_a_person"],
    ["867051314767696@interop", "not_a_person"],
    ["867051314767696@call", "not_a_person"],
    ["867051314767696@call.us", "not_a_person"],
    ["0@s.whatsapp.net", "not_a_person"],
    ["13135550002@c.us", "not_a_person"],
    ["13135559999:3@s.whatsapp.net", "not_a_person"],
    ["13165550064@s.whatsapp.net", "not_a_person"],
    ["+13165550000", "not_a_person"],
    ["13165550100@c.us", ["+13165550100", ["13165550100@s.whatsapp.net", "13165550100@s.whatsapp.net"]]],
    ["520445512345678@c.us", ["+525512345678", ["525512345678@s.whatsapp.net", "520445512345678@s.whatsapp.net"]]],
    ["447911123456@example.org", "unknown_server"],
    ["447911123456", "not_an_id"],
    ["ada@s.whatsapp.net", "not_an_id"],
    ["@s.whatsapp.net", "not_an_id"],
    ["44@7911@s.whatsapp.net", "not_an_id"],
    ["12@s.whatsapp.net", "not_a_phone"],
    ["+12345", "not_a_phone"],
    ["BR.15025-76", "not_an_id"],
    ["x+447911123456", "not_an_id"],
    ["+447911123456x", "not_an_id"],
    [`${jid}${" ".repeat(201 - jid.length)}`, "not_an_id"],
    ["", "not_an_id"],
    [`${"4".repeat(100_000)}@s.whatsapp.net`, "not_an_id"]
  ]
  for (const [id, read] of vectors) {
    it(`reads ${id.slice(0, 40)}`, () => assert.deepStrictEqual(written(readWaId(id)), read))
  }

  it("gives a phone that was typed the same identifiers, with no address that anybody was seen under", () => {
    const typed = Either.map(readPhone("07911 123456", "GB"), identifiersOf)
    assert.deepStrictEqual(written(Either.mapLeft(typed, String)), ["+447911123456", jid])
  })

  it("reads a phone's digits with @lid as no phone, even where they are one", () => {
    assert.deepStrictEqual(written(readWaId("447911123456@lid")), [["447911123456@lid", "447911123456@lid"]])
  })

  const phones = FastCheck.constantFrom(
    "+525512345678",
    "+5491123456789",
    "+5511987654321",
    "+5547989211984",
    "+447911123456",
    "+390612345678",
    "+2250707123456",
    "+2290197000000",
    "+79161234567"
  )
  const decorations = FastCheck.record({
    agent: FastCheck.constantFrom("", ".0", "_1", ".13"),
    device: FastCheck.constantFrom("", ":0", ":12", ":99"),
    server: FastCheck.constantFrom("s.whatsapp.net", "c.us", "hosted", "S.WHATSAPP.NET")
  })

  it("reads every form of one phone as one, and what it read as itself", () => {
    FastCheck.assert(
      FastCheck.property(phones, decorations, (phone, { agent, device, server }) => {
        const typed = Either.getOrThrow(readPhone(phone, "GB"))
        const short: Record<string, string> = {
          "+525512345678": "5215512345678",
          "+5511987654321": "551187654321",
          "+5547989211984": "554789211984",
          "+2250707123456": "22507123456",
          "+2290197000000": "22997000000"
        }
        for (const digits of [phone.slice(1), short[phone] ?? phone.slice(1)]) {
          const ids = Either.getOrThrow(readWaId(`${digits}${agent}${device}@${server}`))
          assert.deepStrictEqual(
            ids.map(({ identifier }) => identifier),
            [typed, jidOf(typed)] as ReadonlyArray<string> as Array<string>
          )
        }
      })
    )
  })

  it("reads again what it read, and throws at nothing", () => {
    const ids = FastCheck.oneof(
      FastCheck.string(),
      FastCheck.fullUnicodeString(),
      FastCheck.stringMatching(/^\+?[0-9]{0,18}([._:][0-9]{1,3}){0,2}@(s\.whatsapp\.net|c\.us|lid|g\.us)$/),
      FastCheck.stringMatching(/^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,20}$/)
    )
    FastCheck.assert(
      FastCheck.property(ids, (id) => {
        const once = readWaId(id)
        if (Either.isLeft(once)) return
        for (const { identifier, namespace } of once.right) {
          const again = Either.getOrThrow(readWaId(identifier))
          assert.deepInclude(
            again.map((one) => [one.namespace, one.identifier]),
            [namespace, identifier]
          )
          assert.strictEqual(again.length, once.right.length)
        }
      }),
      { numRuns: 3_000 }
    )
  })

  it.skipIf(mutating)("takes no longer than the text is long", () => {
    const long = 2_000_000
    const texts = ["1", ".", ":", "@", "+", " ", "US.", "1:", "1@"].map((part) => part.repeat(long / part.length))
    const work = workOf(() => {
      for (const text of texts) {
        readWaId(text)
        readPhone(text, "GB")
      }
    })
    assert.isBelow(work, 2_000)
  })
})

describe("an identifier to look up", () => {
  it("is what its suffix says, whatever field it came in", () => {
    assert.strictEqual(canonical("wa_jid", "185031603552434:7@lid")?.namespace, "wa_lid")
    assert.strictEqual(canonical("wa_lid", "447911123456@c.us")?.identifier, jid)
    assert.strictEqual(canonical("phone", "+5215512345678")?.identifier, "+525512345678")
    assert.strictEqual(canonical("wa_bsuid", "BR.1502576394655843")?.namespace, "wa_bsuid")
    assert.isUndefined(canonical("phone", "447911123456@s.whatsapp.net"))
    assert.isUndefined(canonical("phone", "07911 123456"))
    assert.isUndefined(canonical("phone", "+13135550002"))
    assert.isUndefined(canonical("wa_jid", "13135550002@s.whatsapp.net"))
    assert.strictEqual(canonical("phone", "+22997123456")?.identifier, "+2290197123456")
    assert.isUndefined(canonical("wa_jid", "120363021234567890@g.us"))
  })
})

describe("the name of a platform or a namespace", () => {
  it("is one of those that there are, which a refusal names", () => {
    const refusal = <A, I>(schema: Schema.Schema<A, I>) =>
      Either.match(Schema.decodeUnknownEither(schema)("telegram"), {
        onLeft: ({ message }) => message,
        onRight: String
      })
    assert.strictEqual(refusal(Platform), "must be one of whatsapp")
    assert.strictEqual(refusal(Namespace), "must be one of phone, wa_lid, wa_bsuid, wa_jid")
  })
})

describe("one sender", () => {
  const sender = (...ids: ReadonlyArray<string>) => oneSender(ids.map((id) => Either.getOrThrow(readWaId(id))))

  it("is all that a gateway shows of them", () => {
    assert.deepStrictEqual(written(sender("185031603552434@lid", "447911123456:3@s.whatsapp.net")), [
      ["185031603552434@lid", "185031603552434@lid"],
      "+447911123456",
      [jid, jid]
    ])
    assert.deepStrictEqual(written(sender("554789211984@s.whatsapp.net", "+5547989211984")), [
      "+5547989211984",
      ["5547989211984@s.whatsapp.net", "554789211984@s.whatsapp.net"]
    ])
  })

  it("is nobody where two ids name different ones", () => {
    assert.strictEqual(written(sender("447911123456@c.us", "447911123457@c.us")), "two_senders")
    assert.strictEqual(written(sender("1850316@lid", "1850317@lid")), "two_senders")
  })

  it("has an Argentine number in both forms only where a gateway shows both", () => {
    const both = Either.getOrThrow(sender("541123456789@s.whatsapp.net", "5491123456789@s.whatsapp.net"))
    assert.deepStrictEqual(
      both.map(({ identifier }) => identifier),
      ["+5491123456789", "5491123456789@s.whatsapp.net", "+541123456789", "541123456789@s.whatsapp.net"]
    )
    assert.strictEqual(Either.getOrThrow(sender("541123456789@s.whatsapp.net")).length, 2)
  })

  it("has one budget, in whatever order and form its ids come, and no more for more of them", () => {
    const keys = (...shown: ReadonlyArray<ReadonlyArray<string>>) =>
      new Set(shown.map((ids) => senderKey("whatsapp", Either.getOrThrow(sender(...ids)))))
    const [lid, user, phone] = ["1850316:3@lid", "BR.1502576394655843", "554789211984:2@s.whatsapp.net"]
    const long = "+5547989211984"
    assert.strictEqual(
      keys([phone], [long], [lid, phone], [phone, lid], [user, lid, long], [lid, user, phone, long]).size,
      1
    )
    assert.strictEqual(keys([lid], [user, lid], [lid, user], ["1850316@lid.whatsapp.net"]).size, 1)
    assert.strictEqual(keys([phone], [lid], [user]).size, 3)
    const [mobile, short] = ["5491123456789@s.whatsapp.net", "541123456789@s.whatsapp.net"]
    assert.strictEqual(keys([mobile], [short], [short, mobile], [mobile, short], [lid, short]).size, 1)
    const added = Array.from({ length: 20 }, (_, at) => [`18503${at}@lid`, "447911123456@c.us", `US.9${at}`])
    assert.strictEqual(keys(["447911123456@c.us"], ...added).size, 1)
  })

  it("is the same as before where they share an identifier and differ in none", () => {
    const same = (known: ReadonlyArray<string>, shown: ReadonlyArray<string>) =>
      isSameSender(Either.getOrThrow(sender(...known)), Either.getOrThrow(sender(...shown)))
    assert.isTrue(same(["447911123456@c.us", "1850316@lid"], ["1850316@lid"]))
    assert.isTrue(same(["1850316@lid"], ["1850316@lid", "447911123456@c.us"]))
    assert.isFalse(same(["1850316@lid"], ["447911123456@c.us"]))
    assert.isFalse(same(["447911123456@c.us", "1850316@lid"], ["447911123456@c.us", "1850317@lid"]))
    assert.isFalse(same(["447911123456@lid"], ["447911123456@c.us"]))
  })
})
