/** A route of better-auth's that answers. */
export interface AuthPath {
  readonly method: "GET" | "POST"
  readonly path: `/api/auth/${string}`
  /**
   * The password it tests, and so what is limited: of the account whose e-mail address is named, or of whoever is signed in.
   * `address` tests none, but tells whether an e-mail address has an account or a token is one, and is limited by the caller's
   * address alone. `mail` has a mail sent to the e-mail address that is named, and is limited by that too.
   */
  readonly tests?: "named" | "own" | "address" | "mail"
}

/**
 * Every route under `/api/auth`: what accounts with e-mail address and password need where no mail is sent. better-auth has
 * more, which are not there: those of providers, of which none is configured; those of keys, which are an organization's; those
 * that change an address or delete an account by mail; its own health check and error page; and those that there is nothing to say to (fields of a session, linked accounts,
 * tokens of providers).
 */
export const authPaths: ReadonlyArray<AuthPath> = [
  { method: "POST", path: "/api/auth/sign-up/email", tests: "address" },
  { method: "POST", path: "/api/auth/sign-in/email", tests: "named" },
  { method: "POST", path: "/api/auth/sign-out" },
  { method: "GET", path: "/api/auth/get-session" },
  { method: "GET", path: "/api/auth/list-sessions" },
  { method: "POST", path: "/api/auth/revoke-session" },
  { method: "POST", path: "/api/auth/revoke-sessions" },
  { method: "POST", path: "/api/auth/revoke-other-sessions" },
  { method: "POST", path: "/api/auth/change-password", tests: "own" },
  { method: "POST", path: "/api/auth/verify-password", tests: "own" },
  { method: "POST", path: "/api/auth/update-user" }
]

/** The routes that prove something by a mail: they are there where the service sends mail. */
export const mailPaths: ReadonlyArray<AuthPath> = [
  { method: "POST", path: "/api/auth/send-verification-email", tests: "mail" },
  { method: "GET", path: "/api/auth/verify-email", tests: "address" },
  { method: "POST", path: "/api/auth/request-password-reset", tests: "mail" },
  { method: "POST", path: "/api/auth/reset-password", tests: "address" }
]
