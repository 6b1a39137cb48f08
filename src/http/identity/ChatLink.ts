import type { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Option } from "effect"
import { codeLifetimeSeconds } from "../../domain/identity/InstallCode.ts"
import { carryCookie } from "../pages/CarryCookie.ts"

/* The link that opens a chat with the code in it, which the page of that agent shows as long as the code is valid. */

const cookie = carryCookie("agent-install.chat")

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
) => cookie.set(response, path, `${known} ${link}`, `${codeLifetimeSeconds} seconds`)

/** The link in the cookie. */
export const rememberedLink = (request: HttpServerRequest.HttpServerRequest): Option.Option<ChatLink> => {
  const [, known, link] = chat.exec(cookie.read(request)) ?? []
  return link === undefined ? Option.none() : Option.some({ link, known: Number(known) })
}

/** Clears the cookie. */
export const forgetLink = cookie.clear
