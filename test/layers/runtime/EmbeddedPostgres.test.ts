import { spawn } from "node:child_process"
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import os from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Scope } from "effect"
import pg from "pg"
import { EmbeddedPostgresError, open } from "../../../src/layers/runtime/EmbeddedPostgres.ts"
import { installed, usable } from "../../../src/layers/runtime/embedded/Binaries.ts"
import { isAlive } from "../../../src/layers/runtime/embedded/Files.ts"
import { run } from "../../../src/layers/runtime/embedded/Process.ts"
import { chooseRunner } from "../../../src/layers/runtime/embedded/Runner.ts"

const isRoot = process.getuid?.() === 0
const settings = { fsync: "off" }
const timeout = 120_000
const root = fileURLToPath(new URL("../../..", import.meta.url))
const fixture = path.join(root, "test/fixtures/open-postgres.ts")
const viteNode = path.join(root, "node_modules/.bin/vite-node")

const promised = <A>(call: () => Promise<A>) => Effect.promise(call)

/** A folder of the test's own; as root, one that the user who runs Postgres may pass, unless `mode` says otherwise. */
const tempFolder = (mode = 0o755) =>
  Effect.acquireRelease(
    promised(async () => {
      const folder = await mkdtemp(path.join(os.tmpdir(), "embedded-postgres-"))
      await chmod(folder, mode)
      return folder
    }),
    (folder) => promised(() => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))
  )

/** A DATA_DIR with a cluster in it, copied from one that is made once. */
const usedFolder = Effect.gen(function* () {
  const dataDir = yield* tempFolder()
  const copied = yield* run("/bin/cp", ["-a", path.join(template, "pg"), dataDir], {})
  assert.isTrue(copied.ok, copied.how)
  return dataDir
})

let template = ""
const templateScope = Effect.runSync(Scope.make())

beforeAll(async () => {
  const made = Effect.tap(tempFolder(), (dataDir) => Effect.scoped(open({ dataDir, settings })))
  template = await Effect.runPromise(Scope.extend(made, templateScope))
}, timeout)

afterAll(() => Effect.runPromise(Scope.close(templateScope, Exit.void)))

const until = (what: string, check: Effect.Effect<boolean>) =>
  Effect.gen(function* () {
    while (!(yield* check)) yield* Effect.sleep("20 millis")
  }).pipe(Effect.timeoutFail({ duration: "60 seconds", onTimeout: () => new Error(`never: ${what}`) }), Effect.orDie)

const postmasterPid = (dataDir: string) =>
  promised(async () =>
    Number.parseInt(await readFile(path.join(dataDir, "pg/postmaster.pid"), "utf8").catch(() => ""), 10)
  )

/** A zombie counts as gone: whoever is process 1 may take its time to bury an orphan. */
const runs = (pid: number) =>
  promised(async () => {
    const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")
    return isAlive(pid) && !/\) Z /.test(state)
  })

const gone = (pid: number) => until(`process ${pid} is gone`, Effect.negate(runs(pid)))

/** Postgres has let go of the cluster, its last backend included. */
const stopped = (dataDir: string) => until("the server is stopped", Effect.map(postmasterPid(dataDir), Number.isNaN))

const poolOf = ({ url }: { readonly url: Redacted.Redacted<string> }) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const pool = new pg.Pool({ connectionString: Redacted.value(url), max: 2 })
      pool.on("error", () => undefined)
      return pool
    }),
    (pool) => promised(() => pool.end())
  )

const ask = (pool: pg.Pool, text: string) => promised(() => pool.query({ text, rowMode: "array" }).then((r) => r.rows))

/** As a service does it: the same pool, again until it answers. */
const askAgain = (pool: pg.Pool, text: string) =>
  Effect.tryPromise(() => pool.query({ text, rowMode: "array" }).then((r) => r.rows)).pipe(
    Effect.tapError(() => Effect.sleep("20 millis")),
    Effect.eventually,
    Effect.timeout("60 seconds"),
    Effect.orDie
  )

