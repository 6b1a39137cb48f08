import { type HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Option } from "effect"
import { codeLifetimeSeconds } from "../../domain/identity/InstallCode.ts"

/*
 * The link that opens a chat with the code in it. The code is shown for as long as it lives, but kept nowhere here but as a digest:
 * so the browser keeps it for us, for that agent's pages alone, where no script reads it.
 */

const cookie = "agent-install.chat"

/** A link that opens a chat, and how many phones had said yes when it was made. */
export interface ChatLink {
  readonly link: string
  readonly known: number
}

/** The link is only ever one that opens WhatsApp: what a browser holds may be anybody's. */
const chat = /^(\d{1,4}) (https:\/\/wa\.me\/\d{5,15}\?text=[\w%.~!'()*-]+)$/

/** Has the browser keep the link for an agent's pages. */
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

/** The link that the browser keeps. */
export const rememberedLink = ({ cookies }: HttpServerRequest.HttpServerRequest): Option.Option<ChatLink> => {
  const [, known, link] = chat.exec(cookies[cookie] ?? "") ?? []
  return link === undefined ? Option.none() : Option.some({ link, known: Number(known) })
}

/** Has the browser forget it. */
export const forgetLink = (response: HttpServerResponse.HttpServerResponse, path: string) =>
  HttpServerResponse.unsafeSetCookie(response, cookie, "", { path, httpOnly: true, sameSite: "strict", maxAge: 0 })
