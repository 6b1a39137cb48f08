import { readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { build } from "esbuild"
import { peerProblem } from "../src/Peers.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const manifest: {
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
} = JSON.parse(readFileSync(`${root}/package.json`, "utf8"))

const entries = Object.keys(manifest.exports)
  .filter((name) => name !== "./package.json")
  .map((name) => name.slice(2))

const packageOf = (path: string) =>
  isBuiltin(path) ? `node:${path.replace(/^node:/, "")}` : (/^(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path)

/** Every package that an entry loads, itself or by what it imports. */
const loadedBy = async (entry: string) => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [`src/exports/${entry}.ts`],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    packages: "external",
    outdir: "none",
    logLevel: "silent"
  })
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(({ external }) => external))
  return [...new Set(imported.map(({ path }) => packageOf(path)))].sort()
}

const shelves = [
  ...["account", "admission", "catalog", "events", "identity", "installation", "publishing", "rollouts", "runtime"]
]

describe("the entries of the package", () => {
  it("are one a shelf of the services, and those for HTTP, clients, live layers and tests", () => {
    assert.sameMembers(entries, [...shelves, ...["client", "http", "layers", "testing"]])
  })

  it("load no driver, no server and nothing of Node's where they hold services", async () => {
    for (const entry of shelves) {
      const loaded = await loadedBy(entry)
      assert.deepStrictEqual(
        loaded.filter((name) => name !== "libphonenumber-js"),
        ["effect"],
        entry
      )
    }
  })

  it("load what a browser has too where they hold the client", async () => {
    assert.deepStrictEqual(await loadedBy("client"), ["@effect/platform", "effect", "libphonenumber-js"])
  })

  it("load neither a driver nor better-auth where they hold the server, or worlds in memory", async () => {
    for (const entry of ["http", "testing"]) {
      const loaded = await loadedBy(entry)
      for (const name of ["pg", "better-auth", "@effect/sql", "@effect/sql-pg", "nodemailer"]) {
        assert.notInclude(loaded, name, entry)
      }
    }
  })

  it("load only what the package depends on", async () => {
    const known = { ...manifest.dependencies, ...manifest.peerDependencies }
    for (const entry of entries) {
      for (const name of await loadedBy(entry)) if (!name.startsWith("node:")) assert.property(known, name, entry)
    }
  })
})

describe("the peers", () => {
  it("are all of effect's packages, as ranges, and no dependencies besides", () => {
    const isEffects = (name: string) => name === "effect" || name.startsWith("@effect/")
    assert.deepStrictEqual(
      Object.keys(manifest.peerDependencies).filter((name) => !isEffects(name)),
      []
    )
    assert.deepStrictEqual(Object.keys(manifest.dependencies).filter(isEffects), [])
    for (const range of Object.values(manifest.peerDependencies)) assert.match(range, /^\^\d/)
  })

  it("are refused by name where one is of another major, and only there", () => {
    const wanted = { effect: "^3.22.4", "@effect/sql": "^0.52.1", "@effect/sql-pg": "^0.53.0" }
    const installed = (versions: Readonly<Record<string, string>>) => peerProblem(wanted, (name) => versions[name])
    assert.isUndefined(installed({ effect: "3.99.0", "@effect/sql": "0.52.9" }))
    assert.strictEqual(
      installed({ effect: "4.1.0", "@effect/sql": "0.52.1", "@effect/sql-pg": "4.0.5" }),
      "agent-install can't run with the packages beside it: effect 4.1.0 is installed and ^3.22.4 is needed, " +
        '@effect/sql-pg 4.0.5 is installed and ^0.53.0 is needed. Run: npm install "effect@^3.22.4" "@effect/sql-pg@^0.53.0"'
    )
  })
})
