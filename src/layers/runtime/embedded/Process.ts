import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process"
import { Effect } from "effect"
import { fromCause } from "./EmbeddedPostgresError.ts"

export interface Launched {
  readonly child: ChildProcess
  /** Settles once, and never rejects: how the process ended, or why it never began. */
  readonly ended: Promise<Ended>
}

export interface Ended {
  readonly ok: boolean
  readonly how: string
  readonly killed: boolean
}

// Only the system's libraries and tools: the service's environment holds secrets that Postgres does not need, and
// locale variables would change what initdb makes.
const environment = { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C" }

/**
 * Spawns with the listeners attached in the same turn: an `error` event nobody listens to would end this process, and
 * some failures (EPERM, EINVAL) are thrown instead of emitted.
 */
export const launch = (file: string, args: ReadonlyArray<string>, options: SpawnOptions) =>
  Effect.try({
    try: (): Launched => {
      const child = spawn(file, args, { ...options, env: environment })
      const ended = new Promise<Ended>((resolve) => {
        child.once("error", (error) => resolve({ ok: false, how: error.message, killed: false }))
        child.once("close", (code, signal) =>
          resolve({
            ok: code === 0,
            how: signal === null ? `exit code ${code}` : `ended by ${signal}`,
            killed: signal !== null
          })
        )
      })
      return { child, ended }
    },
    catch: fromCause
  })

/** Runs a command to its end; where it fails, `how` is the last line it wrote. */
export const run = (file: string, args: ReadonlyArray<string>, options: SpawnOptions) =>
  Effect.acquireUseRelease(
    launch(file, args, { ...options, stdio: ["ignore", "pipe", "pipe"] }).pipe(
      Effect.map((launched) => {
        const said: Array<string> = []
        launched.child.stdout?.on("data", (part) => said.push(String(part)))
        launched.child.stderr?.on("data", (part) => said.push(String(part)))
        return { ...launched, said }
      })
    ),
    ({ ended, said }) =>
      Effect.promise(() => ended).pipe(
        Effect.map((end): Ended => (end.ok ? end : { ...end, how: said.join("").trim().split("\n").at(-1) || end.how }))
      ),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )
