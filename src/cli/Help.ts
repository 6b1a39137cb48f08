import { stripVTControlCharacters } from "node:util"
import { CliConfig, Command, CommandDescriptor, HelpDoc, Usage } from "@effect/cli"
import { HashMap, Option } from "effect"
import { agentInstall, groups } from "./Commands.ts"
import { commands } from "./Overview.ts"

/* What the program says of one command, or of one group. */

const config = CliConfig.make({ showBuiltIns: false })

const textOf = (doc: HelpDoc.HelpDoc): string => stripVTControlCharacters(HelpDoc.toAnsiText(doc)).trim()

/** The paragraphs below a heading of a command's help: those of each argument or option with its name. */
type Section = ReadonlyArray<readonly [name: string, paragraphs: ReadonlyArray<string>]>

const paragraphsOf = (doc: HelpDoc.HelpDoc): ReadonlyArray<string> => {
  switch (doc._tag) {
    case "Sequence":
      return [...paragraphsOf(doc.left), ...paragraphsOf(doc.right)]
    case "Paragraph":
      return [textOf(doc)]
    default:
      return []
  }
}

/** The parts of a help by their headings. */
const sectionsOf = (doc: HelpDoc.HelpDoc): ReadonlyMap<string, Section> => {
  const sections = new Map<string, Section>()
  let heading = ""
  const walk = (part: HelpDoc.HelpDoc): void => {
    if (part._tag === "Sequence") {
      walk(part.left)
      walk(part.right)
    } else if (part._tag === "Header") {
      heading = textOf(part)
    } else if (part._tag === "DescriptionList") {
      const listed = part.definitions.map(([name, about]) => [textOf(HelpDoc.p(name)), paragraphsOf(about)] as const)
      sections.set(heading, [...(sections.get(heading) ?? []), ...listed])
    } else if (part._tag === "Paragraph") {
      sections.set(heading, [...(sections.get(heading) ?? []), ["", [textOf(part)]]])
    }
  }
  walk(doc)
  return sections
}

/** What the library says of the type of a value, which its name and description say better. */
const isOfType = (paragraph: string) =>
  /^(A true or false value|A user-defined piece of text|An integer|A floating point number|A directory|An existing directory|This setting is optional)\.$/.test(
    paragraph
  )

const width = 100

const wrap = (text: string, indent: string): string => {
  const lines = [""]
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) ?? ""
    if (line !== "" && indent.length + line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`
  }
  return lines.map((line) => `${indent}${line}`).join("\n")
}

const block = (heading: string, lines: ReadonlyArray<string>) =>
  lines.length === 0 ? [] : [`${heading}\n${lines.join("\n")}`]

const listOf = (section: Section | undefined) =>
  (section ?? []).map(([name, paragraphs]) => {
    const about = paragraphs.filter((paragraph) => !isOfType(paragraph))
    return `  ${name.replace(/^\((.*)\)$/, "$1")}\n${wrap(about.join(" "), "      ")}`
  })

/** A command, and the words that name it. */
interface Named {
  readonly path: ReadonlyArray<string>
  readonly usage: Usage.Usage
  readonly help: HelpDoc.HelpDoc
  /** Of a group: each of its commands with what it does. */
  readonly subcommands: Readonly<Record<string, string>>
}

const subcommandsOf = (group: string): Readonly<Record<string, string>> => {
  const known = commands[group]
  return typeof known === "object" ? known : {}
}

const partsOf = <Name extends string, R, E, A>(group: Command.Command<Name, R, E, A>) => ({
  group: Command.getSubcommands(group),
  help: Command.getHelp(group, config)
})

const groupOf = (name: keyof typeof groups) => {
  switch (name) {
    case "template":
      return partsOf(groups.template)
    case "agent":
      return partsOf(groups.agent)
    case "publisher":
      return partsOf(groups.publisher)
    case "rollout":
      return partsOf(groups.rollout)
  }
}

/** The command, or the group, that the first of these words name. */
const find = ([first = "", second = ""]: ReadonlyArray<string>): Named | undefined => {
  const isGroup = (name: string): name is keyof typeof groups => Object.hasOwn(groups, name)
  if (!isGroup(first)) {
    return Option.match(HashMap.get(Command.getSubcommands(agentInstall), first), {
      onNone: () => undefined,
      onSome: (command) => ({
        path: [first],
        usage: CommandDescriptor.getUsage(command),
        help: CommandDescriptor.getHelp(command, config),
        subcommands: {}
      })
    })
  }
  const { group, help } = groupOf(first)
  return Option.match(HashMap.get(group, second), {
    onNone: () => ({
      path: [first],
      usage: Usage.empty,
      help,
      subcommands: subcommandsOf(first)
    }),
    onSome: (command) => ({
      path: [first, second],
      usage: CommandDescriptor.getUsage(command),
      help: CommandDescriptor.getHelp(command, config),
      subcommands: {}
    })
  })
}

const isGroup = ({ subcommands }: Named) => Object.keys(subcommands).length > 0

/** How a command is written, with its full name. */
const usageOf = (named: Named): string => {
  const name = `agent-install ${named.path.join(" ")}`
  return isGroup(named)
    ? `${name} COMMAND`
    : [name, ...textOf(Usage.getHelp(named.usage)).split(" ").slice(1)].join(" ")
}

/** The lines that say how the command that these words name is written. */
export const usageLines = (words: ReadonlyArray<string>): string | undefined => {
  const found = find(words)
  return found && `Usage: ${usageOf(found)}\nagent-install help ${found.path.join(" ")} explains it.`
}

/** The help of the command or group that the first of these words name; undefined if they name none. */
export const helpOf = (words: ReadonlyArray<string>): string | undefined => {
  const found = find(words)
  if (found === undefined) return undefined
  const sections = sectionsOf(found.help)
  const [about = "", examples] = (sections.get("DESCRIPTION") ?? [])
    .flatMap(([, paragraphs]) => paragraphs)
    .join(" ")
    .split(/ Examples?: /)
  return [
    wrap(about, ""),
    ...block("USAGE", [wrap(usageOf(found), "  ").replaceAll("\n", "\n  ")]),
    ...block("ARGUMENTS", listOf(sections.get("ARGUMENTS"))),
    ...block("OPTIONS", isGroup(found) ? [] : listOf(sections.get("OPTIONS"))),
    ...block(
      "COMMANDS",
      Object.entries(found.subcommands).map(([name, does]) => `  ${name.padEnd(12)}${does}`)
    ),
    ...block("EXAMPLES", examples === undefined ? [] : examples.split(", ").map((line) => `  ${line}`)),
    isGroup(found)
      ? `agent-install help ${found.path.join(" ")} COMMAND explains one of them.`
      : "agent-install help says what else every command takes."
  ].join("\n\n")
}

const isOption = (word: string) => word.startsWith("-")

/** The words before the first option. */
export const leadingWords = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const at = args.findIndex(isOption)
  return at === -1 ? args : args.slice(0, at)
}

/** The help that a command line asks for: by --help, by -h, or with the name of a group alone. */
export const askedHelp = (args: ReadonlyArray<string>): string | undefined => {
  const [first, ...more] = args
  if (first === "help") return helpOf(more)
  const words = leadingWords(args)
  const asked = args.some((word) => word === "--help" || word === "-h")
  return asked || (args.length === 1 && Object.hasOwn(groups, words[0] ?? "")) ? helpOf(words) : undefined
}
