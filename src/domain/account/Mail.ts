/** A mail to one person, in plain text. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** How long the links in mails are valid, in seconds. */
export const mailLinkSeconds = { verification: 24 * 60 * 60, reset: 60 * 60 } as const

/** The page that a link in a mail opens. It has a button, since mail programs follow links before people do. */
const linkTo = (baseUrl: string, path: string, token: string) => `${baseUrl}${path}?token=${encodeURIComponent(token)}`

/*
 * Mails contain nothing that was typed, such as a name: somebody could sign up with another person's address to have it
 * sent to them.
 */

/** Asks whether an e-mail address belongs to the person who signed up with it. */
export const verificationMail = (baseUrl: string, to: string, token: string): Mail => ({
  to,
  subject: "Is this your e-mail address?",
  text: `Somebody has an account at ${baseUrl} with this e-mail address.

If that is you, open this page and confirm the address:

${linkTo(baseUrl, "/account/verify", token)}

The link works once, for a day. If it is not you, do nothing: the address stays unconfirmed.
`
})

/** Lets a person who forgot the password choose a new one. */
export const resetMail = (baseUrl: string, to: string, token: string): Mail => ({
  to,
  subject: "Choose a new password",
  text: `Somebody asked for a new password of the account at ${baseUrl} with this e-mail address.

If that is you, open this page and choose one:

${linkTo(baseUrl, "/account/reset", token)}

The link works once, for an hour. Everywhere you are signed in, you are signed out by it. If it is not you, do nothing: the
password stays as it is.
`
})
