import { assert, describe, it } from "@effect/vitest"
import { scrub } from "../../src/domain/Scrub.ts"

describe("scrub", () => {
  it("takes out addresses, numbers and tokens", () => {
    const cases: ReadonlyArray<readonly [text: string, scrubbed: string]> = [
      ["Key (email)=(ada.l+x@mail.example.org) exists", "Key (email)=([address]) exists"],
      ["447911123456@s.whatsapp.net and 123456@lid", "[address] and [address]"],
      ['actual "+447911123456"', 'actual "[number]"'],
      [`Bearer ${"aB3_-".repeat(6)}.${"x/Y+".repeat(11)}=`, "Bearer [token]"],
      [`cookie=${"aB3_-".repeat(6)}.${"xYz%2F".repeat(8)}%3D;`, "cookie=[token];"]
    ]
    for (const [text, scrubbed] of cases) assert.strictEqual(scrub(text), scrubbed)
  })

  it("leaves what a log is read for", () => {
    const text = [
      "agent_a6672434b8364bfda00ef65341e202cc",
      "5f2f1a52-6f7e-4a58-9a5b-2f0a4b1f2c3d",
      "2026-11-23T06:30:00.000Z +00:00",
      "at run (/srv/node_modules/@effect/sql/src/x.ts:1:2)",
      '"timeUnixNano":"1763846400000000000"'
    ].join("\n")
    assert.strictEqual(scrub(text), text)
  })
})
