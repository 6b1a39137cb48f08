import { type HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Option, Redacted } from "effect"

/*
 * A key or an invitation that was just made. The service keeps only a digest of it, and a form is answered by a redirect: so the browser
 * carries it to the page that shows it, in a cookie that scripts can't read, which the page clears.
 */

const cookie = "agent-install.made"

/** What was made, and the secret of it. */
export interface Made {
  readonly what: "key" | "invitation"
  readonly secret: Redacted.Redacted<string>
}

/** A cookie may contain anything. */
const form = /^(key|invitation) ([\w.-]{8,200})$/

/** Sets the cookie, for the pages of a publisher. */
export const rememberMade = (
  response: HttpServerResponse.HttpServerResponse,
  path: string,
  { secret, what }: Made
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeSetCookie(response, cookie, `${what} ${Redacted.value(secret)}`, {
    path,
    httpOnly: true,
    sameSite: "strict",
    maxAge: "2 minutes"
  })

/** What the cookie carries. */
export const rememberedMade = ({ cookies }: HttpServerRequest.HttpServerRequest): Option.Option<Made> => {
  const [, what, secret] = form.exec(cookies[cookie] ?? "") ?? []
  return secret === undefined
    ? Option.none()
    : Option.some({ what: what === "key" ? "key" : "invitation", secret: Redacted.make(secret) })
}

/** Clears the cookie. */
export const forgetMade = (response: HttpServerResponse.HttpServerResponse, path: string) =>
  HttpServerResponse.unsafeSetCookie(response, cookie, "", { path, httpOnly: true, sameSite: "strict", maxAge: 0 })
