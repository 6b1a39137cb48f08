import { Predicate, Record } from "effect"

/*
 * When two contents are equal: as JSON values. Numbers are equal by value (1, 1.0 and 1e0), objects regardless of the
 * order of their keys, lists in order; an absent key differs from one that is null. This is the rule of Postgres'
 * `jsonb =`. Where a hash or a size is needed, both the live and the in-memory layers take it of one canonical text,
 * which `content_text` in the schema also writes.
 */

const utf8 = new TextEncoder()

const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  if (a.length !== b.length) return a.length - b.length
  const at = a.findIndex((byte, index) => byte !== b[index])
  return (a[at] ?? 0) - (b[at] ?? 0)
}

/** A number without an exponent and without redundant zeros. */
const plainNumber = (value: number): string => {
  const [, sign = "", digits, exponent] = /(-?)([\d.]+)e([+-]\d+)/.exec(String(value)) ?? []
  if (digits === undefined) return JSON.stringify(value)
  const [whole = "", fraction = ""] = digits.split(".")
  const places = Number(exponent)
  return places < 0
    ? `${sign}0.${"0".repeat(-places - 1)}${whole}${fraction}`
    : `${sign}${whole}${fraction.padEnd(places, "0")}`
}

/** The text of an object whose members are texts already. */
export const objectText = (members: Readonly<Record<string, string>>): string =>
  `{${Object.entries(members)
    .map(([key, text]) => ({ key, text, bytes: utf8.encode(key) }))
    .sort((a, b) => compareBytes(a.bytes, b.bytes))
    .map(({ key, text }) => `${JSON.stringify(key)}: ${text}`)
    .join(", ")}}`

/** The canonical text of a JSON value: equal values have the same text, written as Postgres writes jsonb. */
export const contentText = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(contentText).join(", ")}]`
  if (typeof value === "number") return plainNumber(value)
  return Predicate.isRecord(value) ? objectText(Record.map(value, contentText)) : JSON.stringify(value ?? null)
}

/** Whether two JSON values are the same content. */
export const isSameContent = (a: unknown, b: unknown): boolean => contentText(a) === contentText(b)

/** The size of a JSON value as text, in bytes. */
export const contentSize = (value: unknown): number => utf8.encode(contentText(value)).length