/** Another process with the same DATA_DIR, and the lines it wrote. */
const otherProcess = (dataDir: string, ...mode: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const args = [viteNode, fixture, dataDir, ...mode]
        const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] })
        createInterface({ input: child.stdout }).on("line", (line) => lines.push(line))
        return child
      }),
      (child) =>
        Effect.gen(function* () {
          child.kill("SIGKILL")
          if (child.pid !== undefined) yield* gone(child.pid)
        })
    )
    const ready = until(
      "the other process is ready",
      Effect.sync(() => lines.includes("ready"))
    )
    const pid = child.pid ?? Number.NaN
    return { pid, lines, ready, kill: (signal: NodeJS.Signals) => Effect.sync(() => child.kill(signal)) }
  })

/** What a process that inserts has been promised so far. */
const lastAcknowledged = (lines: ReadonlyArray<string>) => Number(lines.findLast((line) => /^\d+$/.test(line)) ?? 0)

const assertKept = (dataDir: string, acknowledged: number) =>
  Effect.gen(function* () {
    const pool = yield* poolOf(yield* open({ dataDir, settings }))
    const [[count, last]] = (yield* ask(pool, "SELECT count(*)::int, max(n) FROM acked")) as [[number, number]]
    assert.strictEqual(count, last, "no gaps")
    assert.isAtLeast(last, acknowledged)
  })

const reasonOf = (dataDir: string) => open({ dataDir, settings }).pipe(Effect.scoped, Effect.flip)

