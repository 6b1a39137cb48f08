import { HttpServerResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { seeOther, withCookies } from "../../../src/http/pages/AnswerPage.ts"

const cookiesOf = (response: HttpServerResponse.HttpServerResponse) =>
  HttpServerResponse.toWeb(response).headers.getSetCookie()

describe("cookies of a page", () => {
  it("go along with the answer", () => {
    assert.deepStrictEqual(cookiesOf(withCookies(["session=a; Path=/; HttpOnly"])(seeOther("/"))), [
      "session=a; Path=/; HttpOnly"
    ])
  })

  it("do not bring back a session that the answer ends", () => {
    const ended = withCookies(["session=; Max-Age=0; Path=/"])(seeOther("/sign-in"))
    const [cookie, ...rest] = cookiesOf(withCookies(["session=a; Max-Age=3600; Path=/"])(ended))
    assert.match(cookie ?? "", /^session=; /)
    assert.deepStrictEqual(rest, [])
  })
})
