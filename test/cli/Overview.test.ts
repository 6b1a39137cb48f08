import { stripVTControlCharacters } from "node:util"
import { CliConfig, Command, HelpDoc } from "@effect/cli"
import { assert, describe, it } from "@effect/vitest"
import { agentInstall, groups } from "../../src/cli/Commands.ts"
import { overview, unknownCommand } from "../../src/cli/Overview.ts"

describe("the overview of the command line", () => {
  it("names every command there is, and no other", () => {
    const help = stripVTControlCharacters(HelpDoc.toAnsiText(Command.getHelp(agentInstall, CliConfig.defaultConfig)))
    const commands = [...help.matchAll(/^ *- ([a-z]+(?: [a-z]+)?) /gm)].map(([, name]) => name)
    const named = [...overview.matchAll(/^ {2}([a-z]+(?: [a-z]+)?) {2,}[A-Z]/gm)].map(([, name]) => name)
    assert.sameMembers(
      named,
      // The first two are answered before the others are loaded.
      ["help", "version", ...commands.filter((name) => !Object.hasOwn(groups, name ?? ""))]
    )
  })

  it("says of a command that does not exist what was probably meant, on its own level", () => {
    assert.strictEqual(unknownCommand(["serv"]), 'agent-install has no command "serv"; did you mean "serve"?')
    assert.strictEqual(
      unknownCommand(["template", "pubish", "templates/x"]),
      'agent-install template has no command "pubish"; did you mean "publish"?'
    )
    assert.strictEqual(
      unknownCommand(["help", "rollout", "strat"]),
      'agent-install rollout has no command "strat"; did you mean "start"?'
    )
    assert.strictEqual(
      unknownCommand(["template", "constructor"]),
      'agent-install template has no command "constructor"; it has init, validate, publish, diff, pull, list, show, history, deprecate, restore, broken, withdraw'
    )
  })

  it("leaves what it knows, and options, to the command", () => {
    for (const words of [
      [],
      ["serve"],
      ["rollout", "start", "x"],
      ["help"],
      ["help", "template"],
      ["help", "template", "diff"],
      ["template"],
      ["template", "--help"],
      ["template", "diff", "x"],
      ["--log-level", "x"]
    ]) {
      assert.isUndefined(unknownCommand(words), words.join(" "))
    }
  })
})
