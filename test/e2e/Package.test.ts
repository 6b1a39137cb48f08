import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { transform } from "esbuild"

const root = fileURLToPath(new URL("../..", import.meta.url))
const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"))
const { overrides } = manifest
const entries = Object.keys(manifest.exports)
  .filter((name) => name !== "./package.json")
  .map((name) => name.slice(2))

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a program in a folder, with no more of the environment than finds it. */
const run = (folder: string, program: string, ...args: ReadonlyArray<string>): Promise<Ran> =>
  promisify(execFile)(program, args, {
    cwd: folder,
    maxBuffer: 64 * 1024 * 1024,
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST)/.test(name)))
  }).then(
    ({ stderr, stdout }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stderr, stdout }) => ({ code, out: stdout, err: stderr })
  )

const succeeds = async (...asked: Parameters<typeof run>) => {
  const ran = await run(...asked)
  assert.strictEqual(ran.code, 0, `${asked.slice(1).join(" ")}\n${ran.out}\n${ran.err}`)
  return ran
}

let work = ""
let consumer = ""
let packed: { readonly file: string; readonly names: ReadonlyArray<string> }

/** What git would clone here, with what is not committed yet. */
const cloneInto = async (folder: string) => {
  const { out } = await succeeds(root, "git", "ls-files", "--cached", "--others", "--exclude-standard")
  for (const name of out.trim().split("\n")) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    // What is deleted and not committed yet is listed too.
    await cp(join(root, name), join(folder, name)).catch(() => {})
  }
  await symlink(join(root, "node_modules"), join(folder, "node_modules"))
}

/** Runs a module in the folder of the consumer, as a program there would be. */
const runModule = async (text: string) => {
  const { code } = await transform(text, { loader: "ts", format: "esm" })
  await writeFile(join(consumer, "program.js"), code)
  return succeeds(consumer, process.execPath, "program.js")
}

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "agent-install-pack-"))
  const clone = join(work, "clone")
  await mkdir(clone)
  await cloneInto(clone)
  const { out } = await succeeds(clone, "npm", "pack", "--json", "--pack-destination", work)
  const [{ filename, files }] = JSON.parse(out.slice(out.indexOf("[\n")))
  packed = { file: join(work, filename), names: files.map(({ path }: { path: string }) => path) }
  consumer = join(work, "consumer")
  await mkdir(consumer)
  await writeFile(join(consumer, "package.json"), JSON.stringify({ type: "module", private: true, overrides }))
  const quietly = ["--prefer-offline", "--no-audit", "--no-fund", "--omit=optional", "--ignore-scripts"]
  await succeeds(consumer, "npm", "install", ...quietly, packed.file, "effect@3")
}, 600_000)

afterAll(() => rm(work, { recursive: true, force: true }))

describe("the release", () => {
  it("says all that is in its way, and publishes nothing then", async () => {
    const clone = join(work, "clone")
    await succeeds(clone, "git", "init", "--quiet")
    const ran = await run(clone, process.execPath, "scripts/release.mjs", "--dry-run")
    assert.strictEqual(ran.code, 1)
    assert.match(ran.err, /^CHANGELOG\.md calls \S+ unreleased/m)
    assert.match(ran.err, /^something is not committed/m)
  })
})

describe("the package, in an empty folder beside the newest effect 3", () => {
  it("has what a program loads, its types and its papers, and neither tests nor sources", () => {
    for (const entry of entries) {
      assert.include(packed.names, `dist/entries/${entry}.js`)
      assert.include(packed.names, `dist/src/exports/${entry}.d.ts`)
    }
    assert.includeMembers(
      [...packed.names],
      ["CHANGELOG.md", "LICENSE", "README.md", "templates/personal-finance/template.yaml"]
    )
    assert.deepStrictEqual(
      packed.names.filter((name) => /^(src|test|bench|node_modules)\/|^dist\/(test|bench)\/|\.map$/.test(name)),
      []
    )
  })

  it("loads by each of its entries, and by nothing else", async () => {
    const inner = ["", "/dist/src/exports/client.js", "/services/installation/Install", "/src/Peers.js"]
    const names = [...entries.map((entry) => `/${entry}`), ...inner].map((name) => `agent-install${name}`)
    const { out } = await runModule(
      `for (const name of ${JSON.stringify(names)})
         await import(name).then(() => console.log("loaded"), ({ code }) => console.log(code))`
    )
    assert.deepStrictEqual(out.trim().split("\n"), [
      ...entries.map(() => "loaded"),
      ...inner.map(() => "ERR_PACKAGE_PATH_NOT_EXPORTED")
    ])
  }, 120_000)

  it("runs the first program of the guide", async () => {
    const section = (await readFile(join(root, "docs/composing.md"), "utf8")).split("## The first program")[1] ?? ""
    const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(section) ?? []
    const { out } = await runModule(example)
    assert.include(out, "created: true")
    assert.include(out, "entity_types: 1")
  })

  it("has types that stand by themselves", async () => {
    await writeFile(
      join(consumer, "types.ts"),
      entries.map((entry, at) => `import * as entry${at} from "agent-install/${entry}"\nvoid entry${at}\n`).join("")
    )
    await writeFile(
      join(consumer, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          module: "NodeNext",
          target: "ES2023",
          types: [],
          skipLibCheck: false
        },
        files: ["types.ts"]
      })
    )
    const { out } = await run(consumer, process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", ".")
    // What other packages declare is theirs to mend.
    const ours = out
      .split("\n")
      .filter((line) => line.startsWith("types.ts") || /node_modules\/agent-install\//.test(line))
    assert.deepStrictEqual(ours, [])
  }, 180_000)

  it("brings the command", async () => {
    const { out } = await succeeds(consumer, join("node_modules", ".bin", "agent-install"), "--version")
    assert.strictEqual(out.trim(), JSON.parse(await readFile(join(root, "package.json"), "utf8")).version)
  })

  it("says in a sentence which effect it needs where another major stands beside it", async () => {
    const other = join(work, "other")
    await mkdir(join(other, "node_modules"), { recursive: true })
    await writeFile(join(other, "package.json"), JSON.stringify({ type: "module", private: true, overrides }))
    await succeeds(other, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", "effect@4")
    await cp(join(consumer, "node_modules", "agent-install"), join(other, "node_modules", "agent-install"), {
      recursive: true
    })
    const ran = await run(
      other,
      process.execPath,
      "-e",
      `import("agent-install/installation").catch(({ message }) => console.log(message))`
    )
    assert.match(
      ran.out,
      /^agent-install can't run with the packages beside it: effect 4\.\S+ is installed and \^3\.\S+ is needed\. Run: npm install "effect@\^3\.\S+"\n$/
    )
    const command = await run(other, process.execPath, "node_modules/agent-install/dist/src/main.js", "doctor")
    assert.deepStrictEqual([command.code, command.out, command.err], [1, "", ran.out])
  }, 120_000)
})
