import { createHash } from "node:crypto"
import {
  chown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat
} from "node:fs/promises"
import path from "node:path"
import { Effect, Random } from "effect"
import { type Binaries, installed, usable } from "./Binaries.ts"
import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts"
import { attempt, dropAbandoned, isAlive, isCode, isRoot, makeTraversable, orMissing } from "./Files.ts"
import { run } from "./Process.ts"
import { chooseRunner, folderSeenBy, type Owner, type Runner } from "./Runner.ts"
import { fits, socketName } from "./Socket.ts"

const major = "18"
const cache = "/var/cache/agent-install"

/** An existing cluster, and the address of its server. */
export interface ClusterPaths {
  readonly dataDir: string
  readonly cluster: string
  readonly socketDir: string
  readonly log: string
  readonly settings: Readonly<Record<string, string>>
}

export interface Tools {
  readonly runner: Runner
  readonly bin: string
}

/** Finds the cluster of a DATA_DIR, or makes one. */
export const findOrMake = Effect.fnUntraced(function* (options: {
  readonly dataDir: string
  readonly settings?: Readonly<Record<string, string>>
}) {
  const named = path.resolve(options.dataDir)
  yield* makeTraversable(named)
  const dataDir = yield* attempt(() => realpath(named))
  const cluster = path.join(dataDir, "pg")
  const settings = options.settings ?? {}

  if ((yield* inspect(cluster)) === undefined) {
    yield* make(dataDir, cluster, settings.fsync === "off" ? ["--no-sync"] : [])
  }
  const owner = yield* inspect(cluster)
  if (owner === undefined) return yield* new EmbeddedPostgresError({ reason: `${cluster} is gone` })

  const socketDir = fits(cluster) ? cluster : yield* shortFolder(dataDir, owner)
  return { dataDir, cluster, socketDir, log: path.join(dataDir, "pg.log"), settings } satisfies ClusterPaths
})

/**
 * The user that runs this cluster, and the binaries; determined at each start, since both may change while the service
 * runs.
 */
export const toolsFor = Effect.fnUntraced(function* (dataDir: string, owner: Owner | undefined) {
  const runner = yield* chooseRunner(dataDir, owner)
  const binaries: Binaries = yield* installed(`${process.platform}-${process.arch}`)
  const bin = yield* usable(runner, binaries, { dataDir, cache })
  return { runner, bin } satisfies Tools
})

/** The owner of a usable cluster, or undefined if there is none yet. */
export const inspect = Effect.fnUntraced(function* (cluster: string) {
  const owner = yield* orMissing(() => stat(cluster))
  if (owner === undefined) return undefined
  const uid = process.getuid?.()
  if (uid !== 0 && uid !== owner.uid) {
    return yield* new EmbeddedPostgresError({
      reason: `${cluster} belongs to uid ${owner.uid}, this process is uid ${uid}`
    })
  }
  const version = (yield* orMissing(() => readFile(path.join(cluster, "PG_VERSION"), "utf8")))?.trim()
  if (version === undefined) {
    // An empty folder counts as none: a new cluster can be renamed over it.
    if ((yield* attempt(() => readdir(cluster))).length === 0) return undefined
    return yield* new EmbeddedPostgresError({ reason: `${cluster} holds files but no Postgres cluster` })
  }
  if (version !== major) {
    return yield* new EmbeddedPostgresError({
      reason: `${cluster} was made by Postgres ${version}, this is Postgres ${major}`
    })
  }
  return { uid: owner.uid, gid: owner.gid } satisfies Owner
})

const draftPrefix = "pg.init-"

/**
 * The first to rename has made the cluster, so openers need no lock, and a killed initdb leaves no incomplete cluster.
 */
const make = (dataDir: string, cluster: string, flags: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    yield* dropAbandoned(dataDir, draftPrefix)
    yield* Effect.logInfo("Making a Postgres cluster in DATA_DIR, which takes a few seconds, once")
    const { bin, runner } = yield* toolsFor(dataDir, undefined)
    yield* Effect.acquireUseRelease(
      attempt(() => mkdtemp(path.join(dataDir, `${draftPrefix}${process.pid}-`))),
      (draft) => initdb(runner, bin, draft, flags).pipe(Effect.zipRight(takePlace(dataDir, draft, cluster))),
      (draft) => Effect.promise(() => rm(draft, { recursive: true, force: true }).catch(() => undefined))
    )
  })

