import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { FetchHttpClient, FileSystem, HttpClient } from "@effect/platform"
import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Option, Redacted, Schema } from "effect"
import { migrations } from "../../migrations/index.ts"
import { missingSettingsStatement } from "../layers/postgres/Connection.ts"
import { ConnectionLive } from "../layers/postgres/Database.ts"
import { connectionOf } from "../layers/postgres/DatabaseAddress.ts"
import {
  connectionsFree,
  databaseConnections,
  databaseFacts,
  findingsOf,
  unboundQueries
} from "../layers/postgres/DatabaseCheck.ts"
import { installed } from "../layers/runtime/embedded/Binaries.ts"
import { fits, probe, urlOf } from "../layers/runtime/embedded/Socket.ts"
import { describeConfigError, type Settings, settings } from "../layers/runtime/Settings.ts"
import { nodeVersions } from "../Package.ts"
import { connectionsOf } from "./Database.ts"
import { type DatabaseProblem, databaseNamed, databaseProblemOf } from "./Explain.ts"
import { AlreadyReported, type AsJson, print, table } from "./Output.ts"
import { readFolders } from "./Service.ts"

/** What was checked, the result and, if something is wrong, what to do. */
interface Finding {
  readonly check: string
  readonly ok: boolean
  readonly found: string
  readonly remedy?: string
}

const fine = (check: string, found: string): Finding => ({ check, ok: true, found })
const wrong = (check: string, found: string, remedy: string): Finding => ({ check, ok: false, found, remedy })

const oldest = (nodeVersions.match(/\d+/g) ?? []).map(Number)

/** Whether a version, as 20.19.1, is at least another. */
export const isAtLeast = (version: string, wanted: ReadonlyArray<number>): boolean => {
  const parts = version.split(".").map(Number)
  for (const [at, part] of wanted.entries()) {
    if ((parts[at] ?? 0) !== part) return (parts[at] ?? 0) > part
  }
  return true
}

const node = Effect.sync(() =>
  isAtLeast(process.versions.node, oldest)
    ? fine("node", `version ${process.versions.node}`)
    : wrong("node", `version ${process.versions.node}`, `Install Node ${nodeVersions}.`)
)

const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "unknown")

/** Whether the folder, or its nearest existing parent, can be written to. */
const writable = (folder: string): Effect.Effect<boolean, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => fs.access(folder, { writable: true })).pipe(
    Effect.as(true),
    Effect.catchAll((error) =>
      error._tag === "SystemError" && error.reason === "NotFound" && dirname(folder) !== folder
        ? writable(dirname(folder))
        : Effect.succeed(false)
    )
  )

const dataDir = ({ dataDir }: Settings) =>
  Effect.map(writable(dataDir), (ok) =>
    ok
      ? fine("DATA_DIR", dataDir)
      : wrong("DATA_DIR", `${dataDir} can't be written to`, "Set DATA_DIR to a folder of this user, or DATABASE_URL.")
  )

const binaries = installed(`${process.platform}-${process.arch}`).pipe(
  Effect.match({
    onSuccess: ({ version }) => fine("embedded Postgres", `binaries ${version}`),
    onFailure: ({ reason }) =>
      wrong("embedded Postgres", reason, "Run npm ci with optional dependencies, or set DATABASE_URL.")
  })
)

/** The permissions of a file for others than its owner. */
const forOthers = 0o077

interface Secret {
  readonly check: string
  readonly given: Option.Option<Redacted.Redacted<string>>
  /** The file in DATA_DIR that holds it if it was generated. */
  readonly file: string
  readonly make: string
  /** What follows if it is neither set nor generated. */
  readonly absent: string
}

const secret = ({ databaseUrl, dataDir }: Settings, { absent, check, file: name, given, make }: Secret) =>
  Effect.gen(function* () {
    if (Option.isSome(given)) {
      const variety = new Set(Redacted.value(given.value)).size
      return variety >= 10
        ? fine(check, "is set")
        : wrong(check, `has ${variety} different characters`, `Make one with ${make}.`)
    }
    if (Option.isSome(databaseUrl)) return fine(check, absent)
    const file = join(dataDir, name)
    const fs = yield* FileSystem.FileSystem
    const found = yield* Effect.option(fs.stat(file))
    if (Option.isNone(found)) return fine(check, `made at the first start, in ${file}`)
    return (found.value.mode & forOthers) === 0
      ? fine(check, `generated, in ${file}`)
      : wrong(check, `${file} can be read by others`, `Run chmod 600 ${file}.`)
  })

