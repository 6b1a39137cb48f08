import { type HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Option } from "effect"
import { codeLifetimeSeconds } from "../../domain/identity/InstallCode.ts"

/*
 * The link that opens a chat with the code in it. The page shows the code as long as it is valid, but the service keeps
 * only a digest of it. So the browser keeps the link, in a cookie for the pages of that agent that scripts can't read.
 */

const cookie = "agent-install.chat"

/** A link that opens a chat, and how many phones were linked when it was made. */
export interface ChatLink {
  readonly link: string
  readonly known: number
}

/** Only a link that opens WhatsApp is accepted: a cookie may contain anything. */
const chat = /^(\d{1,4}) (https:\/\/wa\.me\/\d{5,15}\?text=[\w%.~!'()*-]+)$/

/** Sets the cookie with the link, for the pages of an agent. */
export const rememberLink = (
  response: HttpServerResponse.HttpServerResponse,
  path: string,
  { known, link }: ChatLink
) =>
  HttpServerResponse.unsafeSetCookie(response, cookie, `${known} ${link}`, {
    path,
    httpOnly: true,
    sameSite: "strict",
    maxAge: `${codeLifetimeSeconds} seconds`
  })

/** The link in the cookie. */
export const rememberedLink = ({ cookies }: HttpServerRequest.HttpServerRequest): Option.Option<ChatLink> => {
  const [, known, link] = chat.exec(cookies[cookie] ?? "") ?? []
  return link === undefined ? Option.none() : Option.some({ link, known: Number(known) })
}

/** Clears the cookie. */
export const forgetLink = (response: HttpServerResponse.HttpServerResponse, path: string) =>
  HttpServerResponse.unsafeSetCookie(response, cookie, "", { path, httpOnly: true, sameSite: "strict", maxAge: 0 })
