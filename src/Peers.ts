import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { peerDependencies } from "./Package.ts"

/*
 * Looks at the packages that a program brings along for this one, before anything is loaded that is made with them: what a wrong
 * version lacks would fail where it is imported, before a word could be said. So nothing but Node's own is imported here.
 */

const majorOf = (version: string): string | undefined => /\d+/.exec(version)?.[0]

/** What is wrong with the peers that are installed, in a sentence; undefined where nothing is. */
export const peerProblem = (
  wanted: Readonly<Record<string, string>>,
  installed: (name: string) => string | undefined
): string | undefined => {
  const wrong = Object.entries(wanted).flatMap(([name, range]) => {
    const version = installed(name)
    return version === undefined || majorOf(version) === majorOf(range) ? [] : [{ name, range, version }]
  })
  if (wrong.length === 0) return undefined
  const found = wrong.map(({ name, range, version }) => `${name} ${version} is installed and ${range} is needed`)
  const remedy = wrong.map(({ name, range }) => `"${name}@${range}"`)
  return `agent-install can't run with the packages beside it: ${found.join(", ")}. Run: npm install ${remedy.join(" ")}`
}

const require = createRequire(import.meta.url)

/** The version of a package as this one would load it; undefined where it is not there. */
const installedVersion = (name: string): string | undefined => {
  try {
    const { version }: { readonly version: string } = JSON.parse(
      readFileSync(require.resolve(`${name}/package.json`), "utf8")
    )
    return version
  } catch {
    return undefined
  }
}

/** What is wrong with the peers beside this package. */
export const ownPeerProblem = (): string | undefined => peerProblem(peerDependencies, installedVersion)

/** Throws where a peer is of a version that can't do. */
export const demandPeers = (): void => {
  const problem = ownPeerProblem()
  if (problem !== undefined) throw new Error(problem)
}