const secrets = (given: Settings) =>
  Effect.all([
    secret(given, {
      check: "AUTH_SECRET",
      given: given.authSecret,
      file: "auth-secret",
      make: "openssl rand -base64 32",
      absent: "unset"
    }),
    secret(given, {
      check: "GATEWAY_TOKEN",
      given: given.gatewayToken,
      file: "gateway-token",
      make: "openssl rand -hex 32",
      absent: "unset: the chat gateway's routes answer 401"
    })
  ])

const publicAddress = ({ baseUrl, host }: Settings) =>
  Effect.sync(() =>
    host === "0.0.0.0" || host === "::"
      ? baseUrl.includes("0.0.0.0") || baseUrl.includes("[::]")
        ? wrong("BASE_URL", `unset, while HOST is ${host}`, "Set BASE_URL to the address that browsers use.")
        : fine("BASE_URL", baseUrl)
      : fine("BASE_URL", baseUrl)
  )

/** The address of the database, without starting or creating one; none if an embedded one is not running. */
const address = ({ dataDir, databaseUrl }: Settings) =>
  Effect.gen(function* () {
    if (Option.isSome(databaseUrl)) return databaseUrl
    const cluster = join(dataDir, "pg")
    const up = fits(cluster) && (yield* probe(cluster)) === "up"
    return up ? Option.some(Redacted.make(urlOf(cluster))) : Option.none()
  })

const known = Object.keys(migrations)

const describeSchema = (applied: ReadonlyArray<number>): Finding => {
  const newest = Math.max(0, ...applied)
  if (newest > known.length) {
    return wrong(
      "migrations",
      `the schema is at ${newest}, this version knows ${known.length}`,
      "Run the version of agent-install that made it, or a later one."
    )
  }
  const due = known.length - applied.length
  return fine(
    "migrations",
    due === 0
      ? `all ${known.length} are applied`
      : `${due} to apply: serve does so at its start, or agent-install migrate`
  )
}

const describeConnections = (free: number, wanted: number): Finding =>
  free >= wanted
    ? fine(
        "connections",
        free === Number.POSITIVE_INFINITY ? "without a limit" : `${free} for this service, which takes ${wanted}`
      )
    : wrong(
        "connections",
        `${free} for this service, which takes ${wanted}`,
        "Raise max_connections, or the role's or database's limit, or lower WORKERS."
      )

const describeSettings = (lacking: ReadonlyArray<string>): Finding =>
  lacking.length === 0
    ? fine("settings", "the role has those that connections of a pooler need")
    : wrong(
        "settings",
        `the role lacks ${lacking.join(", ")} in this database, which connections of a pooler need`,
        "Run agent-install migrate, or start the service: both give the role what it needs."
      )

const describeQueries = (unbound: Option.Option<ReadonlyArray<string>>): Finding =>
  Option.match(unbound, {
    onNone: () => fine("queries", "not looked at: the database has no pg_stat_statements"),
    onSome: (queries) =>
      queries.length === 0
        ? fine("queries", "none that reads the vocabulary of all organizations")
        : wrong(
            "queries",
            `these read the vocabulary of all organizations: ${queries.join("; ")}`,
            "Name the organization_id in each, or join by id with a used_… view (docs/runtime.md)."
          )
  })

