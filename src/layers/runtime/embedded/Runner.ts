import { readFile } from "node:fs/promises"
import { Effect } from "effect"
import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts"
import { attempt, isRoot } from "./Files.ts"
import { run } from "./Process.ts"

/** The user who runs Postgres, and whether that user can reach DATA_DIR by its path. */
export interface Runner {
  readonly as: { readonly uid?: number; readonly gid?: number }
  readonly needsWorkingDirectory: boolean
}

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Postgres refuses to run as root: root runs it as the cluster's owner, else as `postgres`, else as `nobody`. */
export const chooseRunner = Effect.fnUntraced(function* (dataDir: string, owner: Owner | undefined) {
  if (!isRoot()) return { as: {}, needsWorkingDirectory: false } satisfies Runner

  const user = owner === undefined ? yield* systemUser : { ...owner, name: `uid ${owner.uid}` }
  if (user.uid === 0) {
    return yield* new EmbeddedPostgresError({
      reason: `${dataDir}/pg belongs to root, and Postgres refuses to run as root`
    })
  }
  const as = { uid: user.uid, gid: user.gid }
  const passable = yield* run("/bin/sh", ["-c", 'test -x "$1"', "sh", dataDir], { ...as, cwd: "/" }).pipe(
    Effect.mapError(
      (error) =>
        new EmbeddedPostgresError({
          reason: `Postgres refuses to run as root, and this process may not switch to ${user.name} (${error.reason})`
        })
    )
  )
  if (!passable.ok && process.platform !== "linux") {
    return yield* new EmbeddedPostgresError({ reason: `${user.name}, who runs Postgres, may not enter ${dataDir}` })
  }
  return { as, needsWorkingDirectory: !passable.ok } satisfies Runner
})

const systemUser = Effect.gen(function* () {
  const entries = (yield* attempt(() => readFile("/etc/passwd", "utf8"))).split("\n").map((line) => line.split(":"))
  for (const wanted of ["postgres", "nobody"]) {
    const entry = entries.find(([name]) => name === wanted)
    if (entry !== undefined) return { name: wanted, uid: Number(entry[2]), gid: Number(entry[3]) }
  }
  return yield* new EmbeddedPostgresError({
    reason: "Postgres refuses to run as root, and there is neither a user postgres nor a user nobody"
  })
})

/**
 * How a child process of this runner is given a folder. If the runner has no access to the folders above, the child is
 * started inside it (node changes directory while still root) and knows it only as its working directory.
 */
export const folderSeenBy = (runner: Runner, folder: string) =>
  runner.needsWorkingDirectory ? { path: "/proc/self/cwd", cwd: folder } : { path: folder, cwd: "/" }
