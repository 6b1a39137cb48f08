/*
 * Writes what a program loads of the package: below dist/entries a file for each entry, which looks at the peers before it loads
 * anything that is made with them. An import that a wrong version lacks would fail otherwise before a word could be said.
 */
import { mkdir, readdir, writeFile } from "node:fs/promises"
import { join, parse } from "node:path"
import { pathToFileURL } from "node:url"

process.chdir(join(import.meta.dirname, ".."))
const built = join("dist", "src", "exports")
const entries = join("dist", "entries")

await mkdir(entries, { recursive: true })
for (const file of await readdir(built)) {
  if (!file.endsWith(".js")) continue
  const names = Object.keys(await import(pathToFileURL(join(built, file)).href)).sort()
  const text = `import { demandPeers } from "../src/Peers.js"
demandPeers()
export const { ${names.join(", ")} } = await import("../src/exports/${parse(file).base}")
`
  await writeFile(join(entries, file), text)
}
