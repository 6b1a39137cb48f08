import { assert, describe, it } from "@effect/vitest"
import { FastCheck, Schema } from "effect"
import {
  checkNumber,
  LinkId,
  LookupAnswer,
  maskEmail,
  maskIdentifier,
  promptOf
} from "../../../src/domain/identity/Identity.ts"
import { codeBytes, codeIn, codeOf, messageWith } from "../../../src/domain/identity/InstallCode.ts"

describe("a masked", () => {
  it("identifier keeps how it begins and ends", () => {
    assert.deepStrictEqual(
      ["+447911123456", "185031603552434@lid", "BR.1502576394655843", "+1234567", "1@lid", ""].map(maskIdentifier),
      ["+44•••456", "185•••434@lid", "BR.•••843", "•••67", "•••1@lid", "•••"]
    )
  })

  it("address keeps a letter at each end and the host", () => {
    assert.deepStrictEqual(["ada.lovelace@example.org", "ada@example.org", "a@b.co"].map(maskEmail), [
      "a•••e@example.org",
      "a•••@example.org",
      "•••@b.co"
    ])
    const id = LinkId.make("link_62c5d8a11e204abba6d6b6ddc7daed22")
    const { pendingId, text } = promptOf("ada.lovelace@example.org", id)
    assert.strictEqual(pendingId, id)
    assert.include(text, "a•••e@example.org")
    assert.include(text, checkNumber(id))
    assert.notInclude(text, "lovelace")
  })
})

describe("a check number", () => {
  it("has four digits, and seldom the same for two links", () => {
    const all = Array.from({ length: 1_000 }, () => checkNumber(LinkId.make(`link_${crypto.randomUUID()}`)))
    for (const one of all) assert.match(one, /^\d{4}$/)
    assert.isAbove(new Set(all).size, 900)
  })
})

describe("what was found", () => {
  it("goes out whole, whichever of the three it is", () => {
    const prompt = { pendingId: "link_1", text: "Yours?" }
    const route = {
      person: { userId: "u", name: "Ada" },
      organization: { id: "org_1", slug: "ada" },
      memberEntityId: "1",
      agents: [{ agentId: "agent_1", templateAgentId: null }],
      answerTo: null
    }
    const identities = [
      null,
      { verified: true, ...route },
      { verified: false, ...route, prompt },
      { verified: false, prompt }
    ]
    const answer = Schema.decodeUnknownSync(LookupAnswer)({ identities })
    assert.deepStrictEqual(JSON.parse(JSON.stringify(Schema.encodeSync(LookupAnswer)(answer))), { identities })
  })
})

describe("a code", () => {
  const bytes = FastCheck.uint8Array({ minLength: codeBytes, maxLength: codeBytes })

  it("has all of its 160 bits, and is found in whatever people write around it", () => {
    FastCheck.assert(
      FastCheck.property(bytes, FastCheck.constantFrom("", "Hi! ", "(", "code:\n"), (random, before) => {
        const code = codeOf(random)
        assert.match(code, /^[a-z2-7]{32}$/)
        const value = [..."abcdefghijklmnopqrstuvwxyz234567"].reduce(
          (all, letter, at) => all.set(letter, at),
          new Map()
        )
        const read = [...code].reduce((sum, letter) => sum * 32n + BigInt(value.get(letter)), 0n)
        assert.strictEqual(read, BigInt(`0x${Buffer.from(random).toString("hex")}`))
        assert.strictEqual(codeIn(`${before}${messageWith(code.toUpperCase())} thanks`), code)
      })
    )
  })

  it("is not found in what has none, however long", () => {
    for (const text of ["", "hello", "a".repeat(31), "a".repeat(33), "a".repeat(60_000), "a1".repeat(16)]) {
      assert.isUndefined(codeIn(text))
    }
  })
})
