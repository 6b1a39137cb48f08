import { ParseResult, Predicate } from "effect"

/*
 * What must not leave by a log or a trace, wherever it comes from: a library's error that quotes a row, say. Nothing here is
 * written there on purpose; this is the last line.
 */
const rules: ReadonlyArray<readonly [sign: RegExp, pattern: RegExp, instead: string]> = [
  // Addresses: e-mail, and those of WhatsApp (447911123456@s.whatsapp.net, 123@lid); also the password in user:password@host.
  [/@/, /[\w.+%-]+@(?:[\w-]+(?:\.[\w-]+)+|lid\b)/g, "[address]"],
  // Signed session tokens, as they are and as a cookie's value.
  [/\.[\w+/%-]{40}/, /[\w-]{20,}\.[\w+/%-]{40,}=*/g, "[token]"],
  // Phone numbers in E.164.
  [/\+[1-9]\d{6}/, /\+[1-9]\d{6,14}\b/g, "[number]"]
]

/** The text without e-mail addresses, WhatsApp addresses, phone numbers in E.164 and session tokens. */
export const scrub = (text: string): string =>
  // Most texts have none of their signs, and to look for one costs less.
  rules.reduce((all, [sign, pattern, instead]) => (sign.test(all) ? all.replace(pattern, instead) : all), text)

// Postgres quotes what it was given where that is no value of the type wanted: data exceptions, of class 22.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const dataException = /^22[0-9A-Z]{3}$/

const messageWithoutValues = (error: Error): string => {
  if (ParseResult.isParseError(error)) return error.message.replace(/, actual .*/g, "")
  return "code" in error && typeof error.code === "string" && dataException.test(error.code)
    ? `data exception ${error.code}`
    : error.message
}

/**
 * A fault to be written down, without the values that libraries quote in their messages, which may be a client's text or a
 * person's data: all that a schema found wrong stays, without what was there instead; of what Postgres could not take, its
 * code. So in all its causes.
 */
export const withoutValues = (fault: unknown): unknown => {
  if (!Predicate.isError(fault)) return fault
  const { cause, message, stack } = fault
  const clean = messageWithoutValues(fault)
  const cleanCause = withoutValues(cause)
  if (clean === message && cleanCause === cause) return fault
  const written = (value: unknown) => ({ value, configurable: true, enumerable: false, writable: true })
  return Object.create(Object.getPrototypeOf(fault), {
    ...Object.getOwnPropertyDescriptors(fault),
    message: written(clean),
    stack: written(stack?.replace(message, () => clean)),
    ...(cause === undefined ? {} : { cause: written(cleanCause) })
  })
}
