import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/* The code blocks of the documents. */

/** The folder of the repository. */
export const root = fileURLToPath(new URL("..", import.meta.url))

/** The documents that people read, by their paths in the repository. */
export const documents = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`)
]

export const readDocument = (name: string) => readFileSync(join(root, name), "utf8")

/** A code block: its language, what is said after that, and its text. */
export interface Block {
  readonly document: string
  readonly line: number
  readonly language: string
  readonly tags: ReadonlyArray<string>
  readonly text: string
}

/** The code blocks of a document, in order. */
export const blocksOf = (document: string): ReadonlyArray<Block> => {
  const text = readDocument(document)
  return [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(({ 1: info = "", 2: body = "", index }) => {
    const [language = "", ...tags] = info.trim().split(/\s+/)
    return { document, line: text.slice(0, index).split("\n").length, language, tags, text: body }
  })
}

export const placeOf = ({ document, line }: Block) => `${document}:${line}`

/** Why a shell block may stand without being run, each with what the block must have for that. */
const reasons: Readonly<Record<string, RegExp>> = {
  // It runs until somebody stops it, or starts what the machine of a test may lack.
  serves: /npm start|agent-install serve|docker/,
  // It asks a package registry.
  registry: /npm (install|ci|view)|npx (?!agent-install)/,
  // It names a host or a key that is only an example.
  example: /example\.org|…/,
  // It needs tools of the database's own version.
  dump: /pg_dump|pg_restore/,
  // It is about this repository as a whole, and takes as long as its tests.
  checks: /npm (run|test)|vitest/
}

/** Whether a block says why it is not run, and that is so. */
export const isNotRun = ({ tags, text }: Block): boolean =>
  tags.some((tag) => tag.startsWith("not-run=") && reasons[tag.slice("not-run=".length)]?.test(text) === true)

/** What differs from run to run, made the same: ids, times, hashes, tokens and numbers that are drawn. */
export const masked = (text: string): string =>
  text
    .replace(/\b(agent|org|link|rollout)_[0-9a-f]{32}\b/g, "$1_0")
    .replace(/\b[0-9a-f]{64}\b/g, "hash")
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00)?/g, "time")
    .replace(/("(?:userId|id|memberEntityId|checkNumber)": ?)"[^"]*"/g, '$1"drawn"')
    .replace(/shows \d{4} where/g, "shows 0000 where")

/** The JSON values that stand one after another in a text. */
export const jsonValues = (text: string): ReadonlyArray<unknown> => {
  const values: Array<unknown> = []
  let rest = text.trim()
  while (rest !== "") {
    let [depth, quoted, at] = [0, false, 0]
    do {
      const sign = rest[at]
      if (sign === undefined) throw new Error(`no JSON: ${rest}`)
      if (quoted && sign === "\\") at++
      else if (sign === '"') quoted = !quoted
      else if (!quoted && /[[{]/.test(sign)) depth++
      else if (!quoted && /[\]}]/.test(sign)) depth--
      at++
    } while (depth > 0 || quoted)
    values.push(JSON.parse(rest.slice(0, at)))
    rest = rest.slice(at).trim()
  }
  return values
}
