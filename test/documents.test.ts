import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { ConfigError, ConfigProvider, ConfigProviderPathPatch, Effect, HashSet } from "effect"
import { transformSync } from "esbuild"
import { parse } from "yaml"
import { kindDescriptions } from "../src/domain/catalog/Kind.ts"
import { refusals } from "../src/domain/Errors.ts"
import { authPaths } from "../src/http/account/AuthPaths.ts"
import { readDocuments } from "../src/layers/catalog/TemplateFiles.ts"
import { settings } from "../src/layers/runtime/Settings.ts"
import { blocksOf, documents, isNotRun, jsonValues, placeOf, readDocument, root } from "./blocks.ts"

const read = (name: string) => readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), "utf8")

const named = (text: string, pattern: RegExp) =>
  [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))].sort()

/** The variables that are asked for where the settings are read. */
const variables = (() => {
  const asked = new Set<string>()
  const provider = ConfigProvider.fromFlat(
    ConfigProvider.makeFlat({
      load: (path) => {
        asked.add(path.join("_"))
        return Effect.fail(ConfigError.MissingData([...path], "not set"))
      },
      enumerateChildren: () => Effect.succeed(HashSet.empty()),
      patch: ConfigProviderPathPatch.empty
    })
  )
  Effect.runSync(Effect.withConfigProvider(settings, provider))
  return [...asked].sort()
})()

