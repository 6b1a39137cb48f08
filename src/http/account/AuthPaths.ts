/** A route of better-auth that the service offers. */
export interface AuthPath {
  readonly method: "GET" | "POST"
  readonly path: `/api/auth/${string}`
  /**
   * Whose password the route tests, and so which budgets it spends. `named`: that of the account with the given e-mail
   * address. `own`: that of the person who is signed in. `address`: no password, but the answer shows whether an e-mail
   * address has an account or a token is valid, so it spends the budget of the client's address. `mail`: it has a mail
   * sent to the given e-mail address, and spends that address's budget too.
   */
  readonly tests?: "named" | "own" | "address" | "mail"
}

/**
 * Every route under `/api/auth`: what accounts with e-mail address and password need if the service sends no mail.
 * better-auth has more, which are not offered: those of social providers, since none is configured; those of keys,
 * which belong to organizations here; those that change an address or delete an account by mail; its own health check
 * and error page; and those without a use here (session fields, linked accounts, tokens of providers).
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

/** The routes that prove something by mail, offered only if the service sends mail. */
export const mailPaths: ReadonlyArray<AuthPath> = [
  { method: "POST", path: "/api/auth/send-verification-email", tests: "mail" },
  { method: "GET", path: "/api/auth/verify-email", tests: "address" },
  { method: "POST", path: "/api/auth/request-password-reset", tests: "mail" },
  { method: "POST", path: "/api/auth/reset-password", tests: "address" }
]
