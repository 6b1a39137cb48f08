/** A mail to one person, as plain text. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** How long the links of mails are good for, in seconds. */
export const mailLinkSeconds = { verification: 24 * 60 * 60, reset: 60 * 60 } as const

/** Where a link of a mail leads: a page with a button, since programs that read mail follow links before people do. */
const linkTo = (baseUrl: string, path: string, token: string) => `${baseUrl}${path}?token=${encodeURIComponent(token)}`

/*
 * What was typed, as a name, stands in no mail: whoever signs up with somebody else's address would have us send it to them.
 */

/** Asks whether an address is that of whoever signed up with it. */
export const verificationMail = (baseUrl: string, to: string, token: string): Mail => ({
  to,
  subject: "Is this your e-mail address?",
  text: `Somebody has an account at ${baseUrl} with this e-mail address.

If that is you, open this page and confirm the address:

${linkTo(baseUrl, "/account/verify", token)}

The link works once, for a day. If it is not you, do nothing: the address stays unconfirmed.
`
})

/** Lets somebody who forgot the password choose a new one. */
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
