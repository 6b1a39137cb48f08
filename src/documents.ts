import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { stringify } from "yaml"
import { helpOf } from "./cli/Help.ts"
import { commands } from "./cli/Overview.ts"
import type { fileSchemas } from "./domain/catalog/TemplateFile.ts"
import { errorGuide } from "./domain/ErrorGuide.ts"
import { refusals } from "./domain/Errors.ts"
import { openApi } from "./http/Api.ts"
import { describeKeys } from "./layers/catalog/TemplateGuide.ts"

/*
 * Writes the documents of the repository that follow from the code, or, with --check, says which are stale. Runs from dist.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..")

const read = (file: string) => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return undefined
  }
}

const errors = `# Errors

Made from the error classes by \`npm run documents\`; the service serves the same at \`/docs/errors\`.

| status | \`error\` | when | what to do |
| --- | --- | --- | --- |
${refusals
  .map(
    ({ _tag, code, status }) => `| ${status} | \`${code}\` | ${errorGuide[_tag].when} | ${errorGuide[_tag].remedy} |`
  )
  .join("\n")}
`

/** The table of the keys of a file, and a whole file that says each of them. */
const keysOf = (file: keyof typeof fileSchemas, name: string) => {
  const keys = describeKeys(file)
  const example = Object.fromEntries(keys.map(({ example, key }) => [key, example]))
  return `| key | what it may be | absent | meaning |
| --- | --- | --- | --- |
${keys
  .map(
    ({ absent, key, means, type }) =>
      `| \`${key}\` | ${type} | ${absent === undefined ? "not allowed" : absent === "nothing" ? "" : `\`${absent}\``} | ${means} |`
  )
  .join("\n")}

\`${name}\`:

\`\`\`yaml
${stringify(example, { lineWidth: 100 })}\`\`\``
}

const files: Readonly<Record<keyof typeof fileSchemas, string>> = {
  template: "template.yaml",
  entity: "models/entity-invoice.yaml",
  relationship: "models/relationship-paid-by.yaml",
  watcher: "models/watcher-due-invoices.yaml",
  classifier: "models/classifier-urgency.yaml"
}

/** The parts of docs/templates.md that follow from the schemas, by the name between their marks. */
const templateParts = Object.entries(files).map(
  ([file, name]) => [`keys of ${file}`, keysOf(file as keyof typeof fileSchemas, name)] as const
)

/** A document with the parts between \`<!-- name -->\` and \`<!-- end -->\` made anew. */
const withParts = (text: string, parts: ReadonlyArray<readonly [name: string, part: string]>) =>
  parts.reduce(
    (before, [name, part]) =>
      before.replace(
        new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- end -->)`),
        (_, open, close) => `${open}\n${part}\n\n${close}`
      ),
    text
  )

const helped = Object.entries(commands).flatMap(([name, below]) =>
  typeof below === "string" ? [[name]] : Object.keys(below).map((sub) => [name, sub])
)

const commandLine = `# Commands

Made from the commands by \`npm run documents\`; \`agent-install help COMMAND\` says the same. Run
them by \`npx agent-install COMMAND\`.

The exit code is 0 on success, 1 on failure (the last line says why), 2 if the command line could not be read, and 130
after Ctrl-C. Output is coloured only on a terminal, and not where \`NO_COLOR\` is set. Every command takes \`--help\` and
\`--log-level LEVEL\`. For completion, with \`agent-install\` on the PATH: \`source <(agent-install --completions bash)\`.

| variable | for what |
| --- | --- |
| \`AGENT_INSTALL_KEY\` | with \`--url\`: a key of a publisher, for the commands on templates and roll-outs |
| \`AGENT_INSTALL_TOKEN\` | with \`--url\`: the token of a session, for the commands on agents |

Without \`--url\` a command asks the database, with the variables that the service has
([operating](operating.md#variables)).
${helped
  .flatMap((words) => {
    const help = helpOf(words)
    return help === undefined
      ? []
      : [`\n## ${words.join(" ")}\n\n\`\`\`text help\n${help.slice(0, help.lastIndexOf("\n\n"))}\n\`\`\`\n`]
  })
  .join("")}`

const documents: Readonly<Record<string, string>> = {
  "docs/commands.md": commandLine,
  "docs/errors.md": errors,
  "docs/openapi.json": `${JSON.stringify(openApi, null, 2)}\n`,
  "docs/templates.md": withParts(read(join(root, "docs/templates.md")) ?? "", templateParts)
}

for (const [name, text] of Object.entries(documents)) {
  const file = join(root, name)
  if (!process.argv.includes("--check")) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  } else if (read(file) !== text) {
    process.stderr.write(`${name} is stale: run npm run documents\n`)
    process.exitCode = 1
  }
}
