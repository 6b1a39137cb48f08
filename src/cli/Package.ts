import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const rootAbove = (folder: string): string =>
  existsSync(join(folder, "package.json")) ? folder : rootAbove(dirname(folder))

/** The folder the program is installed in. */
export const root = rootAbove(dirname(fileURLToPath(import.meta.url)))

/** Its version, and the versions of Node it runs on. */
export const {
  version,
  engines: { node: nodeVersions }
}: { readonly version: string; readonly engines: { readonly node: string } } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8")
)
