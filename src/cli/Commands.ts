import { Args, Command, Options } from "@effect/cli"
import { Effect, Option } from "effect"
import { json } from "./Output.ts"

/* The command line. The code of a command is loaded only when it runs: parsing needs none of it. */

const loaded = <A, E, R>(load: () => Promise<Effect.Effect<A, E, R>>): Effect.Effect<A, E, R> =>
  Effect.flatten(Effect.promise(load))

const serve = Command.make("serve", {}, () => loaded(async () => (await import("./Serve.ts")).serve)).pipe(
  Command.withDescription(
    "Serve the HTTP interface until SIGINT or SIGTERM; a second signal ends it at once. Without DATABASE_URL it runs an embedded Postgres in DATA_DIR, with a template to install. PUBLISH names template folders, which are published when new or changed. WORKERS says how many processes share the port. Example: PORT=8080 agent-install serve"
  )
)

const migrate = Command.make("migrate", { json }, (given) =>
  loaded(async () => (await import("./Migrate.ts")).migrate(given))
).pipe(
  Command.withDescription(
    "Bring the database's schema up to date, all or nothing. serve does the same when it starts; run this first if a deployment needs it as a step of its own. Example: DATABASE_URL=postgres://… AUTH_SECRET=… agent-install migrate"
  )
)

const folder = Args.directory({ name: "DIR", exists: "yes" }).pipe(
  Args.withDescription("The template's folder: template.yaml, and models/*.yaml with one definition a file.")
)

const url = Options.text("url").pipe(
  Options.withDescription(
    "A running service, as https://install.example.org, with a key of the publisher's in AGENT_INSTALL_KEY; without it the database of DATABASE_URL."
  ),
  Options.optional
)

const visited = Options.text("url").pipe(
  Options.withDescription(
    "A running service, as https://install.example.org; it needs no key. Without it the database of DATABASE_URL."
  ),
  Options.optional
)

const publish = Command.make(
  "publish",
  {
    folder,
    json,
    url,
    dryRun: Options.boolean("dry-run").pipe(
      Options.withDescription("Change nothing, and say what publishing would change and do, as template diff does.")
    ),
    yes: Options.boolean("yes").pipe(
      Options.withAlias("y"),
      Options.withDescription(
        "Publish even if that withdraws rows that installations have, or more than half of the rows. Without this option the command asks on a terminal, and elsewhere publishes nothing."
      )
    )
  },
  (given) => loaded(async () => (await import("./Template.ts")).publish(given))
).pipe(
  Command.withDescription(
    "Publish a template, or a new revision of it where something changed. Everything is checked before anything is written. Example: agent-install template publish templates/personal-finance"
  )
)

const diff = Command.make(
  "diff",
  {
    folder: Args.text({ name: "DIR|TEMPLATE" }).pipe(
      Args.withDescription(
        "A template's folder; with revisions the slug of a template, over HTTP with its publisher and a slash before it where that has another slug."
      )
    ),
    from: Args.integer({ name: "FROM" }).pipe(
      Args.withDescription("A revision of the template, to compare another with it."),
      Args.optional
    ),
    to: Args.integer({ name: "TO" }).pipe(
      Args.withDescription("The other revision, later or earlier; absent: the newest."),
      Args.optional
    ),
    json,
    url
  },
  ({ from, to, ...given }) =>
    Effect.if(Option.isSome(from), {
      onTrue: () =>
        loaded(async () => (await import("./Published.ts")).compare({ ...given, name: given.folder, from, to })),
      onFalse: () => loaded(async () => (await import("./Template.ts")).diff(given))
    })
).pipe(
  Command.withDescription(
    "Say what publishing a folder would change, row by row, and what it would do to all installations; or what differs between two revisions. It changes nothing. Examples: agent-install template diff templates/personal-finance, agent-install template diff personal-finance 3 5"
  )
)

const list = Command.make("list", { json, url: visited }, (given) =>
  loaded(async () => (await import("./Published.ts")).list(given))
).pipe(
  Command.withDescription(
    "List the templates that are published, and how often each is installed; with --url those that anybody can install there. Example: agent-install template list --url https://install.example.org"
  )
)

const init = Command.make(
  "init",
  {
    folder: Args.text({ name: "DIR" }).pipe(Args.withDescription("A folder that is not there yet, or empty.")),
    json,
    url: Options.text("url").pipe(
      Options.withDescription("The service whose JSON Schemas (/schemas/…) the files name, for editors."),
      Options.withDefault("http://localhost:3000")
    )
  },
  (given) => loaded(async () => (await import("./TemplateFolder.ts")).init(given))
).pipe(
  Command.withDescription(
    "Begin a template: a folder with one definition of each type, to be changed. Example: agent-install template init my-template"
  )
)

