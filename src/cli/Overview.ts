import { didYouMean } from "../domain/Nearest.ts"
import { version } from "../Package.ts"

/* What the command line prints before anything else is loaded. */

/** Each command with its description; those of a group are below the group's name. */
export const commands: Readonly<Record<string, string | Readonly<Record<string, string>>>> = {
  serve: "Serve the HTTP interface until SIGINT or SIGTERM",
  migrate: "Bring the database's schema up to date",
  template: {
    init: "Begin a template in a folder of its own",
    validate: "Check a folder, without a service",
    publish: "Publish a template, or a new revision of it",
    diff: "Say what publishing a folder would change",
    pull: "Fetch a published template into a folder",
    list: "List the templates that are published",
    show: "Say what a published template brings",
    history: "List the revisions of a template, and what changed in each",
    deprecate: "Let nobody install a template anew, and say why",
    restore: "Bring a deprecated template back",
    broken: "Mark a revision as broken: nobody is brought to it",
    withdraw: "Withdraw a template for good, where nobody has it"
  },
  agent: {
    list: "List the installed agents of a person",
    show: "Say how an installed agent compares with its template",
    resync: "Bring an installed agent up to date, or to a revision",
    uninstall: "Take an installed agent away"
  },
  publisher: {
    create: "Make a publisher, and give it an owner"
  },
  rollout: {
    start: "Begin to bring everybody who has a template to a revision",
    status: "Say how far a roll-out has come",
    results: "Say what came of a roll-out, wave by wave",
    pause: "Pause a roll-out",
    resume: "Go on with a roll-out",
    cancel: "End a roll-out where it is"
  },
  demo: "Walk through what the service does, on a service of the demo's own",
  doctor: "Look at what the service needs, and say what to do where anything is wrong",
  help: "Explain a command: agent-install help template publish",
  version: "Print the version"
}

const lines = Object.entries(commands).flatMap(([name, does]) =>
  typeof does === "string" ? [[name, does]] : Object.entries(does).map(([sub, does]) => [`${name} ${sub}`, does])
)

/** The text of `--help`. */
export const overview = `agent-install ${version}
Installs published template agents into a person's own organization.

Usage: agent-install COMMAND [OPTIONS]

${lines.map(([name = "", does = ""]) => `  ${name.padEnd(20)}${does}`).join("\n")}

Options:
  --help, -h        Explain a command
  --version         Print the version
  --log-level LEVEL Log from that level on: trace, debug, info, warning, error, none
  --completions SH  Print the completions of bash, fish, sh or zsh: source <(agent-install --completions bash)

Begin with: agent-install demo. Every variable is in docs/operating.md; agent-install doctor checks them.
Exit codes: 0 done, 1 not done (the last line says why), 2 the command line could not be read, 130 interrupted.
`

const isOption = (word: string) => word.startsWith("-")

/** The message for a command that does not exist; undefined if the words name one, or none. */
export const unknownCommand = ([first, second, third]: ReadonlyArray<string>): string | undefined => {
  if (first === "help")
    return second === undefined ? undefined : unknownCommand(third === undefined ? [second] : [second, third])
  if (first === undefined || isOption(first)) return undefined
  const found = Object.hasOwn(commands, first) ? commands[first] : undefined
  const [place, word, known] =
    typeof found === "object" ? [`agent-install ${first}`, second, found] : ["agent-install", first, commands]
  if (word === undefined || isOption(word) || Object.hasOwn(known, word)) return undefined
  const names = Object.keys(known)
  return `${place} has no command "${word}"${didYouMean(word, names) || `; it has ${names.join(", ")}`}`
}
