import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { askedHelp, helpOf } from "../../src/cli/Help.ts"
import { commands } from "../../src/cli/Overview.ts"
import { run } from "../e2e/processes.ts"

const everyCommand = Object.entries(commands).flatMap(([name, below]) =>
  typeof below === "string" ? [[name]] : [[name], ...Object.keys(below).map((sub) => [name, sub])]
)

describe("the help of a command", () => {
  it("is there for each, with its full name, on lines that fit", () => {
    for (const words of everyCommand.filter(([name = ""]) => !["help", "version"].includes(name))) {
      const name = words.join(" ")
      const help = helpOf(words) ?? ""
      assert.match(help, new RegExp(`^USAGE\n {2}agent-install ${name}( |$)`, "m"), name)
      assert.notMatch(help, /A true or false value|user-defined|setting is optional/, name)
      const [text = ""] = help.split("\n\nEXAMPLES")
      for (const line of text.split("\n").filter((line) => !line.startsWith("  agent-install"))) {
        assert.isAtMost(line.length, 100, line)
      }
    }
  })

  it("names all options of a command, and all commands of a group", () => {
    const publish = helpOf(["template", "publish"]) ?? ""
    for (const name of ["<DIR>", "--json", "--url text", "--dry-run", "-y, --yes"]) {
      assert.match(publish, new RegExp(`^ {2}${name}$`, "m"))
    }
    const group = helpOf(["agent"]) ?? ""
    for (const name of ["list", "show", "resync", "uninstall"])
      assert.match(group, new RegExp(`^ {2}${name} +[A-Z]`, "m"))
  })

  it("is asked for in three ways, and by the name of a group", () => {
    const help = helpOf(["template", "diff"])
    assert.isString(help)
    for (const args of [
      "help template diff",
      "template diff --help",
      "template diff -h",
      "template diff x --json --help"
    ]) {
      assert.strictEqual(askedHelp(args.split(" ")), help, args)
    }
    assert.strictEqual(askedHelp(["template"]), helpOf(["template"]))
    for (const args of [[], ["serve"], ["template", "diff", "x"], ["help", "nothing"]]) {
      assert.isUndefined(askedHelp(args), args.join(" "))
    }
  })

  it.effect("says how a command is written where it was not understood", () =>
    Effect.gen(function* () {
      const { code, err, out } = yield* run(["template", "diff"])
      assert.deepStrictEqual([code, out], [2, ""])
      assert.include(err, "Missing argument <DIR|TEMPLATE>")
      assert.include(err, "Usage: agent-install template diff [--json] [--url text] <DIR|TEMPLATE>")
    })
  )
})