const validate = Command.make(
  "validate",
  {
    folder,
    json,
    watch: Options.boolean("watch").pipe(Options.withDescription("Check again whenever a file changes, until Ctrl-C."))
  },
  (given) => loaded(async () => (await import("./TemplateFolder.ts")).validate(given))
).pipe(
  Command.withDescription(
    "Check a template's folder as publish does, without a service or a database. Example: agent-install template validate templates/personal-finance"
  )
)

const pull = Command.make(
  "pull",
  {
    url: Args.text({ name: "URL" }).pipe(Args.withDescription("A running service, as https://install.example.org.")),
    name: Args.text({ name: "SLUG" }).pipe(
      Args.withDescription("The template; with its publisher and a slash before it where that has another slug.")
    ),
    folder: Args.text({ name: "DIR" }).pipe(
      Args.withDescription("Where to write it; absent: a folder of the template's name."),
      Args.optional
    ),
    revision: Options.integer("revision").pipe(
      Options.withDescription("An earlier revision; absent: the newest."),
      Options.optional
    ),
    json
  },
  (given) => loaded(async () => (await import("./TemplateFolder.ts")).pull(given))
).pipe(
  Command.withDescription(
    "Fetch a published template into a folder, with the publisher's key in AGENT_INSTALL_KEY. Publishing the folder changes nothing. Example: agent-install template pull https://install.example.org acme/personal-finance"
  )
)

const publishedTemplate = Args.text({ name: "TEMPLATE" }).pipe(
  Args.withDescription(
    "The template's slug; over HTTP with its publisher and a slash before it where that has another slug."
  )
)

const show = Command.make(
  "show",
  {
    name: publishedTemplate,
    json,
    url: visited
  },
  (given) => loaded(async () => (await import("./Published.ts")).show(given))
).pipe(
  Command.withDescription(
    "Say what an install of a published template brings, as anybody may see it. Example: agent-install template show personal-finance"
  )
)

const history = Command.make("history", { name: publishedTemplate, json, url }, (given) =>
  loaded(async () => (await import("./Published.ts")).history(given))
).pipe(
  Command.withDescription(
    "List the newest revisions of a template: when each was published, its notes, and what changed since the one before. Example: agent-install template history acme/personal-finance --url https://install.example.org"
  )
)

const ofTemplate = Args.text({ name: "TEMPLATE" }).pipe(Args.withDescription("The template's slug."))
const ofPublisher = Options.text("publisher").pipe(
  Options.withDescription("With --url: the slug of the publisher."),
  Options.optional
)
const reason = Options.text("reason").pipe(
  Options.withDescription("Why, for those who would install it and those who have.")
)

const deprecate = Command.make(
  "deprecate",
  {
    template: ofTemplate,
    url,
    publisher: ofPublisher,
    json,
    reason,
    successor: Options.text("successor").pipe(
      Options.withDescription("The slug of a template to take instead."),
      Options.optional
    )
  },
  (given) => loaded(async () => (await import("./Lifecycle.ts")).deprecate(given))
).pipe(
  Command.withDescription(
    "Let nobody install a template anew, and say why. Who has it keeps it, and gets its revisions. Example: agent-install template deprecate notes --reason 'Replaced by one that also keeps receipts.' --successor money"
  )
)

const restore = Command.make("restore", { template: ofTemplate, url, publisher: ofPublisher, json }, (given) =>
  loaded(async () => (await import("./Lifecycle.ts")).restore(given))
).pipe(Command.withDescription("Bring a deprecated template back: it is installed as before."))

const withdraw = Command.make(
  "withdraw",
  {
    template: ofTemplate,
    url,
    publisher: ofPublisher,
    json,
    yes: Options.boolean("yes").pipe(Options.withAlias("y"), Options.withDescription("It is final; this agrees to it."))
  },
  (given) => loaded(async () => (await import("./Lifecycle.ts")).withdraw(given))
).pipe(
  Command.withDescription(
    "Withdraw a template for good, where nobody has it installed: nothing is published under its slug again."
  )
)

const broken = Command.make(
  "broken",
  {
    template: ofTemplate,
    revision: Args.integer({ name: "REVISION" }).pipe(Args.withDescription("The revision's number.")),
    url,
    publisher: ofPublisher,
    json,
    reason: Options.optional(reason),
    undo: Options.boolean("undo").pipe(Options.withDescription("End it: the revision is offered again."))
  },
  (given) => loaded(async () => (await import("./Lifecycle.ts")).broken(given))
).pipe(
  Command.withDescription(
    "Mark a revision as broken: nobody is brought to it any more, and a roll-out to it is paused. Who has it goes to the newest that is not broken with their next update. Example: agent-install template broken notes 3 --reason 'It reads every message twice.'"
  )
)

