/*
 * What must not leave by a log or a trace, wherever it comes from: a library's error that quotes a row, say. Nothing here is
 * written there on purpose; this is the last line.
 */
const rules: ReadonlyArray<readonly [pattern: RegExp, instead: string]> = [
  // Addresses: e-mail, and those of WhatsApp (447911123456@s.whatsapp.net, 123@lid); also the password in user:password@host.
  [/[\w.+%-]+@(?:[\w-]+(?:\.[\w-]+)+|lid\b)/g, "[address]"],
  // Signed session tokens, as they are and as a cookie's value.
  [/[\w-]{20,}\.[\w+/%-]{40,}=*/g, "[token]"],
  // Phone numbers in E.164.
  [/\+[1-9]\d{6,14}\b/g, "[number]"]
]

/** The text without e-mail addresses, WhatsApp addresses, phone numbers in E.164 and session tokens. */
export const scrub = (text: string): string =>
  rules.reduce((scrubbed, [pattern, instead]) => scrubbed.replace(pattern, instead), text)
