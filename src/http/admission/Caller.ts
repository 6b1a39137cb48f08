import { type BlockList, isIP } from "node:net"
import type { Headers, HttpServerRequest } from "@effect/platform"
import { Effect, Option, Redacted } from "effect"
import { ForeignOrigin } from "../../domain/Errors.ts"
import { Auth, type Credential } from "../../services/account/Auth.ts"
import { ServerConfig } from "../ServerConfig.ts"

/** The credential of a request. */
export const credentialOf = ({ headers }: HttpServerRequest.HttpServerRequest): Credential => ({
  authorization: headers.authorization === undefined ? undefined : Redacted.make(headers.authorization),
  cookie: headers.cookie === undefined ? undefined : Redacted.make(headers.cookie)
})

/** Whether a request has a bearer token, which then counts alone. */
export const isBearer = ({ authorization = "" }: Headers.Headers): boolean => /^bearer\s/i.test(authorization)

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"])

/**
 * Whether a request changes something with a session cookie from a page of another site: `Origin` is another origin (or
 * `null`), or `Sec-Fetch-Site` is `cross-site` or `same-site`. A request with neither field does not come from a browser.
 * Browsers never add a bearer token by themselves, so it is accepted from anywhere.
 */
const isForeign = (
  { cookies, headers, method }: HttpServerRequest.HttpServerRequest,
  { sessionCookie }: typeof Auth.Service,
  { ownOrigins }: typeof ServerConfig.Service
): boolean => {
  const { origin } = headers
  const site = headers["sec-fetch-site"]
  const byCookie = cookies[sessionCookie] !== undefined && !isBearer(headers)
  const foreign =
    (origin !== undefined && !ownOrigins.includes(origin)) || site === "cross-site" || site === "same-site"
  return byCookie && foreign && !safeMethods.has(method)
}

/** How to refuse a request that changes something with a session cookie from a page of another site. */
export const refuseForeignOrigin = Effect.zipWith(
  Auth,
  ServerConfig,
  (auth, config) => (request: HttpServerRequest.HttpServerRequest) =>
    isForeign(request, auth, config) ? new ForeignOrigin() : Effect.void
)

const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, "")

/**
 * The address in a member of `X-Forwarded-For`, in the forms that proxies write: with a port (`192.0.2.1:8080`,
 * `[2001:db8::1]:80`), in brackets, or in quotation marks, which `Forwarded` (RFC 7239, 6) requires. Undefined for
 * anything that is not an address: `unknown`, an obfuscated name, nonsense.
 */
const forwardedAddress = (member: string): string | undefined => {
  const written = member
    .trim()
    .replace(/^"(.*)"$/, "$1")
    .trim()
  const [, bracketed, dotted] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(written) ?? []
  const address = plain(bracketed ?? dotted ?? written)
  return isIP(address) === 0 ? undefined : address
}

const isTrusted = (proxies: BlockList, address: string) => {
  const version = isIP(address)
  return version !== 0 && proxies.check(address, version === 6 ? "ipv6" : "ipv4")
}

/**
 * The client's address: the socket's peer or, while that is a trusted proxy, the nearest address in `X-Forwarded-For`
 * that is not trusted.
 */
export const clientAddress = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.map(ServerConfig, ({ trustedProxies }) => {
    let address = plain(Option.getOrElse(request.remoteAddress, () => "unknown"))
    const forwarded = (request.headers["x-forwarded-for"] ?? "").split(",").map(forwardedAddress)
    // Anything that is not an address ends the walk, since it is unknown who is behind it.
    for (let next = forwarded.pop(); isTrusted(trustedProxies, address) && next !== undefined; next = forwarded.pop()) {
      address = next
    }
    return address
  })

/**
 * The limiter's key for an address: an IPv6 address counts by its /64, which belongs to one subscriber (RFC 6177), an
 * IPv4 address as a whole.
 */
export const limiterKey = (address: string): string => {
  const [plainest = ""] = address.split("%")
  if (isIP(plainest) !== 6) return address
  // `URL` gives every form of an address one spelling.
  const [head = "", tail = ""] = new URL(`http://[${plainest}]`).hostname.slice(1, -1).split("::")
  const groupsOf = (part: string) => part.split(":").filter((group) => group !== "")
  const [left, right] = [groupsOf(head), groupsOf(tail)]
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => "0"), ...right]
  return `${groups.slice(0, 4).join(":")}::/64`
}