const initdb = Effect.fnUntraced(function* (runner: Runner, bin: string, draft: string, flags: ReadonlyArray<string>) {
  const { gid, uid } = runner.as
  if (uid !== undefined && gid !== undefined) yield* attempt(() => chown(draft, uid, gid))
  const { cwd, path: folder } = folderSeenBy(runner, draft)
  const locale = ["-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
  const args = ["-D", folder, "-U", "postgres", "-A", "trust", ...locale, "--set", "timezone=UTC", ...flags]
  const end = yield* run(path.join(bin, "initdb"), args, { ...runner.as, cwd })
  if (!end.ok) return yield* new EmbeddedPostgresError({ reason: `initdb failed: ${end.how}` })
})

const takePlace = (dataDir: string, draft: string, cluster: string) =>
  attempt(async () => {
    await rename(draft, cluster).catch((cause) =>
      isCode(cause, "ENOTEMPTY", "EEXIST") ? undefined : Promise.reject(cause)
    )
    const folder = await open(dataDir)
    await folder.sync().finally(() => folder.close())
  })

/**
 * The folder for the socket if DATA_DIR can't hold one; always below /tmp, since TMPDIR may differ between processes.
 */
const shortFolder = (dataDir: string, owner: Owner) =>
  Effect.gen(function* () {
    const folder = `/tmp/pg-${createHash("sha256").update(dataDir).digest("hex").slice(0, 24)}`
    yield* attempt(() =>
      mkdir(folder, { mode: 0o700 }).catch((cause) => (isCode(cause, "EEXIST") ? undefined : Promise.reject(cause)))
    )
    const found = yield* attempt(() => lstat(folder))
    if (isRoot() && found.isDirectory() && found.uid === 0) {
      yield* attempt(() => chown(folder, owner.uid, owner.gid))
    } else if (!found.isDirectory() || found.uid !== owner.uid || (found.mode & 0o077) !== 0) {
      return yield* new EmbeddedPostgresError({ reason: `${folder}, needed for a socket, belongs to somebody else` })
    }
    return folder
  })

/**
 * Moves away the lock files that Postgres mistakes for those of a running server: empty ones, and those whose process
 * id now belongs to another program. In doubt a file stays, since Postgres clears the other kinds.
 */
export const dropStaleLocks = (place: ClusterPaths) =>
  Effect.forEach(
    [path.join(place.cluster, "postmaster.pid"), path.join(place.socketDir, `${socketName}.lock`)],
    (file) =>
      Effect.gen(function* () {
        const text = yield* orMissing(() => readFile(file, "utf8"))
        if (text === undefined || !(yield* isStale(place.cluster, text))) return
        const aside = `${file}.stale-${yield* Random.nextIntBetween(0, 2 ** 31)}`
        yield* attempt(async () => {
          await rename(file, aside)
          // A server that started in between wrote its own file: link, unlike rename, never overwrites a third one.
          if ((await readFile(aside, "utf8")) !== text) await link(aside, file).catch(() => undefined)
          await rm(aside, { force: true })
        })
      }).pipe(Effect.ignore),
    { discard: true }
  )

const isStale = (cluster: string, text: string) =>
  Effect.gen(function* () {
    if (text.trim() === "") return true
    const pid = Math.abs(Number.parseInt(text, 10))
    if (process.platform !== "linux" || !isAlive(pid)) return false
    const ours = yield* attempt(() => stat(cluster))
    // A server's working directory is its cluster; a zombie has none.
    const theirs = yield* orMissing(() => stat(`/proc/${pid}/cwd`))
    return theirs === undefined || theirs.dev !== ours.dev || theirs.ino !== ours.ino
  })

/** The process id of the server that holds the cluster, from its lock file. */
export const postmasterPid = (cluster: string) =>
  orMissing(() => readFile(path.join(cluster, "postmaster.pid"), "utf8")).pipe(
    Effect.map((text) => Number.parseInt(text ?? "", 10))
  )