describe("the documents of the repository", () => {
  it("name every variable that is read, and no other", () => {
    assert.isAtLeast(variables.length, 14)
    const table = read("docs/operating.md").split("## Variables")[1]?.split("\n## ")[0] ?? ""
    const rows = table.split("\n").map((line) => line.split("|")[1] ?? "")
    assert.deepStrictEqual(named(rows.join(), /`([A-Z_]+)`/g), variables)
    assert.deepStrictEqual(named(read(".env.example"), /^# ([A-Z_]+)=/gm), variables)
  })

  it("name every route of accounts", () => {
    const section =
      read("docs/http.md").split("## Sign-up and sign-in")[1]?.split("\n## ")[0]?.replaceAll("\n", " ") ?? ""
    for (const { method, path } of authPaths)
      assert.include(section, `\`${method} ${path.slice("/api/auth/".length)}\``)
  })

  it("give a container no more than it needs: variables that are read, another user than root, what is published here", () => {
    const dockerfile = read("Dockerfile")
    assert.match(dockerfile, /^USER (?!root)\w+$/m)
    assert.match(dockerfile, /^HEALTHCHECK .*\/health\/ready/m)
    assert.match(dockerfile, /npm ci --omit=dev --omit=optional/)
    const { services } = parse(read("compose.yaml"))
    assert.includeMembers(variables, Object.keys(services.service.environment))
    assert.includeMembers(variables, named(dockerfile, /(?:^ENV .*?|\s)(HOST|PORT)=/gm))
  })

  it("name the version that this is, and beside the routes every error", () => {
    const { version } = JSON.parse(read("package.json"))
    assert.include(read("CHANGELOG.md"), `## ${version}`)
    for (const { code } of refusals) assert.include(read("docs/http.md"), `\`${code}\``)
  })

  it("show the examples as they are", () => {
    const shown = [...read("docs/composing.md").matchAll(/<!-- (examples\/\S+) -->\n\n```ts\n([\s\S]*?)```/g)]
    // So the compiler checks every program that is shown; a part of one is parsed.
    const programs = documents.flatMap(blocksOf).filter(({ language }) => /^tsx?$/.test(language))
    assert.strictEqual(programs.filter(({ tags }) => !tags.includes("part")).length, shown.length)
    for (const { text } of programs) assert.doesNotThrow(() => transformSync(text, { loader: "tsx", jsx: "preserve" }))
    for (const [, name = "", text] of shown) assert.strictEqual(text, read(name), name)
  })

  it("name in the contract for runtimes only tables and columns that there are, and every entry in the guide", () => {
    const words = named(read("docs/runtime.md"), /`([a-z]+(?:_[a-z]+)+)`/g)
    const columns = named(read("docs/runtime.md"), /`[a-z_]+\.([a-z_]+)`/g)
    const texts = readdirSync(fileURLToPath(new URL("../migrations", import.meta.url)))
      .map((name) => read(`migrations/${name}`))
      .join("\n")
    // Some statements are written once for all kinds.
    const migrations = kindDescriptions.map(({ table }) => texts.replace(/\$\{(kind\.)?table\}/g, table)).join("\n")
    assert.isAtLeast(words.length, 20)
    for (const name of [...words, ...columns]) assert.match(migrations, new RegExp(`\\b${name}\\b`), name)
    const { exports } = JSON.parse(read("package.json"))
    const entries = Object.keys(exports).flatMap((name) => (name === "./package.json" ? [] : [name.slice(2)]))
    assert.sameMembers(named(read("docs/composing.md"), /^\| `agent-install\/(\w+)`/gm), entries)
  })

  it("have lines that fit, tables apart, and a README of one sitting", () => {
    for (const name of [...documents, "CHANGELOG.md", "bench/README.md"]) {
      const long = readDocument(name)
        .split("\n")
        .flatMap((line, at) => (line.length > 120 && !line.startsWith("|") ? [`${name}:${at + 1}`] : []))
      assert.deepStrictEqual(long, [])
    }
    assert.isBelow(readDocument("README.md").split("\n").length, 150)
  })

  it("lead only to what is there", () => {
    const anchorsOf = (name: string) =>
      [...readDocument(name).matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
        title
          .toLowerCase()
          .replaceAll(/[^\w\- ]/g, "")
          .replaceAll(" ", "-")
      )
    for (const name of documents) {
      for (const [, target = ""] of readDocument(name).matchAll(/\]\(((?!https?:)[^)\s]+)\)/g)) {
        const [path = "", anchor] = target.split("#")
        const file = path === "" ? name : join(dirname(name), path)
        assert.isTrue(existsSync(join(root, file)), `${name} leads to ${target}`)
        if (anchor !== undefined) assert.include(anchorsOf(file), anchor, `${name} leads to ${target}`)
      }
    }
    for (const name of documents.filter((name) => name.startsWith("docs/") && name !== "docs/README.md")) {
      assert.include(readDocument("docs/README.md"), `](${name.slice("docs/".length)})`)
    }
  })

  it("have only blocks that a test runs, reads or compares, or that say why none does", () => {
    const known = /^(sh|json|text|yaml|sql|ts|tsx|js|mermaid)$/
    for (const name of documents) {
      const blocks = blocksOf(name)
      for (const [at, block] of blocks.entries()) {
        const { language, tags, text } = block
        assert.match(language, known, placeOf(block))
        if (tags.some((tag) => tag.startsWith("not-run="))) assert.isTrue(isNotRun(block), `${placeOf(block)}: ${tags}`)
        if (language === "json") assert.isNotEmpty(jsonValues(text), placeOf(block))
        if (language === "js") assert.doesNotThrow(() => transformSync(text, { format: "esm" }), placeOf(block))
        if (language === "mermaid")
          assert.match(text, /^(flowchart|sequenceDiagram|stateDiagram-v2|erDiagram)\b/, placeOf(block))
        // Text is what a command prints, the help of one, or a list of files.
        if (language === "text" && !tags.some((tag) => tag === "help" || tag === "files")) {
          assert.strictEqual(blocks[at - 1]?.language, "sh", placeOf(block))
        }
      }
    }
  })

  it.effect("show files of templates that can be published", () =>
    Effect.gen(function* () {
      const shown = blocksOf("docs/templates.md").filter(({ language }) => language === "yaml")
      assert.strictEqual(shown.length, 5)
      const [template = {}, ...definitions] = shown.map(({ text }) => parse(text))
      const { template: read } = yield* readDocuments({ template, definitions })
      assert.strictEqual(read.definitions.length, 4)
      for (const name of documents.filter((name) => name !== "docs/templates.md")) {
        assert.isUndefined(
          blocksOf(name).find(({ language }) => language === "yaml"),
          name
        )
      }
    })
  )
})
