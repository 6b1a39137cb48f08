import { execFileSync } from "node:child_process"
import { chmodSync, chownSync, existsSync, readdirSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Redacted } from "effect"
import { ensureDatabase, urlOf } from "../src/layers/runtime/embedded/Socket.ts"
import { serving } from "./postgres.ts"

const versions = "/usr/lib/postgresql"

/** The programs of the newest Postgres that Debian's packages have put here; none where there is none. */
const programs = () => {
  const [newest] = existsSync(versions)
    ? readdirSync(versions)
        .filter((version) => existsSync(join(versions, version, "bin", "initdb")))
        .sort((a, b) => Number(b) - Number(a))
    : []
  return newest === undefined ? undefined : join(versions, newest, "bin")
}

/** Whether there is a packaged Postgres to start. */
export const hasPackagedPostgres = programs() !== undefined

/** Postgres refuses to be root: the packages have made a user for it. */
const runner = () => {
  if (process.getuid?.() !== 0) return {}
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "postgres"]).toString())
  return { uid: idOf("-u"), gid: idOf("-g") }
}

const environment = { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8" }

/**
 * A Postgres as Debian and most hosts ship it: statements may be compiled (JIT), unlike in the embedded one. It has the role and the
 * database that the embedded one has, and is gone with the scope; the address is that role's.
 */
export const openPackaged = (settings: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const bin = programs()
    if (bin === undefined) return yield* Effect.dieMessage("Install Debian's package postgresql")
    const as = runner()
    const folder = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        const made = await mkdtemp(join(tmpdir(), "agent-install-packaged-"))
        chmodSync(made, 0o755)
        if (as.uid !== undefined && as.gid !== undefined) chownSync(made, as.uid, as.gid)
        return made
      }),
      (made) => Effect.promise(() => rm(made, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))
    )
    const cluster = join(folder, "pg")
    execFileSync(join(bin, "initdb"), ["-D", cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"], {
      ...as,
      cwd: folder,
      env: environment,
      stdio: "ignore"
    })
    yield* serving(
      {
        program: join(bin, "postgres"),
        args: ["-D", cluster],
        settings: { listen_addresses: "", unix_socket_directories: folder, ...settings },
        options: { ...as, cwd: folder }
      },
      ensureDatabase(folder)
    )
    return { url: Redacted.make(urlOf(folder)) }
  })
