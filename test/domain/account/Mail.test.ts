import { assert, describe, it } from "@effect/vitest"
import { resetMail, verificationMail } from "../../../src/domain/account/Mail.ts"

describe("a mail", () => {
  const [base, to, token] = ["https://agents.example", "ada@example.org", "a+b/c="]

  it("goes to one address, and has a link on a line of its own that a page opens", () => {
    const mails = [
      [verificationMail(base, to, token), `${base}/account/verify?token=a%2Bb%2Fc%3D`],
      [resetMail(base, to, token), `${base}/account/reset?token=a%2Bb%2Fc%3D`]
    ] as const
    for (const [mail, link] of mails) {
      assert.strictEqual(mail.to, to)
      assert.include(mail.text.split("\n"), link)
    }
    assert.deepStrictEqual(
      mails.map(([{ subject }]) => subject),
      ["Is this your e-mail address?", "Choose a new password"]
    )
  })
})
