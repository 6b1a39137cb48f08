import type { HttpServerRequest } from "@effect/platform"
import { Either } from "effect"
import { InvalidRequest } from "../domain/Errors.ts"
import { oncePer } from "../domain/OncePer.ts"

/** Stands for every host: a path means the same on all of them. */
const origin = "http://service"

const isEncoded = (text: string): boolean => {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/**
 * A path in which no letter, digit, `-`, `.`, `_` or `~` is encoded, which does not change its meaning (RFC 3986,
 * 6.2.2.2), and every `;` is.
 */
const plain = (path: string): string =>
  path
    .replaceAll(/%[0-9a-f]{2}/gi, (encoded) => {
      const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
      return /[\w.~-]/.test(character) ? character : encoded
    })
    .replaceAll(";", "%3B")

/** The target of a request. */
export type Target = Pick<URL, "pathname" | "search" | "searchParams">

// A plain path that can't be spelled another way, as nearly all paths are.
const plainly = /^\/(?!\/)(?:[\w~/-]|\.(?!\.?(?:\/|$)))*$/
const nothing = new URLSearchParams()

type Asked = Pick<HttpServerRequest.HttpServerRequest, "method" | "url">

const wrong = (message: string) => Either.left(new InvalidRequest({ issues: [{ path: "url", message }] }))

const read = ({ method, url }: Asked): Either.Either<Target, InvalidRequest> => {
  if (plainly.test(url)) return Either.right({ pathname: url, search: "", searchParams: nothing })
  if (url === "*" && method === "OPTIONS") return Either.right(new URL(`${origin}/*`))
  if (/[^!-~]|[#\\]/.test(url))
    return wrong("must be ASCII without blanks, # and \\, which stand percent-encoded in a URL")
  const whole = url.startsWith("/") ? `${origin}${url}` : url
  if (!/^https?:\/\/[^/?@]+([/?]|$)/i.test(whole) || !URL.canParse(whole)) {
    return wrong("must be a path that begins with /, or a URL of http or https")
  }
  const { pathname, search } = new URL(whole)
  return isEncoded(pathname) && isEncoded(search)
    ? Either.right(new URL(`${origin}${plain(pathname)}${search}`))
    : wrong("must be UTF-8 in its percent-encoding, with two digits after each %")
}

/**
 * Reads the target of a request, path and query, in the forms of HTTP/1.1 (RFC 9112, 3.2): a path; a whole URL, as
 * proxies get it, whose host is ignored; `*` for OPTIONS. Dot segments are resolved and each path has one spelling, so
 * that all code which reads it sees the same. Several parts of the server ask this of each request.
 */
export const readTarget: (request: Asked) => Either.Either<Target, InvalidRequest> = oncePer(read)
