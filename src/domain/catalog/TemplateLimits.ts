/** The limits of a template: every install reads all of it, and every copy stores it. */
export const templateLimits = {
  /** Definitions of a template. */
  rows: 5_000,
  /** Bytes of one definition, or of the template's own fields, as JSON in UTF-8. */
  rowBytes: 256 * 1024,
  /** Bytes of the whole template as JSON in UTF-8. */
  templateBytes: 5 * 1024 * 1024,
  /** Nesting of lists and mappings. */
  depth: 100,
  /** Bytes of one file of a template's folder, checked before it is read. */
  fileBytes: 1024 * 1024,
  /** Bytes of all the files of a folder, comments and blanks included, checked before any is read. */
  folderBytes: 20 * 1024 * 1024
} as const

/** A number of bytes, for people. */
export const inBytes = (bytes: number): string =>
  bytes % (1024 * 1024) === 0 ? `${bytes / (1024 * 1024)} MiB` : `${Math.ceil(bytes / 1024)} KiB`

/** Whether a value is nested deeper than the limit. Walks without recursion, so that depth can't exhaust the stack. */
export const isTooDeep = (value: unknown): boolean => {
  const open: Array<readonly [value: unknown, depth: number]> = [[value, 1]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [one, depth] = next
    if (typeof one !== "object" || one === null) continue
    if (depth > templateLimits.depth) return true
    for (const inner of Object.values(one)) open.push([inner, depth + 1])
  }
  return false
}

const utf8 = new TextEncoder()

/** The size of a value as JSON in UTF-8, in bytes. */
export const jsonBytes = (value: unknown): number => utf8.encode(JSON.stringify(value) ?? "").length
