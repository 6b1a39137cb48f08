import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { ConfigError, ConfigProvider, ConfigProviderPathPatch, Effect, HashSet } from "effect"
import { parse } from "yaml"
import { refusals } from "../src/domain/Errors.ts"
import { authPaths } from "../src/http/account/AuthPaths.ts"
import { settings } from "../src/layers/runtime/Settings.ts"

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
    const table = read("README.md").split("## Variables")[1]?.split("\n## ")[0] ?? ""
    const rows = table.split("\n").map((line) => line.split("|")[1] ?? "")
    assert.deepStrictEqual(named(rows.join(), /`([A-Z_]+)`/g), variables)
    assert.deepStrictEqual(named(read(".env.example"), /^# ([A-Z_]+)=/gm), variables)
  })

  it("name every route of accounts", () => {
    const section = read("README.md").split("## Accounts")[1]?.split("\n## ")[0]?.replaceAll("\n", " ") ?? ""
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

  it("name the version that this is, and in the README every error of an install", () => {
    const { version } = JSON.parse(read("package.json"))
    assert.include(read("CHANGELOG.md"), `## ${version}`)
    for (const { code } of refusals) assert.include(read("README.md"), `\`${code}\``)
  })

  it("show the examples as they are", () => {
    const shown = [...read("docs/composing.md").matchAll(/<!-- (examples\/\S+) -->\n\n```ts\n([\s\S]*?)```/g)]
    assert.isAtLeast(shown.length, 5)
    for (const [, name = "", text] of shown) assert.strictEqual(text, read(name), name)
  })

  it("name in the contract for runtimes only tables and columns that there are, and every entry in the guide", () => {
    const words = named(read("docs/runtime.md"), /`([a-z]+(?:_[a-z]+)+)`/g)
    const columns = named(read("docs/runtime.md"), /`[a-z_]+\.([a-z_]+)`/g)
    const migrations = readdirSync(fileURLToPath(new URL("../migrations", import.meta.url)))
      .map((name) => read(`migrations/${name}`))
      .join("\n")
    assert.isAtLeast(words.length, 20)
    for (const name of [...words, ...columns]) assert.match(migrations, new RegExp(`\\b${name}\\b`), name)
    const { exports } = JSON.parse(read("package.json"))
    const entries = Object.keys(exports).flatMap((name) => (name === "./package.json" ? [] : [name.slice(2)]))
    assert.sameMembers(named(read("docs/composing.md"), /^\| `agent-install\/(\w+)`/gm), entries)
  })
})