const database = (given: Settings) =>
  Effect.gen(function* () {
    const found = yield* address(given)
    if (Option.isNone(found)) return [fine("database", "embedded, not running; serve starts it")]
    return yield* Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const facts = yield* databaseFacts
      const { pooled } = yield* Effect.orDie(connectionOf(found.value))
      const list = SqlSchema.findAll({
        Request: Schema.Void,
        Result: Schema.Struct({ migrationId: Schema.Int }),
        execute: () => sql`SELECT migration_id FROM effect_sql_migrations ORDER BY migration_id`
      })
      const listMissingSettings = SqlSchema.findAll({
        Request: Schema.Void,
        Result: Schema.Struct({ name: Schema.String }),
        execute: () => sql.unsafe(missingSettingsStatement)
      })
      // Tables of another owner can't be queried.
      const askable = facts.migrated && facts.otherOwner === null
      const applied = askable ? yield* list() : []
      return [
        ...findingsOf(facts).map(({ check, found, remedy }) =>
          remedy === undefined ? fine(check, found) : wrong(check, found, remedy)
        ),
        // The service can neither count the connections of a pooler nor set anything when they open.
        ...(pooled
          ? facts.migrated
            ? [describeSettings((yield* listMissingSettings()).map(({ name }) => name))]
            : []
          : [
              describeConnections(
                connectionsFree(yield* databaseConnections),
                given.workers * connectionsOf(given.workers)
              )
            ]),
        ...(facts.migrated && !askable ? [] : [describeSchema(applied.map(({ migrationId }) => migrationId))]),
        ...(askable ? [describeQueries(yield* unboundQueries)] : [])
      ]
    }).pipe(
      Effect.provide(ConnectionLive({ url: found.value, maxConnections: 1 })),
      Effect.catchAll((error) => {
        const { role } = databaseNamed(Option.some(given))
        const { what, remedy = "Check DATABASE_URL, and that Postgres runs there and lets this user in." } =
          Option.getOrElse(databaseProblemOf(error, role), (): DatabaseProblem => ({ what: String(error) }))
        return Effect.succeed([wrong("database", what, remedy)])
      })
    )
  })

const templates = ({ publish }: Settings) =>
  Option.match(publish, {
    onNone: () => Effect.succeed([]),
    onSome: (folders) =>
      readFolders(folders).pipe(
        Effect.match({
          onSuccess: (read) => [fine("PUBLISH", read.map(({ template }) => template.slug).join(", "))],
          onFailure: ({ message }) => [wrong("PUBLISH", message, "Mend the folder, or name another.")]
        })
      )
  })

/** Why the service can't listen on the port; none if it can. */
const taken = ({ host, port }: Settings) =>
  Effect.async<Option.Option<string>>((resume) => {
    const server = createServer()
    server.once("error", (error) => resume(Effect.succeedSome(codeOf(error))))
    server.listen(port, host, () => server.close(() => resume(Effect.succeedNone)))
  })

const port = (given: Settings) =>
  Effect.gen(function* () {
    const name = `${given.host}:${given.port}`
    const why = yield* taken(given)
    if (Option.isNone(why)) return fine("port", `${name} is free`)
    const client = yield* HttpClient.HttpClient
    const ours = yield* client.get(`http://127.0.0.1:${given.port}/health/live`).pipe(
      Effect.timeout("2 seconds"),
      Effect.map(({ headers, status }) => status === 200 && headers["x-request-id"] !== undefined),
      Effect.orElseSucceed(() => false)
    )
    return ours
      ? fine("port", `this service runs at ${name}`)
      : wrong("port", `${name} can't be listened at (${why.value})`, "Set PORT and HOST to an address that is free.")
  })

const examine = Effect.gen(function* () {
  const given = yield* Effect.either(settings)
  const first = yield* node
  if (given._tag === "Left") {
    const found = describeConfigError(given.left)
    return [
      first,
      wrong("configuration", found, "Set the variable as the line says; docs/operating.md lists them all.")
    ]
  }
  const embedded = Option.isNone(given.right.databaseUrl)
  return [
    first,
    fine("configuration", "every variable can be used"),
    ...(embedded ? [yield* dataDir(given.right), yield* binaries] : []),
    ...(yield* secrets(given.right)),
    yield* publicAddress(given.right),
    ...(yield* database(given.right)),
    ...(yield* templates(given.right)),
    yield* port(given.right)
  ]
})

/** Checks what the service needs, and says what is wrong and what to do about it. */
export const doctor = ({ json }: AsJson) =>
  Effect.gen(function* () {
    const findings: ReadonlyArray<Finding> = yield* examine
    const bad = findings.filter(({ ok }) => !ok)
    const text = [
      table(findings.map(({ check, found, ok }) => ({ "": ok ? "ok" : "WRONG", check, found }))),
      ...bad.map(({ check, remedy = "" }) => `${check}: ${remedy}`)
    ].join("\n")
    yield* print(json, { ok: bad.length === 0, findings }, text)
    if (bad.length > 0) return yield* new AlreadyReported()
  }).pipe(Effect.provide(FetchHttpClient.layer))
