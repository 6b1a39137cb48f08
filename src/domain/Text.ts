import { Schema } from "effect"

const clean = (text: string) => !text.includes("\u0000") && text.isWellFormed()

/** Characters as a person counts them: code points, not UTF-16 units. A pair of surrogates ends with the one that is not counted. */
export const characters = (text: string) => {
  let count = text.length
  for (let at = 0; at < text.length; at++) if ((text.charCodeAt(at) & 0xfc00) === 0xdc00) count--
  return count
}

/**
 * Text that Postgres and JSON can hold: no NUL (SQLSTATE 22021) and no lone surrogate (jsonb refuses them).
 */
export const CleanText = Schema.String.pipe(
  Schema.filter((text) => clean(text) || "must hold no NUL character and no lone surrogate", {
    jsonSchema: {}
  })
)

/** Whether a value is clean text. Postgres can't be asked for anything else: to look for it would be an error. */
export const isCleanText = Schema.is(CleanText)

/** Clean text, or null. */
export const TextOrNull = Schema.NullOr(CleanText).annotations({
  message: () => ({ message: "Expected text or null", override: true })
})

/** Clean text of `min` to `max` characters, not only white space where `min` is one. */
export const BoundedText = (min: 0 | 1, max: number) =>
  CleanText.pipe(
    Schema.filter(
      (text) =>
        // No text has more characters than units: only longer ones need a count.
        ((text.length <= max || characters(text) <= max) && (min === 0 || text.trim() !== "")) ||
        `must have ${min} to ${max} characters${min > 0 ? ", not only blanks" : ""}`,
      { jsonSchema: { minLength: min, maxLength: max } }
    )
  )

// Line breaks (UAX #14: also VT, FF, NEL and the two separators), and what turns the direction of the text around it: the explicit
// embeddings, overrides and isolates of UAX #9, by which a text reads as another than it is (CVE-2021-42574). The marks
// (U+200E, U+200F, U+061C) and the joiners are part of ordinary writing.
const lineBreak = /[\n-\r\u0085\u2028\u2029]/u
const directional = /[\u202a-\u202e\u2066-\u2069]/u
const oddInLine = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u
const oddInProse = /(?![\t\n\r])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u

const oddity = (character: string) =>
  lineBreak.test(character)
    ? "line break"
    : directional.test(character)
      ? "character that turns the direction of the text"
      : "control character"

/** Whether none of the characters stands in a text; else which does, and where. */
const without = (odd: RegExp) => (text: string) => {
  const at = text.search(odd)
  if (at === -1) return true
  const character = text.charAt(at)
  const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")
  return `must hold no ${oddity(character)} (U+${code} is its character ${characters(text.slice(0, at)) + 1})`
}

/** Clean text on one line: no line break, no control character, nothing that turns the direction of what stands beside it. */
export const Line = CleanText.pipe(Schema.filter(without(oddInLine), { jsonSchema: {} }))

/** Clean text that may have lines and tabs, but no other control character and nothing that turns the direction of text. */
export const Prose = CleanText.pipe(Schema.filter(without(oddInProse), { jsonSchema: {} }))

/** Prose of `min` to `max` characters. */
export const BoundedProse = (min: 0 | 1, max: number) =>
  BoundedText(min, max).pipe(Schema.filter(without(oddInProse), { jsonSchema: {} }))

const isSeen = /[^\s\p{Default_Ignorable_Code_Point}]/u

/** What people, agents, organizations and definitions are called: one line of 1 to 200 characters, of which one can be seen. */
export const Name = BoundedText(1, 200).pipe(
  Schema.filter(without(oddInLine), { jsonSchema: {} }),
  Schema.filter((text) => isSeen.test(text) || "must hold a character that can be seen", { jsonSchema: {} })
)

/** A name as it may be shown, of one that was taken before the rule for names: what can't stand in a name is a blank. */
export const shownName = (name: string): string => name.replace(new RegExp(oddInLine, "gu"), " ")

/**
 * The place of the first string (or key) in a JSON value that is not clean text, as a path; `undefined` where all are.
 * Walks without recursion, so depth can't exhaust the stack.
 */
export const findUncleanText = (value: unknown): ReadonlyArray<PropertyKey> | undefined => {
  const open: Array<{ readonly value: unknown; readonly path: ReadonlyArray<PropertyKey> }> = [{ value, path: [] }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next.value === "string") {
      if (!clean(next.value)) return next.path
    } else {
      for (const [key, child] of Object.entries(next.value ?? {})) {
        const path = open.length < 10_000 ? [...next.path.slice(0, 32), key] : next.path
        if (!clean(key)) return path
        open.push({ value: child, path })
      }
    }
  }
  return undefined
}
