import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const rootAbove = (folder: string): string =>
  existsSync(join(folder, "package.json")) ? folder : rootAbove(dirname(folder))

/** The folder the program is installed in. */
export const root = rootAbove(dirname(fileURLToPath(import.meta.url)))

/** Its version, the versions of Node it runs on, and the packages that a program brings along for it. */
export const {
  engines: { node: nodeVersions },
  peerDependencies,
  version
}: {
  readonly engines: { readonly node: string }
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly version: string
} = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