const template = Command.make("template").pipe(
  Command.withDescription(
    "For publishers: begin a template, check it, publish it, see beforehand what that would change, fetch it back, look at what is published, take it back."
  ),
  Command.withSubcommands([
    init,
    validate,
    publish,
    diff,
    pull,
    list,
    show,
    history,
    deprecate,
    restore,
    broken,
    withdraw
  ])
)

const ofRollout = Options.text("rollout").pipe(
  Options.withDescription("The roll-out's id; without it the template's newest."),
  Options.optional
)
const stopAbove = Options.float("stop-above").pipe(
  Options.withDescription(
    "Pause when more than this share of a wave collides or fails, from 0 to 1; absent, at the start: 0.05."
  )
)

const rolloutStart = Command.make(
  "start",
  {
    template: ofTemplate,
    url,
    publisher: ofPublisher,
    json,
    revision: Options.integer("revision").pipe(
      Options.withDescription("The revision to take everybody to; an earlier one goes back.")
    ),
    waves: Options.text("waves").pipe(
      Options.withDescription(
        "How far each wave goes, in percent of the organizations, chosen at random; absent: 1,10,50,100."
      ),
      Options.withDefault("1,10,50,100")
    ),
    manual: Options.boolean("manual").pipe(
      Options.withDescription("Wait for rollout resume after each wave, instead of going on by itself.")
    ),
    stopAbove: stopAbove.pipe(Options.withDefault(0.05)),
    wait: Options.boolean("wait").pipe(
      Options.withDescription("Show how far it has come until it has ended or is paused.")
    )
  },
  (given) => loaded(async () => (await import("./Rollout.ts")).start(given))
).pipe(
  Command.withDescription(
    "Begin to bring everybody who has the template installed to a revision; running serve processes do it. Example: agent-install rollout start personal-finance --revision 3 --wait"
  )
)

const rolloutStatus = Command.make(
  "status",
  {
    template: ofTemplate,
    url,
    publisher: ofPublisher,
    rollout: ofRollout,
    json,
    follow: Options.boolean("follow").pipe(
      Options.withDescription("Go on showing it until it has ended or is paused: a bar on a terminal, elsewhere lines.")
    )
  },
  (given) => loaded(async () => (await import("./Rollout.ts")).status(given))
).pipe(Command.withDescription("Say how far a roll-out has come."))

const rolloutResults = Command.make(
  "results",
  { template: ofTemplate, url, publisher: ofPublisher, rollout: ofRollout, json },
  (given) => loaded(async () => (await import("./Rollout.ts")).results(given))
).pipe(Command.withDescription("Say what came of a roll-out, wave by wave, and what was in the way."))

const rolloutPause = Command.make(
  "pause",
  { template: ofTemplate, url, publisher: ofPublisher, rollout: ofRollout, json },
  (given) => loaded(async () => (await import("./Rollout.ts")).stop("pause", given))
).pipe(Command.withDescription("Pause a roll-out: when this ends, nobody is brought to the revision any more."))

const rolloutResume = Command.make(
  "resume",
  {
    template: ofTemplate,
    url,
    publisher: ofPublisher,
    rollout: ofRollout,
    json,
    revision: Options.integer("revision").pipe(
      Options.withDescription("A mended revision to go on with: everybody gets it, from the first wave on."),
      Options.optional
    ),
    stopAbove: Options.optional(stopAbove)
  },
  (given) => loaded(async () => (await import("./Rollout.ts")).resume(given))
).pipe(
  Command.withDescription(
    "Go on with a roll-out that is paused, and try those again that collided or failed. Example: agent-install rollout resume personal-finance --revision 4"
  )
)

const rolloutCancel = Command.make(
  "cancel",
  { template: ofTemplate, url, publisher: ofPublisher, rollout: ofRollout, json },
  (given) => loaded(async () => (await import("./Rollout.ts")).stop("cancel", given))
).pipe(
  Command.withDescription(
    "End a roll-out where it is. Who has the revision keeps it; an earlier one can be rolled out."
  )
)

const rollout = Command.make("rollout").pipe(
  Command.withDescription("Bring everybody who has a template installed to a revision, wave by wave."),
  Command.withSubcommands([rolloutStart, rolloutStatus, rolloutResults, rolloutPause, rolloutResume, rolloutCancel])
)

