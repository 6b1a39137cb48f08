import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { errorGuide } from "./domain/ErrorGuide.ts"
import { refusals } from "./domain/Errors.ts"
import { openApi } from "./http/Api.ts"

/*
 * Writes the documents of the repository that follow from the code, or, with --check, says which are stale. Runs from dist.
 */

const errors = `# Errors

Made from the error classes by \`npm run documents\`; the service serves the same at \`/docs/errors\`.

| status | \`error\` | when | what to do |
| --- | --- | --- | --- |
${refusals
  .map(
    ({ _tag, code, status }) => `| ${status} | \`${code}\` | ${errorGuide[_tag].when} | ${errorGuide[_tag].remedy} |`
  )
  .join("\n")}
`

const documents: Readonly<Record<string, string>> = {
  "docs/errors.md": errors,
  "docs/openapi.json": `${JSON.stringify(openApi, null, 2)}\n`
}

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..")

const read = (file: string) => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return undefined
  }
}

for (const [name, text] of Object.entries(documents)) {
  const file = join(root, name)
  if (!process.argv.includes("--check")) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  } else if (read(file) !== text) {
    process.stderr.write(`${name} is stale: run npm run documents\n`)
    process.exitCode = 1
  }
}
