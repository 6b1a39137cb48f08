import { chmod, mkdir, readdir, rm, stat } from "node:fs/promises"
import path from "node:path"
import { Clock, Effect } from "effect"
import { fromCause } from "./EmbeddedPostgresError.ts"

export const attempt = <A>(call: () => Promise<A>) => Effect.tryPromise({ try: call, catch: fromCause })

export const isCode = (cause: unknown, ...codes: ReadonlyArray<string>) =>
  cause instanceof Error && "code" in cause && codes.some((code) => code === cause.code)

/** The result, or undefined if the file does not exist. */
export const orMissing = <A>(call: () => Promise<A>) =>
  attempt(() => call().catch((cause) => (isCode(cause, "ENOENT") ? undefined : Promise.reject(cause))))

export const isRoot = () => process.getuid?.() === 0

export const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return isCode(cause, "EPERM")
  }
}

/**
 * Makes a folder that other users can access. Root's umask may forbid that, and Postgres, which never runs as root,
 * could then not reach the files inside. Existing folders keep their modes.
 */
export const makeTraversable = (folder: string) => attempt(() => makeWithParents(folder))

// Node's own recursive mkdir never returns where the system answers ENOENT below a folder that exists, as in /proc.
const makeWithParents = async (folder: string): Promise<void> => {
  if (await isFolder(folder)) return
  const parent = path.dirname(folder)
  if (parent !== folder) await makeWithParents(parent)
  try {
    await mkdir(folder)
    if (isRoot()) await chmod(folder, 0o755)
  } catch (cause) {
    if (!isCode(cause, "EEXIST") || !(await isFolder(folder))) throw cause
  }
}

const isFolder = (folder: string) =>
  stat(folder).then(
    (found) => found.isDirectory(),
    () => false
  )

const abandonedAfter = 10 * 60 * 1000

/**
 * Removes `<prefix><pid>-…` folders whose process has ended. A process id alone proves little (in a container it is the
 * same at each start), so the age decides as well.
 */
export const dropAbandoned = Effect.fnUntraced(function* (folder: string, prefix: string) {
  const now = yield* Clock.currentTimeMillis
  const names = (yield* attempt(() => readdir(folder))).filter((name) => name.startsWith(prefix))
  yield* Effect.forEach(names, (name) =>
    attempt(async () => {
      const made = path.join(folder, name)
      const pid = Number.parseInt(name.slice(prefix.length), 10)
      if (!isAlive(pid) || now - (await stat(made)).mtimeMs > abandonedAfter) {
        await rm(made, { recursive: true, force: true })
      }
    }).pipe(Effect.ignore)
  )
})