const ofPerson = {
  url: Options.text("url").pipe(
    Options.withDescription(
      "A running service, as https://install.example.org, with a session's token in AGENT_INSTALL_TOKEN; without it the database of DATABASE_URL."
    ),
    Options.optional
  ),
  as: Options.text("as").pipe(
    Options.withDescription(
      "With the database: the e-mail address of the person whose agents they are. What is done is done in their name."
    ),
    Options.optional
  ),
  json
}
const agentId = Args.text({ name: "AGENT" }).pipe(Args.withDescription("The agent's id, as agent list says it."))
const agentYes = Options.boolean("yes").pipe(
  Options.withAlias("y"),
  Options.withDescription(
    "Do it without asking. Without this option the command asks on a terminal, and elsewhere does nothing."
  )
)

const agentList = Command.make("list", ofPerson, (given) =>
  loaded(async () => (await import("./Agent.ts")).list(given))
).pipe(
  Command.withDescription(
    "List the agents that a person has installed, the newest first. Example: agent-install agent list --as ada@example.org"
  )
)

const agentShow = Command.make("show", { agentId, ...ofPerson }, (given) =>
  loaded(async () => (await import("./Agent.ts")).show(given))
).pipe(Command.withDescription("Say which revision an agent has, and how its rows compare with the template's."))

const agentResync = Command.make(
  "resync",
  {
    agentId,
    ...ofPerson,
    revision: Options.text("revision").pipe(
      Options.withDescription("A revision to go to and stay at, or newest to follow the publisher again."),
      Options.optional
    ),
    dryRun: Options.boolean("dry-run").pipe(
      Options.withDescription("Change nothing, and say what the resync would do, row by row.")
    )
  },
  (given) => loaded(async () => (await import("./Agent.ts")).resync(given))
).pipe(
  Command.withDescription(
    "Bring an agent up to date, or to a revision. What the person changed or deleted stays as it is. Example: agent-install agent resync agent_1 --revision 2 --as ada@example.org"
  )
)

const agentUninstall = Command.make("uninstall", { agentId, ...ofPerson, yes: agentYes }, (given) =>
  loaded(async () => (await import("./Agent.ts")).uninstall(given))
).pipe(
  Command.withDescription(
    "Take an agent away, with its rows that are unchanged and unused; it says first what would go and what would stay. Example: agent-install agent uninstall agent_1 --as ada@example.org"
  )
)

const agent = Command.make("agent").pipe(
  Command.withDescription("A person's installed agents: see them, bring them up to date, take them away."),
  Command.withSubcommands([agentList, agentShow, agentResync, agentUninstall])
)

const createPublisher = Command.make(
  "create",
  {
    slug: Args.text({ name: "SLUG" }).pipe(
      Args.withDescription("The publisher's slug, which its templates name: lower-case letters, digits and hyphens.")
    ),
    owner: Options.text("owner").pipe(
      Options.withDescription("The e-mail address of the account that is to own it. It has to have signed up.")
    ),
    json
  },
  (given) => loaded(async () => (await import("./Publisher.ts")).create(given))
).pipe(
  Command.withDescription(
    "Make a publisher, or find it, and give it an owner, who invites others and makes keys over the API and the pages. Example: agent-install publisher create acme --owner ada@example.org"
  )
)

const publisher = Command.make("publisher").pipe(
  Command.withDescription("Who publishes: make a publisher and give it an owner."),
  Command.withSubcommands([createPublisher])
)

const demoUrl = Options.text("url").pipe(
  Options.withDescription("A running service, as http://localhost:3000; without it the demo runs a temporary one."),
  Options.optional
)

const demo = Command.make("demo", { url: demoUrl, json }, (given) =>
  loaded(async () => (await import("./Demo.ts")).demo(given))
).pipe(
  Command.withDescription(
    "Walk through what the service does: sign up, plan, install, install again, and the rows that come of it. Examples: agent-install demo, agent-install demo --url http://localhost:3000"
  )
)

const doctor = Command.make("doctor", { json }, (given) =>
  loaded(async () => (await import("./Doctor.ts")).doctor(given))
).pipe(
  Command.withDescription(
    "Check Node, variables, secrets, database, migrations and port, and say how to fix what is wrong; changes nothing. Exit code 1 if anything is wrong."
  )
)

/** The commands that only group others, by name. */
export const groups = { template, agent, publisher, rollout }

/** The whole command line. */
export const agentInstall = Command.make("agent-install").pipe(
  Command.withDescription("Installs published template agents into a person's own organization."),
  Command.withSubcommands([serve, migrate, template, agent, publisher, rollout, demo, doctor])
)
