import { Cookies } from "@effect/platform"

/**
 * Header fields of every answer: browsers must not guess another content type, and must not send a referrer to other
 * sites. `no-referrer` would not do: under it a page's own forms are sent with `Origin: null`, as if from another site.
 */
export const securityHeaders = { "x-content-type-options": "nosniff", "referrer-policy": "same-origin" }

/** A year, as for the preload lists; for this host only, since others of its domain may belong to somebody else. */
const onlyHttps = { "strict-transport-security": "max-age=31536000" }

const hasHttps = (ownOrigins: ReadonlyArray<string>) => ownOrigins.some((origin) => origin.startsWith("https:"))

/** The security fields of every answer: `strict-transport-security` too if the service has an HTTPS address. */
export const securityFieldsAt = (ownOrigins: ReadonlyArray<string>): Readonly<Record<string, string>> =>
  hasHttps(ownOrigins) ? { ...securityHeaders, ...onlyHttps } : securityHeaders

/** Cookies as they leave: if the service has an HTTPS address, they are sent back to no other. */
export const cookiesAt = (ownOrigins: ReadonlyArray<string>, cookies: Cookies.Cookies): Cookies.Cookies =>
  hasHttps(ownOrigins)
    ? Cookies.fromIterable(
        Object.values(cookies.cookies).map((cookie) =>
          Cookies.unsafeMakeCookie(cookie.name, cookie.value, { ...cookie.options, secure: true })
        )
      )
    : cookies
