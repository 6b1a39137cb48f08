/** How large what a publisher brings may be: every install reads it, and every copy keeps it. */
export const templateLimits = {
  /** Definitions of a template. */
  rows: 5_000,
  /** Bytes of one definition, or of what the template says of itself, as JSON in UTF-8. */
  rowBytes: 256 * 1024,
  /** Bytes of the whole template as JSON in UTF-8. */
  templateBytes: 5 * 1024 * 1024,
  /** Lists and mappings within each other. */
  depth: 100,
  /** Bytes of one file of a template's folder, told before it is read. */
  fileBytes: 1024 * 1024,
  /** Bytes of all the files of a folder, told before any is read: comments and blanks among them. */
  folderBytes: 20 * 1024 * 1024
} as const

/** A number of bytes as people read it. */
export const inBytes = (bytes: number): string =>
  bytes >= 1024 * 1024 && bytes % (1024 * 1024) === 0
    ? `${bytes / (1024 * 1024)} MiB`
    : `${Math.ceil(bytes / 1024)} KiB`

/** Whether lists and mappings stand deeper in each other than the limit; walks without recursion, so depth can't exhaust the stack. */
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

/** How many bytes a value takes as JSON in UTF-8. */
export const jsonBytes = (value: unknown): number => utf8.encode(JSON.stringify(value) ?? "").length
