import { createHmac, timingSafeEqual } from "node:crypto"
import { Redacted } from "effect"
import type { Credential } from "../../services/account/Auth.ts"

// A token and its signature in base64, of which a client may send `+`, `/` and `=` percent-encoded.
const signedToken = /^([\w-]+)\.((?:[a-z0-9+/]|%2[bf]){43}(?:=|%3d))$/i

/** How a credential begins that is a bearer token, which then counts alone. */
export const bearerScheme = /^bearer\s/i

/**
 * Reads the token of a session from a credential that is written as better-auth writes it and carries better-auth's
 * signature: HMAC-SHA-256 of the token under the secret. Undefined for anything else, which may still be valid: a
 * cookie named twice, or other characters percent-encoded.
 */
export const sessionTokenReader = (secret: string, sessionCookie: string) => {
  const signedIn = ({ authorization, cookie }: Credential): string | undefined => {
    if (authorization !== undefined && bearerScheme.test(Redacted.value(authorization))) {
      return /^bearer (.*)$/i.exec(Redacted.value(authorization))?.[1]
    }
    if (cookie === undefined) return undefined
    const [only = "", ...others] = Redacted.value(cookie)
      .split(/; ?/)
      .filter((one) => one.includes(sessionCookie))
    return others.length === 0 && only.startsWith(`${sessionCookie}=`)
      ? only.slice(sessionCookie.length + 1)
      : undefined
  }
  return (credential: Credential): string | undefined => {
    const [, token = "", signature = ""] = signedToken.exec(signedIn(credential) ?? "") ?? []
    if (token === "") return undefined
    const given = Buffer.from(decodeURIComponent(signature))
    const expected = Buffer.from(createHmac("sha256", secret).update(token).digest("base64"))
    return given.length === expected.length && timingSafeEqual(given, expected) ? token : undefined
  }
}