describe("EmbeddedPostgres", () => {
  it.scopedLive(
    "starts on an empty folder, as a role that is no superuser, and keeps the data between starts",
    () =>
      Effect.gen(function* () {
        const dataDir = path.join(yield* tempFolder(), "not", "there yet")
        yield* Effect.gen(function* () {
          const pool = yield* poolOf(yield* open({ dataDir, settings }))
          const [role] = yield* ask(
            pool,
            `SELECT current_user, rolsuper, rolcreatedb, pg_get_userbyid(datdba), pg_encoding_to_char(encoding),
                  current_setting('fsync'), inet_server_addr()
           FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()`
          )
          assert.deepStrictEqual(role, ["agent_install", false, true, "agent_install", "UTF8", "off", null])
          yield* ask(pool, "CREATE TABLE kept AS SELECT 'Grüße' AS words")
        }).pipe(Effect.scoped)
        assert.isNaN(yield* postmasterPid(dataDir), "stopped with its scope")

        const pool = yield* poolOf(yield* open({ dataDir, settings }))
        assert.deepStrictEqual(yield* ask(pool, "SELECT words FROM kept"), [["Grüße"]])
      }),
    timeout
  )

  it.scopedLive(
    "attaches to another process's server, leaves it running, and takes over when its owner goes",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* usedFolder
        const owner = yield* otherProcess(dataDir)
        yield* owner.ready
        const theirs = yield* postmasterPid(dataDir)

        yield* Effect.scoped(open({ dataDir, settings }))
        assert.strictEqual(yield* postmasterPid(dataDir), theirs)
        assert.isTrue(yield* runs(theirs), "closing an attached scope stops nothing")

        const scope = yield* Scope.make()
        const pool = yield* poolOf(yield* Scope.extend(open({ dataDir, settings }), scope))
        yield* ask(pool, "CREATE TABLE kept AS SELECT 1 AS one")
        yield* owner.kill("SIGTERM")
        yield* gone(owner.pid)
        yield* gone(theirs)

        assert.deepStrictEqual(yield* askAgain(pool, "SELECT one FROM kept"), [[1]])
        const ours = yield* postmasterPid(dataDir)
        yield* Scope.close(scope, Exit.void)
        assert.isFalse(yield* runs(ours), "what it took over, it stops")
      }),
    timeout
  )

  it.scopedLive(
    "serves again at the same address after kill -9 of the server, and stays away once closed",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* usedFolder
        const scope = yield* Scope.make()
        const pool = yield* poolOf(yield* Scope.extend(open({ dataDir, settings }), scope))
        yield* ask(pool, "CREATE TABLE kept AS SELECT 1 AS one")
        for (let round = 0; round < 2; round++) {
          const pid = yield* postmasterPid(dataDir)
          process.kill(pid, "SIGKILL")
          yield* gone(pid)
          assert.deepStrictEqual(yield* askAgain(pool, "SELECT one FROM kept"), [[1]])
          assert.notStrictEqual(yield* postmasterPid(dataDir), pid)
        }

        // Closed in the middle of starting again: nothing may be left behind.
        process.kill(yield* postmasterPid(dataDir), "SIGKILL")
        yield* Effect.sleep("70 millis")
        yield* Scope.close(scope, Exit.void)
        const last = yield* postmasterPid(dataDir)
        assert.isTrue(Number.isNaN(last) || !(yield* runs(last)))
      }),
    timeout
  )

  it.scopedLive(
    "ends the server when its process is killed, and has every acknowledged row at the next start",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* usedFolder
        const owner = yield* otherProcess(dataDir, "insert")
        yield* until(
          "some rows are acknowledged",
          Effect.sync(() => lastAcknowledged(owner.lines) > 50)
        )
        const pid = yield* postmasterPid(dataDir)
        yield* owner.kill("SIGKILL")
        yield* gone(pid)
        yield* stopped(dataDir)
        yield* gone(owner.pid)
        yield* assertKept(dataDir, lastAcknowledged(owner.lines))
      }),
    timeout
  )

  it.scopedLive(
    "recovers when both processes are killed at once",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* usedFolder
        const owner = yield* otherProcess(dataDir, "insert")
        yield* until(
          "some rows are acknowledged",
          Effect.sync(() => lastAcknowledged(owner.lines) > 50)
        )
        process.kill(yield* postmasterPid(dataDir), "SIGKILL")
        yield* owner.kill("SIGKILL")
        yield* gone(owner.pid)
        yield* assertKept(dataDir, lastAcknowledged(owner.lines))
      }),
    timeout
  )

  it.scopedLive(
    "lets one of several openers of an empty folder own the server, and the others attach",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* tempFolder()
        const others = yield* Effect.all([otherProcess(dataDir), otherProcess(dataDir)])
        // Spawned processes take a moment to load: with their first sight of the folder the race is on.
        yield* until(
          "one of the others is at work",
          promised(() => readdir(dataDir).then((names) => names.length > 0))
        )
        const both = yield* Effect.all([open({ dataDir, settings }), open({ dataDir, settings })], {
          concurrency: "unbounded"
        })
        yield* Effect.forEach(others, (other) => other.ready)
        for (const opened of both) {
          assert.deepStrictEqual(yield* ask(yield* poolOf(opened), "SELECT 1"), [[1]])
        }
        const log = yield* promised(() => readFile(path.join(dataDir, "pg.log"), "utf8"))
        assert.lengthOf(log.match(/ready to accept connections/g) ?? [], 1)
        assert.isEmpty((yield* promised(() => readdir(dataDir))).filter((name) => name.startsWith("pg.init-")))
      }),
    timeout
  )

  it.scopedLive(
    "lets one of several openers of a stopped cluster start it, and the others attach",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* usedFolder
        const opened = yield* Effect.all(
          Array.from({ length: 6 }, () => open({ dataDir, settings })),
          { concurrency: "unbounded" }
        )
        for (const one of opened) {
          assert.deepStrictEqual(yield* ask(yield* poolOf(one), "SELECT 1"), [[1]])
        }
        const log = yield* promised(() => readFile(path.join(dataDir, "pg.log"), "utf8"))
        assert.lengthOf(log.match(/ready to accept connections/g) ?? [], 1)
      }),
    timeout
  )

  it.scopedLive(
    "starts although its lock files name a process that has nothing to do with it, or nothing at all",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* usedFolder
        const cluster = path.join(dataDir, "pg")
        yield* Effect.scoped(open({ dataDir, settings }))
        const { gid, uid } = yield* promised(() => stat(cluster))
        const stranger = yield* Effect.acquireRelease(
          Effect.sync(() => spawn("sleep", ["60"], { cwd: "/", ...(isRoot ? { uid, gid } : {}) })),
          (child) => Effect.sync(() => child.kill("SIGKILL"))
        )
        for (const text of [`${stranger.pid}\n${cluster}\n1700000000\n5432\n${cluster}\n\n`, ""]) {
          yield* promised(() => writeFile(path.join(cluster, "postmaster.pid"), text))
          yield* promised(() => writeFile(path.join(cluster, ".s.PGSQL.5432.lock"), text))
          yield* Effect.scoped(open({ dataDir, settings }))
        }
        assert.isTrue(yield* runs(stranger.pid ?? 0))
        assert.isEmpty((yield* promised(() => readdir(cluster))).filter((name) => name.includes("stale")))
      }),
    timeout
  )

  it.scopedLive(
    "finds a short place for the socket where DATA_DIR is too long for one, or has a comma",
    () =>
      Effect.gen(function* () {
        for (const name of [`long and ümlaut ${"x".repeat(100)}`, "one, two"]) {
          const dataDir = path.join(yield* tempFolder(), name)
          const opened = yield* open({ dataDir, settings })
          const socketDir = new URLSearchParams(Redacted.value(opened.url).split("?")[1]).get("host") ?? ""
          yield* Effect.addFinalizer(() => promised(() => rm(socketDir, { recursive: true, force: true })))
          assert.match(socketDir, /^\/tmp\/pg-/)
          assert.strictEqual((yield* promised(() => stat(socketDir))).mode & 0o777, 0o700)
          assert.deepStrictEqual(yield* ask(yield* poolOf(opened), "SELECT 1"), [[1]])
        }
      }),
    timeout
  )

  // Only root runs Postgres as somebody else, who then may not enter what root may.
  it.scopedLive.skipIf(!isRoot)(
    "as root, serves from below a folder that only root may enter",
    () =>
      Effect.gen(function* () {
        const dataDir = path.join(yield* tempFolder(0o700), "data")
        for (const expected of [1, 2]) {
          yield* Effect.gen(function* () {
            const pool = yield* poolOf(yield* open({ dataDir, settings }))
            yield* ask(pool, "CREATE TABLE IF NOT EXISTS starts (n int)")
            yield* ask(pool, "INSERT INTO starts VALUES (1)")
            assert.deepStrictEqual(yield* ask(pool, "SELECT count(*)::int FROM starts"), [[expected]])
            yield* ask(pool, `CREATE DATABASE sibling_${expected}`)
            if (expected === 2) {
              const pid = yield* postmasterPid(dataDir)
              process.kill(pid, "SIGKILL")
              yield* gone(pid)
              assert.deepStrictEqual(yield* askAgain(pool, "SELECT count(*)::int FROM starts"), [[2]])
            }
          }).pipe(Effect.scoped)
        }
        assert.notStrictEqual((yield* promised(() => stat(path.join(dataDir, "pg")))).uid, 0)
      }),
    timeout
  )

  it.scopedLive(
    "makes the libraries' links where npm did not, and copies binaries it cannot use in place",
    () =>
      Effect.gen(function* () {
        const { native, version } = yield* installed(`${process.platform}-${process.arch}`)
        const folder = yield* tempFolder()
        const dataDir = path.join(folder, "data")
        yield* promised(() => mkdir(dataDir))
        yield* promised(() => chmod(dataDir, 0o755))
        const runner = yield* chooseRunner(dataDir, undefined)
        const folders = { dataDir, cache: path.join(folder, "cache") }

        const closed = path.join(folder, "closed")
        const source = path.join(closed, "native")
        yield* promised(() => mkdir(closed))
        yield* run("/bin/cp", ["-R", native, source], {})
        yield* run("/bin/chmod", ["-R", "a+rX", closed], {})
        const links = (yield* promised(() => readdir(path.join(source, "lib")))).filter((name) =>
          /\.so(\.\d+)?$/.test(name)
        )
        yield* promised(() => Promise.all(links.map((name) => rm(path.join(source, "lib", name)))))
        const bin = yield* usable(runner, { native: source, version }, folders)
        assert.strictEqual(bin, path.join(source, "bin"), "repaired in place")

        // Root's Postgres may not enter the one, an ordinary user may not write the links to the other.
        yield* promised(async () => {
          await rm(path.join(source, "lib", "libicuuc.so.60"))
          await chmod(isRoot ? closed : path.join(source, "lib"), isRoot ? 0o700 : 0o555)
        })
        yield* Effect.addFinalizer(() => promised(() => chmod(path.join(source, "lib"), 0o755)))
        const copies = yield* Effect.forEach([0, 1], () => usable(runner, { native: source, version }, folders), {
          concurrency: "unbounded"
        })
        const expected = path.join(dataDir, "pg-bin", version, "bin")
        assert.deepStrictEqual(copies, [expected, expected])
        assert.deepStrictEqual(yield* promised(() => readdir(path.join(dataDir, "pg-bin"))), [version])
        assert.isTrue((yield* run(path.join(expected, "initdb"), ["-V"], { ...runner.as, cwd: "/" })).ok)
      }),
    timeout
  )

  it.scopedLive(
    "refuses a folder of another major version, and one that holds something else",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* tempFolder()
        const cluster = path.join(dataDir, "pg")
        yield* promised(() => mkdir(cluster))
        yield* promised(() => writeFile(path.join(cluster, "PG_VERSION"), "17\n"))
        const error = yield* reasonOf(dataDir)
        assert.instanceOf(error, EmbeddedPostgresError)
        assert.strictEqual(
          error.message,
          `Embedded Postgres cannot run: ${cluster} was made by Postgres 17, this is Postgres 18. ` +
            "Set DATABASE_URL to use a Postgres of your own, or change DATA_DIR."
        )
        yield* promised(() => rm(path.join(cluster, "PG_VERSION")))
        yield* promised(() => writeFile(path.join(cluster, "diary.txt"), "Dear diary"))
        assert.match((yield* reasonOf(dataDir)).reason, /holds files but no Postgres cluster$/)
      }),
    timeout
  )

  it.scopedLive(
    "says why where it may not write, cannot start, or has no binaries",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder()
        yield* promised(() => writeFile(path.join(folder, "file"), ""))
        assert.match((yield* reasonOf(path.join(folder, "file", "data"))).reason, /^(ENOTDIR|EEXIST): .*mkdir/)
        assert.match((yield* reasonOf("/proc/nowhere")).reason, /^E(NOENT|ACCES): .*mkdir/)

        // Root may write everywhere, so this says something only about others.
        if (!isRoot) {
          const sealed = path.join(folder, "sealed")
          yield* promised(() => mkdir(sealed, { mode: 0o555 }))
          assert.match((yield* reasonOf(sealed)).reason, /^EACCES: permission denied/)
          assert.match((yield* reasonOf(path.join(sealed, "data"))).reason, /^EACCES: permission denied, mkdir/)
        }

        const dataDir = path.join(folder, "data")
        const error = yield* open({ dataDir, settings: { ...settings, shared_buffers: "nonsense" } }).pipe(
          Effect.scoped,
          Effect.flip
        )
        assert.match(error.reason, /^Postgres did not start: .*shared_buffers.* \(see .*data\/pg\.log\)$/)

        assert.strictEqual((yield* Effect.flip(installed("plan9-mips"))).reason, "no Postgres binaries for plan9-mips")
      }),
    timeout
  )
})
