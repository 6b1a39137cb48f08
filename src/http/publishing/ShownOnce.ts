import type { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Option, Redacted } from "effect"
import { carryCookie } from "../pages/CarryCookie.ts"

/* A key or an invitation that was just made: the page that shows it clears the cookie. */

const cookie = carryCookie("agent-install.made")

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
): HttpServerResponse.HttpServerResponse => cookie.set(response, path, `${what} ${Redacted.value(secret)}`, "2 minutes")

/** What the cookie carries. */
export const rememberedMade = (request: HttpServerRequest.HttpServerRequest): Option.Option<Made> => {
  const [, what, secret] = form.exec(cookie.read(request)) ?? []
  return secret === undefined
    ? Option.none()
    : Option.some({ what: what === "key" ? "key" : "invitation", secret: Redacted.make(secret) })
}

/** Clears the cookie. */
export const forgetMade = cookie.clear
