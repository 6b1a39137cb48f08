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

/** What people, agents, organizations and definitions are called: 1 to 200 characters. */
export const Name = BoundedText(1, 200)

/**
 * The place of the first string (or key) in a JSON value that is not clean text, as a path; `undefined` where all are.
 * Walks without recursion, so depth can't exhaust the stack.
 */
export const findUncleanText = (value: unknown): ReadonlyArray<PropertyKey> | undefined => {
  const open: Array<{ readonly value: unknown; readonly path: ReadonlyArray<PropertyKey> }> = [{ value, path: [] }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next.value === "string") {
      if (!clean(next.value)) return next.path
    } else if (typeof next.value === "object" && next.value !== null) {
      for (const [key, child] of Object.entries(next.value)) {
        const path = open.length < 10_000 ? [...next.path.slice(0, 32), key] : next.path
        if (!clean(key)) return path
        open.push({ value: child, path })
      }
    }
  }
  return undefined
}
