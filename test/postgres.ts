import { execFileSync, type SpawnOptions } from "node:child_process"
import { appendFileSync, chmodSync, chownSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Schedule } from "effect"
import pg from "pg"
import { findOrMake, toolsFor } from "../src/layers/runtime/embedded/Cluster.ts"
import { launch } from "../src/layers/runtime/embedded/Process.ts"
import { folderSeenBy } from "../src/layers/runtime/embedded/Runner.ts"
import { freePort, ownFolder } from "./machine.ts"

/** An authority, and certificates of its making, as files in a folder. */
export const authority = (folder: string, name: string) => {
  const openssl = (...args: ReadonlyArray<string>) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" })
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.crt`
  )
  return {
    file: join(folder, `${name}.crt`),
    /** A certificate for a name: that of a host (as `DNS:localhost`, for `subjectAltName`), or of a role. */
    issue: (subject: string, alternative?: string) => {
      const file = `${name}-${subject}`
      openssl("req", ...newKey, "-subj", `/CN=${subject}`, "-keyout", `${file}.key`, "-out", `${file}.csr`)
      writeFileSync(join(folder, `${file}.ext`), alternative === undefined ? "" : `subjectAltName=${alternative}\n`)
      openssl(
        ...["x509", "-req", "-in", `${file}.csr`, "-CA", `${name}.crt`, "-CAkey", `${name}.key`, "-CAcreateserial"],
        ...["-days", "2", "-extfile", `${file}.ext`, "-out", `${file}.crt`]
      )
      return { certificate: join(folder, `${file}.crt`), key: join(folder, `${file}.key`) }
    }
  }
}

export interface Server {
  readonly program: string
  readonly args: ReadonlyArray<string>
  readonly settings: Readonly<Record<string, string>>
  readonly options: SpawnOptions
}

/** Runs a server until the scope ends; there once it answers what it is asked. */
export const serving = <A, E>({ args, options, program, settings }: Server, asked: Effect.Effect<A, E>) =>
  Effect.acquireRelease(
    launch(program, [...args, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])], {
      ...options,
      stdio: "ignore"
    }),
    ({ child, ended }) => {
      child.kill("SIGINT")
      return Effect.promise(() => ended)
    }
  ).pipe(
    Effect.zipRight(Effect.retry(asked, Schedule.intersect(Schedule.spaced("50 millis"), Schedule.recurs(400)))),
    Effect.orDie
  )

export interface OwnServer {
  /** Settings of the server besides those that make it fast. */
  readonly settings?: Readonly<Record<string, string>>
  /** Who may connect over TCP, as lines of pg_hba.conf; everybody, when nothing is said. */
  readonly hba?: ReadonlyArray<string>
  readonly tls?: { readonly certificate: string; readonly key: string; readonly authority: string }
  /** Whether it follows another server, and so only reads. */
  readonly standby?: boolean
}

/** A Postgres of the test's own that listens on 127.0.0.1, with the database `agent_install` and the role `postgres`. */
export const ownServer = (options: OwnServer = {}) =>
  Effect.gen(function* () {
    const dataDir = yield* ownFolder
    const place = yield* findOrMake({ dataDir, settings: { fsync: "off" } })
    const owner = statSync(place.cluster)
    const { bin, runner } = yield* toolsFor(dataDir, owner)
    const put = (name: string, text: string) => {
      const file = join(place.cluster, name)
      writeFileSync(file, text)
      chownSync(file, owner.uid, owner.gid)
      chmodSync(file, 0o600)
    }
    if (options.hba !== undefined) put("pg_hba.conf", ["local all all trust", ...options.hba, ""].join("\n"))
    if (options.standby === true) put("standby.signal", "")
    if (options.tls !== undefined) {
      const { authority, certificate, key } = options.tls
      for (const [name, from] of [
        ["server.crt", certificate],
        ["server.key", key],
        ["root.crt", authority]
      ] as const) {
        put(name, execFileSync("cat", [from], { encoding: "utf8" }))
      }
      appendFileSync(
        join(place.cluster, "postgresql.conf"),
        "\nssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\nssl_ca_file = 'root.crt'\n"
      )
    }
    const port = yield* freePort
    const folder = folderSeenBy(runner, place.cluster)
    const settings = { fsync: "off", listen_addresses: "127.0.0.1", log_min_messages: "fatal", ...options.settings }
    const asked = (text: string, database = "postgres") =>
      Effect.tryPromise(async () => {
        const client = new pg.Client({ host: place.cluster, port, user: "postgres", database, ssl: false })
        client.on("error", () => {})
        await client.connect()
        try {
          return (await client.query(text)).rows
        } finally {
          await client.end()
        }
      })
    yield* serving(
      {
        program: join(bin, "postgres"),
        args: ["-D", folder.path, "-k", folder.path, "-p", String(port)],
        settings,
        options: { ...runner.as, cwd: folder.cwd }
      },
      asked("SELECT")
    )
    return {
      port,
      socketFolder: place.cluster,
      query: (text: string, database?: string) => Effect.orDie(asked(text, database))
    }
  })
